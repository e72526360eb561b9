//! When something is tried again, what may be tried before its time, and what a wait leaves in the ledger.

use std::time::Duration;

use jiff::SignedDuration;
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::Phase;
use sender_operator::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};
use sender_operator::teardown::view::{Fault, Step};

use crate::any::now;
use crate::given::{Given, LONGEST, disconnect, email, given, print, seconds};

/// Evidence is there, so that nothing but the schedule keeps it from going on.
fn due(reason: Reason, due: i64) -> Given {
    given(email()).seen("here", 0).said(reason, due)
}

fn faulty(given: &mut Given, reason: Reason) {
    given.pass.credential = Some(Err(Fault { reason, subject: Some("why".to_owned()) }));
}

fn next(given: &Given) -> Option<SignedDuration> {
    given.waits().0.next_attempt_at.map(|at| at.duration_since(now()))
}

#[test]
fn nothing_is_tried_before_its_time_and_a_wait_for_it_writes_nothing() {
    let early = due(Reason::ProviderError, 60);
    assert_eq!(early.step(), Step::Wait(early.view.ledger.clone(), seconds(60)));
    assert_eq!(due(Reason::ProviderError, 900).waits().1, seconds(900));
    for at in [0, -1] {
        assert_eq!(due(Reason::ProviderError, at).step(), Step::Freshen, "it is time");
    }
    assert_eq!(due(Reason::ProviderError, 901).step(), Step::Freshen, "no delay is so long: a clock was wrong");
}

#[test]
fn a_pass_that_was_asked_for_or_that_has_begun_goes_on() {
    let early = || due(Reason::ProviderError, 60);
    assert_eq!(early().changed(|given| given.pass.prompted = true).step(), Step::Freshen);
    assert_eq!(early().changed(|given| given.pass.fresh = true).step(), Step::Send);
    assert_eq!(early().reads(Outcome::Alive).step(), Step::Freshen);
    let sends = given(disconnect()).unsettled(0).said(Reason::ProviderError, 60);
    let sends = sends.changed(|given| (given.pass.fresh, given.pass.own_intent) = (true, true));
    assert_eq!(sends.step(), Step::Send);
}

#[test]
fn a_gate_that_has_opened_and_a_secret_that_has_come_back_do_not_hold_their_old_time_against_it() {
    for reason in [
        Reason::Suspended,
        Reason::DeletionProtected,
        Reason::CrdDeleting,
        Reason::CrdUnreadable,
        Reason::PreDeleteHookPending,
        Reason::ConfirmationMissing,
        Reason::DeletionBudgetSpent,
        Reason::ForeignFinalizer,
        Reason::TwinLive,
        Reason::TwinDeleting,
        Reason::RequestMayBeInFlight,
        Reason::NotListed,
        Reason::Queued,
        Reason::SecretGone,
        Reason::SecretMissing,
    ] {
        assert_eq!(
            due(reason, 60).changed(|given| given.teardown().fingerprint = None).step(),
            Step::Freshen,
            "{reason}"
        );
    }
}

#[test]
fn a_key_that_was_refused_is_not_tried_before_its_time_and_another_key_is_tried_at_once() {
    let refused = || due(Reason::CredentialsInvalid, 600);
    assert_eq!(refused().step(), Step::Wait(refused().view.ledger, seconds(30)));
    assert_eq!(refused().changed(|given| given.pass.credential = None).step(), Step::ReadCredentials);
    assert_eq!(refused().changed(|given| given.teardown().fingerprint = Some(print("before"))).step(), Step::Freshen);
    assert_eq!(given(email()).changed(|given| given.pass.credential = None).step(), Step::ReadCredentials);
}

#[test]
fn while_a_reason_names_the_secret_it_is_read_again_within_a_minute() {
    let naming: Vec<_> = Reason::ALL.iter().copied().filter(|reason| reason.names_secret()).collect();
    assert!(naming.len() > 4, "{naming:?}");
    for reason in naming {
        assert!(due(reason, 600).waits().1 <= seconds(30), "{reason}");
    }
}

#[test]
fn a_secret_that_gives_no_key_is_blamed_by_name_and_its_time_does_not_move_while_it_stays_so() {
    let missing = || due(Reason::SecretMissing, 600).changed(|given| faulty(given, Reason::SecretMissing));
    assert_eq!(missing().step(), Step::Wait(missing().view.ledger, seconds(30)));
    for other in [
        due(Reason::SecretMissing, 600).changed(|given| faulty(given, Reason::ApiKeyMissing)),
        due(Reason::ApiKeyMissing, 0).changed(|given| faulty(given, Reason::ApiKeyMissing)),
    ] {
        let (teardown, delay) = other.waits();
        assert_eq!((teardown.reason, teardown.subject.as_deref()), (Reason::ApiKeyMissing, Some("why")));
        assert_eq!((teardown.fingerprint, delay), (None, seconds(30)), "no key is to blame");
        assert_eq!(teardown.next_attempt_at, Some(now() + LONGEST));
    }
}

#[test]
fn what_heals_by_itself_is_tried_after_twice_the_time_each_time_and_not_before_the_provider_allows() {
    let failed = |tries, outcome: Outcome, retry_after: Option<u64>| {
        let read = Exchange { retry_after: retry_after.map(seconds), ..outcome.into() };
        given(disconnect()).reads(read).changed(|given| given.teardown().tries = tries)
    };
    for (tries, wish, delay) in [(0, None, 1), (3, None, 8), (3, Some(60), 60), (3, Some(2), 8)] {
        let failed = failed(tries, Outcome::Throttled, wish);
        assert_eq!(failed.waits().1, seconds(delay), "{tries} {wish:?}");
        assert_eq!((failed.waits().0.tries, failed.waits().0.phase), (tries + 1, Phase::Waiting));
        assert_eq!(next(&failed), Some(SignedDuration::from_secs(i64::try_from(delay).unwrap())));
    }
    let (teardown, delay) = failed(3, Outcome::Throttled, None).changed(|given| given.pass.prompted = true).waits();
    assert_eq!((teardown.tries, delay), (1, seconds(1)), "somebody asked: it begins anew");
    let (teardown, delay) = failed(3, Outcome::Refused(Refusal::Request), Some(9)).waits();
    assert_eq!((teardown.tries, teardown.phase, delay), (3, Phase::Held, LONGEST), "a person must act");
}

#[test]
fn a_gates_shown_time_moves_only_when_it_has_passed_or_it_is_another_gates() {
    let hook = |subject: &str, at: i64| {
        given(email()).said(Reason::PreDeleteHookPending, at).changed(|given| {
            given.teardown().subject = Some(subject.to_owned());
            given.view.gates.hooks = vec!["a".to_owned()];
        })
    };
    for at in [1, 100, 900] {
        assert_eq!(next(&hook("a", at)), Some(SignedDuration::from_secs(at)));
        assert_eq!(hook("a", at).waits().1, seconds(u64::try_from(at).unwrap()));
    }
    let anew = Some(SignedDuration::try_from(LONGEST).unwrap());
    for at in [0, -1, 901] {
        assert_eq!(next(&hook("a", at)), anew, "{at}");
    }
    assert_eq!(next(&hook("b", 100)), anew, "another hook");
    let suspended = hook("a", 100).changed(|given| given.view.gates.suspended = true);
    assert_eq!(next(&suspended), anew, "another gate");
    // What is not a gate is timed anew by each pass.
    let failed = given(disconnect()).said(Reason::Throttled, 100).reads(Outcome::Throttled);
    assert_eq!(next(&failed.changed(|given| given.pass.prompted = true)), Some(SignedDuration::from_secs(1)));
}

#[test]
fn what_may_still_be_alive_is_looked_at_again_as_soon_as_it_cannot_be_any_more() {
    let held = |unchanged_for: Duration| {
        given(disconnect()).unsettled(0).reads(Outcome::Gone).changed(|given| given.pass.unchanged_for = unchanged_for)
    };
    for (unchanged_for, delay) in [
        (seconds(0), LONGEST),
        (seconds(890), seconds(10)),
        (Duration::from_millis(899_900), seconds(1)),
        (seconds(900), LONGEST),
        (seconds(1000), LONGEST),
    ] {
        let (teardown, waits) = held(unchanged_for).waits();
        assert_eq!((teardown.reason, waits), (Reason::UnprovenAbsence, delay), "{unchanged_for:?}");
        assert_eq!(teardown.phase, Phase::Unknown, "not held: it is not settled");
    }
    let settled = given(disconnect()).reads(Outcome::Gone).changed(|given| given.pass.unchanged_for = seconds(890));
    assert_eq!(settled.waits().1, LONGEST);
    // The gate's own time stays as it was shown.
    let gate = held(seconds(890)).said(Reason::Suspended, 100).changed(|given| given.view.gates.suspended = true);
    assert_eq!((next(&gate), gate.waits().1), (Some(SignedDuration::from_secs(100)), seconds(10)));
}

#[test]
fn a_wait_says_where_the_deletion_stands() {
    let unavailable = Outcome::Unknown(Unknown::Unavailable);
    let phase = |phase, nonce: Option<&str>| {
        let given = given(email()).acked("here", 0).reads(unavailable).changed(|given| {
            (given.teardown().phase, given.teardown().nonce) = (phase, nonce.map(str::to_owned));
        });
        assert_eq!(given.waits_for(), Reason::ReadingBack);
        given.waits().0.phase
    };
    assert_eq!(phase(Phase::Intent, None), Phase::Waiting, "an intent without a nonce is none");
    assert_eq!(phase(Phase::Intent, Some("n")), Phase::Intent);
    assert_eq!(phase(Phase::Acked, None), Phase::Acked);
    // Shown under another channel, written, and still so: a person must act, and what was acknowledged stays so.
    let shown = given(email()).acked("here", 0).reads(Outcome::Refused(Refusal::WrongChannel));
    let recorded = shown.records();
    let held = shown.changed(|given| given.view.ledger = recorded);
    assert_eq!((held.waits_for(), held.waits().0.phase), (Reason::WrongChannel, Phase::Acked));
    let long = "é".repeat(2000);
    let gate = given(email()).changed(|given| given.view.gates.hooks = vec![long]);
    assert_eq!(gate.waits().0.subject.map(|subject| subject.chars().count()), Some(1024), "no longer than the schema");
}
