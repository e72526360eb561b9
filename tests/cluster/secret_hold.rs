//! A Secret outlives the accounts that need its key: one of its users keeps a hold on it, and hands it on when it leaves.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use provider_simulator::{State, Status};
use sender_operator::crd::{HOLD_TAKEN_OVER_AT, SECRET_FINALIZER};
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, reason};

mod leaving;

/// A Secret's metadata.
async fn metadata(bed: &Bed, secret: &str) -> Value {
    let shown = bed.kubectl(&["get", "secret", secret, "-o", "json"]).await;
    let mut secret: Value = serde_json::from_str(&shown).expect("JSON");
    secret["metadata"].take()
}

/// Everything that a Secret waits for.
async fn holds(bed: &Bed, secret: &str) -> Vec<String> {
    serde_json::from_value(metadata(bed, secret).await["finalizers"].take()).unwrap_or_default()
}

/// When the hold was taken over, if it ever was.
async fn taken_over(bed: &Bed, secret: &str) -> Value {
    metadata(bed, secret).await["annotations"][HOLD_TAKEN_OVER_AT].take()
}

/// The objects that keep the hold on a Secret.
async fn keepers(bed: &Bed, secret: &str) -> Vec<String> {
    let shown = bed.kubectl(&["get", "sacc", "-o", "json"]).await;
    let list: Value = serde_json::from_str(&shown).expect("JSON");
    let keeps = |object: &&Value| object["status"]["heldSecret"] == secret;
    let objects = list["items"].as_array().into_iter().flatten().filter(keeps);
    objects.filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
}

/// Deletes this object. Who else kept the hold on its Secret in the moment when it went, as the API server tells it.
async fn keepers_when_it_goes(bed: &Bed, name: &str, secret: &str) -> Vec<String> {
    let objects = bed.accounts();
    let keeps = |object: &DynamicObject| object.data["status"]["heldSecret"] == secret;
    let list = objects.list(&ListParams::default()).await.expect("a list");
    let now = list.metadata.resource_version.unwrap_or_default();
    let mut users: BTreeMap<_, _> = list.items.iter().map(|object| (object.name_any(), keeps(object))).collect();
    let mut changes = Box::pin(objects.watch(&WatchParams::default(), &now).await.expect("a watch"));
    bed.kubectl(&["delete", "sacc", name, "--wait=false"]).await;
    while let Some(change) = changes.try_next().await.expect("a change") {
        match change {
            WatchEvent::Deleted(object) if object.name_any() == name => {
                users.remove(name);
                return users.into_iter().filter_map(|(user, keeps)| keeps.then_some(user)).collect();
            }
            WatchEvent::Modified(object) => drop(users.insert(object.name_any(), keeps(&object))),
            _ => {}
        }
    }
    panic!("the watch ended before {name} went")
}

/// Three users of one Secret, the first of them its keeper.
async fn three_users(bed: &Bed) {
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.sim.puffle().add_linkedin(&key, PURGE, Status::Connected);
    bed.sim.puffle().add_email(&key, EMAIL);
    bed.puffle_secret("puffle", &key).await;
    bed.linkedin("first", LINKEDIN, "puffle").await;
    bed.until_connected("first").await;
    bed.email("second", EMAIL, "puffle").await;
    bed.purge("third", PURGE, "puffle").await;
    bed.until_connected("second").await;
    bed.until_connected("third").await;
}

#[tokio::test]
async fn the_first_user_holds_the_secret_hands_the_hold_on_when_it_leaves_and_the_last_takes_it_off() {
    let bed = Bed::new("hold").await;
    // A look in between would take the hold over beside its keeper's successor.
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    three_users(&bed).await;
    assert_eq!(holds(&bed, "puffle").await, [SECRET_FINALIZER]);
    assert_eq!(keepers(&bed, "puffle").await, ["first"]);

    let mut left = vec!["first", "second", "third"];
    while let Some(keeper) = keepers(&bed, "puffle").await.pop() {
        assert_eq!(keepers(&bed, "puffle").await, [keeper.as_str()], "exactly one of {left:?}");
        assert_eq!(holds(&bed, "puffle").await, [SECRET_FINALIZER]);
        let then = keepers_when_it_goes(&bed, &keeper, "puffle").await;
        left.retain(|name| *name != keeper);
        assert_eq!(then.len(), left.len().min(1), "{keeper} went, and of {left:?} these keep the hold: {then:?}");
    }
    assert_eq!(left, Vec::<&str>::new(), "someone keeps the hold until nobody is left");
    assert_eq!(holds(&bed, "puffle").await, Vec::<String>::new());
    let log = bed.sim.log();
    assert_eq!([LINKEDIN, EMAIL, PURGE].map(|id| log.state(id)), [State::Disconnected, State::Gone, State::Gone]);
    bed.finish(operator).await;
}

#[tokio::test]
async fn users_that_come_at_the_same_instant_leave_no_hold_behind() {
    let bed = Bed::new("hold-crowd").await;
    let key = bed.key();
    let accounts: Vec<_> = (0..12).map(|number| format!("acc_{number}")).collect();
    let object = |account: &String| {
        bed.manifest(&account.replace('_', "-"), "postpress", &json!({"postpress": {"accountId": account}}), &json!({}))
    };
    let items: Vec<_> = accounts.iter().map(object).collect();
    for account in &accounts {
        bed.sim.postpress().add(&key, account);
    }
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    bed.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items})).await;
    for account in &accounts {
        bed.until_connected(&account.replace('_', "-")).await;
    }
    assert_eq!(holds(&bed, "postpress").await, [SECRET_FINALIZER]);
    assert!(!keepers(&bed, "postpress").await.is_empty(), "a hold has a keeper");
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=90s"]).await;
    bed.eventually("the hold is off", async || holds(&bed, "postpress").await.is_empty()).await;
    let log = bed.sim.log();
    for account in &accounts {
        assert_eq!((log.state(account), log.effective_deletes(account).len()), (State::Gone, 1));
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn two_last_users_that_leave_at_the_same_instant_leave_no_hold_behind_and_do_not_get_stuck() {
    const PAIRS: usize = 25;
    let bed = Bed::new("hold-pairs").await;
    let keys: Vec<_> = (0..PAIRS).map(|_| bed.key()).collect();
    let mut items = Vec::new();
    for (pair, key) in keys.iter().enumerate() {
        let secret = format!("pair-{pair}");
        let entries = json!({"api-key": key, "base-url": bed.sim.postpress_url()});
        items.push(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}, "stringData": entries}));
        for side in ["left", "right"] {
            let account = format!("acc_{side}_{pair}");
            bed.sim.postpress().add(key, &account);
            let provider = json!({"postpress": {"accountId": account}});
            items.push(bed.manifest(&format!("{side}-{pair}"), &secret, &provider, &json!({})));
        }
    }
    let operator = bed.operator(&[]).await;
    bed.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items})).await;
    for pair in 0..PAIRS {
        for side in ["left", "right"] {
            bed.until_connected(&format!("{side}-{pair}")).await;
        }
    }
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=90s"]).await;
    let held = ["get", "secrets", "-o", "jsonpath={.items[*].metadata.finalizers}"];
    bed.eventually("no hold is left", async || bed.kubectl(&held).await.is_empty()).await;
    let log = bed.sim.log();
    for pair in 0..PAIRS {
        for side in ["left", "right"] {
            let account = format!("acc_{side}_{pair}");
            assert_eq!((log.state(&account), log.effective_deletes(&account).len()), (State::Gone, 1));
        }
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_secret_that_is_deleted_while_in_use_waits_until_every_account_is_gone() {
    let bed = Bed::new("hold-deleted").await;
    let operator = bed.operator(&[]).await;
    three_users(&bed).await;
    bed.kubectl(&["delete", "secret", "puffle", "--wait=false"]).await;
    for name in ["first", "second", "third"] {
        let object = bed.prompted(name).await;
        assert_eq!(reason(&object), "AccountConnected", "its key is still there");
        assert_eq!(holds(&bed, "puffle").await, [SECRET_FINALIZER]);
        bed.kubectl(&["delete", "sacc", name, "--wait=true", "--timeout=60s"]).await;
    }
    bed.kubectl(&["wait", "--for=delete", "secret/puffle", "--timeout=60s"]).await;
    let log = bed.sim.log();
    assert_eq!([LINKEDIN, EMAIL, PURGE].map(|id| log.state(id)), [State::Disconnected, State::Gone, State::Gone]);
    bed.finish(operator).await;
}

#[tokio::test]
async fn the_hold_follows_an_object_to_another_secret() {
    let bed = Bed::new("hold-moves").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.postpress().add(&key, "acc_2");
    for secret in ["one", "two"] {
        bed.postpress_secret(secret, &key).await;
    }
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "one").await;
    bed.until_connected("acme").await;
    bed.postpress("stays", "acc_2", "one").await;
    bed.until_connected("stays").await;

    bed.patch_spec("acme", &json!({"credentialsRef": {"name": "two"}})).await;
    bed.until("acme", "the keeper of the other Secret", |object| object["status"]["heldSecret"] == "two").await;
    assert_eq!(holds(&bed, "two").await, [SECRET_FINALIZER]);
    assert_eq!(
        (holds(&bed, "one").await, keepers(&bed, "one").await),
        (vec![SECRET_FINALIZER.to_owned()], vec!["stays".to_owned()])
    );

    bed.patch_spec("stays", &json!({"credentialsRef": {"name": "two"}})).await;
    bed.eventually("nobody holds the first Secret", async || holds(&bed, "one").await.is_empty()).await;
    bed.until_connected("stays").await;
    assert_eq!(keepers(&bed, "two").await, ["acme"]);
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    assert_eq!(holds(&bed, "two").await, Vec::<String>::new());
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().state("acc_2")), (State::Gone, State::Gone));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_hold_that_somebody_strips_is_put_on_again() {
    let bed = Bed::new("hold-stripped").await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    three_users(&bed).await;
    bed.kubectl(&["patch", "secret", "puffle", "--type=merge", "-p", r#"{"metadata":{"finalizers":[]}}"#]).await;
    bed.prompted("second").await;
    assert_eq!(holds(&bed, "puffle").await, [SECRET_FINALIZER]);
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    assert_eq!(holds(&bed, "puffle").await, Vec::<String>::new());
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_object_that_changes_its_secret_while_it_is_deleted_leaves_no_hold_on_the_old_one() {
    let bed = Bed::new("hold-mended").await;
    let (dead, good) = (bed.key(), bed.key());
    bed.sim.postpress().add(&dead, "acc_1");
    bed.sim.add_key(&dead, &good);
    bed.postpress_secret("one", &dead).await;
    bed.postpress_secret("two", &good).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "one").await;
    bed.until_connected("acme").await;
    bed.sim.revoke_key(&dead);
    bed.delete("acme").await;
    bed.until_reason("acme", "CredentialsInvalid").await;
    bed.patch_spec("acme", &json!({"credentialsRef": {"name": "two"}})).await;
    bed.until_gone("acme").await;
    assert_eq!(bed.sim.log().state("acc_1"), State::Gone);
    assert_eq!((holds(&bed, "one").await, holds(&bed, "two").await), (vec![], vec![]));
    bed.finish(operator).await;
}

#[tokio::test]
async fn turned_off_the_hold_is_taken_off_and_deletions_work_without_it() {
    let bed = Bed::new("hold-off").await;
    let operator = bed.operator(&[]).await;
    three_users(&bed).await;
    bed.finish(operator).await;
    assert_eq!(holds(&bed, "puffle").await, [SECRET_FINALIZER], "a stop takes nothing off");

    let operator = bed.operator(&["--secret-hold", "false"]).await;
    bed.eventually("the hold is off", async || holds(&bed, "puffle").await.is_empty()).await;
    bed.eventually("nobody keeps it", async || keepers(&bed, "puffle").await.is_empty()).await;
    for name in ["first", "second", "third"] {
        bed.prompted(name).await;
    }
    assert_eq!(holds(&bed, "puffle").await, Vec::<String>::new(), "and nobody puts it on again");
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    let log = bed.sim.log();
    assert_eq!([LINKEDIN, EMAIL, PURGE].map(|id| log.state(id)), [State::Disconnected, State::Gone, State::Gone]);
    bed.finish(operator).await;
}
