//! Reads of accounts: by id where the provider has that, else from a list that the objects of a key share.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::shared::Shared;
use crate::account::Account;
use crate::args::Config;
use crate::credentials::Credential;
use crate::index::Index;
use crate::metrics::{Call, Metrics};
use crate::provider::http::ProviderClient;
use crate::provider::list::AccountList;
use crate::teardown::ledger::{EVIDENCE_MAX_AGE, age};
use crate::teardown::outcome::{Exchange, Outcome, Refusal};

/// An observation may use a list that began this much earlier: its evidence is dated in hours.
const OBSERVATION_SHARES: Duration = Duration::from_secs(30);

/// A key at an endpoint, without the key: one version of one Secret.
pub type SecretVersion = (String, String, String);

/// Whose list will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody else's.
    Unshared,
    /// One that began after this need arose.
    SinceNow,
    /// One of the last seconds.
    Recent,
}

/// Reads accounts.
pub struct Reads {
    client: Arc<ProviderClient>,
    index: Arc<Index>,
    config: Arc<Config>,
    metrics: Metrics,
    lists: Shared<SecretVersion, Result<Arc<AccountList>, Exchange>>,
}

impl Reads {
    /// Reads with this client; the index tells which other accounts a key should see.
    pub fn new(client: Arc<ProviderClient>, index: Arc<Index>, config: Arc<Config>, metrics: Metrics) -> Self {
        Self { client, index, config, metrics, lists: Shared::default() }
    }

    /// What the provider shows of this account now.
    pub async fn read(
        &self,
        account: &Account,
        credential: &Credential,
        version: &SecretVersion,
        sharing: Sharing,
    ) -> Exchange {
        let target = &account.view.target;
        if target.has_read_by_id() {
            let read = self.client.read_account(target, credential).await;
            self.metrics.called(target.provider(), Call::Read, read.outcome);
            return read;
        }
        let ask = async || {
            let list = self.client.list_accounts(credential).await.map(Arc::new);
            let outcome = list.as_ref().map_or_else(|exchange| exchange.outcome, |_| Outcome::Alive);
            self.metrics.called(target.provider(), Call::Read, outcome);
            list
        };
        let list = match sharing {
            Sharing::Unshared => ask().await,
            Sharing::SinceNow => self.lists.get(version, Instant::now(), ask).await,
            Sharing::Recent => {
                let now = Instant::now();
                let recent = now.checked_sub(OBSERVATION_SHARES).unwrap_or(now);
                match self.lists.get(version, recent, ask).await {
                    // What was connected a moment ago is not in an older list: only a new one may say that it is missing.
                    Ok(list) if list.sight(target).outcome != Outcome::Alive => self.lists.get(version, now, ask).await,
                    list => list,
                }
            }
        };
        match list {
            Err(exchange) => exchange,
            Ok(list) => {
                let sight = list.sight(target);
                if sight.outcome == Outcome::Gone && self.lost_sight(account, &list) {
                    Exchange { outcome: Outcome::Refused(Refusal::KeyLostSight), ..sight }
                } else {
                    sight
                }
            }
        }
    }

    /// Whether another live account that this key has seen is missing from the same list: then the key, not the
    /// accounts, is the likelier cause.
    fn lost_sight(&self, account: &Account, list: &AccountList) -> bool {
        let now = jiff::Timestamp::now();
        let others = self.index.users(&account.namespace, &account.secret);
        others.into_iter().filter_map(|raw| Account::parse(raw, &self.config).ok()).any(|other| {
            other.view.uid != account.view.uid
                && !other.view.deleting
                && !other.view.target.has_read_by_id()
                && !other.view.target.same_account(&account.view.target)
                && other
                    .view
                    .ledger
                    .account
                    .as_ref()
                    .is_some_and(|record| record.alive_at.is_some_and(|at| age(at, now) <= EVIDENCE_MAX_AGE))
                && list.sight(&other.view.target).outcome == Outcome::Gone
        })
    }
}
