//! Removing the operator, with the real chart, the real Helm and a real API server. There is no kubelet: the test reads the
//! pod that the chart's pre-delete hook makes, runs our program with exactly its arguments as its ServiceAccount, and
//! reports its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../cluster/bed/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it serves other suites, too")]
mod bed;

mod drain;
mod fifty;
mod namespaces;
mod no_hooks;
mod orphan;
mod refuse;
mod release;
mod two_releases;
mod watched_namespace;
