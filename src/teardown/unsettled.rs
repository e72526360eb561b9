//! Step 1: a DELETE whose repetition could harm, and nobody knows how it ended. It is only read, never repeated, until
//! no request can still be alive.

use jiff::Timestamp;

use super::evidence::{credential, not_sent, unverified_long_enough};
use super::outcome::Outcome;
use super::proof::Proof;
use super::settle::{Because, policy_releases, unproven, wait, with_read};
use super::view::{Pass, Rules, Step, View};
use crate::crd::AfterUnknownOutcome;
use crate::reason::Reason;

/// `None`: it is settled. No request can be alive any more, and a read of this pass shows the account connected, or a
/// person lets it go.
pub(super) fn decide(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Option<Step> {
    let window_over = pass.unchanged_for >= rules.outcome_window;
    let waits = |ledger, because| Some(wait(view, pass, rules, now, ledger, because));
    if pass.unsent {
        // Nobody has to wait for the outcome of what was never sent: a write or its answer was lost.
        return waits(not_sent(view), Because::backoff(Reason::ApiServerUnavailable));
    }
    if view.gates.orphan.is_some() && window_over {
        return None;
    }
    if view.gates.suspended {
        return waits(view.ledger.clone(), Because::gate(Reason::Suspended, None));
    }
    let known = match credential(view, pass, rules, now) {
        Ok(known) => known,
        Err(step) => return Some(*step),
    };
    let Some(read) = &pass.read else { return Some(Step::ReadAccount { shared: false }) };
    let ledger = with_read(view, known, read, now);
    let acked = view.ledger.acked();
    let acked_here = view.ledger.acked_under(&known.fingerprint);
    // With an earlier attempt unsettled too, the row may be disconnected by one and about to be destroyed by the other.
    let one_outstanding = view.ledger.teardown.as_ref().is_some_and(|t| t.unknown_outcomes == 0);
    match read.outcome {
        Outcome::SoftGone if !one_outstanding && !window_over => {
            waits(ledger, Because::backoff(Reason::OutcomeUnknown))
        }
        Outcome::SoftGone if acked.is_some() => Some(Step::Release(Proof::read_back())),
        Outcome::SoftGone => Some(Step::Release(Proof::already_soft())),
        Outcome::Gone if acked_here => Some(Step::Release(Proof::read_back())),
        Outcome::Gone if window_over && policy_releases(view, known) => {
            Some(Step::Release(Proof::released_by_policy()))
        }
        Outcome::Gone => waits(ledger, unproven(view, known)),
        Outcome::Alive => match (acked, window_over, view.after_unknown_outcome) {
            (Some(_), false, _) => waits(contradicted(ledger), Because::backoff(Reason::ReadingBack)),
            (Some(_), true, _) => waits(contradicted(ledger), Because::held(Reason::AckedButAlive)),
            (None, false, _) => waits(ledger, Because::backoff(Reason::OutcomeUnknown)),
            (None, true, AfterUnknownOutcome::Hold) => waits(ledger, Because::held(Reason::OutcomeHeld)),
            (None, true, AfterUnknownOutcome::Resend) => None,
        },
        outcome if outcome.shows_the_account() => waits(contradicted(ledger), Because::failed(read)),
        _ if unverified_long_enough(view, now) => Some(Step::Release(Proof::acked_unverified())),
        _ => waits(ledger, Because::failed(read)),
    }
}

/// A read after the acknowledgement still shows the account: the acknowledgement alone proves nothing any more.
pub(super) fn contradicted(mut ledger: super::ledger::Ledger) -> super::ledger::Ledger {
    if let Some(acked) = ledger.teardown.as_mut().and_then(|t| t.acked.as_mut()) {
        acked.contradicted = true;
    }
    ledger
}
