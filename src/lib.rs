//! sender-operator: deletes a sender account at its provider, provably, before its Kubernetes object goes.
//!
//! ```text
//! main ─ args ─ app                          parse, compose, one select
//!              ├ lease                       of several replicas one acts
//!              ├ controller ─ index          watches wake objects; the index knows twins and users of a Secret
//!              ├ uninstall                   what becomes of the objects before the operator is removed
//!              └ reconcile                   THE SHELL: read, decide, perform, record, release
//!                 ├ teardown                 PURE: decide(view, pass) -> step; settle(outcome) -> ledger; Proof
//!                 ├ status, reason, backoff  PURE: ledger -> conditions; one vocabulary; delays
//!                 ├ keeper                   PURE: who keeps the hold on a Secret
//!                 ├ provider, credentials    one HTTP client; PURE classifiers; keys that cannot be printed
//!                 └ kube_io, finalizer       the API server, each request under a deadline; rights: what to type where it refuses
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod account;
pub mod admin;
pub mod app;
pub mod args;
pub mod audit;
pub mod backoff;
pub mod controller;
pub mod crd;
pub mod credentials;
pub mod events;
pub mod finalizer;
pub mod index;
pub mod keeper;
pub mod kube_io;
pub mod lease;
pub mod metrics;
pub mod provider;
pub mod reason;
pub mod reconcile;
pub mod rights;
pub mod status;
pub mod teardown;
pub mod telemetry;
pub mod uninstall;
