//! What follows the answer to a DELETE.

use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{LastOutcome, Phase};
use sender_operator::teardown::outcome::{Exchange, NotSent, Outcome, Refusal, Unknown};
use sender_operator::teardown::view::{Fault, Step};
use sender_operator::teardown::{confirm, decide, settle};

use crate::any::{RULES, now};
use crate::given::{Given, LONGEST, disconnect, email, given, postpress, print, purge};

fn contradicted(given: &Given) -> Option<bool> {
    given.waits().0.acked.map(|acked| acked.contradicted)
}

#[test]
fn an_acknowledgement_is_read_back_and_proves_nothing_before() {
    for target in [postpress, email, disconnect] {
        let acked = || given(target()).answered(Outcome::Acked);
        assert_eq!(acked().step(), Step::ReadBack);
        for gone in [Outcome::Gone, Outcome::SoftGone] {
            assert_eq!(acked().reads_back(gone).released(), Reason::ReadBack);
        }
        for (read, shown) in [
            (Outcome::Alive, true),
            (Outcome::Refused(Refusal::WrongChannel), true),
            (Outcome::Unknown(Unknown::TimedOut), false),
            (Outcome::Refused(Refusal::Credentials), false),
        ] {
            let waits = acked().reads_back(read);
            assert_eq!((waits.waits_for(), contradicted(&waits)), (Reason::ReadingBack, Some(shown)), "{read:?}");
        }
    }
}

#[test]
fn a_purge_writes_its_acknowledgement_down_and_sends_on_until_nothing_is_found_at_most_three_times_a_pass() {
    let acked = |sends| given(purge()).answered(Outcome::Acked).changed(|given| given.pass.sends = sends);
    let recorded = acked(1).records();
    assert!(recorded.acked_under(&print("here")));
    assert_eq!(recorded.teardown.map(|teardown| teardown.attempt), Some(1));
    for sends in [1, 2] {
        assert_eq!(acked(sends).acked("here", 0).step(), Step::SendAgain, "after {sends}");
    }
    for sends in [3, 4] {
        assert_eq!(acked(sends).acked("here", 0).waits_for(), Reason::ReadingBack, "after {sends}");
    }
    assert!(matches!(acked(1).acked("elsewhere", 0).step(), Step::Record(_)), "that was another key's");
}

#[test]
fn not_found_is_a_proof_for_a_key_that_was_told_so_or_saw_the_account() {
    for target in [postpress, email, purge, disconnect] {
        let gone = || given(target()).answered(Outcome::Gone);
        assert_eq!(gone().acked("here", 0).released(), Reason::NotFoundAfterAck);
        assert_eq!(gone().seen("here", 0).released(), Reason::NotFoundAfterSeenAlive);
        assert_eq!(gone().waits_for(), Reason::UnprovenAbsence);
        assert_eq!(gone().seen("elsewhere", 0).waits_for(), Reason::CredentialsChanged);
        let policy = |given: &mut Given| given.view.on_not_found = sender_operator::crd::OnNotFound::Release;
        assert_eq!(gone().changed(policy).released(), Reason::ReleasedByPolicy);
        assert_eq!(gone().seen("elsewhere", 0).changed(policy).waits_for(), Reason::CredentialsChanged);
    }
}

#[test]
fn what_may_have_been_applied_is_read_where_a_repeat_could_harm() {
    let lost = || given(disconnect()).unsettled(0).answered(Outcome::Unknown(Unknown::TimedOut));
    assert_eq!(lost().step(), Step::ReadBack);
    assert_eq!(lost().reads_back(Outcome::SoftGone).released(), Reason::AlreadySoft);
    let earlier = lost().reads_back(Outcome::SoftGone).changed(|given| given.teardown().unknown_outcomes = 1);
    assert_eq!(earlier.waits_for(), Reason::OutcomeUnknown, "an earlier one may destroy what this one disconnected");
    for read in [Outcome::Alive, Outcome::Gone, Outcome::Unknown(Unknown::TimedOut)] {
        assert_eq!(lost().reads_back(read).waits_for(), Reason::OutcomeUnknown, "{read:?}");
    }
    let refused = given(disconnect()).unsettled(0).answered(Outcome::Refused(Refusal::Request));
    assert_eq!(refused.waits_for(), Reason::RequestRefused, "it was not applied");
    for target in [postpress, email, purge] {
        assert_eq!(given(target()).answered(Outcome::Unknown(Unknown::TimedOut)).waits_for(), Reason::TimedOut);
    }
}

#[test]
fn an_answer_without_the_key_that_it_was_asked_with_leads_back_to_the_key() {
    let answered = || given(email()).answered(Outcome::Gone);
    let fault = || Some(Err(Fault { reason: Reason::SecretMissing, subject: None }));
    assert_eq!(answered().changed(|given| given.pass.credential = None).step(), Step::ReadCredentials);
    assert_eq!(answered().changed(|given| given.pass.credential = fault()).step(), Step::ReadCredentials);
}

#[test]
fn a_settled_answer_ends_the_attempt_and_an_unsettled_one_keeps_its_nonce() {
    for (outcome, phase, keeps) in [
        (Outcome::Acked, Phase::Acked, true),
        (Outcome::Unknown(Unknown::ConnectionLost), Phase::Unknown, true),
        (Outcome::Refused(Refusal::Redirected), Phase::Unknown, true),
        (Outcome::Gone, Phase::Waiting, false),
        (Outcome::NotSent(NotSent::DnsFailure), Phase::Waiting, false),
        (Outcome::Throttled, Phase::Waiting, false),
        (Outcome::Refused(Refusal::Request), Phase::Waiting, false),
        (Outcome::Alive, Phase::Intent, true),
    ] {
        let mut given = given(disconnect()).unsettled(0).answered(outcome).seen("here", 60);
        (given.teardown().phase, given.teardown().tries) = (Phase::Intent, 5);
        let Some(Ok(known)) = given.pass.credential.clone() else { panic!("a key") };
        let answer = Exchange { http_status: Some(418), error_type: Some("teapot".to_owned()), ..outcome.into() };
        let ledger = settle(&given.view, &given.pass, &known, &answer, now());
        let teardown = ledger.teardown.expect("a teardown");
        assert_eq!((teardown.phase, teardown.nonce.is_some(), teardown.attempt), (phase, keeps, 1), "{outcome:?}");
        assert_eq!(teardown.tries, if outcome == Outcome::Acked { 0 } else { 5 });
        let last = LastOutcome { reason: outcome.into(), http_status: Some(418), error_type: answer.error_type };
        assert_eq!((teardown.last_outcome, teardown.fingerprint), (Some(last), Some(print("here"))));
        assert_eq!(ledger.account, given.view.ledger.account);
    }
}

#[test]
fn each_delete_that_went_out_is_counted_once_where_no_intent_counted_it() {
    for (target, attempt) in [(email(), 3), (purge(), 3), (disconnect(), 1)] {
        let given = given(target).answered(Outcome::Throttled).changed(|given| {
            given.teardown();
            (given.pass.sends, given.pass.recorded) = (3, 1);
        });
        assert_eq!(given.waits().0.attempt, attempt);
    }
}

#[test]
fn a_refused_delete_makes_an_older_sight_worthless() {
    let refused = given(email()).seen("here", 60).answered(Outcome::Refused(Refusal::Credentials));
    let Step::Wait(ledger, delay) = decide(&refused.view, &refused.pass, &RULES, now()) else { panic!("it waits") };
    assert!(!ledger.saw_alive(&print("here"), now()));
    assert_eq!(
        ledger.teardown.map(|teardown| (teardown.reason, teardown.phase)),
        Some((Reason::CredentialsInvalid, Phase::Held))
    );
    assert!(delay < LONGEST, "the Secret is read again sooner");
}

#[test]
fn a_proof_is_written_beside_what_was_seen_and_ends_every_wait() {
    let given = given(disconnect()).unsettled(0).seen("here", 0).said(Reason::Throttled, 60).reads(Outcome::SoftGone);
    let Step::Release(proof) = given.step() else { panic!("{:?}", given.step()) };
    let ledger = confirm(&given.view, &proof, now());
    assert_eq!(ledger.account, given.view.ledger.account);
    let teardown = ledger.teardown.clone().expect("a teardown");
    assert_eq!((teardown.phase, teardown.reason, teardown.subject), (Phase::Confirmed, Reason::AlreadySoft, None));
    assert_eq!((teardown.nonce, teardown.next_attempt_at, teardown.attempt), (None, None, 1));
    assert_eq!(teardown.proof.as_ref(), Some(proof.record()));
    let again = given.changed(|given| given.view.ledger = ledger);
    assert_eq!(again.released(), Reason::AlreadySoft, "what was proved stays proved");
}
