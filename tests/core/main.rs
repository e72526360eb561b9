//! Properties of the pure core: whatever the object, the ledger and the answers are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod any;
mod clocks;
mod decisions;
mod ledger;
mod outcomes;
mod reasons;
mod sights;
