//! What stands before a deletion that is not its own: people's gates, and other objects of the same account.

use sender_operator::reason::Reason;
use sender_operator::teardown::api_unusable;
use sender_operator::teardown::ledger::Phase;
use sender_operator::teardown::outcome::Outcome;
use sender_operator::teardown::view::{Crd, Gates, Step, Twin};

use crate::any::{RULES, now};
use crate::given::{Given, LONGEST, REPEATABLE, deleting_twin, disconnect, email, given, seconds};

fn live_twin(uid: &str) -> Twin {
    Twin { deleting: false, ..deleting_twin(uid) }
}

/// Ready to send, but for what the test puts in its way.
fn next_to(twins: &[Twin], asked: &[(&str, bool)]) -> Given {
    given(email()).seen("here", 0).changed(|given| {
        given.pass.twins = twins.to_vec();
        given.pass.live_twins_asked = asked.iter().map(|(uid, fit)| ((*uid).to_owned(), *fit)).collect();
    })
}

#[test]
fn an_account_is_let_go_at_once_but_for_the_time_that_an_earlier_processs_delete_may_live() {
    let orphan = |given: &mut Given, inherited_for| {
        given.view.gates.orphan = Some(Some("sold".to_owned()));
        given.pass.inherited_for = seconds(inherited_for);
    };
    for target in REPEATABLE {
        assert_eq!(given(target()).changed(|given| orphan(given, 0)).released(), Reason::Orphaned);
        let waits = |inherited_for| {
            let (teardown, delay) = given(target()).changed(|given| orphan(given, inherited_for)).waits();
            (teardown.reason, delay)
        };
        assert_eq!(waits(60), (Reason::RequestMayBeInFlight, seconds(60)));
        assert_eq!(waits(5000), (Reason::RequestMayBeInFlight, LONGEST));
    }
    // What it sends is written ahead, so nothing unknown is on its way.
    assert_eq!(given(disconnect()).changed(|given| orphan(given, 60)).released(), Reason::Orphaned);
}

#[test]
fn each_gate_says_what_it_waits_for() {
    let closed = |gates: Gates| {
        let (teardown, delay) = next_to(&[], &[]).changed(|given| given.view.gates = gates).waits();
        (teardown.reason, teardown.subject.unwrap_or_default(), delay)
    };
    let names = || vec!["a".to_owned(), "b".to_owned()];
    let none = String::new;
    for (gates, reason, subject) in [
        (Gates { suspended: true, ..Gates::default() }, Reason::Suspended, none()),
        (Gates { protected: true, ..Gates::default() }, Reason::DeletionProtected, none()),
        (Gates { hooks: names(), ..Gates::default() }, Reason::PreDeleteHookPending, "a, b".to_owned()),
        (Gates { unconfirmed: true, ..Gates::default() }, Reason::ConfirmationMissing, none()),
        (Gates { foreign_finalizers: names(), ..Gates::default() }, Reason::ForeignFinalizer, "a, b".to_owned()),
    ] {
        assert_eq!(closed(gates), (reason, subject, LONGEST));
    }
    for (crd, reason) in [(Crd::Deleting, Reason::CrdDeleting), (Crd::Unreadable, Reason::CrdUnreadable)] {
        let (teardown, delay) = next_to(&[], &[]).changed(|given| given.pass.crd = Some(crd)).waits();
        assert_eq!((teardown.reason, delay), (reason, seconds(15)));
    }
    assert_eq!(next_to(&[], &[]).changed(|given| given.pass.crd = None).step(), Step::AskCrd);
    assert_eq!(next_to(&[], &[]).step(), Step::Freshen);
}

#[test]
fn what_is_beyond_the_deletion_budget_waits_whatever_it_says_meanwhile_and_what_is_meant_or_has_begun_goes_on() {
    let beyond = || next_to(&[], &[]).changed(|given| given.pass.within_budget = Some(false));
    let (teardown, delay) = beyond().waits();
    assert_eq!((teardown.reason, teardown.budget_spent, delay), (Reason::DeletionBudgetSpent, true, LONGEST));

    let suspended = beyond().changed(|given| given.view.gates.suspended = true).waits().0;
    assert_eq!((suspended.reason, suspended.budget_spent), (Reason::Suspended, true));

    // A new process, or one without a budget, knows it by the record alone, whatever else it has said since.
    for (within_budget, said) in [(Some(true), Reason::Suspended), (None, Reason::DeletionBudgetSpent)] {
        let recorded = next_to(&[], &[]).said(said, 0).changed(|given| {
            given.pass.within_budget = within_budget;
            (given.teardown().budget_spent, given.teardown().attempt) = (true, 0);
        });
        assert_eq!(recorded.waits().0.reason, Reason::DeletionBudgetSpent, "{said}");
    }
    for goes_on in [
        beyond().changed(|given| given.view.gates.may_exceed_budget = true),
        beyond().changed(|given| given.pass.crd = Some(Crd::DeletingAllowed)),
        beyond().changed(|given| given.teardown().attempt = 1),
        next_to(&[], &[]).changed(|given| given.pass.within_budget = Some(true)),
    ] {
        assert_eq!(goes_on.step(), Step::Freshen);
    }
    let handed_over = next_to(&[live_twin("live")], &[("live", true)]);
    assert_eq!(handed_over.changed(|given| given.pass.within_budget = Some(false)).released(), Reason::HandedOver);
}

#[test]
fn that_the_api_server_is_of_no_use_is_said_in_place_of_what_passes_and_of_nothing_else() {
    use Reason::{
        ApiServerUnavailable, ConnectionLost, CrdDeleting, Deleting, OutcomeHeld, OutcomeUnknown, PatchRefused,
        ProviderError, ProviderUnavailable, ReadingBack, SecretMissing, Suspended, TimedOut, TwinLive, UnprovenAbsence,
        WrongChannel,
    };
    let is_said = |given: Given| {
        let why = (ApiServerUnavailable, "500".to_owned());
        api_unusable(&given.view, &given.pass, &RULES, now(), why).is_some()
    };
    let beside = |reason| is_said(given(email()).said(reason, 5));
    let failed = [Deleting, ProviderUnavailable, ProviderError, TimedOut, ConnectionLost];
    for passes in failed.into_iter().chain([Suspended, TwinLive, CrdDeleting, ApiServerUnavailable, PatchRefused]) {
        assert!(beside(passes), "{passes}");
    }
    for stays in [SecretMissing, WrongChannel, UnprovenAbsence, OutcomeUnknown, OutcomeHeld, ReadingBack] {
        assert!(!beside(stays), "{stays}");
    }
    assert!(is_said(given(email())), "nothing is shown yet");
    assert!(!is_said(given(disconnect()).unsettled(0).said(Deleting, 5)), "later decisions rest on the intent");
}

#[test]
fn a_live_twin_is_asked_and_takes_the_account_over_or_is_waited_for() {
    let (a, b) = (live_twin("a"), live_twin("b"));
    assert_eq!(next_to(std::slice::from_ref(&a), &[]).step(), Step::AskLiveTwin("a".to_owned()));
    assert_eq!(next_to(&[a.clone(), b.clone()], &[("a", false)]).step(), Step::AskLiveTwin("b".to_owned()));
    let Step::Release(proof) = next_to(&[a.clone(), b.clone()], &[("a", false), ("b", true)]).step() else {
        panic!("handed over")
    };
    assert_eq!((proof.record().reason, proof.record().subject.as_deref()), (Reason::HandedOver, Some("ns/b")));
    let (teardown, delay) = next_to(&[a.clone(), b], &[("a", false), ("b", false)]).waits();
    assert_eq!((teardown.reason, teardown.subject.as_deref()), (Reason::TwinLive, Some("ns/a")));
    assert_eq!(delay, seconds(15));
    let (unfit, _) = next_to(&[Twin { fits: false, ..a.clone() }], &[]).waits();
    assert_eq!((unfit.reason, unfit.subject.as_deref()), (Reason::TwinLive, Some("ns/a")), "it is not worth a GET");
    assert_eq!(next_to(&[Twin { sees_nothing: true, ..a }], &[]).step(), Step::Freshen, "it has nothing to take over");
}

#[test]
fn only_what_a_repeat_could_harm_waits_for_an_older_deletion_that_is_on_its_way() {
    let twin = || deleting_twin("a");
    let beside = |twin: Twin| given(disconnect()).reads(Outcome::Alive).changed(|given| given.pass.twins = vec![twin]);
    let (teardown, delay) = beside(twin()).waits();
    assert_eq!((teardown.reason, teardown.subject.as_deref()), (Reason::TwinDeleting, Some("ns/a")));
    assert_eq!(delay, seconds(15));
    let unsettled = beside(Twin { older: false, active: false, unsettled: true, ..twin() });
    assert_eq!(unsettled.waits().0.reason, Reason::TwinDeleting, "an intent beside it would be worth nothing");
    let disconnected = unsettled.reads(Outcome::SoftGone);
    assert!(matches!(disconnected.step(), Step::Release(_)), "what is done already waits for nobody");
    for twin in [Twin { older: false, ..twin() }, Twin { active: false, ..twin() }] {
        assert!(matches!(beside(twin.clone()).step(), Step::Intend(_)), "{twin:?}");
    }
    let blind = Twin { deleting: false, sees_nothing: true, ..twin() };
    assert!(matches!(beside(blind).step(), Step::Intend(_)), "it deletes nothing");
    assert_eq!(next_to(&[twin()], &[]).step(), Step::Freshen, "a repeat harms nothing");
}

#[test]
fn an_attempt_that_can_be_alive_no_more_is_left_to_an_older_twin_that_would_wait_for_it() {
    let beside = |unchanged_for| {
        let lost = given(disconnect()).unsettled(unchanged_for).reads(Outcome::Alive);
        lost.changed(|given| given.pass.twins = vec![deleting_twin("a")]).waits().0
    };
    let left = beside(900);
    assert_eq!(
        (left.reason, left.phase, left.nonce, left.unknown_outcomes),
        (Reason::TwinDeleting, Phase::Waiting, None, 1)
    );
    let alive = beside(899);
    assert_eq!((alive.reason, alive.nonce.as_deref()), (Reason::OutcomeUnknown, Some("nonce")), "it may be alive");
}

#[test]
fn an_intent_of_ours_is_sent_only_when_no_deleting_twin_has_one_and_a_later_read_still_shows_it_connected() {
    let about_to_send = |twins: Vec<Twin>, asked: Option<Option<&str>>| {
        given(disconnect()).unsettled(0).changed(|given| {
            (given.pass.own_intent, given.pass.fresh, given.pass.twins) = (true, true, twins);
            given.pass.unsettled_twin = asked.map(|twin| twin.map(str::to_owned));
            given.teardown().attempt = 4;
        })
    };
    let beside = || vec![deleting_twin("a"), Twin { sees_nothing: true, ..live_twin("b") }];
    assert_eq!(about_to_send(vec![], None).step(), Step::Send);
    assert_eq!(about_to_send(vec![], Some(None)).step(), Step::Send);
    assert_eq!(about_to_send(beside(), None).step(), Step::AskTwins(vec!["a".to_owned(), "b".to_owned()]));
    let blind = || vec![Twin { sees_nothing: true, ..live_twin("b") }];
    assert_eq!(
        about_to_send(blind(), None).step(),
        Step::AskTwins(vec!["b".to_owned()]),
        "what a watch shows may be old"
    );
    assert_eq!(about_to_send(beside(), Some(None)).step(), Step::ReadBack);
    assert_eq!(about_to_send(beside(), Some(None)).reads_back(Outcome::Alive).step(), Step::Send);
    let no_more = |given: &mut Given| given.pass.fresh = false;
    let stale = about_to_send(beside(), Some(None)).reads_back(Outcome::Alive).changed(no_more);
    assert_eq!(stale.step(), Step::Intend(stale.view.ledger.clone()), "the same intent, written anew");
    for (not_sent, reason, subject) in [
        (about_to_send(beside(), Some(Some("ns/a"))), Reason::TwinDeleting, Some("ns/a")),
        (about_to_send(beside(), Some(None)).reads_back(Outcome::SoftGone), Reason::Deleting, None),
        (about_to_send(vec![], None).changed(no_more), Reason::Deleting, None),
        (about_to_send(vec![], Some(None)).changed(no_more), Reason::Deleting, None),
    ] {
        let (teardown, _) = not_sent.waits();
        assert_eq!((teardown.reason, teardown.subject.as_deref()), (reason, subject));
        assert_eq!((teardown.nonce, teardown.attempt), (None, 4), "settled, and counted");
        assert_eq!(teardown.phase, sender_operator::teardown::ledger::Phase::Waiting);
    }
}
