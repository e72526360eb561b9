//! The intent, and the one DELETE that it announces: on a fresh view, which it uses up, and with a last look immediately
//! before the bytes go.

use std::time::Duration;

use super::Reconciler;
use super::deletion::{Ended, Hands};
use super::release::attempts;
use crate::kube_io::ApiFault;
use crate::metrics::Call;
use crate::teardown::ledger::Ledger;
use crate::teardown::outcome::{NotSent, Outcome, Refusal};
use crate::teardown::view::Twin;

/// From the answer of a read that shows the account connected to the intent that rests on it. Not from its beginning: a
/// provider that takes longer than this for every read would never be asked to delete anything.
const INTENT_WITHIN: Duration = Duration::from_secs(5);
/// From before the write or read that shows an object fresh to the bytes of its DELETE.
const SEND_WITHIN: Duration = Duration::from_secs(5);

impl Reconciler {
    /// Writes the intent ahead of its DELETE; one that stands is written anew before it is sent, where that took long.
    ///
    /// # Errors
    /// [`ApiFault`]: whether the intent stands is seen by the next pass.
    pub(super) async fn intend(&self, hands: &mut Hands, mut ledger: Ledger) -> Result<Option<Ended>, ApiFault> {
        let stands = hands.pass.own_intent;
        match self.winds_down() {
            true if stands => {
                hands.nothing_went_out();
                return Ok(None);
            }
            true => return Ok(Some(Ended::Due(self.later()))),
            false => {}
        }
        if hands.answered.is_none_or(|answered| answered.age() > INTENT_WITHIN) {
            (hands.pass.read, hands.pass.read_back) = (hands.pass.read.take().filter(|_| stands), None);
            return Ok(None);
        }
        if let Some(teardown) = &mut ledger.teardown {
            let nonce = hex::encode(rand::random::<[u8; 16]>());
            self.unsent.add(&hands.account.view.uid, &nonce);
            teardown.nonce = Some(nonce);
        }
        let fresh = self.write(&hands.account, &ledger).await?;
        hands.refreshed(fresh);
        hands.pass.own_intent = true;
        self.window.forget(&hands.account.view.uid);
        hands.pass.unchanged_for = self.window.unchanged_for(&hands.account.view);
        Ok(None)
    }

    /// The one DELETE. It takes the fresh view, and the view is used up.
    pub(super) async fn send(&self, hands: &mut Hands) -> Option<Ended> {
        let (Some(fresh), Some(unlocked)) = (hands.fresh.take(), &hands.unlocked) else {
            hands.pass.fresh = false;
            return None;
        };
        let account = fresh.account();
        let target = &account.view.target;
        let (expected, moved) = (&hands.pass.twins, hands.moved);
        // The greater half of it is to blame where all of it is not enough.
        let api_server = fresh.begun().age() >= SEND_WITHIN / 2;
        let late = if api_server { NotSent::ViewTooOld } else { NotSent::DeadlinePassed };
        // The last look: with the connection ready, immediately before the bytes go.
        let guard = || {
            // One that came and went meanwhile may have made what was read worthless.
            let unchanged = self.moved(account) == moved && who(&self.twins(account)) == who(expected);
            match () {
                () if fresh.begun().age() >= SEND_WITHIN => Err(late),
                () if self.winds_down() => Err(NotSent::ViewChanged),
                () if !unchanged || !self.index.is_settled() => Err(NotSent::ViewChanged),
                () => {
                    self.unsent.forget(&account.view.uid);
                    Ok(())
                }
            }
        };
        hands.pass.read_back = None;
        let answer = self.providers.delete(target, &unlocked.credential, guard).await;
        self.metrics.called(target.provider(), Call::Delete, answer.outcome);
        tracing::info!(
            uid = account.view.uid, namespace = account.namespace, name = account.name, account = target.account_id(),
            attempt = attempts(account, (hands.pass.sends + 1).saturating_sub(hands.pass.recorded)), outcome = ?answer.outcome,
            http_status = answer.http_status, error_type = answer.error_type, "DELETE"
        );
        if answer.outcome == Outcome::Refused(Refusal::Credentials) {
            self.secrets.forget(account);
        }
        if !matches!(answer.outcome, Outcome::NotSent(_)) {
            hands.pass.sends += 1;
        }
        // The request was alive until now: the window begins here.
        self.window.forget(&account.view.uid);
        hands.pass.unchanged_for = self.window.unchanged_for(&account.view);
        hands.pass.answer = Some(answer);
        None
    }
}

/// Which other objects there are, which of them are being deleted, and which see nothing of the account: what the last look
/// compares.
fn who(twins: &[Twin]) -> Vec<(&str, bool, bool)> {
    twins.iter().map(|twin| (twin.uid.as_str(), twin.deleting, twin.sees_nothing)).collect()
}
