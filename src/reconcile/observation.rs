//! A live object: its finalizer and its Secret's hold are made sure of, the account is read, and the status says what
//! that shows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::hold::Adopted;
use super::reads::Sharing;
use super::{Reconciler, jitter, now, secrets};
use crate::account::{Account, Hold};
use crate::backoff;
use crate::crd::SenderAccountStatus;
use crate::finalizer;
use crate::kube_io::ApiFault;
use crate::provider::http::LONGEST_DELETE;
use crate::reason::Reason;
use crate::status::{self, Why};
use crate::teardown::ledger::Ledger;
use crate::teardown::observe;
use crate::teardown::outcome::{Outcome, Refusal};

/// After a start, objects at rest are read again spread over this part of the interval, not all at once.
const SPREAD: u32 = 12;

/// The longest that a DELETE can take, with a margin. Whoever acted before, an earlier process or another replica, begins
/// none any more when this process begins to act.
pub const LONGEST_REQUEST: Duration = Duration::from_secs(LONGEST_DELETE.as_secs() + 10);

/// So often in a row somebody may write to an object between a look at it and the write of what was seen, before it is
/// read again at the provider.
const CONFLICTS: usize = 8;

/// The objects that this process has observed alive since it acts.
pub struct Seen {
    since: Instant,
    /// And since when, or when it was last asked whether one is marked for deletion.
    uids: Mutex<HashMap<String, Instant>>,
    /// Passes in a row that the API server made fail.
    faults: Mutex<HashMap<String, u32>>,
}

impl Seen {
    /// None yet, of a process that acts since then.
    pub fn since(since: Instant) -> Self {
        Self { since, uids: Mutex::default(), faults: Mutex::default() }
    }

    /// Whether it is the first time.
    fn first_time(&self, uid: &str) -> bool {
        match self.uids.lock().unwrap_or_else(PoisonError::into_inner).entry(uid.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(Instant::now());
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Whether it is time to ask for it: it was not for this long. Then it begins anew.
    fn is_to_be_asked(&self, uid: &str, every: Duration) -> bool {
        let mut uids = self.uids.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = uids.get_mut(uid) else { return false };
        let due = last.elapsed() >= every;
        if due {
            *last = Instant::now();
        }
        due
    }

    /// How long a DELETE of whoever acted before may still be on its way for an object that this process never saw alive.
    pub fn inherited_for(&self, uid: &str) -> Duration {
        let seen = self.uids.lock().unwrap_or_else(PoisonError::into_inner).contains_key(uid);
        if seen { Duration::ZERO } else { LONGEST_REQUEST.saturating_sub(self.since.elapsed()) }
    }

    /// The API server made a pass fail; how many before it did in a row.
    pub fn another_fault(&self, uid: &str) -> u32 {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let before = faults.entry(uid.to_owned()).or_default();
        *before = before.saturating_add(1);
        *before - 1
    }

    /// A pass was written down.
    pub fn no_fault(&self, uid: &str) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// The object is gone.
    pub fn forget(&self, uid: &str) {
        self.no_fault(uid);
        self.uids.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

impl Reconciler {
    /// Observes one live object.
    pub(super) async fn observe(&self, account: Account) -> Duration {
        let at_rest = status::shown(&account) == Some(Reason::AccountConnected.as_str());
        let complete = account.view.ours && !account.is_prompted() && account.view.ledger.account.is_some();
        if self.seen.first_time(&account.view.uid) && at_rest && complete {
            return jitter().of(self.config.observe_interval / SPREAD);
        }
        let Some(slot) = self.lanes.enter(&account) else { return self.when_free() };
        if let Some(marked) = self.marked_unseen(&account).await {
            drop(slot);
            return self.tear_down(marked).await;
        }
        match self.observation(account.clone()).await {
            Ok(delay) => {
                self.seen.no_fault(&account.view.uid);
                delay
            }
            Err(ApiFault::NotFound) => {
                self.forget(&account);
                backoff::CAP
            }
            // Until it has our finalizer, its account is one that a deletion would leave behind.
            Err(ApiFault::Conflict) if !account.view.ours => backoff::BASE,
            Err(ApiFault::Conflict) => self.later_still(&account),
            Err(fault) => self.api_fault(&account, &fault),
        }
    }

    /// The object as it is, if it is marked for deletion and no watch showed that: one that lost it will not show it any more.
    /// Asked for once in each interval of observation, where nothing new was shown.
    async fn marked_unseen(&self, account: &Account) -> Option<Account> {
        let shown = !account.view.ours || account.is_prompted();
        if shown || !self.seen.is_to_be_asked(&account.view.uid, self.config.observe_interval / 2) {
            return None;
        }
        let now = self.io.get(&account.namespace, &account.name).await.ok()?.into_account();
        (now.view.uid == account.view.uid && now.view.deleting && now.view.ours).then_some(now)
    }

    async fn observation(&self, mut account: Account) -> Result<Duration, ApiFault> {
        if !account.view.ours {
            account = match finalizer::add(&self.io, &account).await {
                Ok(fresh) => fresh.into_account(),
                Err(ApiFault::Refused(why) | ApiFault::Forbidden(why)) => {
                    let why = Why { reason: Reason::PatchRefused, subject: Some(why) };
                    return self.conclude(&account, account.view.ledger.clone(), why, account.hold()).await;
                }
                Err(fault) => return Err(fault),
            };
        }
        let ledger = account.view.ledger.clone();
        let hold = match self.hold.adopt(&account).await {
            Ok(Adopted::Held(hold)) => hold,
            Ok(Adopted::Off) => None,
            Ok(Adopted::NoSecret) => {
                return self.conclude(&account, ledger, Reason::SecretMissing.into(), account.hold()).await;
            }
            Err(ApiFault::Refused(why)) => {
                let why = Why { reason: Reason::PatchRefused, subject: Some(why) };
                return self.conclude(&account, ledger, why, account.hold()).await;
            }
            Err(ApiFault::Forbidden(_)) => {
                return self.conclude(&account, ledger, Reason::SecretForbidden.into(), account.hold()).await;
            }
            Err(fault) => return Err(fault),
        };
        if account.view.gates.suspended {
            return self.conclude(&account, ledger, Reason::Suspended.into(), hold).await;
        }
        // Who asks for a try now may just have changed the Secret.
        let (since, sharing) = match account.is_asked() {
            true => (Instant::now(), Sharing::SinceNow),
            false => (secrets::recently(), Sharing::Recent),
        };
        let unlocked = match self.secrets.unlock(&account, since).await? {
            Ok(unlocked) => unlocked,
            Err(fault) => {
                let why = Why { reason: fault.reason, subject: fault.subject };
                return self.conclude(&account, ledger, why, hold).await;
            }
        };
        let read = self.reads.read(&account, &unlocked.credential, &unlocked.version, sharing).await;
        if read.outcome == Outcome::Refused(Refusal::Credentials) {
            self.secrets.forget(&account);
        }
        let known = unlocked.known();
        let ledger = Ledger { account: Some(observe::settle(&account.view, &known, &read, now())), ..ledger };
        let reason = match read.outcome {
            Outcome::Gone if ledger.saw_alive_under_another(&known.fingerprint) => Reason::CredentialsChanged,
            outcome => outcome.into(),
        };
        self.conclude(&account, ledger, reason.into(), hold).await
    }

    async fn conclude(
        &self,
        account: &Account,
        ledger: Ledger,
        why: Why,
        hold: Option<Hold>,
    ) -> Result<Duration, ApiFault> {
        let mut account = Cow::Borrowed(account);
        let mut conflicts = 0;
        let written = loop {
            let status: SenderAccountStatus = status::alive(&account, &ledger, &why, hold.clone(), now());
            match self.publish(&account, &status, &why).await {
                Err(ApiFault::Conflict) if conflicts < CONFLICTS => {
                    conflicts += 1;
                    let fresh = self.io.get(&account.namespace, &account.name).await?.into_account();
                    // What was seen is about this object as it was: whatever else somebody wrote.
                    if !fresh.decides_as(&account) {
                        return Err(ApiFault::Conflict);
                    }
                    account = Cow::Owned(fresh.asked_as(&account));
                }
                published => break published?.is_some(),
            }
        };
        if written {
            tracing::info!(
                uid = account.view.uid, namespace = account.namespace, name = account.name,
                account = account.view.target.account_id(), reason = %why.reason, subject = why.subject, "observed"
            );
        }
        let interval = observe::interval(why.reason, self.config.observe_interval);
        Ok(interval - jitter().of(interval / 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_delete_of_whoever_acted_before_may_be_on_its_way_for_seventy_seconds_of_acting_not_of_running() {
        // It stood by for an hour.
        tokio::time::advance(Duration::from_hours(1)).await;
        let seen = Seen::since(Instant::now());
        assert_eq!(seen.inherited_for("uid"), LONGEST_REQUEST);
        tokio::time::advance(LONGEST_REQUEST - Duration::from_secs(1)).await;
        assert_eq!(seen.inherited_for("uid"), Duration::from_secs(1));
        assert!(seen.first_time("seen alive"));
        assert_eq!(seen.inherited_for("seen alive"), Duration::ZERO, "it was deleted in this process's own term");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(seen.inherited_for("uid"), Duration::ZERO);
    }
}
