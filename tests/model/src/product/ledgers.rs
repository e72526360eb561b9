//! Ledgers and proofs by number, and what a world wants to know of one.

use std::time::Duration;

use sender_operator::reason::{Actor, Reason};
use sender_operator::teardown::ledger::{Ledger, Phase, Teardown};
use sender_operator::teardown::proof::Proof;

use super::{LedgerId, Next, Product, ProofId, ago, now};
use crate::state::{Object, Pass, Seen, Stage};

impl Product {
    pub fn ledger(&self, id: LedgerId) -> &Ledger {
        &self.ledgers[usize::from(id)]
    }

    pub fn proof(&self, id: ProofId) -> Reason {
        self.proofs[usize::from(id)].record().reason
    }

    pub fn has_nonce(&self, id: LedgerId) -> bool {
        self.ledger(id).is_unsettled()
    }

    /// Whether the ledger says that a person must act, and why.
    pub fn is_held(&self, id: LedgerId) -> bool {
        self.ledger(id).teardown.as_ref().is_some_and(|t| t.phase == Phase::Held || t.reason.actor() != Actor::Nobody)
    }

    /// What [`Reason`] the proof in this ledger names.
    pub fn proved(&self, id: LedgerId) -> Option<Reason> {
        self.ledger(id).teardown.as_ref().and_then(|t| t.proof.as_ref()).map(|proof| proof.reason)
    }

    /// How many DELETEs it counts.
    pub fn attempts(&self, id: LedgerId) -> u8 {
        self.ledger(id).teardown.as_ref().map_or(0, |t| u8::try_from(t.attempt).expect("few attempts"))
    }

    /// Whether attempt and phase are the same.
    pub fn same_attempt(&self, a: LedgerId, b: LedgerId) -> bool {
        let attempt = |id| self.ledger(id).teardown.as_ref().map(|t| (t.attempt, t.phase));
        attempt(a) == attempt(b)
    }

    /// The ledger after 15 minutes in which every read failed.
    pub fn with_old_ack(&mut self, id: LedgerId) -> LedgerId {
        let mut ledger = self.ledger(id).clone();
        if let Some(acked) = ledger.teardown.as_mut().and_then(|t| t.acked.as_mut()) {
            acked.at = ago(Duration::from_mins(16));
        }
        self.id(ledger)
    }

    /// The ledger a day later.
    pub fn with_old_evidence(&mut self, id: LedgerId) -> LedgerId {
        let mut ledger = self.ledger(id).clone();
        if let Some(account) = ledger.account.as_mut().filter(|account| account.alive_at.is_some()) {
            account.alive_at = Some(ago(Duration::from_hours(25)));
        }
        self.id(ledger)
    }

    /// The ledger of a uid that is no more, with its proof, as a restore from a backup brings it.
    pub fn restored(&mut self) -> LedgerId {
        let object = Object { stage: Stage::Deleting, ..Object::default() };
        let pass = Pass { view: Seen { object: Object { orphan: true, ..object }, current: true }, ..Pass::default() };
        let Next::Release(proof) = self.next(0, &pass) else { panic!("Orphan lets go") };
        let confirmed = self.confirmed(0, object, proof);
        let mut ledger = self.ledger(confirmed).clone();
        if let Some(teardown) = &mut ledger.teardown {
            "a uid that is no more".clone_into(&mut teardown.uid);
        }
        self.id(ledger)
    }

    pub(super) fn proof_id(&mut self, proof: Proof) -> ProofId {
        let known = self.proofs.iter().position(|other| *other == proof);
        let at = known.unwrap_or_else(|| {
            self.proofs.push(proof);
            self.proofs.len() - 1
        });
        ProofId::try_from(at).expect("few proofs")
    }

    pub(super) fn id(&mut self, ledger: Ledger) -> LedgerId {
        let ledger = self.normal(ledger);
        if let Some(id) = self.ids.get(&ledger) {
            return *id;
        }
        let id = LedgerId::try_from(self.ledgers.len()).expect("few ledgers");
        self.ledgers.push(ledger.clone());
        self.ids.insert(ledger, id);
        id
    }

    /// Without what only counts or tells time, and with few words: all that no decision but the schedule's depends on.
    fn normal(&self, mut ledger: Ledger) -> Ledger {
        if let Some(teardown) = &mut ledger.teardown {
            let unverified = teardown.acked.is_some() && teardown.tries > 0;
            *teardown = Teardown {
                reason: word(teardown.reason),
                subject: None,
                attempt: teardown.attempt.min(self.setting.attempts),
                nonce: teardown.nonce.as_ref().map(|_| "nonce".to_owned()),
                unknown_outcomes: teardown.unknown_outcomes.min(1),
                fingerprint: None,
                started_at: now(),
                last_outcome: None,
                // As many as `AckedUnverified` asks for, at once.
                tries: if unverified { 3 } else { 0 },
                next_attempt_at: None,
                ..teardown.clone()
            };
        }
        ledger
    }
}

/// The words that a decision, or who waits for a person, depends on.
fn word(reason: Reason) -> Reason {
    match reason {
        Reason::Deleting | Reason::TwinDeleting => Reason::Deleting,
        Reason::UnprovenAbsence | Reason::CredentialsChanged => Reason::UnprovenAbsence,
        reason if matches!(reason.actor(), Actor::Nobody | Actor::Provider) => Reason::OutcomeUnknown,
        _ => Reason::Suspended,
    }
}
