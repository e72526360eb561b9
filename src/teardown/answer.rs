//! Step 8: an answer is there. A proof in hand leads straight to release; anything else is written first.

use jiff::Timestamp;

use super::outcome::{Exchange, Outcome};
use super::proof::Proof;
use super::settle::{Because, policy_releases, settle, unproven, wait};
use super::target::Kind;
use super::unsettled::contradicted;
use super::view::{Known, Pass, Rules, Step, View};
use crate::reason::Reason;

/// A Purge takes two DELETEs that take effect and one that finds nothing.
const SENDS_PER_PASS: u32 = 3;

pub(super) fn after(view: &View, pass: &Pass, answer: &Exchange, rules: &Rules, now: Timestamp) -> Step {
    // Only what a credential was found for is ever sent.
    let Some(Ok(known)) = &pass.credential else { return Step::ReadCredentials };
    let ledger = settle(view, pass, known, answer, now);
    match (answer.outcome, view.kind()) {
        (Outcome::Acked, Kind::Purge) => {
            if !view.ledger.acked_under(&known.fingerprint) {
                Step::Record(ledger)
            } else if pass.sends < SENDS_PER_PASS {
                Step::SendAgain
            } else {
                wait(view, pass, rules, now, ledger, Because::backoff(Reason::ReadingBack))
            }
        }
        (Outcome::Acked, Kind::Permanent | Kind::SoftThenHard) => match &pass.read_back {
            None => Step::ReadBack,
            Some(read) => match read.outcome {
                Outcome::Gone | Outcome::SoftGone => Step::Release(Proof::read_back()),
                outcome if outcome.shows_the_account() => {
                    wait(view, pass, rules, now, contradicted(ledger), Because::backoff(Reason::ReadingBack))
                }
                _ => wait(view, pass, rules, now, ledger, Because::backoff(Reason::ReadingBack)),
            },
        },
        (Outcome::Gone, _) => not_found(view, pass, rules, now, known, ledger),
        (outcome, Kind::SoftThenHard) if outcome.may_have_been_applied() => match &pass.read_back {
            None => Step::ReadBack,
            Some(read) if read.outcome == Outcome::SoftGone && one_outstanding(view) => {
                Step::Release(Proof::already_soft())
            }
            Some(_) => wait(
                view,
                pass,
                rules,
                now,
                ledger,
                Because { reason: Reason::OutcomeUnknown, ..Because::failed(answer) },
            ),
        },
        _ => wait(view, pass, rules, now, ledger, Because::failed(answer)),
    }
}

/// The provider's own 404 to a DELETE: a proof only for a key that saw the account, or was told that it is deleted.
fn not_found(
    view: &View,
    pass: &Pass,
    rules: &Rules,
    now: Timestamp,
    known: &Known,
    ledger: super::ledger::Ledger,
) -> Step {
    if view.ledger.acked_under(&known.fingerprint) {
        Step::Release(Proof::not_found_after_ack())
    } else if view.ledger.saw_alive(&known.fingerprint, now) {
        Step::Release(Proof::not_found_after_seen_alive())
    } else if policy_releases(view, known) {
        Step::Release(Proof::released_by_policy())
    } else {
        wait(view, pass, rules, now, ledger, unproven(view, known))
    }
}

fn one_outstanding(view: &View) -> bool {
    view.ledger.teardown.as_ref().is_none_or(|t| t.unknown_outcomes == 0)
}
