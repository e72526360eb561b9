//! Step 3: other objects of the same account. Age only orders; safety comes from the write-ahead of step 6.

use jiff::Timestamp;

use super::gates::let_go;
use super::ledger::{AccountState, Ledger, Phase, age};
use super::proof::Proof;
use super::settle::{Because, wait};
use super::target::{Kind, Target};
use super::view::{Pass, Rules, Step, Twin, View};
use crate::reason::Reason;

pub(super) fn decide(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Option<Step> {
    let blocked = |reason, twin: &Twin| {
        Some(wait(view, pass, rules, now, view.ledger.clone(), Because::gate(reason, Some(twin.name.clone()))))
    };
    let mut unfit = None;
    for twin in pass.twins.iter().filter(|twin| !twin.deleting && !twin.sees_nothing) {
        match pass.live_twins_asked.iter().find(|(uid, _)| *uid == twin.uid) {
            None if twin.fits => return Some(Step::AskLiveTwin(twin.uid.clone())),
            Some((_, true)) => {
                return Some(let_go(view, pass, rules, now, Proof::handed_over(twin.name.clone())));
            }
            None | Some((_, false)) => unfit = unfit.or(Some(twin)),
        }
    }
    if let Some(twin) = unfit {
        return blocked(Reason::TwinLive, twin);
    }
    if view.kind() != Kind::SoftThenHard || pass.own_intent {
        return None;
    }
    let first = pass.twins.iter().find(|twin| twin.deleting && twin.older && twin.active)?;
    let because = Because::gate(Reason::TwinDeleting, Some(first.name.clone()));
    Some(wait(view, pass, rules, now, not_repeated(view.ledger.clone()), because))
}

/// An attempt of unknown outcome, no request of which can be alive any more, is not repeated here but by the twin that goes
/// first: that one waits as long as this attempt is unsettled.
pub(super) fn not_repeated(mut ledger: Ledger) -> Ledger {
    if let Some(teardown) = ledger.teardown.as_mut().filter(|teardown| teardown.nonce.is_some()) {
        teardown.nonce = None;
        teardown.phase = Phase::Waiting;
        teardown.unknown_outcomes = teardown.unknown_outcomes.saturating_add(1);
    }
    ledger
}

/// Whether a live object, as a GET just showed it, can take the account of `target` over: it lives, is not suspended,
/// has our finalizer, will delete at least as thoroughly, and its own key saw the account alive.
pub fn can_take_over(candidate: &View, target: &Target, now: Timestamp) -> bool {
    candidate.target.same_account(target)
        && !candidate.deleting
        && candidate.ours
        && candidate.gates.orphan.is_none()
        && !candidate.gates.suspended
        && thoroughness(&candidate.target) >= thoroughness(target)
        && candidate.ledger.account.as_ref().is_some_and(|account| {
            account.state == AccountState::Connected
                && account.alive_at.is_some_and(|at| age(at, now) <= super::ledger::EVIDENCE_MAX_AGE)
        })
}

fn thoroughness(target: &Target) -> u8 {
    match target.kind() {
        Kind::SoftThenHard => 0,
        Kind::Permanent | Kind::Purge => 1,
    }
}
