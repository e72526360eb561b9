//! The chart: what it renders, and what becomes of a real API server when real Helm installs it. There is no kubelet: the
//! operator runs as a process, as the Deployment says and as the chart's ServiceAccount.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../cluster/bed/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it serves other suites, too")]
mod bed;

mod contradictions;
mod crd;
mod flags;
mod helm;
mod kubelet;
mod lifecycle;
mod metadata;
mod networkpolicy;
mod people;
mod pod;
#[allow(dead_code, reason = "its table is for the README")]
mod reference;
mod rights;
mod samples;
mod schema;
