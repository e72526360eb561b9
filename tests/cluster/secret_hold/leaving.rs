//! Who keeps the hold leaves against the rules, or beside a user that the hold cannot be handed to.

use provider_simulator::State;
use sender_operator::crd::SECRET_FINALIZER;
use serde_json::{Value, json};

use super::{holds, keepers, taken_over, three_users};
use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, Property, message};

#[tokio::test]
async fn a_keeper_that_was_removed_by_force_leaves_its_role_to_a_remaining_user_or_the_hold_goes() {
    let bed = Bed::new("hold-forced").await;
    bed.excuse(Property::S1, "a person takes finalizers off");
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    three_users(&bed).await;
    // Removed by force: suspended, so that its teardown waits, then without its finalizer.
    let force = async |name: &str| {
        bed.patch_spec(name, &json!({"suspend": true})).await;
        bed.until_reason(name, "Suspended").await;
        bed.delete(name).await;
        bed.until(name, "waiting, marked", |object| object["status"]["teardown"]["reason"] == "Suspended").await;
        bed.kubectl(&["patch", "sacc", name, "--type=merge", "-p", r#"{"metadata":{"finalizers":[]}}"#]).await;
        bed.until_gone(name).await;
    };
    assert_eq!(keepers(&bed, "puffle").await, ["first"]);
    force("first").await;
    bed.eventually("another keeps the hold", async || keepers(&bed, "puffle").await.len() == 1).await;
    assert_eq!(holds(&bed, "puffle").await, [SECRET_FINALIZER]);
    assert!(taken_over(&bed, "puffle").await.is_string(), "a removal of the hold that is still on its way must fail");
    // The last two are both leaving when one of them, the keeper, vanishes.
    let keeper = keepers(&bed, "puffle").await.remove(0);
    let other = if keeper == "second" { "third" } else { "second" };
    force(&keeper).await;
    bed.eventually("the last one keeps the hold", async || keepers(&bed, "puffle").await == [other]).await;
    force(other).await;
    bed.eventually("the hold is off", async || holds(&bed, "puffle").await.is_empty()).await;
    assert_eq!(taken_over(&bed, "puffle").await, Value::Null, "nothing of ours is left on it");
    assert!(
        [LINKEDIN, EMAIL, PURGE].iter().all(|id| bed.sim.log().deletes(id).is_empty()),
        "nobody was deleted by force"
    );
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_keeper_that_vanishes_by_force_while_the_last_other_user_is_leaving_leaves_no_hold_behind() {
    let bed = Bed::new("hold-both").await;
    bed.excuse(Property::S1, "a person takes finalizers off");
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.postpress().add(&key, "acc_2");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    for (name, account) in [("keeper", "acc_1"), ("other", "acc_2")] {
        bed.postpress(name, account, "postpress").await;
        bed.until_connected(name).await;
        bed.patch_spec(name, &json!({"suspend": true})).await;
        bed.until_reason(name, "Suspended").await;
    }
    assert_eq!(keepers(&bed, "postpress").await, ["keeper"]);
    for name in ["keeper", "other"] {
        bed.delete(name).await;
        bed.until(name, "waiting, marked", |object| object["status"]["teardown"]["reason"] == "Suspended").await;
    }
    bed.kubectl(&["patch", "sacc", "keeper", "--type=merge", "-p", r#"{"metadata":{"finalizers":[]}}"#]).await;
    bed.until_gone("keeper").await;
    assert_eq!(holds(&bed, "postpress").await, [SECRET_FINALIZER], "the other still needs the key");
    bed.patch_spec("other", &json!({"suspend": false})).await;
    bed.until_gone("other").await;
    bed.eventually("the hold is off", async || holds(&bed, "postpress").await.is_empty()).await;
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().state("acc_2")), (State::Connected, State::Gone));
    bed.finish(operator).await;
}

#[tokio::test]
async fn who_leaves_waits_by_name_for_a_user_of_its_secret_that_has_no_finalizer_yet() {
    the_keeper_leaves_a_bare_user(Bed::new("hold-unready").await, "Delete").await;
}

#[tokio::test]
async fn who_is_let_go_waits_by_name_for_a_user_of_its_secret_that_has_no_finalizer_yet() {
    the_keeper_leaves_a_bare_user(Bed::new("hold-orphan").await, "Orphan").await;
}

async fn the_keeper_leaves_a_bare_user(bed: Bed, policy_of_deletion: &str) {
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.postpress().add(&key, "acc_2");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.postpress("keeper", "acc_1", "postpress").await;
    bed.until_connected("keeper").await;
    let bare = "!object.metadata.name.startsWith('bare') || !has(object.metadata.finalizers)";
    bed.object_to("UPDATE", "senderaccounts", bare).await;
    // In force once it refuses another one.
    bed.postpress("bare-probe", "acc_3", "unused").await;
    let add = r#"{"metadata":{"finalizers":["example.com/probe"]}}"#;
    let add = ["patch", "sacc", "bare-probe", "--type=merge", "--dry-run=server", "-p", add];
    bed.until_objected(&add).await;
    bed.postpress("bare", "acc_2", "postpress").await;
    bed.until_reason("bare", "PatchRefused").await;

    bed.patch_spec("keeper", &json!({"deletionPolicy": policy_of_deletion})).await;
    bed.delete("keeper").await;
    let waits = bed.until_reason("keeper", "PatchRefused").await;
    assert!(message(&waits).contains(&format!("used by {}/bare", bed.namespace)), "{}", message(&waits));
    assert_eq!(holds(&bed, "postpress").await, [SECRET_FINALIZER], "the other will need the key");
    bed.object_no_more().await;
    bed.eventually("the policy is lifted", async || bed.try_kubectl(&add).await.is_ok()).await;
    bed.kubectl(&["annotate", "sacc", "bare", "reconcile.sender-operator.dev/requestedAt=now"]).await;
    bed.until_connected("bare").await;
    bed.until_gone("keeper").await;
    assert_eq!(
        (keepers(&bed, "postpress").await, holds(&bed, "postpress").await),
        (vec!["bare".to_owned()], vec![SECRET_FINALIZER.to_owned()])
    );
    bed.finish(operator).await;
}
