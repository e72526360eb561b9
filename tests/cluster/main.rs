//! The main job on a real API server, with the real kubectl, over real HTTP: one namespace, one provider simulator and
//! one operator process per test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bed;

mod main_job;
