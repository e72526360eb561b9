//! Deletions on the real API server through a proxy that knows each of their calls: the operator is killed, or a call
//! fails, at every one of them; or what it stands on gives way. One namespace, one provider simulator, one proxy and one
//! operator process per plan. `docs/faults.md` is the list of what can go wrong, and names them.
//!
//! A plan has a name. `PLAN=NAME cargo test --test plans` runs it alone; a plan that fails prints that line.
//! `make torture` runs all pairs of kills, not only those that `PLANS_SEED` picks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../cluster/bed/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it serves other suites, too")]
mod bed;

mod api_faults;
mod crd;
mod crowds;
mod etcd;
mod kills;
mod kind;
mod life;
mod limits;
mod lines;
mod lists;
mod orders;
mod outages;
mod pauses;
mod plan;
mod policies;
mod stops;
mod store;
mod timeline;
mod tokens;
mod verdict;
mod watches;
