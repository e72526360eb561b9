//! What [`decide`] may and may not say.

use std::time::Duration;

use proptest::prelude::*;
use sender_operator::backoff;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{AccountRecord, Ledger, Phase};
use sender_operator::teardown::outcome::Outcome;
use sender_operator::teardown::target::Kind;
use sender_operator::teardown::view::{Crd, Known, Pass, Step, View};
use sender_operator::teardown::{api_unusable, decide, not_listed, queued};

use crate::any::{RULES, case, config, now};

fn open(view: &View, pass: &Pass) -> bool {
    let gates = &view.gates;
    gates.orphan.is_none()
        && !gates.suspended
        && !gates.protected
        && gates.hooks.is_empty()
        && !gates.unconfirmed
        && gates.foreign_finalizers.is_empty()
        && matches!(pass.crd, Some(Crd::Serving | Crd::DeletingAllowed))
}

fn known(pass: &Pass) -> Option<&Known> {
    pass.credential.as_ref().and_then(|credential| credential.as_ref().ok())
}

fn seen(pass: &Pass) -> Option<Outcome> {
    pass.read.as_ref().map(|read| read.outcome)
}

fn read_back(pass: &Pass) -> Option<Outcome> {
    pass.read_back.as_ref().map(|read| read.outcome)
}

fn answer(pass: &Pass) -> Option<Outcome> {
    pass.answer.as_ref().map(|answer| answer.outcome)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_delete_goes_out_only_for_a_fresh_deleting_ungated_object_of_ours_with_a_key_and_without_a_proof((view, pass) in case()) {
        if let Step::Send = decide(&view, &pass, &RULES, now()) {
            prop_assert!(view.deleting && view.ours && open(&view, &pass) && known(&pass).is_some());
            prop_assert!(view.ledger.teardown.as_ref().is_none_or(|t| t.proof.is_none()));
            prop_assert!(pass.fresh && (pass.own_intent || view.kind() != Kind::SoftThenHard), "not fresh, or not announced");
            prop_assert!(pass.twins.iter().all(|twin| twin.deleting || twin.sees_nothing), "a live twin was passed over");
            let asked_all = pass.unsettled_twin == Some(None) || pass.twins.is_empty();
            prop_assert!(view.kind() != Kind::SoftThenHard || asked_all, "a twin's intent was not asked for");
        }
    }

    #[test]
    fn an_intent_rests_on_a_read_of_this_pass_that_shows_it_connected_and_on_no_request_that_can_still_be_alive((view, pass) in case()) {
        if let Step::Intend(ledger) = decide(&view, &pass, &RULES, now()) {
            prop_assert_eq!(view.kind(), Kind::SoftThenHard);
            prop_assert!(open(&view, &pass) && known(&pass).is_some());
            if pass.own_intent {
                prop_assert!(!pass.fresh && pass.unsettled_twin == Some(None), "it is written anew for a later read only");
                prop_assert_eq!(pass.read_back.as_ref().map(|read| read.outcome), Some(Outcome::Alive));
                prop_assert_eq!(ledger, view.ledger);
                return Ok(());
            }
            prop_assert_eq!(seen(&pass), Some(Outcome::Alive));
            if view.is_unsettled() {
                prop_assert!(pass.unchanged_for >= RULES.outcome_window);
                prop_assert_eq!(view.after_unknown_outcome, AfterUnknownOutcome::Resend);
                prop_assert!(view.ledger.acked().is_none(), "an acknowledged DELETE is never sent again by itself");
            }
            let before = view.ledger.teardown.as_ref().map_or(0, |t| t.attempt);
            let intent = ledger.teardown.expect("an intent is a teardown");
            prop_assert_eq!((intent.phase, intent.attempt), (Phase::Intent, before + 1));
            prop_assert_eq!(intent.fingerprint.as_ref(), known(&pass).map(|known| &known.fingerprint));
        }
    }

    #[test]
    fn a_release_has_the_proof_that_it_names((view, pass) in case()) {
        let Step::Release(proof) = decide(&view, &pass, &RULES, now()) else { return Ok(()) };
        prop_assert!(view.deleting && view.ours);
        let ledger = &view.ledger;
        if ledger.teardown.as_ref().is_some_and(|t| t.proof.is_some()) {
            return Ok(());
        }
        // An answer is to this very attempt: with it, the attempt is settled.
        let unsettled = view.is_unsettled() && !pass.own_intent && pass.answer.is_none();
        let window_over = pass.unchanged_for >= RULES.outcome_window;
        let at = known(&pass).map(|known| &known.fingerprint);
        // Nothing is sent to what was seen under another channel, either.
        let other_channel = |account: &AccountRecord| account.wrong_channel_since.is_some();
        let reads_alone = view.kind() == Kind::SoftThenHard || ledger.account.as_ref().is_some_and(other_channel);
        let absent = answer(&pass) == Some(Outcome::Gone) || (reads_alone && seen(&pass) == Some(Outcome::Gone));
        let by_absence = !matches!(proof.record().reason, Reason::Orphaned | Reason::HandedOver);
        let predecessor_sends = view.kind() != Kind::SoftThenHard && !pass.inherited_for.is_zero();
        prop_assert!(by_absence || !predecessor_sends, "let go while an earlier process's DELETE may be on its way");
        match proof.record().reason {
            Reason::Orphaned => prop_assert!(view.gates.orphan.is_some() && (!unsettled || window_over)),
            Reason::HandedOver => {
                let fit = pass.live_twins_asked.iter().any(|(_, fit)| *fit);
                prop_assert!(fit && (!unsettled || window_over));
            }
            Reason::ReadBack => {
                let now_acked = answer(&pass) == Some(Outcome::Acked) && matches!(read_back(&pass), Some(Outcome::Gone | Outcome::SoftGone));
                let acked_before = ledger.acked().is_some() && matches!(seen(&pass), Some(Outcome::Gone | Outcome::SoftGone));
                prop_assert!(now_acked || acked_before);
                prop_assert!(view.kind() != Kind::Purge, "a Purge is proved by a 404 to a DELETE only");
                if !now_acked && seen(&pass) == Some(Outcome::Gone) {
                    prop_assert!(at.is_some_and(|at| ledger.acked_under(at)), "another key's absence");
                }
            }
            Reason::AlreadySoft => {
                prop_assert_eq!(view.kind(), Kind::SoftThenHard);
                prop_assert!(seen(&pass) == Some(Outcome::SoftGone) || read_back(&pass) == Some(Outcome::SoftGone));
            }
            Reason::NotFoundAfterAck => {
                prop_assert!(answer(&pass) == Some(Outcome::Gone) && at.is_some_and(|at| ledger.acked_under(at)));
            }
            Reason::NotFoundAfterSeenAlive => {
                prop_assert!(answer(&pass) == Some(Outcome::Gone) && at.is_some_and(|at| ledger.saw_alive(at, now())));
            }
            Reason::ReleasedByPolicy => {
                prop_assert!(absent && view.on_not_found == OnNotFound::Release && (!unsettled || window_over));
                prop_assert!(at.is_some_and(|at| !ledger.saw_alive_under_another(at)));
            }
            Reason::AckedUnverified => {
                let acked = ledger.acked().expect("acknowledged");
                prop_assert!(!acked.contradicted && now().duration_since(acked.at).as_secs() >= 900);
                prop_assert!(view.kind() != Kind::Purge && !seen(&pass).is_some_and(Outcome::shows_the_account));
            }
            other => prop_assert!(false, "{other} is no proof"),
        }
    }

    #[test]
    fn whatever_waits_says_why_and_until_when_and_forgets_no_unsettled_attempt((view, pass) in case()) {
        if let Step::Wait(ledger, delay) = decide(&view, &pass, &RULES, now()) {
            prop_assert!(delay >= Duration::from_millis(10) && delay <= Duration::from_secs(900), "{:?}", delay);
            let teardown = ledger.teardown.expect("who waits has a teardown");
            prop_assert!(teardown.next_attempt_at.is_some());
            prop_assert!(teardown.uid == view.uid && teardown.proof.is_none());
            // Settled only by an answer to this very attempt, or by the twin that goes first.
            let settled_by_answer = answer(&pass).is_some_and(|answer| answer != Outcome::Acked && !answer.may_have_been_applied());
            let read_anew = read_back(&pass).is_some_and(|seen| seen != Outcome::Alive);
            let settled_by_twin = pass.own_intent && (matches!(pass.unsettled_twin, Some(Some(_))) || read_anew);
            let never_sent = pass.unsent || (pass.own_intent && !pass.fresh);
            // What can be alive no more is left to the older twin, and stays counted.
            let left_to_twin = !pass.own_intent && teardown.reason == Reason::TwinDeleting && pass.unchanged_for >= RULES.outcome_window;
            if view.is_unsettled() && left_to_twin && teardown.nonce.is_none() {
                let before = view.ledger.teardown.as_ref().map_or(0, |t| t.unknown_outcomes);
                prop_assert_eq!(teardown.unknown_outcomes, before.saturating_add(1));
            } else if view.is_unsettled() && !settled_by_answer && !settled_by_twin && !never_sent {
                prop_assert!(teardown.nonce.is_some(), "an unsettled attempt was forgotten");
            }
        }
    }

    #[test]
    fn what_a_delete_may_harm_is_read_for_this_object_alone((view, pass) in case()) {
        if let Step::ReadAccount { shared } = decide(&view, &pass, &RULES, now()) {
            prop_assert!(!shared || view.kind() != Kind::SoftThenHard, "somebody else's list may be older than the need");
        }
    }

    #[test]
    fn whoever_waits_at_a_gate_says_that_gate_whatever_it_waited_for_before((view, pass) in case()) {
        let gates = &view.gates;
        // The first gate that is closed, as the page names them.
        let first = [
            (gates.suspended, Reason::Suspended),
            (gates.protected, Reason::DeletionProtected),
            (pass.crd == Some(Crd::Deleting), Reason::CrdDeleting),
            (pass.crd == Some(Crd::Unreadable), Reason::CrdUnreadable),
            (!gates.hooks.is_empty(), Reason::PreDeleteHookPending),
            (gates.unconfirmed, Reason::ConfirmationMissing),
            (!gates.foreign_finalizers.is_empty(), Reason::ForeignFinalizer),
        ];
        let first = first.into_iter().find(|(closed, _)| *closed).map(|(_, reason)| reason);
        let at_the_gates = gates.orphan.is_none() && !view.is_unsettled() && pass.answer.is_none() && pass.crd.is_some();
        if let (true, Some(reason), Step::Wait(ledger, _)) = (at_the_gates, first, decide(&view, &pass, &RULES, now())) {
            let teardown = ledger.teardown.expect("who waits has a teardown");
            prop_assert_eq!(teardown.reason, reason);
        }
    }

    #[test]
    fn what_is_beyond_the_deletion_budget_makes_no_call_until_somebody_says_that_it_is_meant(
        (mut view, mut pass) in case(),
        on_record: bool,
    ) {
        if let Some(teardown) = &mut view.ledger.teardown {
            (teardown.attempt, teardown.nonce, teardown.acked, teardown.proof) = (0, None, None, None);
            teardown.budget_spent = on_record;
        }
        if !view.ledger.budget_is_spent() {
            pass.within_budget = Some(false);
        }
        view.gates.may_exceed_budget = false;
        (pass.crd, pass.answer) = (pass.crd.filter(|crd| *crd != Crd::DeletingAllowed), None);
        let step = decide(&view, &pass, &RULES, now());
        let calls = matches!(step, Step::ReadCredentials | Step::ReadAccount { .. } | Step::Intend(_) | Step::Freshen | Step::Send);
        prop_assert!(!calls, "{:?}", step);
        if let Step::Wait(ledger, _) = step {
            let teardown = ledger.teardown.expect("who waits has a teardown");
            prop_assert!(teardown.reason != Reason::DeletionBudgetSpent || teardown.budget_spent, "no restart forgets it");
        }
    }

    #[test]
    fn nobody_is_asked_again_before_the_provider_allows_it((view, pass) in case()) {
        let asked = pass.answer.as_ref().filter(|answer| answer.outcome == Outcome::Throttled);
        let wish = asked.and_then(|answer| answer.retry_after).map(|wish| wish.clamp(backoff::BASE, backoff::CAP));
        if let (Some(wish), Step::Wait(ledger, delay)) = (wish, decide(&view, &pass, &RULES, now())) {
            prop_assert!(delay >= wish, "{:?} before {:?}", delay, wish);
            prop_assert!(ledger.teardown.and_then(|t| t.next_attempt_at).is_some_and(|at| at >= now() + wish));
        }
    }

    #[test]
    fn the_same_view_and_pass_always_give_the_same_step((view, pass) in case()) {
        prop_assert_eq!(decide(&view, &pass, &RULES, now()), decide(&view.clone(), &pass.clone(), &RULES, now()));
    }

    #[test]
    fn a_deletion_that_waits_for_a_list_says_so_and_forgets_nothing((view, pass) in case()) {
        let step = not_listed(&view, &pass, &RULES, now(), "namespace b".to_owned());
        let Step::Wait(ledger, _) = step else { return Err(TestCaseError::fail("it does not wait")) };
        let kept = |ledger: &Ledger| {
            let teardown = ledger.teardown.as_ref();
            let attempt = teardown.map_or(0, |t| t.attempt);
            (attempt, teardown.and_then(|t| t.nonce.clone()), teardown.and_then(|t| t.acked.clone()), ledger.account.clone())
        };
        prop_assert_eq!(kept(&ledger), kept(&view.ledger));
        let proof = |ledger: &Ledger| ledger.teardown.as_ref().and_then(|t| t.proof.clone());
        prop_assert_eq!(proof(&ledger), proof(&view.ledger));
        let teardown = ledger.teardown.unwrap();
        prop_assert_eq!((teardown.reason, teardown.subject.as_deref()), (Reason::NotListed, Some("namespace b")));
        prop_assert!(teardown.next_attempt_at.is_some());
    }

    #[test]
    fn a_deletion_that_waits_for_its_turn_says_so_only_where_nothing_else_is_said_of_it((view, pass) in case()) {
        let said = view.ledger.teardown.as_ref().map(|teardown| teardown.reason);
        match queued(&view, &pass, &RULES, now()) {
            None => prop_assert!(said.is_some()),
            Some(Step::Wait(ledger, _)) => {
                let teardown = ledger.teardown.unwrap();
                prop_assert_eq!(teardown.reason, Reason::Queued);
                prop_assert!(teardown.next_attempt_at.is_some());
                let before_any = |said| matches!(said, Reason::Queued | Reason::NotListed | Reason::ApiServerUnavailable);
                prop_assert!(said.is_none_or(before_any));
                prop_assert_eq!(ledger.account, view.ledger.account);
            }
            Some(step) => return Err(TestCaseError::fail(format!("{step:?}"))),
        }
    }

    #[test]
    fn an_api_server_that_cannot_be_used_is_said_only_where_nothing_is_shown_that_decides((view, pass) in case()) {
        let said = view.ledger.teardown.as_ref();
        match api_unusable(&view, &pass, &RULES, now(), (Reason::ApiServerUnavailable, "500".to_owned())) {
            None => prop_assert!(said.is_some()),
            Some(Step::Wait(ledger, _)) => {
                // What is counted there are reads that failed.
                prop_assert!(said.is_none_or(|said| said.proof.is_none() && said.acked.is_none() && said.nonce.is_none()));
                prop_assert!(said.is_none_or(|said| !said.reason.names_secret() && said.reason != Reason::WrongChannel));
                let teardown = ledger.teardown.unwrap();
                prop_assert_eq!((teardown.reason, teardown.subject.as_deref()), (Reason::ApiServerUnavailable, Some("500")));
                prop_assert!(teardown.next_attempt_at.is_some());
            }
            Some(step) => return Err(TestCaseError::fail(format!("{step:?}"))),
        }
    }

    #[test]
    fn an_intent_on_which_nothing_went_out_is_settled_first_and_nothing_else_is_done((view, pass) in case()) {
        if pass.unsent && !pass.own_intent && view.is_unsettled() && view.deleting && view.ours && pass.answer.is_none()
            && view.ledger.teardown.as_ref().is_some_and(|teardown| teardown.proof.is_none())
        {
            let Step::Wait(ledger, _) = decide(&view, &pass, &RULES, now()) else {
                return Err(TestCaseError::fail("it is not settled"));
            };
            let (before, after) = (view.ledger.teardown.unwrap(), ledger.teardown.unwrap());
            prop_assert_eq!((after.nonce, after.phase, after.attempt), (None, Phase::Waiting, before.attempt));
            prop_assert_eq!(after.reason, Reason::ApiServerUnavailable);
            prop_assert_eq!(ledger.account, view.ledger.account);
        }
    }

    #[test]
    fn a_gate_that_is_closed_stands_before_every_read_and_every_delete((view, pass) in case()) {
        let step = decide(&view, &pass, &RULES, now());
        let closed = view.gates.suspended || (view.gates.protected && !view.is_unsettled());
        if closed && view.deleting && pass.answer.is_none() {
            let calls = matches!(step, Step::ReadAccount { .. } | Step::Send | Step::Intend(_) | Step::ReadBack);
            prop_assert!(!calls, "{:?}", step);
        }
    }
}
