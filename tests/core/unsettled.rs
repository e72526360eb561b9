//! A DELETE whose repetition could harm, and nobody knows how it ended: read, and never repeated while it may live.

use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::reason::Reason;
use sender_operator::teardown::outcome::{Outcome, Refusal, Unknown};
use sender_operator::teardown::view::Step;

use crate::given::{Given, disconnect, email, given, purge};

const UNAVAILABLE: Outcome = Outcome::Unknown(Unknown::Unavailable);
/// The outcome window is this long, in seconds.
const WINDOW: u64 = 900;

fn lost(unchanged_for: u64) -> Given {
    given(disconnect()).unsettled(unchanged_for)
}

fn contradicted(given: &Given) -> Option<bool> {
    given.waits().0.acked.map(|acked| acked.contradicted)
}

#[test]
fn it_is_read_for_itself_alone_and_only_a_suspension_keeps_it_from_that() {
    assert_eq!(lost(0).step(), Step::ReadAccount { shared: false });
    assert_eq!(lost(WINDOW).step(), Step::ReadAccount { shared: false });
    assert_eq!(lost(0).changed(|given| given.pass.credential = None).step(), Step::ReadCredentials);
    assert_eq!(lost(0).changed(|given| given.view.gates.suspended = true).waits_for(), Reason::Suspended);
    let protected = lost(0).changed(|given| given.view.gates.protected = true);
    assert_eq!(protected.step(), Step::ReadAccount { shared: false }, "a read harms nothing");
    // Where a repeat harms nothing, nothing waits for an old attempt.
    assert_eq!(given(email()).unsettled(0).seen("here", 0).step(), Step::Freshen);
    assert_eq!(given(purge()).unsettled(0).seen("here", 0).step(), Step::Freshen);
}

#[test]
fn an_orphan_is_let_go_when_no_request_can_be_alive_and_not_before() {
    let orphan = |unchanged_for| lost(unchanged_for).changed(|given| given.view.gates.orphan = Some(None));
    assert_eq!(orphan(WINDOW - 1).step(), Step::ReadAccount { shared: false });
    assert_eq!(orphan(WINDOW).released(), Reason::Orphaned);
    assert_eq!(orphan(WINDOW).changed(|given| given.view.gates.suspended = true).released(), Reason::Orphaned);
}

#[test]
fn a_disconnected_row_proves_it_unless_an_earlier_attempt_may_still_destroy_it() {
    assert_eq!(lost(0).reads(Outcome::SoftGone).released(), Reason::AlreadySoft);
    assert_eq!(lost(0).acked("here", 0).reads(Outcome::SoftGone).released(), Reason::ReadBack);
    assert_eq!(lost(0).acked("elsewhere", 0).reads(Outcome::SoftGone).released(), Reason::ReadBack);
    let two = |unchanged_for| {
        lost(unchanged_for).reads(Outcome::SoftGone).changed(|given| given.teardown().unknown_outcomes = 1)
    };
    assert_eq!(two(WINDOW - 1).waits_for(), Reason::OutcomeUnknown);
    assert_eq!(two(WINDOW).released(), Reason::AlreadySoft);
}

#[test]
fn absence_is_a_proof_for_the_key_that_was_told_or_when_nothing_lives_and_a_person_said_so() {
    let absent = |unchanged_for| lost(unchanged_for).reads(Outcome::Gone);
    let policy = |given: &mut Given| given.view.on_not_found = OnNotFound::Release;
    assert_eq!(absent(0).acked("here", 0).released(), Reason::ReadBack);
    assert_eq!(absent(0).acked("elsewhere", 0).waits_for(), Reason::UnprovenAbsence);
    assert_eq!(absent(WINDOW).waits_for(), Reason::UnprovenAbsence);
    assert_eq!(absent(WINDOW - 1).changed(policy).waits_for(), Reason::UnprovenAbsence);
    assert_eq!(absent(WINDOW).changed(policy).released(), Reason::ReleasedByPolicy);
    assert_eq!(absent(WINDOW).seen("elsewhere", 0).changed(policy).waits_for(), Reason::CredentialsChanged);
}

#[test]
fn what_still_shows_connected_is_sent_again_only_when_nothing_lives_and_nobody_asked_to_be_asked() {
    let hold = |given: &mut Given| given.view.after_unknown_outcome = AfterUnknownOutcome::Hold;
    let alive = |unchanged_for| lost(unchanged_for).reads(Outcome::Alive);
    for change in [hold, |_: &mut Given| ()] {
        assert_eq!(alive(WINDOW - 1).changed(change).waits_for(), Reason::OutcomeUnknown);
        for (unchanged_for, reason) in [(WINDOW - 1, Reason::ReadingBack), (WINDOW, Reason::AckedButAlive)] {
            let acked = alive(unchanged_for).acked("here", 0).changed(change);
            assert_eq!((acked.waits_for(), contradicted(&acked)), (reason, Some(true)));
        }
    }
    assert_eq!(alive(WINDOW).changed(hold).waits_for(), Reason::OutcomeHeld);
    assert!(matches!(alive(WINDOW).step(), Step::Intend(_)));
}

#[test]
fn a_read_that_shows_it_otherwise_contradicts_an_acknowledgement_and_one_that_fails_does_not() {
    for (read, reason, shown) in [
        (Outcome::Refused(Refusal::WrongChannel), Reason::WrongChannel, true),
        (Outcome::Refused(Refusal::UnrecognisedStatus), Reason::AccountStatusUnrecognised, true),
        (UNAVAILABLE, Reason::ProviderUnavailable, false),
        (Outcome::Refused(Refusal::Forbidden), Reason::CredentialsForbidden, false),
    ] {
        let acked = lost(0).acked("here", 0).reads(read);
        assert_eq!((acked.waits_for(), contradicted(&acked)), (reason, Some(shown)));
        assert_eq!(lost(0).reads(read).waits_for(), reason);
    }
}

#[test]
fn an_acknowledgement_that_could_never_be_read_back_counts_by_itself_in_the_end() {
    let unverified =
        |ago, tries| lost(WINDOW).acked("here", ago).reads(UNAVAILABLE).changed(|given| given.teardown().tries = tries);
    assert_eq!(unverified(900, 3).released(), Reason::AckedUnverified);
    assert_eq!(unverified(899, 3).waits_for(), Reason::ProviderUnavailable);
    assert_eq!(unverified(900, 2).waits_for(), Reason::ProviderUnavailable);
}
