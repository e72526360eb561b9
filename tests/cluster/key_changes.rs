//! `spec.credentialsRef` names another Secret while a request with the old one's key is out.

use provider_simulator::{Call, Fault, On, State};
use serde_json::json;

use crate::bed::{Bed, Operator};

/// An account, an object that names the Secret of another workspace for it, and the Secret of its own.
async fn misled(bed: &Bed, on_not_found: &str) -> (Operator, String) {
    let (wrong, right) = (bed.key(), bed.key());
    bed.sim.postpress().workspace(&wrong).add(&right, "acc_1");
    bed.postpress_secret("wrong", &wrong).await;
    bed.postpress_secret("right", &right).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    let provider = json!({"postpress": {"accountId": "acc_1"}});
    bed.apply(&bed.manifest("acme", "wrong", &provider, &json!({"onNotFound": on_not_found}))).await;
    bed.until_reason("acme", "AccountMissing").await;
    (operator, wrong)
}

#[tokio::test]
async fn a_secret_that_is_named_while_the_account_is_read_with_the_old_ones_key_is_used_for_what_follows() {
    let bed = Bed::new("key-read").await;
    let (operator, wrong) = misled(&bed, "Release").await;
    let read = bed.sim.fault(On::read().key(&wrong), Fault::own().hold());
    bed.delete("acme").await;
    bed.eventually("the read is held back", async || read.waiting() == 1).await;
    bed.patch_spec("acme", &json!({"credentialsRef": {"name": "right"}})).await;
    read.clear();
    read.release();
    bed.until_gone("acme").await;
    assert_eq!(bed.truth("acc_1").0, State::Gone, "the other workspace's 404 is no proof");
    assert!(bed.sim.log().with_key(&wrong).iter().all(|entry| entry.call == Call::Read));
    bed.finish(operator).await;
}

#[tokio::test]
async fn what_the_old_secrets_key_was_told_is_not_judged_by_what_is_asked_for_with_the_new_one() {
    let bed = Bed::new("key-delete").await;
    let (operator, wrong) = misled(&bed, "Hold").await;
    let delete = bed.sim.fault(On::delete().key(&wrong), Fault::own().hold());
    bed.delete("acme").await;
    bed.eventually("the DELETE is on its way", async || delete.waiting() == 1).await;
    bed.patch_spec("acme", &json!({"credentialsRef": {"name": "right"}, "onNotFound": "Release"})).await;
    delete.clear();
    delete.release();
    bed.until_gone("acme").await;
    assert_eq!(bed.truth("acc_1").0, State::Gone, "the other workspace's 404 is no proof");
    bed.finish(operator).await;
}
