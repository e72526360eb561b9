//! The teardown, PURE: [`decide`] says the next step of a deletion, [`settle`] what an outcome leaves in the ledger.
//! No async, no clock, no randomness, no client: a model checker, the tests and the running operator call the same
//! functions. The steps are numbered in the comments of [`decide`].

mod answer;
mod evidence;
mod gates;
pub mod ledger;
pub mod observe;
pub mod outcome;
pub mod proof;
mod settle;
pub mod target;
pub mod twins;
mod unsettled;
pub mod view;

use jiff::Timestamp;

pub use gates::{api_unusable, not_listed, queued};
pub use settle::{NEIGHBOUR_POLL, confirm, settle, teardown_of};
use view::{Pass, Rules, Step, View};

/// The next step of one deletion.
///
/// Total: whatever the view and the pass are, it is to do one thing, to wait with a reason and a time, or to release
/// with a proof.
pub fn decide(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Step {
    if !view.deleting || !view.ours {
        return Step::LeaveAlone;
    }
    // What was proved stays proved: the provider is never called again for this uid.
    if let Some(record) = view.ledger.teardown.as_ref().and_then(|t| t.proof.clone()) {
        return Step::Release(proof::Proof::confirmed(record));
    }
    if let Some(answer) = &pass.answer {
        return answer::after(view, pass, answer, rules, now);
    }
    // 1. Unsettled first: else Orphan overtakes a slow DELETE, and the account's next object destroys it.
    if view.is_unsettled()
        && !pass.own_intent
        && let Some(step) = unsettled::decide(view, pass, rules, now)
    {
        return step;
    }
    // 2. Policy gates. 3. Twins: what is handed over needs no budget.
    if let Some(step) = gates::decide(view, pass, rules, now)
        .or_else(|| twins::decide(view, pass, rules, now))
        .or_else(|| gates::budget(view, pass, rules, now))
    {
        return step;
    }
    // 4. Schedule and credentials. 5. Evidence. 6. Freshness and write-ahead. 7. Send.
    evidence::decide(view, pass, rules, now)
}
