//! The end of a deletion: the hold on the Secret is handed on, the receipt written, the finalizer taken off. In that
//! order, and with a proof.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::deletion::{Ended, Hands};
use super::hold::{self, Left};
use super::{Reconciler, jitter, now};
use crate::account::{Account, Hold};
use crate::audit::Receipt;
use crate::backoff;
use crate::crd::FINALIZER;
use crate::finalizer;
use crate::kube_io::ApiFault;
use crate::reason::Reason;
use crate::status::{self, Why};
use crate::teardown::ledger::Ledger;
use crate::teardown::outcome::Outcome;
use crate::teardown::proof::Proof;
use crate::teardown::{NEIGHBOUR_POLL, confirm, target::Kind, teardown_of};

/// A watch may show an object for so long after it was released.
pub const WATCH_LAGS: Duration = Duration::from_secs(2 * 60);

/// The objects that this process released: what a late watch still shows of one is no deletion to work on.
#[derive(Default)]
pub struct ReleasedUids(Mutex<HashMap<String, Instant>>);

impl ReleasedUids {
    fn add(&self, uid: &str) {
        let mut uids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uids.retain(|_, at| at.elapsed() < WATCH_LAGS);
        uids.insert(uid.to_owned(), Instant::now());
    }

    /// Whether this process released it.
    pub fn contains(&self, uid: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uid).is_some_and(|at| at.elapsed() < WATCH_LAGS)
    }
}

/// How often a release is tried again because somebody else wrote.
const TRIES: usize = 8;

/// What one release goes by, over all its tries.
struct Leaving<'a> {
    proof: &'a Proof,
    /// Whether the Secret was held when this pass saw it; `None`: it did not look.
    held: Option<bool>,
    /// DELETEs that the ledger does not count yet.
    sent: u32,
    acked: bool,
    /// The hold that one of the tries took off.
    taken_off: Option<Hold>,
}

impl Reconciler {
    /// Lets the object go.
    ///
    /// # Errors
    /// [`ApiFault`]: nothing is lost, the next pass proves it again or finds it confirmed.
    pub(super) async fn release(&self, hands: &mut Hands, proof: &Proof) -> Result<Ended, ApiFault> {
        let mut leaving = Leaving {
            proof,
            held: hands.unlocked.as_ref().map(|unlocked| unlocked.held),
            sent: hands.pass.sends.saturating_sub(hands.pass.recorded),
            acked: hands.pass.answer.as_ref().is_some_and(|answer| answer.outcome == Outcome::Acked),
            taken_off: None,
        };
        let mut account = hands.account.clone();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(20) + jitter().of(Duration::from_millis(300))).await;
                let fresh = self.io.get(&account.namespace, &account.name).await?;
                if fresh.account().view.uid != account.view.uid || !fresh.account().view.ours {
                    return Err(ApiFault::NotFound);
                }
                // A decision of a person may have been taken back, a twin may have gone: look again from the beginning. What
                // is confirmed stands.
                let confirmed = fresh.account().view.ledger.teardown.as_ref().is_some_and(|t| t.proof.is_some());
                if (rests_on_others(proof) && !confirmed) || fresh.account().view.target != account.view.target {
                    return Ok(Ended::Again);
                }
                account = fresh.into_account();
            }
            match self.try_release(&mut account, &mut leaving).await {
                Err(ApiFault::Conflict) => {}
                Err(ApiFault::Refused(why) | ApiFault::Forbidden(why)) => {
                    self.confirm(&mut account, proof, leaving.sent, None).await?;
                    return self.refused(&account, why).await;
                }
                other => return other,
            }
        }
        match self.hold.unready(&account).await? {
            Some(why) => {
                self.refused(&account, why).await?;
                Ok(Ended::Due(NEIGHBOUR_POLL))
            }
            None => Ok(Ended::Due(self.later())),
        }
    }

    async fn try_release(&self, account: &mut Account, leaving: &mut Leaving<'_>) -> Result<Ended, ApiFault> {
        let Leaving { proof, held, sent, acked, .. } = *leaving;
        // What was taken off already is not looked at again, unless somebody handed it on meanwhile: between the object's
        // GET and its release nothing else shall take time, for somebody may write to it all the time.
        let left = match &leaving.taken_off {
            Some(hold) if *hold == hold::owed(account) => Left::Free,
            _ => self.hold.leave(account, held.is_some()).await?,
        };
        let alone = account.finalizers.iter().all(|finalizer| finalizer == FINALIZER);
        let needs_key = !matches!(proof.record().reason, Reason::Orphaned | Reason::HandedOver);
        // Written first wherever a crash from here on could lose what proves it.
        if let Left::LastUser(hold) = left {
            self.confirm(account, proof, sent, Some(&hold)).await?;
            self.hold.take_off(account, &hold.secret).await?;
            leaving.taken_off = Some(hold);
        } else if !alone || (needs_key && held != Some(true)) {
            self.confirm(account, proof, sent, None).await?;
        }
        if let Err(error) = self.receipts.write(&Receipt::of(account, proof, attempts(account, sent), acked, now())) {
            tracing::error!(uid = account.view.uid, %error, "the receipt could not be written: the finalizer stays");
            // Whoever decided may think better of it until it can.
            if !rests_on_others(proof) {
                self.confirm(account, proof, sent, None).await?;
            }
            return self.stays(account, Reason::ReceiptNotWritten, error.to_string(), self.later_still(account)).await;
        }
        match finalizer::release(&self.io, account, proof).await {
            Ok(()) => {
                self.released.add(&account.view.uid);
                self.forget(account);
                self.metrics.passed(proof.record().reason);
                self.announce(account, &Why { reason: proof.record().reason, subject: proof.record().subject.clone() });
                tracing::info!(
                    uid = account.view.uid, namespace = account.namespace, name = account.name,
                    account = account.view.target.account_id(), attempt = attempts(account, sent),
                    reason = %proof.record().reason, "released"
                );
                Ok(Ended::Due(backoff::CAP))
            }
            Err(ApiFault::Unavailable(_) | ApiFault::Incomprehensible(_)) => {
                self.confirm(account, proof, sent, None).await?;
                let why = "whether the finalizer is off is not known".to_owned();
                self.stays(account, Reason::ApiServerUnavailable, why, self.later_still(account)).await
            }
            Err(fault) => Err(fault),
        }
    }

    /// Writes the proof to the ledger: from there on the provider is never called again for this uid.
    /// `keeps`: the hold that it is about to take off.
    async fn confirm(
        &self,
        account: &mut Account,
        proof: &Proof,
        sent: u32,
        keeps: Option<&Hold>,
    ) -> Result<(), ApiFault> {
        if account.view.ledger.is_confirmed() {
            return Ok(());
        }
        let mut ledger: Ledger = confirm(&account.view, proof, now());
        if let Some(teardown) = &mut ledger.teardown {
            teardown.attempt = attempts(account, sent);
        }
        let status = status::deleting(account, &ledger, account.hold().or_else(|| keeps.cloned()), now());
        *account = self.io.write_status(account, &status).await?.into_account();
        Ok(())
    }

    async fn refused(&self, account: &Account, why: String) -> Result<Ended, ApiFault> {
        let delay = backoff::longest(jitter(), self.config.rules.max_backoff);
        self.stays(account, Reason::PatchRefused, why, delay).await
    }

    /// What is to be let go is still there, and says why, and until when.
    async fn stays(&self, account: &Account, reason: Reason, why: String, delay: Duration) -> Result<Ended, ApiFault> {
        let mut ledger = account.view.ledger.clone();
        let teardown = ledger.teardown.get_or_insert_with(|| teardown_of(&account.view, now()));
        let same = teardown.reason == reason && teardown.subject.as_ref() == Some(&why);
        // What it says already is not written again before its time.
        if !same || teardown.next_attempt_at.is_none_or(|at| at <= now()) {
            teardown.next_attempt_at = Some(now().checked_add(delay).unwrap_or(Timestamp::MAX));
        }
        (teardown.reason, teardown.subject) = (reason, Some(why.clone()));
        let status = status::deleting(account, &ledger, account.hold(), now());
        self.publish(account, &status, &Why { reason, subject: Some(why) }).await?;
        Ok(Ended::Due(delay))
    }
}

/// Whether the proof is a decision or an object of somebody else, which can change, and not what became of the account.
fn rests_on_others(proof: &Proof) -> bool {
    matches!(proof.record().reason, Reason::Orphaned | Reason::HandedOver | Reason::ReleasedByPolicy)
}

pub(super) fn attempts(account: &Account, sent: u32) -> i32 {
    let ledger = &account.view.ledger;
    let written_ahead = account.view.kind() == Kind::SoftThenHard;
    if written_ahead || ledger.is_confirmed() {
        ledger.attempts()
    } else {
        ledger.attempts().saturating_add_unsigned(sent)
    }
}
