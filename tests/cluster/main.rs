//! The main job on a real API server, with the real kubectl, over real HTTP: one namespace, one provider simulator and
//! one operator process per test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bed;

mod costs;
mod crashes;
mod main_job;
mod shutdown;
mod twins;
mod unknown_outcomes;
