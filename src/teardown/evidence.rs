//! Steps 4 to 7: the schedule, the key, what is known of the account, and the last look before the bytes go.

use std::time::Duration;

use jiff::Timestamp;

use super::gates::let_go;
use super::ledger::{Ledger, Phase, age};
use super::outcome::{Outcome, Refusal};
use super::proof::Proof;
use super::settle::{Because, not_yet, policy_releases, teardown_of, unproven, wait, with_read};
use super::target::Kind;
use super::twins::not_repeated;
use super::unsettled::contradicted;
use super::view::{Known, Pass, Rules, Step, View};
use crate::backoff;
use crate::crd::{AfterUnknownOutcome, OnNotFound};
use crate::reason::Reason;

/// An acknowledged DELETE counts by itself when every read-back failed for this long.
const UNVERIFIED_AFTER: Duration = Duration::from_secs(15 * 60);
/// And at least this many of them.
const UNVERIFIED_TRIES: i32 = 3;

pub(super) fn decide(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Step {
    match credential(view, pass, rules, now) {
        Err(step) => *step,
        Ok(known) if view.kind() == Kind::SoftThenHard => soft_then_hard(view, pass, rules, now, known),
        Ok(known) => permanent(view, pass, rules, now, known),
    }
}

/// Step 4: the key, once it is time. While the Secret is blamed it alone is looked at, and another key is reason enough
/// to try at once.
pub(super) fn credential<'a>(
    view: &View,
    pass: &'a Pass,
    rules: &Rules,
    now: Timestamp,
) -> Result<&'a Known, Box<Step>> {
    let teardown = view.ledger.teardown.as_ref();
    let under_way = pass.prompted || pass.read.is_some() || pass.fresh || pass.own_intent;
    let early = teardown
        .and_then(|t| t.next_attempt_at)
        .filter(|at| *at > now && !under_way)
        // Further away than any delay: a clock was ahead when it was written.
        .filter(|at| age(now, *at) <= backoff::CAP);
    let reason = teardown.map_or(Reason::Deleting, |t| t.reason);
    let failed_key = teardown.and_then(|t| t.fingerprint.as_ref());
    match (&pass.credential, early) {
        (_, Some(at)) if !reason.names_secret() && reason != Reason::SecretGone && !reason.is_gate() => {
            Err(Box::new(not_yet(view, now, at, reason)))
        }
        (None, _) => Err(Box::new(Step::ReadCredentials)),
        (Some(Err(fault)), Some(at)) if fault.reason == reason => Err(Box::new(not_yet(view, now, at, reason))),
        (Some(Err(fault)), _) => {
            let mut ledger = view.ledger.clone();
            let mut teardown = teardown_of(view, now);
            teardown.fingerprint = None;
            ledger.teardown = Some(teardown);
            let because = Because { subject: fault.subject.clone(), ..Because::held(fault.reason) };
            Err(Box::new(wait(view, pass, rules, now, ledger, because)))
        }
        (Some(Ok(known)), Some(at)) if reason.names_secret() && failed_key == Some(&known.fingerprint) => {
            Err(Box::new(not_yet(view, now, at, reason)))
        }
        (Some(Ok(known)), _) => Ok(known),
    }
}

fn soft_then_hard(view: &View, pass: &Pass, rules: &Rules, now: Timestamp, known: &Known) -> Step {
    if pass.own_intent {
        return before_the_send(view, pass, rules, now);
    }
    let Some(read) = &pass.read else { return Step::ReadAccount { shared: false } };
    let mut ledger = with_read(view, known, read, now);
    match read.outcome {
        Outcome::Alive if let Some(because) = forgotten(view, pass, rules) => {
            wait(view, pass, rules, now, noted(ledger, view, known, now), because)
        }
        Outcome::Alive if let Some(because) = sent_by_twin(pass) => {
            wait(view, pass, rules, now, not_repeated(noted(ledger, view, known, now)), because)
        }
        Outcome::Alive => {
            let mut teardown = teardown_of(view, now);
            // Sending again over an outcome that never became known: from now on two requests may have been let out.
            teardown.unknown_outcomes = teardown.unknown_outcomes.saturating_add(i32::from(teardown.nonce.is_some()));
            teardown.phase = Phase::Intent;
            teardown.reason = Reason::Deleting;
            teardown.subject = None;
            teardown.attempt = teardown.attempt.saturating_add(1);
            teardown.fingerprint = Some(known.fingerprint.clone());
            teardown.acked = None;
            ledger.teardown = Some(teardown);
            Step::Intend(ledger)
        }
        Outcome::SoftGone => Step::Release(Proof::already_soft()),
        // The key that sees no account may not be the one that a DELETE went out with.
        Outcome::Gone if policy_releases(view, known) => let_go(view, pass, rules, now, Proof::released_by_policy()),
        // Absence from a list is never a proof by itself.
        Outcome::Gone => wait(view, pass, rules, now, noted(ledger, view, known, now), unproven(view, known)),
        _ => wait(view, pass, rules, now, noted(ledger, view, known, now), Because::failed(read)),
    }
}

/// Why a connected account gets no DELETE now: one may be alive that the ledger knows nothing of.
fn forgotten(view: &View, pass: &Pass, rules: &Rules) -> Option<Because> {
    match pass.forgotten_for {
        Some(since) if since < rules.outcome_window => Some(Because::backoff(Reason::OutcomeUnknown)),
        Some(_) if view.after_unknown_outcome == AfterUnknownOutcome::Hold => Some(Because::held(Reason::OutcomeHeld)),
        _ => None,
    }
}

/// Why a connected account gets no DELETE now: a twin's may be alive. An intent beside it would be worth nothing, however
/// young the twin is; and it does not intend meanwhile.
fn sent_by_twin(pass: &Pass) -> Option<Because> {
    let twin = pass.twins.iter().find(|twin| twin.deleting && twin.unsettled)?;
    Some(Because::gate(Reason::TwinDeleting, Some(twin.name.clone())))
}

/// The key that a wait blames or does not blame.
fn noted(mut ledger: Ledger, view: &View, known: &Known, now: Timestamp) -> Ledger {
    let mut teardown = ledger.teardown.take().unwrap_or_else(|| teardown_of(view, now));
    teardown.fingerprint = Some(known.fingerprint.clone());
    ledger.teardown = Some(teardown);
    ledger
}

/// Step 6 for what a repeat could harm: our intent stands; no twin may have one too.
fn before_the_send(view: &View, pass: &Pass, rules: &Rules, now: Timestamp) -> Step {
    // Also those that seem to live: what the watch shows of them may be old.
    let others: Vec<_> = pass.twins.iter().map(|twin| twin.uid.clone()).collect();
    match &pass.unsettled_twin {
        None if !others.is_empty() => Step::AskTwins(others),
        Some(Some(twin)) => {
            let because = Because { subject: Some(twin.clone()), ..Because::backoff(Reason::TwinDeleting) };
            wait(view, pass, rules, now, not_sent(view), because)
        }
        // What a twin did may be younger than our read: one that began after the twins were asked must still show it.
        Some(None) if !others.is_empty() => match &pass.read_back {
            None => Step::ReadBack,
            Some(read) if read.outcome == Outcome::Alive && pass.fresh => Step::Send,
            // That read took as long as the provider liked: the same intent is written anew, and what is sent rests on it.
            Some(read) if read.outcome == Outcome::Alive => Step::Intend(view.ledger.clone()),
            Some(_) => wait(view, pass, rules, now, not_sent(view), Because::backoff(Reason::Deleting)),
        },
        None | Some(None) if pass.fresh => Step::Send,
        None | Some(None) => wait(view, pass, rules, now, not_sent(view), Because::backoff(Reason::Deleting)),
    }
}

/// Our intent, settled: its DELETE was not sent.
pub(super) fn not_sent(view: &View) -> Ledger {
    let mut ledger = view.ledger.clone();
    if let Some(teardown) = &mut ledger.teardown {
        teardown.nonce = None;
        teardown.phase = Phase::Waiting;
    }
    ledger
}

fn permanent(view: &View, pass: &Pass, rules: &Rules, now: Timestamp, known: &Known) -> Step {
    let acked_here = view.ledger.acked_under(&known.fingerprint);
    let seen = view.ledger.saw_alive(&known.fingerprint, now);
    let reads_back = acked_here && view.kind() != Kind::Purge;
    let other_channel = view.ledger.account.as_ref().is_some_and(|account| account.wrong_channel_since.is_some());
    let enough = (seen || (acked_here && view.kind() == Kind::Purge)) && !other_channel;
    if pass.read.is_none() && (reads_back || !enough) && !pass.fresh {
        return Step::ReadAccount { shared: !reads_back };
    }
    if let Some(read) = &pass.read {
        let ledger = with_read(view, known, read, now);
        match read.outcome {
            Outcome::Gone if reads_back => return Step::Release(Proof::read_back()),
            outcome if reads_back && outcome.shows_the_account() && contradicted(ledger.clone()) != view.ledger => {
                return Step::Record(contradicted(ledger));
            }
            Outcome::Alive | Outcome::SoftGone if !enough && ledger != view.ledger => return Step::Record(ledger),
            Outcome::Alive | Outcome::SoftGone => {}
            outcome if reads_back && !outcome.shows_the_account() && unverified_long_enough(view, now) => {
                return Step::Release(Proof::acked_unverified());
            }
            outcome if reads_back && !outcome.shows_the_account() => {
                return wait(view, pass, rules, now, ledger, Because::backoff(Reason::ReadingBack));
            }
            // Absent, held for that, and nobody said that this is enough: reading on is all there is to do.
            Outcome::Gone if is_held(view) && view.on_not_found == OnNotFound::Hold => {
                return wait(view, pass, rules, now, noted(ledger, view, known, now), unproven(view, known));
            }
            Outcome::Refused(Refusal::Credentials | Refusal::WrongChannel) => {
                return wait(view, pass, rules, now, noted(ledger, view, known, now), Because::failed(read));
            }
            // A read that fails or says absent does not stop the DELETE; it leaves its 404 without a proof.
            _ => {}
        }
    }
    let seen_now = pass.read.as_ref().is_some_and(|read| read.outcome.shows_declared_channel());
    // Whatever it waited for since then.
    let blames_channel = view.ledger.teardown.as_ref().is_some_and(|t| t.reason == Reason::WrongChannel);
    if (other_channel || blames_channel) && !seen_now {
        // What was seen under another channel is not touched before a read shows it under the declared one.
        // Without the mark, which a CRD of an earlier version does not store, the reason is all that remembers it.
        let Some(read) = pass.read.as_ref().filter(|_| other_channel) else {
            return wait(view, pass, rules, now, view.ledger.clone(), Because::held(Reason::WrongChannel));
        };
        let because = match read.outcome {
            Outcome::Gone if policy_releases(view, known) => return Step::Release(Proof::released_by_policy()),
            Outcome::Gone => unproven(view, known),
            _ => Because::failed(read),
        };
        return wait(view, pass, rules, now, noted(with_read(view, known, read, now), view, known, now), because);
    }
    // From here on `teardown: Disconnect` cannot be asked for any more: a Purge may have disconnected it already.
    if view.kind() == Kind::Purge && view.ledger.teardown.as_ref().is_none_or(|t| t.attempt == 0) {
        let mut teardown = teardown_of(view, now);
        teardown.attempt = 1;
        teardown.fingerprint = Some(known.fingerprint.clone());
        return Step::Record(Ledger { account: view.ledger.account.clone(), teardown: Some(teardown) });
    }
    if pass.fresh { Step::Send } else { Step::Freshen }
}

/// Whether every read since the acknowledgement failed for long enough, and often enough that a clock which jumped or
/// a process that slept is not the reason.
pub(super) fn unverified_long_enough(view: &View, now: Timestamp) -> bool {
    view.ledger.teardown.as_ref().is_some_and(|teardown| {
        teardown.tries >= UNVERIFIED_TRIES
            && teardown
                .acked
                .as_ref()
                .is_some_and(|acked| !acked.contradicted && age(acked.at, now) >= UNVERIFIED_AFTER)
    })
}

fn is_held(view: &View) -> bool {
    view.ledger.teardown.as_ref().is_some_and(|t| {
        t.phase == Phase::Held && matches!(t.reason, Reason::UnprovenAbsence | Reason::CredentialsChanged)
    })
}
