//! The checker has teeth: for each property a trace that violates it is caught, and one that does not passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod progress;
mod recovery;
mod release;
mod sends;
mod story;
mod truth;
