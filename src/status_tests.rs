use std::time::Duration;

use super::*;
use crate::index::fixture::Fixture;
use crate::teardown::decide;
use crate::teardown::ledger::Phase;
use crate::teardown::view::{Crd, Pass, Step};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The same object with this status stored.
fn stored(fixture: &Fixture, status: &SenderAccountStatus) -> Account {
    fixture.clone().status(serde_json::to_value(status).unwrap()).parsed()
}

fn states(status: &SenderAccountStatus) -> Vec<(&str, &str)> {
    status.conditions.iter().map(|c| (c.type_.as_str(), c.status.as_str())).collect()
}

/// What a deletion says that waits for this.
fn waiting(account: &Account, crd: Crd) -> Ledger {
    let rules = crate::teardown::view::Rules {
        outcome_window: Duration::from_secs(900),
        max_backoff: Duration::from_secs(900),
    };
    match decide(&account.view, &Pass { crd: Some(crd), ..Pass::default() }, &rules, at(1_800_000_000)) {
        Step::Wait(ledger, _) => ledger,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_knowledge_is_the_same_status_however_often_and_whenever_it_is_said() {
    let fixture = Fixture::postpress("alice", "acc_1").deleting();
    let alice = fixture.parsed();
    let ledger = waiting(&alice, Crd::Deleting);
    let first = deleting(&alice, &ledger, None, at(1_800_000_000));
    let later = deleting(&stored(&fixture, &first), &ledger, None, at(1_800_003_600));
    assert_eq!(first, later);

    let live = Fixture::postpress("alice", "acc_1");
    let first = alive(&live.parsed(), &Ledger::default(), &Reason::SecretMissing.into(), None, at(1_800_000_000));
    let later =
        alive(&stored(&live, &first), &Ledger::default(), &Reason::SecretMissing.into(), None, at(1_800_003_600));
    assert_eq!(first, later);
}

#[test]
fn a_transition_has_the_time_at_which_it_became_true() {
    let live = Fixture::postpress("alice", "acc_1");
    let say = |account: &Account, reason: Reason, second| {
        alive(account, &Ledger::default(), &reason.into(), None, at(second))
    };
    let missing = say(&live.parsed(), Reason::SecretMissing, 1_800_000_000);
    let malformed = say(&stored(&live, &missing), Reason::ApiKeyMalformed, 1_800_000_001);
    let connected = say(&stored(&live, &malformed), Reason::AccountConnected, 1_800_000_002);
    let since = |status: &SenderAccountStatus| -> Vec<_> {
        status.conditions.iter().map(|c| c.last_transition_time.0.as_second() - 1_800_000_000).collect()
    };
    assert_eq!((since(&missing), since(&malformed)), (vec![0, 0, 0], vec![0, 0, 0]));
    // Ready and Stalled changed; Reconciling was false all the time.
    assert_eq!(since(&connected), [2, 0, 2]);
}

#[test]
fn conditions_say_whether_it_is_ready_goes_on_by_itself_or_needs_somebody() {
    let alice = Fixture::postpress("alice", "acc_1").parsed();
    for (reason, expected) in [
        (Reason::AccountConnected, [("Ready", "True"), ("Reconciling", "False"), ("Stalled", "False")]),
        (Reason::SecretMissing, [("Ready", "False"), ("Reconciling", "False"), ("Stalled", "True")]),
        (Reason::ProviderUnavailable, [("Ready", "False"), ("Reconciling", "True"), ("Stalled", "False")]),
        (Reason::Suspended, [("Ready", "False"), ("Reconciling", "False"), ("Stalled", "False")]),
    ] {
        let status = alive(&alice, &Ledger::default(), &reason.into(), None, at(0));
        assert_eq!(states(&status), expected, "{reason}");
        assert!(status.conditions.iter().all(|c| c.reason == reason.as_str()));
    }
}

#[test]
fn what_is_asked_for_in_the_middle_of_a_pass_is_still_to_be_done_after_it() {
    let asked = |at: &str| Fixture::postpress("alice", "acc_1").annotated(crate::crd::REQUESTED_AT, at);
    let (before, now) = (asked("first").parsed(), asked("second").parsed());
    let written = |account: &Account| alive(account, &Ledger::default(), &Reason::AccountConnected.into(), None, at(0));
    let still_asked = |status| stored(&asked("second"), &status).is_asked();
    assert!(!still_asked(written(&now)), "a pass that began with it has done it");
    assert!(still_asked(written(&now.asked_as(&before))));
}

#[test]
fn a_deletion_says_what_its_ledger_says_and_deleted_only_once_it_is_proved() {
    let bob = Fixture::postpress("bob", "acc_1").deleting().parsed();
    let mut ledger = waiting(&bob, Crd::Deleting);
    let held = deleting(&bob, &ledger, None, at(0));
    let expected = [("Ready", "False"), ("Reconciling", "False"), ("Stalled", "True"), ("Deleted", "False")];
    assert_eq!(states(&held), expected);
    assert_eq!(shown(&stored(&Fixture::postpress("bob", "acc_1").deleting(), &held)), Some("CrdDeleting"));
    assert!(held.conditions[0].message.contains("kubectl annotate crd"), "{}", held.conditions[0].message);
    if let Some(teardown) = &mut ledger.teardown {
        (teardown.phase, teardown.reason) = (Phase::Confirmed, Reason::PatchRefused);
    }
    let proved = deleting(&bob, &ledger, None, at(0));
    let expected = [("Ready", "False"), ("Reconciling", "True"), ("Stalled", "False"), ("Deleted", "True")];
    assert_eq!(states(&proved), expected);
}

#[test]
fn what_is_kept_for_the_next_pass_is_read_back_as_it_was_written() {
    let fixture = Fixture::postpress("bob", "acc_1").deleting().annotated(crate::crd::REQUESTED_AT, "now");
    let bob = fixture.parsed();
    let mut ledger = waiting(&bob, Crd::Unreadable);
    ledger.account = Some(crate::teardown::observe::unread(&bob.view));
    let hold = Hold { secret: "key".to_owned(), from: Some("uid-alice".to_owned()) };
    let status = deleting(&bob, &ledger, Some(hold.clone()), at(0));
    let back = stored(&fixture, &status);
    assert_eq!((back.view.ledger.clone(), back.hold()), (ledger, Some(hold)));
    assert!(bob.is_prompted() && !back.is_prompted(), "a request is acted on once");
}

#[test]
fn what_cannot_be_understood_keeps_what_its_status_held_and_says_so_once() {
    let before = json!({"teardown": {"uid": "u", "unheard": "of"}, "conditions": [{"type": "Ready", "reason": "X"}]});
    let first = invalid("sales", "alice", Some(3), "spec: missing", Some(&before), at(0));
    assert_eq!(first["teardown"], before["teardown"]);
    assert_eq!(first["conditions"][2]["status"], "True");
    assert!(first["conditions"][0]["message"].as_str().unwrap().contains("spec: missing"));
    assert_eq!(invalid("sales", "alice", Some(3), "spec: missing", Some(&first), at(1)), first);
    assert_ne!(invalid("sales", "alice", Some(3), "spec: other", Some(&first), at(1)), first);
}

#[test]
fn what_is_shown_is_why_it_is_ready_or_not() {
    let conditions = |conditions: Value| Fixture::postpress("alice", "acc_1").status(json!({"conditions": conditions}));
    let condition = |type_: &str, reason: &str| json!({"type": type_, "status": "True", "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let both = json!([condition(STALLED, "Suspended"), condition(READY, "SecretMissing")]);
    assert_eq!(shown(&conditions(both).parsed()), Some("SecretMissing"));
    assert_eq!(shown(&conditions(json!([condition(STALLED, "Suspended")])).parsed()), None);
    assert_eq!(shown(&Fixture::postpress("alice", "acc_1").parsed()), None);
}

#[test]
fn what_was_said_of_an_earlier_generation_or_in_other_words_is_said_anew() {
    let say = |generation, before: Option<&Value>, second| {
        invalid("sales", "alice", Some(generation), "spec: missing", before, at(second))
    };
    let first = say(3, None, 0);
    assert_eq!(say(3, Some(&first), 1), first);
    assert_eq!((&first["observedGeneration"], &first["conditions"][0]["observedGeneration"]), (&json!(3), &json!(3)));
    let since = |status: &Value| status["conditions"][0]["lastTransitionTime"].clone();
    assert_ne!(since(&say(4, Some(&first), 1)), since(&first));
    for (member, other) in [("reason", "X"), ("message", "another")] {
        let mut changed = first.clone();
        for condition in changed["conditions"].as_array_mut().unwrap() {
            condition[member] = json!(other);
        }
        assert_ne!(since(&say(3, Some(&changed), 1)), since(&first), "{member}");
    }
}

#[test]
fn a_status_of_another_uid_is_foreign() {
    let status = |uid: &str| -> SenderAccountStatus {
        let account = json!({"uid": uid, "provider": "PostPress", "state": "Unknown"});
        serde_json::from_value(json!({"account": account, "heldSecret": "key"})).unwrap()
    };
    assert!(is_foreign(&status("uid-bob"), "uid-alice") && !is_foreign(&status("uid-alice"), "uid-alice"));
    assert!(!is_foreign(&SenderAccountStatus::default(), "uid-alice"));
    let live = Fixture::postpress("alice", "acc_1");
    assert_eq!(stored(&live, &status("uid-bob")).hold(), None);
    assert!(stored(&live, &status("uid-alice")).hold().is_some());
}
