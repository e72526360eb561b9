//! Deletions on the real API server through a proxy that knows each of their calls: the operator is killed, or a call
//! fails, at every one of them. One namespace, one provider simulator, one proxy and one operator process per plan.
//!
//! A plan has a name. `PLAN=NAME cargo test --test plans` runs it alone; a plan that fails prints that line.
//! `TORTURE=1` runs all pairs of kills, not only those that `PLANS_SEED` picks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../cluster/bed/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it serves other suites, too")]
mod bed;

mod api_faults;
mod etcd;
mod kills;
mod kind;
mod life;
mod pauses;
mod plan;
mod timeline;
mod verdict;
mod watches;
