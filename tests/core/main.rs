//! The pure core: properties, whatever the object, the ledger and the answers are, and its decisions one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod answers;
mod any;
mod clocks;
mod days;
mod decisions;
mod evidence;
mod given;
mod ledger;
mod neighbours;
mod outcomes;
mod reasons;
mod schedule;
mod sights;
mod targets;
mod unsettled;
