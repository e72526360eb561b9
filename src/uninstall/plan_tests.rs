use serde_json::json;

use super::*;
use crate::index::fixture::config;
use crate::reason::Reason;

/// An object of this kind with these changes.
fn object(provider: Value, change: impl FnOnce(&mut Value)) -> DynamicObject {
    let mut object = json!({
        "apiVersion": "sender-operator.dev/v1alpha1", "kind": "SenderAccount",
        "metadata": {"name": "alice", "namespace": "sales", "uid": "u1", "resourceVersion": "7", "finalizers": [FINALIZER]},
        "spec": {"provider": provider, "credentialsRef": {"name": "key"}},
    });
    change(&mut object);
    serde_json::from_value(object).expect("an object")
}

fn postpress(change: impl FnOnce(&mut Value)) -> DynamicObject {
    object(json!({"postpress": {"accountId": "acc_1"}}), change)
}

fn linkedin(change: impl FnOnce(&mut Value)) -> DynamicObject {
    let provider = json!({"puffle": {"accountId": "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11", "channel": "LinkedIn"}});
    object(provider, change)
}

fn found(object: DynamicObject) -> Found {
    let [found] = &Found::all(vec![object], &config())[..] else { panic!("it must not be left behind") };
    found.clone()
}

fn mark(object: &mut Value) {
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
}

fn orphan(object: &mut Value) {
    mark(object);
    object["spec"]["deletionPolicy"] = json!("Orphan");
}

/// An attempt of which nobody knows how it ended.
fn intend(object: &mut Value) {
    object["status"] = json!({"teardown": {"uid": "u1", "phase": "Intent", "reason": "Deleting", "attempt": 1,
        "nonce": "n", "startedAt": "2026-01-01T00:00:00Z"}});
}

fn decided(mode: Mode, object: DynamicObject, waited: Waited) -> Next {
    next(mode, &found(object), waited, &config().rules, Timestamp::UNIX_EPOCH)
}

fn at_once(mode: Mode, object: DynamicObject) -> Next {
    decided(mode, object, Waited::default())
}

fn after(seconds: u64) -> Waited {
    Waited { orphaned_for: Duration::from_secs(seconds), unchanged_for: Duration::from_secs(seconds) }
}

fn reason(next: &Next) -> Option<Reason> {
    if let Next::LetGo(proof) = next { Some(proof.record().reason) } else { None }
}

#[test]
fn refusing_touches_nothing() {
    for change in [|_: &mut Value| {}, mark, orphan] {
        assert_eq!(at_once(Mode::Refuse, postpress(change)), Next::Wait(None));
    }
}

#[test]
fn draining_deletes_what_the_operator_holds_and_leaves_the_rest_to_it() {
    assert_eq!(at_once(Mode::Drain, postpress(|_| {})), Next::Delete);
    let deleting = postpress(|object| {
        mark(object);
        intend(object);
    });
    assert_eq!(at_once(Mode::Drain, deleting), Next::Wait(None));
}

#[test]
fn draining_never_deletes_what_would_be_gone_without_its_account() {
    let unheld = postpress(|object| object["metadata"]["finalizers"] = json!([]));
    assert!(matches!(at_once(Mode::Drain, unheld), Next::Wait(Some(_))));
}

#[test]
fn orphaning_is_said_on_the_object_before_it_is_deleted_and_never_without_a_finalizer() {
    let unheld = |object: &mut Value| object["metadata"]["finalizers"] = json!([]);
    assert_eq!(at_once(Mode::Orphan, postpress(unheld)), Next::Adopt);
    assert_eq!(at_once(Mode::Orphan, postpress(|_| {})), Next::Orphan);
    assert_eq!(at_once(Mode::Orphan, postpress(mark)), Next::Orphan);
    let live = postpress(|object| object["spec"]["deletionPolicy"] = json!("Orphan"));
    assert_eq!(at_once(Mode::Orphan, live), Next::Delete);
}

#[test]
fn the_operator_is_given_time_to_let_go_itself() {
    assert_eq!(decided(Mode::Orphan, linkedin(orphan), after(14)), Next::Wait(None));
    assert_eq!(reason(&decided(Mode::Orphan, linkedin(orphan), after(15))), Some(Reason::Orphaned));
}

#[test]
fn what_nothing_is_written_ahead_of_is_let_go_only_after_the_longest_request() {
    assert!(matches!(decided(Mode::Orphan, postpress(orphan), after(69)), Next::Wait(Some(_))));
    assert_eq!(reason(&decided(Mode::Orphan, postpress(orphan), after(70))), Some(Reason::Orphaned));
}

#[test]
fn an_attempt_that_nobody_settled_outlasts_the_outcome_window_first() {
    let unsettled = || {
        linkedin(|object| {
            orphan(object);
            intend(object);
        })
    };
    assert!(matches!(decided(Mode::Orphan, unsettled(), after(899)), Next::Wait(Some(_))));
    assert_eq!(reason(&decided(Mode::Orphan, unsettled(), after(900))), Some(Reason::Orphaned));
}

#[test]
fn what_was_proved_before_is_let_go_with_that_proof() {
    let confirmed = postpress(|object| {
        orphan(object);
        intend(object);
        object["status"]["teardown"]["phase"] = json!("Confirmed");
        object["status"]["teardown"]["proof"] = json!({"reason": "ReadBack"});
    });
    assert_eq!(reason(&decided(Mode::Orphan, confirmed, after(15))), Some(Reason::ReadBack));
}

#[test]
fn what_is_deleted_and_waits_for_others_only_is_nobodys_leak() {
    let theirs = postpress(|object| {
        mark(object);
        object["metadata"]["finalizers"] = json!(["example.com/backup"]);
    });
    assert!(Found::all(vec![theirs], &config()).is_empty());
}

#[test]
fn what_cannot_be_understood_is_left_and_named_and_its_secret_stays_known() {
    let broken = postpress(|object| object["spec"]["suspend"] = json!("yes"));
    let found = found(broken);
    assert_eq!(found.secrets, BTreeSet::from(["key".to_owned()]));
    for mode in [Mode::Drain, Mode::Orphan] {
        let next = next(mode, &found, after(9999), &config().rules, Timestamp::UNIX_EPOCH);
        assert!(matches!(next, Next::Wait(Some(why)) if why.contains("cannot be read")));
    }
}
