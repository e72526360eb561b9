//! The main job on a real API server, with the real kubectl, over real HTTP: one namespace, one provider simulator and
//! one operator process per test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bed;

mod admission;
mod answers;
mod budget;
mod campaigns;
mod channels;
mod cores;
mod costs;
mod crashes;
mod crd_deletion;
mod crd_rules;
mod crd_use;
mod finalizers;
mod gitops;
mod key_changes;
mod keys;
mod leadership;
mod ledger;
mod main_job;
mod namespaces;
mod not_found;
mod policies;
mod properties;
mod retries;
mod rights;
mod secret_hold;
mod shutdown;
mod status;
mod twin_changes;
mod twin_races;
mod twins;
mod undecodable;
mod unknown_outcomes;
mod unusable_secrets;
mod verdicts;
