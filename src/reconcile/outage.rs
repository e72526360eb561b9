//! The API server cannot be used for what is next.

use std::time::Duration;

use super::deletion::{Ended, Hands};
use super::{Reconciler, jitter, now};
use crate::account::Account;
use crate::backoff;
use crate::index::Scope;
use crate::kube_io::ApiFault;
use crate::reason::Reason;
use crate::rights;
use crate::teardown::api_unusable;
use crate::teardown::view::Step;

impl Reconciler {
    /// The API server could not be used for what is next; where a status can still be written, it says so.
    pub(super) async fn unusable(&self, hands: &Hands, fault: &ApiFault) -> Duration {
        let (account, delay) = (&hands.account, self.api_fault(&hands.account, fault));
        let said = match fault {
            ApiFault::Unavailable(said) => (Reason::ApiServerUnavailable, said.clone()),
            ApiFault::Forbidden(said) => (Reason::PatchRefused, said.clone()),
            _ => return delay,
        };
        let step = api_unusable(&account.view, &hands.pass, &self.config.rules, now(), said);
        let Some(Step::Wait(ledger, delay_shown)) = step else { return delay };
        match self.wait(account, &ledger, delay_shown).await {
            Ok(Ended::Due(delay_shown)) => delay_shown,
            Ok(Ended::Again) | Err(_) => delay,
        }
    }

    /// The API server could not be used, and that is said in the log.
    /// Each in a row waits longer: behind a write that fails may be a DELETE that is repeated because of it.
    pub(super) fn api_fault(&self, account: &Account, fault: &ApiFault) -> Duration {
        let remedy = match fault {
            ApiFault::Forbidden(_) if self.config.watch_namespaces.is_empty() => rights::remedy(&Scope::Cluster),
            ApiFault::Forbidden(_) => rights::remedy(&Scope::Namespace(account.namespace.clone())),
            _ => "none needed if the API server comes back".to_owned(),
        };
        tracing::warn!(uid = account.view.uid, namespace = account.namespace, name = account.name, %fault, remedy, "the API server could not be used; tried again soon");
        self.metrics.passed(Reason::ApiServerUnavailable);
        self.later_still(account)
    }

    /// Later each time that something fails in a row.
    pub(super) fn later_still(&self, account: &Account) -> Duration {
        let faults = self.seen.another_fault(&account.view.uid);
        backoff::delay(faults, jitter(), None, self.config.rules.max_backoff)
    }
}
