use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::fixture::Fixture;
use super::*;

const ID: &str = "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";
const OTHER_ID: &str = "1b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";

fn sales() -> Scope {
    Scope::Namespace("sales".into())
}

fn hr() -> Scope {
    Scope::Namespace("hr".into())
}

/// An index of one watch over everything that has listed nothing.
fn settled() -> Index {
    let index = Index::new([Scope::Cluster]);
    list(&index, &Scope::Cluster, &[]);
    index
}

fn list(index: &Index, scope: &Scope, objects: &[&Fixture]) -> Vec<Change> {
    assert!(index.apply(scope, &Event::Init).is_empty());
    for object in objects {
        assert!(index.apply(scope, &Event::InitApply(object.cached())).is_empty());
    }
    index.apply(scope, &Event::InitDone)
}

fn show(index: &Index, object: &Fixture) {
    index.apply(&Scope::Cluster, &Event::Apply(object.cached()));
}

fn remove(index: &Index, object: &Fixture) {
    index.apply(&Scope::Cluster, &Event::Delete(object.cached()));
}

fn names(objects: Vec<Arc<SenderAccount>>) -> Vec<String> {
    objects.iter().map(|object| object.metadata.name.clone().unwrap()).collect()
}

fn gone(changes: &[Change]) -> Vec<&str> {
    changes
        .iter()
        .filter_map(|change| if let Change::Gone(object) = change { Some(object.uid()) } else { None })
        .collect()
}

#[test]
fn twins_are_the_other_objects_of_the_same_account_the_oldest_first() {
    let index = settled();
    for (name, minute) in [("young", 9), ("old", 1), ("middle", 5)] {
        show(&index, &Fixture::linkedin(name, ID).created_in_minute(minute));
    }
    show(&index, &Fixture::linkedin("another-account", OTHER_ID));
    show(&index, &Fixture::postpress("another-provider", ID));
    assert_eq!(names(index.twins(Provider::Puffle, ID, "uid-middle")), ["old", "young"]);
    assert_eq!(names(index.twins(Provider::Puffle, ID, "")), ["old", "middle", "young"]);
    assert_eq!(names(index.twins(Provider::PostPress, ID, "")), ["another-provider"]);
}

#[test]
fn objects_created_in_the_same_second_are_ordered_by_uid() {
    let index = settled();
    for name in ["b", "c", "a"] {
        show(&index, &Fixture::linkedin(name, ID));
    }
    assert_eq!(names(index.twins(Provider::Puffle, ID, "")), ["a", "b", "c"]);
}

#[test]
fn that_a_twin_came_and_went_is_not_forgotten_as_long_as_the_other_one_is_there() {
    let (index, moved) = (settled(), |index: &Index| index.moved(Provider::Puffle, ID));
    let (stays, comes) = (Fixture::linkedin("stays", ID), Fixture::linkedin("comes", ID));
    show(&index, &stays);
    let before = moved(&index);
    show(&index, &stays);
    show(&index, &Fixture::linkedin("another-account", OTHER_ID));
    assert_eq!(moved(&index), before, "nobody of this account came or went");
    show(&index, &comes);
    let with_both = moved(&index);
    assert_ne!(with_both, before);
    remove(&index, &comes);
    assert!(![before, with_both].contains(&moved(&index)));
}

#[test]
fn a_uuid_is_the_same_account_in_any_case_and_an_id_of_postpress_is_not() {
    let index = settled();
    show(&index, &Fixture::linkedin("upper", &ID.to_uppercase()));
    show(&index, &Fixture::linkedin("lower", ID));
    show(&index, &Fixture::postpress("acc-upper", "ACC_1"));
    show(&index, &Fixture::postpress("acc-lower", "acc_1"));
    assert_eq!(names(index.twins(Provider::Puffle, &ID.to_uppercase(), "uid-lower")), ["upper"]);
    assert_eq!(names(index.twins(Provider::PostPress, "acc_1", "")), ["acc-lower"]);
}

#[test]
fn users_of_a_secret_are_those_of_its_own_namespace_the_asker_included() {
    let index = settled();
    show(&index, &Fixture::postpress("two", "2").created_in_minute(2));
    show(&index, &Fixture::linkedin("one", ID).created_in_minute(1));
    show(&index, &Fixture::postpress("elsewhere", "3").namespace("hr"));
    show(&index, &Fixture::postpress("other-secret", "4").secret("other"));
    assert_eq!(names(index.users("sales", "key")), ["one", "two"]);
    assert_eq!(index.oldest_user("sales", "key").and_then(|user| user.metadata.name.clone()).as_deref(), Some("one"));
    assert_eq!(names(index.users("sales", "nobody-uses-it")), [""; 0]);
}

#[test]
fn an_object_that_changes_its_secret_is_found_under_the_new_one_only() {
    let index = settled();
    let object = Fixture::postpress("a", "1");
    show(&index, &object);
    show(&index, &object.secret("new"));
    assert!(index.users("sales", "key").is_empty());
    assert_eq!(names(index.users("sales", "new")), ["a"]);
}

#[test]
fn a_deleted_object_is_found_nowhere() {
    let index = settled();
    let object = Fixture::linkedin("a", ID);
    show(&index, &object);
    assert!(index.get("uid-a").is_some());
    remove(&index, &object);
    assert!(index.get("uid-a").is_none());
    assert!(index.twins(Provider::Puffle, ID, "").is_empty() && index.users("sales", "key").is_empty());
    let objects = index.read();
    assert!(objects.by_uid.is_empty() && objects.by_account.is_empty() && objects.by_secret.is_empty());
}

#[test]
fn a_list_that_arrives_hides_nothing_until_it_is_complete_and_then_replaces_everything() {
    let index = settled();
    let (stays, goes, comes) =
        (Fixture::postpress("stays", "1"), Fixture::postpress("goes", "2"), Fixture::postpress("comes", "3"));
    list(&index, &Scope::Cluster, &[&stays, &goes]);
    index.apply(&Scope::Cluster, &Event::Init);
    index.apply(&Scope::Cluster, &Event::InitApply(comes.cached()));
    assert!(!index.is_settled());
    assert_eq!(names(index.users("sales", "key")), ["goes", "stays"]);
    index.apply(&Scope::Cluster, &Event::InitApply(stays.cached()));
    let changes = index.apply(&Scope::Cluster, &Event::InitDone);
    assert!(index.is_settled());
    assert_eq!(names(index.users("sales", "key")), ["comes", "stays"]);
    assert_eq!(gone(&changes), ["uid-goes"]);
    assert_eq!(changes.len(), 3);
}

#[test]
fn a_list_that_begins_again_forgets_what_its_first_attempt_had_brought() {
    let index = settled();
    index.apply(&Scope::Cluster, &Event::Init);
    index.apply(&Scope::Cluster, &Event::InitApply(Fixture::postpress("ghost", "1").cached()));
    assert_eq!(list(&index, &Scope::Cluster, &[]).len(), 0);
    assert!(index.get("uid-ghost").is_none());
}

#[test]
fn a_list_of_one_namespace_leaves_the_objects_of_the_others() {
    let index = Index::new([sales(), hr()]);
    list(&index, &sales(), &[&Fixture::linkedin("a", ID)]);
    list(&index, &hr(), &[&Fixture::linkedin("b", ID).namespace("hr")]);
    assert_eq!(names(index.twins(Provider::Puffle, ID, "")), ["a", "b"]);
    assert_eq!(gone(&list(&index, &sales(), &[])), ["uid-a"]);
    assert_eq!(names(index.twins(Provider::Puffle, ID, "")), ["b"]);
}

#[test]
fn a_same_named_object_that_came_while_nobody_watched_is_another_one() {
    let index = settled();
    list(&index, &Scope::Cluster, &[&Fixture::postpress("a", "1").uid("first")]);
    let changes = list(&index, &Scope::Cluster, &[&Fixture::postpress("a", "1").uid("second")]);
    assert!(
        matches!(changes.as_slice(), [Change::Gone(first), Change::Shown(second)] if first.uid() == "first" && second.uid() == "second")
    );
}

#[test]
fn it_is_settled_once_every_watch_has_listed_and_not_while_one_lists_again() {
    let index = Index::new([sales(), hr()]);
    assert_eq!(index.unsettled(), BTreeSet::from([sales(), hr()]));
    list(&index, &sales(), &[]);
    assert!(!index.is_settled());
    list(&index, &hr(), &[]);
    assert!(index.is_settled());
    index.apply(&sales(), &Event::Init);
    assert_eq!(index.unsettled(), BTreeSet::from([sales()]));
    index.apply(&sales(), &Event::InitDone);
    assert!(index.is_settled());
}

#[tokio::test]
async fn everybody_who_waits_for_it_to_be_settled_is_woken() {
    let index = Arc::new(Index::new([sales()]));
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let index = Arc::clone(&index);
            tokio::spawn(async move { index.settled().await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(waiting.iter().all(|waiter| !waiter.is_finished()));
    list(&index, &sales(), &[]);
    for waiter in waiting {
        tokio::time::timeout(Duration::from_secs(60), waiter).await.unwrap().unwrap();
    }
    index.settled().await;
}

#[test]
fn an_object_that_cannot_be_read_is_counted_and_found_by_nobody() {
    let index = settled();
    let broken = Fixture::postpress("broken", "1").set("/spec", "credentialsRef", json!("a text"));
    let changes = list(&index, &Scope::Cluster, &[&broken, &Fixture::postpress("fine", "2")]);
    assert_eq!(changes.len(), 2);
    assert!(index.get("uid-broken").is_none());
    assert_eq!(names(index.users("sales", "key")), ["fine"]);
    assert_eq!(index.count(), (2, 0));
    assert_eq!(gone(&list(&index, &Scope::Cluster, &[])).len(), 2);
}

#[test]
fn an_object_without_a_comprehensible_account_still_uses_its_secret() {
    let index = settled();
    let both = json!({"postpress": {"accountId": "1"}, "puffle": {"accountId": ID, "channel": "Email"}});
    show(&index, &Fixture::postpress("both", "1").set("/spec", "provider", both));
    assert!(index.twins(Provider::PostPress, "1", "").is_empty() && index.twins(Provider::Puffle, ID, "").is_empty());
    assert_eq!(names(index.users("sales", "key")), ["both"]);
}

#[test]
fn what_is_remembered_is_trimmed() {
    let object = Fixture::postpress("a", "1").annotated("kubectl.kubernetes.io/last-applied-configuration", "{}").set(
        "/metadata",
        "managedFields",
        json!([{"manager": "kubectl"}]),
    );
    let cached = object.cached();
    assert_eq!(cached.meta().managed_fields, None);
    assert_eq!(cached.meta().annotations.as_ref().map(|annotations| annotations.len()), Some(0));
}

#[test]
fn objects_and_deletions_are_counted() {
    let index = settled();
    show(&index, &Fixture::postpress("a", "1"));
    show(&index, &Fixture::postpress("b", "2").deleting());
    assert_eq!(index.count(), (2, 1));
}
