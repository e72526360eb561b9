//! What must be known of an account before its DELETE goes out, and what a read of it leads to.

use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{AccountState, Ledger, Phase};
use sender_operator::teardown::outcome::{Outcome, Refusal, Unknown};
use sender_operator::teardown::target::Target;
use sender_operator::teardown::view::Step;

use crate::any::now;
use crate::given::{Given, REPEATABLE, disconnect, email, given, postpress, print, purge};

const UNAVAILABLE: Outcome = Outcome::Unknown(Unknown::Unavailable);
/// The kinds whose acknowledged DELETE is proved by a read.
const READ_BACK: [fn() -> Target; 2] = [postpress, email];

fn fresh(given: &mut Given) {
    given.pass.fresh = true;
}

fn releases(given: &mut Given) {
    given.view.on_not_found = OnNotFound::Release;
}

fn contradicted(given: &mut Given) {
    given.teardown().acked.as_mut().expect("acknowledged").contradicted = true;
}

fn shared(shared: bool) -> Step {
    Step::ReadAccount { shared }
}

#[test]
fn nothing_is_sent_while_an_attempt_may_be_alive_that_the_ledger_forgot() {
    let forgot = |seconds| {
        let since = Some(std::time::Duration::from_secs(seconds));
        given(disconnect()).reads(Outcome::Alive).changed(|given| given.pass.forgotten_for = since)
    };
    assert_eq!(forgot(899).waits().0.reason, Reason::OutcomeUnknown);
    assert!(matches!(forgot(900).step(), Step::Intend(_)));
    let another = forgot(899).unsettled(900).waits().0;
    assert_eq!((another.reason, another.nonce.is_some()), (Reason::OutcomeUnknown, true), "nor is another one settled");
    let held = forgot(900).changed(|given| given.view.after_unknown_outcome = AfterUnknownOutcome::Hold);
    assert_eq!(held.waits().0.reason, Reason::OutcomeHeld);
    let orphaned = |seconds| forgot(seconds).changed(|given| given.view.gates.orphan = Some(None));
    assert_eq!(orphaned(899).waits().0.reason, Reason::RequestMayBeInFlight);
    assert!(matches!(orphaned(900).step(), Step::Release(_)));
    // The key that sees no account need not be the one that it went out with.
    let absent = |seconds| forgot(seconds).reads(Outcome::Gone).changed(releases);
    assert_eq!(absent(899).waits().0.reason, Reason::RequestMayBeInFlight);
    assert!(matches!(absent(900).step(), Step::Release(_)));
}

#[test]
fn what_was_never_seen_by_this_key_is_read_first_and_what_was_seen_is_looked_at_once_more_and_sent() {
    for target in REPEATABLE {
        let ready = || given(target()).changed(|given| given.teardown().attempt = 1);
        assert_eq!(ready().step(), shared(true));
        assert_eq!(ready().seen("elsewhere", 0).step(), shared(true));
        assert_eq!(ready().seen("here", 86_401).step(), shared(true));
        assert_eq!(ready().seen("here", 86_400).step(), Step::Freshen);
        assert_eq!(ready().seen("here", 0).changed(fresh).step(), Step::Send);
        assert_eq!(ready().changed(fresh).step(), Step::Send, "it was read before the last look");
    }
}

#[test]
fn after_an_acknowledgement_a_read_comes_first_but_for_a_purge_which_a_404_to_its_next_delete_proves() {
    for target in READ_BACK {
        assert_eq!(given(target()).acked("here", 0).step(), shared(false));
        assert_eq!(given(target()).acked("here", 0).seen("here", 0).step(), shared(false));
        assert_eq!(given(target()).acked("elsewhere", 0).step(), shared(true));
    }
    assert_eq!(given(purge()).acked("here", 0).step(), Step::Freshen);
    assert_eq!(given(purge()).acked("elsewhere", 0).step(), shared(true));
}

#[test]
fn a_sight_that_says_something_new_is_written_and_then_it_goes_on() {
    for target in REPEATABLE {
        let seen = given(target()).reads(Outcome::Alive).records();
        assert!(seen.saw_alive(&print("here"), now()));
    }
    let soft = given(email()).reads(Outcome::SoftGone);
    let written = soft.records();
    assert_eq!(written.account.as_ref().map(|account| account.state), Some(AccountState::Disconnected));
    assert_eq!(soft.changed(|given| given.view.ledger = written).step(), Step::Freshen, "it says nothing new");
    // Evidence that is there already is not worth a write of its own.
    assert_eq!(given(email()).seen("here", 13 * 3600).reads(Outcome::Alive).step(), Step::Freshen);
    assert_eq!(given(email()).seen("here", 60).reads(Outcome::Alive).changed(fresh).step(), Step::Send);
}

#[test]
fn a_read_that_fails_or_shows_nothing_does_not_keep_the_delete_back_and_one_that_names_a_fault_does() {
    for outcome in [UNAVAILABLE, Outcome::Gone, Outcome::Throttled, Outcome::Refused(Refusal::Request)] {
        assert_eq!(given(email()).reads(outcome).step(), Step::Freshen, "{outcome:?}");
        assert_eq!(given(email()).seen("here", 0).reads(outcome).step(), Step::Freshen, "{outcome:?}");
    }
    for (refusal, reason) in
        [(Refusal::Credentials, Reason::CredentialsInvalid), (Refusal::WrongChannel, Reason::WrongChannel)]
    {
        let teardown = given(email()).reads(Outcome::Refused(refusal)).waits().0;
        assert_eq!((teardown.reason, teardown.fingerprint), (reason, Some(print("here"))));
    }
}

#[test]
fn a_read_back_proves_or_contradicts_or_is_tried_again() {
    for target in READ_BACK {
        let acked = || given(target()).acked("here", 60).seen("here", 60).changed(|given| given.pass.prompted = true);
        assert_eq!(acked().reads(Outcome::Gone).released(), Reason::ReadBack);
        for read in [UNAVAILABLE, Outcome::Throttled, Outcome::Refused(Refusal::Credentials)] {
            assert_eq!(acked().reads(read).waits_for(), Reason::ReadingBack, "{read:?}");
        }
        for read in [Outcome::Alive, Outcome::Refused(Refusal::UnrecognisedStatus)] {
            let shown = acked().reads(read);
            let recorded = shown.records();
            assert_eq!(recorded.acked().map(|acked| acked.contradicted), Some(true), "{read:?}");
            let once_more = shown.changed(|given| given.view.ledger = recorded);
            assert_eq!(once_more.step(), Step::Freshen, "it is sent once more");
        }
        assert_eq!(acked().reads(Outcome::SoftGone).step(), Step::Freshen, "the row must go");
        let elsewhere = given(target()).acked("elsewhere", 0).seen("elsewhere", 0);
        assert_eq!(elsewhere.reads(Outcome::Gone).step(), Step::Freshen, "another key's absence");
    }
}

#[test]
fn an_acknowledgement_counts_by_itself_when_every_read_failed_a_quarter_of_an_hour_and_three_times() {
    let unverified = |ago, tries| {
        given(email()).acked("here", ago).reads(UNAVAILABLE).changed(|given| given.teardown().tries = tries)
    };
    assert_eq!(unverified(900, 3).released(), Reason::AckedUnverified);
    assert_eq!(unverified(899, 3).waits_for(), Reason::ReadingBack);
    assert_eq!(unverified(900, 2).waits_for(), Reason::ReadingBack);
    assert_eq!(unverified(900, 3).changed(contradicted).waits_for(), Reason::ReadingBack);
    let shown = given(email()).acked("here", 900).changed(contradicted).changed(|given| given.teardown().tries = 3);
    let shown = shown.reads(Outcome::Refused(Refusal::WrongChannel));
    let recorded = shown.records();
    assert_eq!(shown.changed(|given| given.view.ledger = recorded).waits_for(), Reason::WrongChannel);
}

#[test]
fn what_is_held_for_its_absence_is_read_on_until_it_shows_or_somebody_lets_it_go() {
    let held = |reason| {
        let held = given(email()).said(reason, 0).reads(Outcome::Gone);
        held.changed(|given| (given.teardown().phase, given.teardown().fingerprint) = (Phase::Held, None))
    };
    for (held, reason) in [
        (held(Reason::UnprovenAbsence), Reason::UnprovenAbsence),
        (held(Reason::CredentialsChanged).seen("elsewhere", 0), Reason::CredentialsChanged),
    ] {
        let teardown = held.waits().0;
        assert_eq!((teardown.reason, teardown.phase, teardown.fingerprint), (reason, Phase::Held, Some(print("here"))));
    }
    assert_eq!(held(Reason::UnprovenAbsence).changed(releases).step(), Step::Freshen, "somebody lets it go");
    assert_eq!(held(Reason::ProviderError).step(), Step::Freshen, "held for something else");
    let waiting = held(Reason::UnprovenAbsence).changed(|given| given.teardown().phase = Phase::Waiting);
    assert_eq!(waiting.step(), Step::Freshen, "not held");
}

#[test]
fn what_was_seen_under_another_channel_is_not_touched_before_a_read_shows_it_under_the_declared_one() {
    let suspended = || given(email()).seen("here", 0).said(Reason::Suspended, 0);
    let marked = || suspended().changed(|given| given.account().wrong_channel_since = Some(now()));
    assert_eq!(suspended().step(), Step::Freshen);
    assert_eq!(
        marked().step(),
        Step::ReadAccount { shared: true },
        "what stood at a gate meanwhile has not forgotten it"
    );
    assert_eq!(marked().reads(UNAVAILABLE).waits_for(), Reason::ProviderUnavailable);
    assert_eq!(marked().reads(Outcome::Refused(Refusal::WrongChannel)).waits_for(), Reason::WrongChannel);
    assert_eq!(marked().reads(Outcome::Refused(Refusal::UnrecognisedStatus)).step(), Step::Freshen);
    assert_eq!(marked().reads(Outcome::Gone).waits_for(), Reason::UnprovenAbsence);
    let released = marked().reads(Outcome::Gone).changed(|given| given.view.on_not_found = OnNotFound::Release);
    assert_eq!(released.released(), Reason::ReleasedByPolicy);
    let wrong = || given(email()).seen("here", 0).said(Reason::WrongChannel, 0);
    assert_eq!(wrong().waits_for(), Reason::WrongChannel);
    assert_eq!(wrong().reads(UNAVAILABLE).waits_for(), Reason::WrongChannel);
    assert_eq!(wrong().reads(Outcome::Gone).waits_for(), Reason::WrongChannel);
    assert_eq!(wrong().reads(Outcome::Alive).step(), Step::Freshen);
}

#[test]
fn a_purge_is_written_down_before_its_first_delete() {
    let first = |given: Given| {
        let Ledger { account, teardown } = given.records();
        assert_eq!(account, given.view.ledger.account);
        teardown.map(|teardown| (teardown.attempt, teardown.fingerprint))
    };
    let begun = Some((1, Some(print("here"))));
    assert_eq!(first(given(purge()).seen("here", 0)), begun);
    assert_eq!(first(given(purge()).seen("here", 0).changed(|given| given.teardown().attempt = 0)), begun);
    assert_eq!(given(purge()).seen("here", 0).changed(|given| given.teardown().attempt = 1).step(), Step::Freshen);
    assert_eq!(given(email()).seen("here", 0).step(), Step::Freshen);
}

#[test]
fn what_a_repeat_could_harm_is_read_and_written_ahead() {
    assert_eq!(given(disconnect()).step(), shared(false));
    let Step::Intend(ledger) = given(disconnect()).reads(Outcome::Alive).step() else { panic!("an intent") };
    assert!(ledger.saw_alive(&print("here"), now()));
    let intent = ledger.teardown.expect("an intent");
    assert_eq!((intent.phase, intent.attempt, intent.unknown_outcomes), (Phase::Intent, 1, 0));
    let again = given(disconnect()).unsettled(900).acked("elsewhere", 0).said(Reason::OutcomeUnknown, 0);
    let again =
        again.changed(|given| (given.teardown().acked, given.teardown().subject) = (None, Some("x".to_owned())));
    let Step::Intend(ledger) = again.reads(Outcome::Alive).step() else { panic!("an intent") };
    let intent = ledger.teardown.expect("an intent");
    assert_eq!((intent.attempt, intent.unknown_outcomes), (2, 1), "two requests may have been let out");
    assert_eq!((intent.reason, intent.subject, intent.acked), (Reason::Deleting, None, None));
}

#[test]
fn a_disconnected_row_is_all_that_is_asked_for_and_absence_from_a_list_is_no_proof() {
    assert_eq!(given(disconnect()).reads(Outcome::SoftGone).released(), Reason::AlreadySoft);
    assert_eq!(given(disconnect()).reads(Outcome::Gone).changed(releases).released(), Reason::ReleasedByPolicy);
    for (given, reason) in [
        (given(disconnect()).reads(Outcome::Gone), Reason::UnprovenAbsence),
        (given(disconnect()).reads(Outcome::Gone).seen("here", 0), Reason::UnprovenAbsence),
        (given(disconnect()).reads(Outcome::Gone).seen("elsewhere", 0).changed(releases), Reason::CredentialsChanged),
        (given(disconnect()).reads(UNAVAILABLE), Reason::ProviderUnavailable),
    ] {
        let given = given.changed(|given| given.teardown().fingerprint = None);
        let teardown = given.waits().0;
        assert_eq!((teardown.reason, teardown.fingerprint), (reason, Some(print("here"))));
        assert_eq!(teardown.attempt, 1, "what was counted stays");
    }
}
