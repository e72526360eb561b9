//! The one DELETE: on a fresh view, which it uses up, and with a last look immediately before the bytes go.

use std::time::Duration;

use super::deletion::{Ended, Hands};
use super::release::attempts;
use super::{Reconciler, twins};
use crate::metrics::Call;
use crate::teardown::outcome::{NotSent, Outcome, Refusal};
use crate::teardown::view::Twin;

/// From before the write or read that shows an object fresh to the bytes of its DELETE.
const SEND_WITHIN: Duration = Duration::from_secs(5);

impl Reconciler {
    /// The one DELETE. It takes the fresh view, and the view is used up.
    pub(super) async fn send(&self, hands: &mut Hands) -> Option<Ended> {
        let (Some(fresh), Some(unlocked)) = (hands.fresh.take(), &hands.unlocked) else {
            hands.pass.fresh = false;
            return None;
        };
        let account = fresh.account();
        let target = &account.view.target;
        let (expected, moved) = (&hands.pass.twins, hands.moved);
        // The last look: with the connection ready, immediately before the bytes go.
        let guard = || {
            // One that came and went meanwhile may have made what was read worthless.
            let unchanged =
                self.moved(account) == moved && who(&twins(&self.index, &self.config, account)) == who(expected);
            match () {
                () if fresh.begun().age() >= SEND_WITHIN => Err(NotSent::DeadlinePassed),
                () if self.winds_down() => Err(NotSent::ViewChanged),
                () if !unchanged || !self.index.is_settled() => Err(NotSent::ViewChanged),
                () => Ok(()),
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

/// Which other objects there are, and which of them are being deleted: what the last look compares.
fn who(twins: &[Twin]) -> Vec<(&str, bool)> {
    twins.iter().map(|twin| (twin.uid.as_str(), twin.deleting)).collect()
}
