//! Whose finalizers stand on an object decides who waits for whom.

use provider_simulator::{Fault, On, State, Status};
use sender_operator::crd::FINALIZER;
use serde_json::{Value, json};

use crate::bed::{Bed, LINKEDIN, Property, deleting, message, reason};

const FOREIGN: &str = "example.com/backup";

/// A PostPress account's object with these finalizers.
fn with_finalizers(bed: &Bed, name: &str, account: &str, finalizers: &[&str]) -> Value {
    let mut object = bed.manifest(name, "postpress", &json!({"postpress": {"accountId": account}}), &json!({}));
    object["metadata"]["finalizers"] = json!(finalizers);
    object
}

/// Takes finalizers off as an administrator would who has lost patience.
async fn set_finalizers(bed: &Bed, name: &str, finalizers: &[&str]) {
    let patch = json!({"metadata": {"finalizers": finalizers}}).to_string();
    bed.kubectl(&["patch", "sacc", name, "--type=merge", "-p", &patch]).await;
}

#[tokio::test]
async fn objects_older_than_the_operator_get_the_finalizer_and_deleting_ones_without_it_are_left_alone() {
    let bed = Bed::new("older").await;
    let key = bed.key();
    for account in ["acc_old", "acc_left", "acc_new"] {
        bed.sim.postpress().add(&key, account);
    }
    bed.postpress_secret("postpress", &key).await;
    bed.postpress("old", "acc_old", "postpress").await;
    bed.apply(&with_finalizers(&bed, "left", "acc_left", &[FOREIGN])).await;
    bed.delete("left").await;

    let operator = bed.operator(&[]).await;
    let old = bed.until_connected("old").await;
    assert_eq!(old["metadata"]["finalizers"], json!([FINALIZER]));
    // Later ones too, so whatever would have been done with the other was done.
    bed.postpress("new", "acc_new", "postpress").await;
    bed.until_connected("new").await;
    bed.kubectl(&["annotate", "sacc", "left", "reconcile.sender-operator.dev/requestedAt=now"]).await;
    bed.kubectl(&["delete", "sacc", "old", "new", "--wait=true", "--timeout=60s"]).await;
    let left = bed.object("left").await.expect("it waits for its own finalizer");
    assert_eq!((&left["metadata"]["finalizers"], &left["status"]), (&json!([FOREIGN]), &Value::Null));
    set_finalizers(&bed, "left", &[]).await;
    bed.until_gone("left").await;

    let log = bed.sim.log();
    let calls = log.deletes("acc_left").len() + log.reads("acc_left").len();
    assert_eq!((log.state("acc_left"), calls), (State::Connected, 0));
    assert!(operator.receipts().iter().all(|receipt| receipt["name"] != "left"));
    assert_eq!((log.state("acc_old"), log.state("acc_new")), (State::Gone, State::Gone));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_live_object_whose_finalizer_was_stripped_gets_it_back() {
    let bed = Bed::new("stripped").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    set_finalizers(&bed, "acme", &[]).await;
    bed.until("acme", "ours again", |object| object["metadata"]["finalizers"] == json!([FINALIZER])).await;
    bed.kubectl(&["delete", "sacc", "acme", "--wait=true", "--timeout=60s"]).await;
    assert_eq!(bed.sim.log().state("acc_1"), State::Gone);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_foreign_finalizer_is_waited_for_by_name() {
    let bed = Bed::new("foreign").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    bed.apply(&with_finalizers(&bed, "acme", "acc_1", &[FOREIGN, "example.com/audit"])).await;
    let live = bed.until_connected("acme").await;
    assert_eq!(live["metadata"]["finalizers"], json!([FOREIGN, "example.com/audit", FINALIZER]));
    bed.delete("acme").await;
    let waiting = bed.until_reason("acme", "ForeignFinalizer").await;
    assert!(message(&waiting).contains("example.com/backup, example.com/audit"), "{}", message(&waiting));
    set_finalizers(&bed, "acme", &[FOREIGN, FINALIZER]).await;
    bed.until("acme", "waiting for the other alone", |object| object["status"]["teardown"]["subject"] == FOREIGN).await;
    assert!(bed.sim.log().deletes("acc_1").is_empty(), "nothing is sent while others are at work");
    set_finalizers(&bed, "acme", &[FINALIZER]).await;
    bed.until_gone("acme").await;
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().deletes("acc_1").len()), (State::Gone, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn the_garbage_collectors_own_finalizers_are_not_waited_for() {
    let bed = Bed::new("cascade").await;
    let key = bed.key();
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    for (name, account) in [("foreground", "acc_1"), ("orphan", "acc_2")] {
        bed.sim.postpress().add(&key, account);
        bed.postpress(name, account, "postpress").await;
        bed.until_connected(name).await;
        bed.kubectl(&["delete", "sacc", name, "--cascade", name, "--wait=false"]).await;
        bed.until_gone(name).await;
        assert_eq!((bed.sim.log().state(account), bed.sim.log().deletes(account).len()), (State::Gone, 1));
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_foreign_finalizer_that_waits_for_us_can_be_ignored_and_the_proof_stays_on_the_object() {
    let bed = Bed::new("ignored").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&["--ignore-finalizer", FOREIGN]).await;
    bed.apply(&with_finalizers(&bed, "acme", "acc_1", &[FOREIGN])).await;
    bed.until_connected("acme").await;
    bed.delete("acme").await;
    let left =
        bed.until("acme", "let go of by us", |object| object["metadata"]["finalizers"] == json!([FOREIGN])).await;
    assert_eq!((&left["status"]["teardown"]["phase"], reason(&left)), (&json!("Confirmed"), "ReadBack"));
    let deleted = left["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Deleted");
    assert_eq!(deleted.map(|c| &c["status"]), Some(&json!("True")));
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().deletes("acc_1").len()), (State::Gone, 1));
    set_finalizers(&bed, "acme", &[]).await;
    bed.until_gone("acme").await;
    assert_eq!(bed.sim.log().deletes("acc_1").len(), 1);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_same_named_new_object_is_not_touched_by_its_predecessors_teardown() {
    let bed = Bed::new("successor").await;
    bed.excuse(Property::S1, "a person takes the finalizer off");
    bed.excuse(Property::S5, "and does it while a DELETE is on its way");
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_old");
    bed.sim.postpress().add(&postpress, "acc_new");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&[]).await;
    // Once with a target whose DELETE may be repeated, once with one whose intent is written ahead.
    for (account, first) in [("acc_old", true), (LINKEDIN, false)] {
        match first {
            true => bed.postpress("acme", account, "postpress").await,
            false => bed.linkedin("acme", account, "puffle").await,
        }
        let old = bed.until_connected("acme").await;
        let held = bed.sim.fault(On::delete().account(account), Fault::own().hold());
        bed.delete("acme").await;
        bed.eventually("the provider has the DELETE", async || held.waiting() == 1).await;
        set_finalizers(&bed, "acme", &[]).await;
        bed.until_gone("acme").await;
        bed.postpress("acme", "acc_new", "postpress").await;
        held.release();
        let new = bed.until_connected("acme").await;
        assert_ne!(new["metadata"]["uid"], old["metadata"]["uid"]);
        assert_eq!(new["metadata"]["finalizers"], json!([FINALIZER]));
        let new = bed.prompted("acme").await;
        assert!(!deleting(&new) && new["status"]["teardown"].is_null(), "{new:#}");
        assert_eq!(new["status"]["account"]["uid"], new["metadata"]["uid"]);
        assert_eq!((bed.sim.log().state("acc_new"), bed.sim.log().deletes("acc_new").len()), (State::Connected, 0));
        bed.patch_spec("acme", &json!({"deletionPolicy": "Orphan"})).await;
        bed.kubectl(&["delete", "sacc", "acme", "--wait=true", "--timeout=60s"]).await;
    }
    bed.finish(operator).await;
}
