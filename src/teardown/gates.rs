//! Step 2: what a person or another controller decided that stands before any call. Each is a visible reason.

use std::time::Duration;

use jiff::Timestamp;

use super::proof::Proof;
use super::settle::{Because, wait};
use super::target::Kind;
use super::view::{Crd, Pass, Rules, Step, View};
use crate::reason::Reason;

/// A release that no absence proves: not before a DELETE has ended that no intent tells of, of an earlier process or from
/// before somebody wiped the status.
pub(super) fn let_go(view: &View, pass: &Pass, rules: &Rules, now: Timestamp, proof: Proof) -> Step {
    let in_flight_for = match view.kind() {
        Kind::SoftThenHard => {
            pass.forgotten_for.map_or(Duration::ZERO, |since| rules.outcome_window.saturating_sub(since))
        }
        Kind::Permanent | Kind::Purge => pass.inherited_for,
    };
    if in_flight_for.is_zero() {
        return Step::Release(proof);
    }
    let because = Because::gate(Reason::RequestMayBeInFlight, None);
    match wait(view, pass, rules, now, view.ledger.clone(), because) {
        Step::Wait(ledger, delay) => Step::Wait(ledger, delay.min(in_flight_for)),
        other => other,
    }
}

/// No deletion is decided before every watched namespace was listed: it waits, and says which one it waits for.
pub fn not_listed(view: &View, pass: &Pass, rules: &Rules, now: Timestamp, unlisted: String) -> Step {
    wait(view, pass, rules, now, view.ledger.clone(), Because::gate(Reason::NotListed, Some(unlisted)))
}

/// Others take all passes that its key, namespace or provider may have. That is said where the object shows nothing yet
/// of its deletion, or only what comes before any decision.
pub fn queued(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Option<Step> {
    let before_any = |said| matches!(said, Reason::Queued | Reason::NotListed | Reason::ApiServerUnavailable);
    says_nothing_but(before_any, view)
        .then(|| wait(view, pass, rules, now, view.ledger.clone(), Because::gate(Reason::Queued, None)))
}

/// The API server does not answer usably for what is next. That is said where the object shows nothing yet of its deletion,
/// or only a gate, which has opened, or what failed before and is tried again: whatever else it shows, later decisions may
/// rest on. `reason`: that it does not answer, or that it refuses.
pub fn api_unusable(
    view: &View,
    pass: &Pass,
    rules: &Rules,
    now: Timestamp,
    (reason, said): (Reason, String),
) -> Option<Step> {
    let because = Because { subject: Some(said), ..Because::backoff(reason) };
    let passes = |said: Reason| {
        let failed = matches!(said, Reason::Deleting | Reason::ProviderUnavailable | Reason::ProviderError)
            || matches!(said, Reason::TimedOut | Reason::ConnectionLost);
        failed || said.is_gate() || matches!(said, Reason::ApiServerUnavailable | Reason::PatchRefused)
    };
    says_nothing_but(passes, view).then(|| wait(view, pass, rules, now, view.ledger.clone(), because))
}

/// Whether the object shows nothing of its deletion yet but such a reason.
fn says_nothing_but(such: impl Fn(Reason) -> bool, view: &View) -> bool {
    view.ledger.teardown.as_ref().is_none_or(|teardown| {
        (&teardown.proof, &teardown.acked, &teardown.nonce) == (&None, &None, &None) && such(teardown.reason)
    })
}

pub(super) fn decide(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Option<Step> {
    let gates = &view.gates;
    if let Some(why) = &gates.orphan {
        return Some(let_go(view, pass, rules, now, Proof::orphaned(why.clone())));
    }
    let blocked =
        |reason, subject| Some(wait(view, pass, rules, now, view.ledger.clone(), Because::gate(reason, subject)));
    if gates.suspended {
        return blocked(Reason::Suspended, None);
    }
    if gates.protected {
        return blocked(Reason::DeletionProtected, None);
    }
    match pass.crd {
        None => return Some(Step::AskCrd),
        Some(Crd::Deleting) => return blocked(Reason::CrdDeleting, None),
        Some(Crd::Unreadable) => return blocked(Reason::CrdUnreadable, None),
        Some(Crd::Serving | Crd::DeletingAllowed) => {}
    }
    if !gates.hooks.is_empty() {
        return blocked(Reason::PreDeleteHookPending, Some(gates.hooks.join(", ")));
    }
    if gates.unconfirmed {
        return blocked(Reason::ConfirmationMissing, None);
    }
    if !gates.foreign_finalizers.is_empty() {
        return blocked(Reason::ForeignFinalizer, Some(gates.foreign_finalizers.join(", ")));
    }
    None
}

/// Beyond the deletion budget, by what this process counts or what an earlier one put on record: it waits until somebody
/// has said that it is meant. A deletion that has begun goes on.
pub(super) fn budget(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Option<Step> {
    let spent = view.ledger.budget_is_spent() || pass.within_budget == Some(false);
    let begun = view.ledger.attempts() > 0 || view.ledger.acked().is_some();
    let meant = view.gates.may_exceed_budget || pass.crd == Some(Crd::DeletingAllowed);
    let because = Because::gate(Reason::DeletionBudgetSpent, None);
    (spent && !begun && !meant).then(|| wait(view, pass, rules, now, view.ledger.clone(), because))
}
