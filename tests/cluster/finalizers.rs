//! Whose finalizers stand on an object decides who waits for whom.

use provider_simulator::{Fault, On, State, Status};
use sender_operator::crd::FINALIZER;
use serde_json::{Value, json};

use crate::bed::{Bed, LINKEDIN, Property, SOFT, deleting, message, reason};

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
    let untouched = json!({"observedGeneration": -1});
    assert_eq!((&left["metadata"]["finalizers"], &left["status"]), (&json!([FOREIGN]), &untouched));
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
        let owner = bed.until_connected(name).await;
        // What depends on it and does not go keeps a deletion in the foreground waiting.
        bed.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "finalizers": [FOREIGN],
            "ownerReferences": [{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name,
                "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true}]}}))
            .await;
        bed.kubectl(&["delete", "sacc", name, &format!("--cascade={name}"), "--wait=false"]).await;
        bed.eventually("ours is off", async || {
            let finalizers = bed.object(name).await.map(|object| object["metadata"]["finalizers"].clone());
            finalizers.is_none_or(|finalizers| finalizers == json!(["foregroundDeletion"]))
        })
        .await;
        assert_eq!((bed.sim.log().state(account), bed.sim.log().deletes(account).len()), (State::Gone, 1));
        bed.kubectl(&["patch", "configmap", name, "--type=merge", "-p", r#"{"metadata":{"finalizers":[]}}"#]).await;
        bed.until_gone(name).await;
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

/// How the same-named object stands that comes while its predecessor's DELETE is on its way.
#[derive(Clone, Copy, PartialEq)]
enum Successor {
    Live,
    Deleting,
}

#[tokio::test]
async fn a_same_named_new_object_is_not_touched_by_its_predecessors_teardown() {
    const HOOK: &str = "pre-delete.hook.sender-operator.dev/test";
    let bed = Bed::new("successor").await;
    bed.excuse(Property::S1, "a person takes the finalizer off");
    bed.excuse(Property::S5, "and does it while a DELETE is on its way");
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&[]).await;
    // With a target whose DELETE may be repeated, and with one whose intent is written ahead.
    for (account, successor) in [
        ("acc_1", Successor::Live),
        (LINKEDIN, Successor::Live),
        ("acc_2", Successor::Deleting),
        (SOFT, Successor::Deleting),
    ] {
        if account.starts_with("acc") {
            bed.sim.postpress().add(&postpress, account);
            bed.postpress("acme", account, "postpress").await;
        } else {
            bed.sim.puffle().add_linkedin(&puffle, account, Status::Connected);
            bed.linkedin("acme", account, "puffle").await;
        }
        let old = bed.until_connected("acme").await;
        let held = bed.sim.fault(On::delete().account(account), Fault::own().hold());
        bed.delete("acme").await;
        bed.eventually("the provider has the DELETE", async || held.waiting() == 1).await;
        set_finalizers(&bed, "acme", &[]).await;
        bed.until_gone("acme").await;
        let other = format!("after_{account}");
        bed.sim.postpress().add(&postpress, &other);
        let mut new = with_finalizers(&bed, "acme", &other, &[FINALIZER]);
        new["metadata"]["annotations"] = json!({HOOK: "the test"});
        bed.apply(&new).await;
        if successor == Successor::Deleting {
            bed.delete("acme").await;
        }
        held.release();

        let reason = if successor == Successor::Live { "AccountConnected" } else { "PreDeleteHookPending" };
        bed.until_reason("acme", reason).await;
        let new = bed.prompted("acme").await;
        assert_ne!(new["metadata"]["uid"], old["metadata"]["uid"]);
        assert_eq!(new["metadata"]["finalizers"], json!([FINALIZER]));
        assert_eq!(deleting(&new), successor == Successor::Deleting);
        let written_for = new["status"]["teardown"]["uid"].as_str().or(new["status"]["account"]["uid"].as_str());
        assert_eq!(written_for, new["metadata"]["uid"].as_str(), "{new:#}");
        assert_eq!((bed.sim.log().state(&other), bed.sim.log().deletes(&other).len()), (State::Connected, 0));
        bed.kubectl(&["annotate", "sacc", "acme", &format!("{HOOK}-")]).await;
        bed.kubectl(&["delete", "sacc", "acme", "--ignore-not-found", "--wait=true", "--timeout=60s"]).await;
        assert_eq!((bed.sim.log().state(&other), bed.sim.log().deletes(&other).len()), (State::Gone, 1));
    }
    bed.finish(operator).await;
}
