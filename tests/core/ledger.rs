//! What the ledger remembers counts for one uid, one fingerprint and a limited time.

use jiff::{SignedDuration, Timestamp};
use sender_operator::credentials::Fingerprint;
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{
    AccountRecord, AccountState, Acked, EVIDENCE_MAX_AGE, Ledger, Phase, Teardown, age,
};

use crate::any::now;

fn print(name: &str) -> Fingerprint {
    Fingerprint::from_stored(name.to_owned())
}

fn ago(seconds: u64) -> Timestamp {
    now() - std::time::Duration::from_secs(seconds)
}

fn seen(uid: &str, under: &str, at: Option<Timestamp>) -> AccountRecord {
    AccountRecord {
        uid: uid.to_owned(),
        provider: "PostPress".to_owned(),
        state: AccountState::Connected,
        alive_at: at,
        fingerprint: Some(print(under)),
        endpoint: None,
        wrong_channel_since: None,
    }
}

fn teardown(uid: &str, nonce: Option<&str>) -> Teardown {
    Teardown {
        uid: uid.to_owned(),
        phase: Phase::Intent,
        reason: Reason::Deleting,
        subject: None,
        attempt: 1,
        nonce: nonce.map(str::to_owned),
        unknown_outcomes: 0,
        fingerprint: None,
        started_at: now(),
        last_outcome: None,
        acked: Some(Acked { fingerprint: print("here"), at: now(), contradicted: false }),
        tries: 0,
        next_attempt_at: None,
        budget_spent: false,
        proof: None,
    }
}

#[test]
fn what_was_written_for_another_uid_is_forgotten() {
    let own = Ledger::of("a", Some(seen("a", "here", None)), Some(teardown("a", None)));
    assert!(own.account.is_some() && own.teardown.is_some());
    assert_eq!(Ledger::of("a", Some(seen("b", "here", None)), Some(teardown("b", Some("n")))), Ledger::default());
}

#[test]
fn evidence_counts_under_the_fingerprint_that_it_was_seen_with_and_for_a_day() {
    let day = EVIDENCE_MAX_AGE.as_secs();
    for (at, under, counts) in [
        (Some(now()), "here", true),
        (Some(ago(day)), "here", true),
        (Some(ago(day + 1)), "here", false),
        (Some(now()), "elsewhere", false),
        (None, "here", false),
        (Some(now() + SignedDuration::from_hours(1)), "here", true),
    ] {
        let ledger = Ledger { account: Some(seen("a", "here", at)), teardown: None };
        assert_eq!(ledger.saw_alive(&print(under), now()), counts, "{at:?} {under}");
    }
    assert!(!Ledger::default().saw_alive(&print("here"), now()));
}

#[test]
fn who_saw_it_first_is_remembered_also_when_the_sight_is_too_old_to_prove_anything() {
    let ledger = Ledger { account: Some(seen("a", "here", None)), teardown: None };
    assert!(ledger.saw_alive_under_another(&print("elsewhere")) && !ledger.saw_alive_under_another(&print("here")));
    assert!(!Ledger::default().saw_alive_under_another(&print("here")));
}

#[test]
fn an_acknowledgement_counts_under_the_fingerprint_that_it_was_given_to() {
    let ledger = Ledger { account: None, teardown: Some(teardown("a", None)) };
    assert!(ledger.acked_under(&print("here")) && !ledger.acked_under(&print("elsewhere")));
    assert!(ledger.acked().is_some() && Ledger::default().acked().is_none());
}

#[test]
fn an_attempt_is_unsettled_as_long_as_it_has_its_nonce() {
    let ledger = |nonce| Ledger { account: None, teardown: Some(teardown("a", nonce)) };
    assert!(ledger(Some("n")).is_unsettled() && !ledger(None).is_unsettled() && !Ledger::default().is_unsettled());
}

#[test]
fn deletes_are_counted_from_none() {
    let after = |attempt| Ledger { account: None, teardown: Some(Teardown { attempt, ..teardown("a", None) }) };
    assert_eq!([Ledger::default(), after(0), after(7)].map(|ledger| ledger.attempts()), [0, 0, 7]);
}

#[test]
fn an_age_is_never_negative() {
    assert_eq!(age(ago(5), now()).as_secs(), 5);
    assert!(age(now() + SignedDuration::from_secs(5), now()).is_zero());
}
