//! A deletion's turn: not before every object that may matter to it is known, nor while others have every slot. Where
//! either lasts, the object says so.

use std::time::Duration;

use super::deletion::Ended;
use super::{Reconciler, jitter, now};
use crate::account::Account;
use crate::kube_io::ApiFault;
use crate::reason::Reason;
use crate::status;
use crate::teardown::ledger::age;
use crate::teardown::view::{Pass, Step};
use crate::teardown::{not_listed, queued};

/// A pass waits so long for a list that is arriving, and then says so, gives its slot to another, and from then on only
/// looks.
const LISTED_WITHIN: Duration = Duration::from_secs(10);
/// A deletion waits so long for a slot before it is written to say so.
const QUEUED_SILENTLY: Duration = Duration::from_secs(30);

impl Reconciler {
    /// A list that is arriving hides objects: nothing is decided before it is complete.
    ///
    /// # Errors
    /// How long to wait for it.
    pub(super) async fn listed(&self, account: &Account) -> Result<(), Duration> {
        let said = status::shown(account) == Some(Reason::NotListed.as_str());
        let patience = if said { Duration::ZERO } else { LISTED_WITHIN };
        let listed = tokio::time::timeout(patience, self.index.settled());
        match self.stopping.run_until_cancelled(listed).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(_)) => {}
            None => return Err(LISTED_WITHIN),
        }
        let unlisted: Vec<_> = self.index.unsettled().iter().map(ToString::to_string).collect();
        let pass = Pass { jitter: jitter(), ..Pass::default() };
        let step = not_listed(&account.view, &pass, &self.config.rules, now(), unlisted.join(", "));
        Err(self.says_so(account, step, LISTED_WITHIN).await)
    }

    /// No slot is free for it.
    pub(super) async fn queue(&self, account: &Account) -> Duration {
        let marked = account.raw.metadata.deletion_timestamp.as_ref().map_or_else(now, |marked| marked.0);
        if age(marked, now()) < QUEUED_SILENTLY {
            return self.when_free();
        }
        match queued(&account.view, &Pass::default(), &self.config.rules, now()) {
            Some(Step::Wait(ledger, _)) => {
                self.says_so(account, Step::Wait(ledger, self.when_free()), self.when_free()).await
            }
            _ => self.when_free(),
        }
    }

    /// When a slot may be free that another object of the same key or provider holds.
    pub(super) fn when_free(&self) -> Duration {
        Duration::from_millis(500) + jitter().of(Duration::from_secs(1))
    }

    async fn says_so(&self, account: &Account, step: Step, otherwise: Duration) -> Duration {
        let Step::Wait(ledger, delay) = step else { return otherwise };
        match self.wait(account, &ledger, delay).await {
            Ok(Ended::Due(delay)) => delay,
            // Another writer was faster: it is said with the next try.
            Ok(Ended::Again) | Err(ApiFault::Conflict | ApiFault::NotFound) => otherwise,
            Err(fault) => self.api_fault(account, &fault),
        }
    }
}
