//! What an outcome leaves in the ledger, and when it is tried again.

use std::time::Duration;

use jiff::Timestamp;

use super::ledger::{Acked, LastOutcome, Ledger, Phase, Teardown};
use super::observe;
use super::outcome::{Exchange, Outcome};
use super::proof::Proof;
use super::target::Kind;
use super::view::{Known, Pass, Rules, Step, View};
use crate::backoff;
use crate::reason::Reason;

/// Why a pass ends without a release, and how soon the next one is worth its cost.
pub(super) struct Because {
    pub reason: Reason,
    pub subject: Option<String>,
    pub pace: Pace,
}

/// How soon the next pass is worth its cost.
pub(super) enum Pace {
    /// Something failed that heals by itself: exponential, and not before the provider allows.
    Backoff(Option<Duration>),
    /// Only a person can end it: the longest delay.
    Longest,
    /// Nothing is called while it lasts: the shown time moves only when it has passed.
    Gate,
}

/// While a condition blames the Secret, the Secret alone is read again this often.
pub(super) const SECRET_POLL: Duration = Duration::from_secs(30);
/// What changes without an event on this object is asked again this often.
pub const NEIGHBOUR_POLL: Duration = Duration::from_secs(15);

impl Because {
    pub fn backoff(reason: Reason) -> Self {
        Self { reason, subject: None, pace: Pace::Backoff(None) }
    }

    pub fn held(reason: Reason) -> Self {
        Self { reason, subject: None, pace: Pace::Longest }
    }

    pub fn gate(reason: Reason, subject: Option<String>) -> Self {
        debug_assert!(reason.is_gate(), "{reason} would hold its schedule against what waited for it");
        Self { reason, subject, pace: Pace::Gate }
    }

    /// A call that failed, or showed something that a person must mend.
    pub fn failed(exchange: &Exchange) -> Self {
        let reason = exchange.outcome.into();
        let pace = match exchange.outcome {
            Outcome::Refused(_) => Pace::Longest,
            _ => Pace::Backoff(exchange.retry_after),
        };
        Self { reason, subject: None, pace }
    }
}

/// What the answer to a DELETE that went out under `known` leaves in the ledger.
///
/// An attempt is settled, its nonce taken away, as soon as it is known that the request was not applied or that it was;
/// an unknown outcome keeps the nonce, whatever else is written over it later.
pub fn settle(view: &View, pass: &Pass, known: &Known, answer: &Exchange, now: Timestamp) -> Ledger {
    let mut ledger = view.ledger.clone();
    let mut teardown = teardown_of(view, now);
    teardown.last_outcome = Some(last_outcome(answer));
    teardown.fingerprint = Some(known.fingerprint.clone());
    if view.kind() != Kind::SoftThenHard {
        teardown.attempt = teardown.attempt.saturating_add_unsigned(pass.sends.saturating_sub(pass.recorded));
    }
    match answer.outcome {
        Outcome::Acked => {
            teardown.phase = Phase::Acked;
            teardown.tries = 0;
            teardown.acked = Some(Acked { fingerprint: known.fingerprint.clone(), at: now, contradicted: false });
        }
        outcome if outcome.may_have_been_applied() => teardown.phase = Phase::Unknown,
        Outcome::Gone | Outcome::NotSent(_) | Outcome::Unknown(_) | Outcome::Throttled | Outcome::Refused(_) => {
            teardown.phase = Phase::Waiting;
            teardown.nonce = None;
        }
        // No DELETE ends so; were it to, nothing is taken for settled.
        Outcome::Alive | Outcome::SoftGone => {}
    }
    if let Some(account) = &mut ledger.account {
        observe::distrust_after_refusal(account, answer);
    }
    ledger.teardown = Some(teardown);
    ledger
}

/// The ledger with the proof in it: the last thing that is written for this uid but for the finalizer.
pub fn confirm(view: &View, proof: &Proof, now: Timestamp) -> Ledger {
    let mut teardown = teardown_of(view, now);
    teardown.phase = Phase::Confirmed;
    teardown.reason = proof.record().reason;
    teardown.subject = proof.record().subject.clone();
    teardown.nonce = None;
    teardown.next_attempt_at = None;
    teardown.proof = Some(proof.record().clone());
    Ledger { account: view.ledger.account.clone(), teardown: Some(teardown) }
}

/// How a call ended, as the ledger keeps it.
pub(super) fn last_outcome(exchange: &Exchange) -> LastOutcome {
    LastOutcome {
        reason: exchange.outcome.into(),
        http_status: exchange.http_status.map(i32::from),
        error_type: exchange.error_type.clone(),
    }
}

/// The teardown as far as it is, or its beginning.
pub fn teardown_of(view: &View, now: Timestamp) -> Teardown {
    view.ledger.teardown.clone().unwrap_or_else(|| Teardown {
        uid: view.uid.clone(),
        phase: Phase::Waiting,
        reason: Reason::Deleting,
        subject: None,
        attempt: 0,
        nonce: None,
        unknown_outcomes: 0,
        fingerprint: None,
        started_at: now,
        last_outcome: None,
        acked: None,
        tries: 0,
        next_attempt_at: None,
        budget_spent: false,
        proof: None,
    })
}

/// The pass ends: the ledger says why and until when.
pub(super) fn wait(view: &View, pass: &Pass, rules: &Rules, now: Timestamp, ledger: Ledger, because: Because) -> Step {
    let mut ledger = ledger;
    let mut teardown = ledger.teardown.take().unwrap_or_else(|| teardown_of(view, now));
    let same = teardown.reason == because.reason && teardown.subject == because.subject;
    let tries = if pass.prompted { 0 } else { u32::try_from(teardown.tries).unwrap_or(0) };
    // Further away than any delay: a clock was ahead when it was written.
    let shown = teardown.next_attempt_at.filter(|at| same && *at > now && super::ledger::age(now, *at) <= backoff::CAP);
    let mut delay = match because.pace {
        Pace::Backoff(retry_after) => {
            teardown.tries = i32::try_from(tries.saturating_add(1)).unwrap_or(i32::MAX);
            backoff::delay(tries, pass.jitter, retry_after, rules.max_backoff)
        }
        Pace::Longest => backoff::longest(pass.jitter, rules.max_backoff),
        Pace::Gate => shown.map_or_else(|| backoff::longest(pass.jitter, rules.max_backoff), |at| until(at, now)),
    };
    if teardown.nonce.is_some() && pass.unchanged_for < rules.outcome_window {
        delay = delay.min(rules.outcome_window.saturating_sub(pass.unchanged_for).max(backoff::BASE));
    }
    if teardown.nonce.is_none() && matches!(teardown.phase, Phase::Intent) {
        teardown.phase = Phase::Waiting;
    }
    if matches!(because.pace, Pace::Longest) && teardown.nonce.is_none() && !matches!(teardown.phase, Phase::Acked) {
        teardown.phase = Phase::Held;
    }
    // On record whatever it waits for: a new process knows nothing of those that went.
    teardown.budget_spent |= pass.within_budget == Some(false);
    teardown.reason = because.reason;
    // No longer than the schema allows.
    teardown.subject = because.subject.map(|subject| subject.chars().take(1024).collect());
    if shown.is_none() || !matches!(because.pace, Pace::Gate) {
        teardown.next_attempt_at = Some(later(now, delay));
    }
    let reason = teardown.reason;
    ledger.teardown = Some(teardown);
    Step::Wait(ledger, delay.min(poll(reason)))
}

/// It is not time yet: nothing is written.
pub(super) fn not_yet(view: &View, now: Timestamp, at: Timestamp, reason: Reason) -> Step {
    Step::Wait(view.ledger.clone(), until(at, now).min(poll(reason)))
}

/// What a read showed of the account, taken into the ledger.
pub(super) fn with_read(view: &View, known: &Known, read: &Exchange, now: Timestamp) -> Ledger {
    let mut ledger = view.ledger.clone();
    ledger.account = Some(observe::settle(view, known, read, now));
    ledger
}

/// Absence without a proof: why it proves nothing.
pub(super) fn unproven(view: &View, known: &Known) -> Because {
    Because::held(if view.ledger.saw_alive_under_another(&known.fingerprint) {
        Reason::CredentialsChanged
    } else {
        Reason::UnprovenAbsence
    })
}

/// Whether a person said beforehand that an unproved absence is enough, and nothing speaks against it.
pub(super) fn policy_releases(view: &View, known: &Known) -> bool {
    view.on_not_found == crate::crd::OnNotFound::Release && !view.ledger.saw_alive_under_another(&known.fingerprint)
}

fn poll(reason: Reason) -> Duration {
    match reason {
        Reason::TwinLive | Reason::TwinDeleting | Reason::CrdDeleting | Reason::CrdUnreadable | Reason::NotListed => {
            NEIGHBOUR_POLL
        }
        reason if reason.names_secret() => SECRET_POLL,
        _ => backoff::CAP,
    }
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    super::ledger::age(now, at).min(backoff::CAP).max(Duration::from_millis(10))
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
