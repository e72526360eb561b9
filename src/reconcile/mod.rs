//! The shell: reads, asks [`crate::teardown::decide`], performs the one step it names, records, releases. It decides
//! nothing itself.

mod budget;
mod deletion;
mod hold;
mod lanes;
mod neighbours;
mod observation;
mod outage;
mod reads;
mod release;
mod secrets;
mod send;
mod shared;
mod turn;
mod unsent;
pub mod window;

use std::sync::Arc;
use std::time::Duration;

pub use observation::LONGEST_REQUEST;

use jiff::{Timestamp, TimestampRound, Unit};
use kube::core::DeserializeGuard;
use tokio_util::sync::CancellationToken;

use crate::account::Account;
use crate::args::Config;
use crate::audit::Receipts;
use crate::backoff::{self, Jitter};
use crate::controller::{SecretRef, Work};
use crate::crd::{FINALIZER, SenderAccount, SenderAccountStatus};
use crate::events::{EventType, Events};
use crate::index::Index;
use crate::kube_io::{ApiFault, Fresh, KubeIo};
use crate::lease::Term;
use crate::metrics::Metrics;
use crate::provider::http::ProviderClient;
use crate::reason::Reason;
use crate::status::{self, Why};
use crate::teardown::view::{Crd, Twin, View};

/// How often a hold that no object keeps is tried to be taken off; the Secret's next user, or its deletion, is next.
const ABANDONED_TRIES: u32 = 6;

/// What the reconciler works with.
pub struct Deps {
    /// The API server, its client's own retries turned off.
    pub client: kube::Client,
    /// The operator's settings.
    pub config: Arc<Config>,
    /// What the watches have shown.
    pub index: Arc<Index>,
    /// The one client for providers.
    pub providers: ProviderClient,
    /// Where Events go.
    pub events: Events,
    /// Where receipts go.
    pub receipts: Receipts,
    /// Counters.
    pub metrics: Metrics,
    /// Cancelled when the operator stops: from then on nothing new is sent.
    pub stopping: CancellationToken,
    /// The right to act: once it has ended, nothing new is sent either.
    pub term: Term,
}

/// Works on one object at a time.
pub struct Reconciler {
    io: KubeIo,
    config: Arc<Config>,
    index: Arc<Index>,
    providers: Arc<ProviderClient>,
    events: Events,
    receipts: Receipts,
    metrics: Metrics,
    stopping: CancellationToken,
    term: Term,
    reads: reads::Reads,
    secrets: secrets::Secrets,
    hold: hold::SecretHold,
    lanes: lanes::Lanes,
    budget: budget::Budget,
    window: window::Window,
    crd: shared::Shared<(), Crd>,
    unsent: unsent::Unsent,
    queue: turn::Queue,
    seen: observation::Seen,
    released: release::ReleasedUids,
}

impl Reconciler {
    /// Ready to work.
    pub fn new(deps: Deps) -> Self {
        let Deps { client, config, index, providers, events, receipts, metrics, stopping, term } = deps;
        let io = KubeIo::new(client, Arc::clone(&config));
        let providers = Arc::new(providers);
        Self {
            reads: reads::Reads::new(Arc::clone(&providers), Arc::clone(&index), Arc::clone(&config), metrics.clone()),
            secrets: secrets::Secrets::new(io.clone(), Arc::clone(&config)),
            hold: hold::SecretHold::new(io.clone(), Arc::clone(&index), Arc::clone(&config)),
            lanes: lanes::Lanes::of(config.concurrency),
            budget: budget::Budget::of(config.deletion_budget),
            window: window::Window::default(),
            crd: shared::Shared::default(),
            unsent: unsent::Unsent::default(),
            queue: turn::Queue::default(),
            seen: observation::Seen::since(term.since()),
            released: release::ReleasedUids::default(),
            io,
            config,
            index,
            providers,
            events,
            receipts,
            metrics,
            stopping,
            term,
        }
    }

    /// Whether nothing new may begin any more: no pass, no intent, no DELETE.
    fn winds_down(&self) -> bool {
        self.stopping.is_cancelled() || !self.term.lasts()
    }

    /// Reports an object that cannot be understood. Its finalizer stays: its account may still live.
    async fn report_incomprehensible(&self, object: &DeserializeGuard<SenderAccount>, what: String) -> Duration {
        let Some(stub) = Stub::of(object) else { return backoff::CAP };
        let subject: String = what.chars().filter(|c| !c.is_control()).take(256).collect();
        tracing::warn!(uid = stub.uid, namespace = stub.namespace, name = stub.name, reason = %Reason::InvalidObject, subject, "cannot be understood");
        self.metrics.passed(Reason::InvalidObject);
        if let Err(fault) = self.io.report_invalid(stub.namespace, stub.name, stub.uid, &subject).await {
            tracing::warn!(uid = stub.uid, %fault, "its status cannot say so");
        }
        backoff::CAP
    }

    /// The other objects of the same account as the index shows them.
    fn twins(&self, account: &Account) -> Vec<Twin> {
        let target = &account.view.target;
        let others = self.index.twins(target.provider(), target.account_id(), &account.view.uid);
        let parsed = others.into_iter().filter_map(|raw| Account::parse(raw, &self.config).ok());
        let seen = |twin: Account| {
            let shown = twin.as_twin_of(account, now());
            Twin { unsettled: shown.unsettled || self.has_forgotten(&twin.view), ..shown }
        };
        parsed.filter(Account::is_or_will_be_ours).map(seen).collect()
    }

    /// Whether a DELETE of it may be alive that its ledger does not know any more.
    fn has_forgotten(&self, view: &View) -> bool {
        self.window.forgotten_for(view).is_some_and(|since| since < self.config.rules.outcome_window)
    }

    /// [`Index::moved`] of its account.
    fn moved(&self, account: &Account) -> u64 {
        self.index.moved(account.view.target.provider(), account.view.target.account_id())
    }

    /// Writes a status if it says something new, and an Event if its reason is a new one.
    async fn publish(
        &self,
        account: &Account,
        status: &SenderAccountStatus,
        why: &Why,
    ) -> Result<Option<Fresh>, ApiFault> {
        self.metrics.passed(why.reason);
        if account.raw.status.as_ref() == Some(status) {
            return Ok(None);
        }
        let before = status::shown(account).map(str::to_owned);
        let fresh = self.write_status(account, status).await?;
        if before.as_deref() != Some(why.reason.as_str()) {
            self.announce(fresh.account(), why);
        }
        Ok(Some(fresh))
    }

    /// Where the status that is then there shows its attempts settled, they are remembered no longer.
    async fn write_status(&self, account: &Account, status: &SenderAccountStatus) -> Result<Fresh, ApiFault> {
        let fresh = self.io.write_status(account, status).await?;
        self.window.settled(&fresh);
        Ok(fresh)
    }

    fn announce(&self, account: &Account, why: &Why) {
        let kind =
            if why.reason.actor() == crate::reason::Actor::Nobody { EventType::Normal } else { EventType::Warning };
        self.events.publish(account.raw.as_ref(), why.reason, kind, &why.message(account));
    }
}

impl Work for Reconciler {
    async fn reconcile(&self, object: &DeserializeGuard<SenderAccount>) -> Duration {
        if self.winds_down() {
            return backoff::CAP;
        }
        let raw = match &object.0 {
            Ok(raw) => Arc::new(raw.clone()),
            Err(invalid) => return self.report_incomprehensible(object, invalid.error.clone()).await,
        };
        match Account::parse(raw, &self.config) {
            Err(why) => self.report_incomprehensible(object, why.to_string()).await,
            Ok(account) if account.view.deleting && !account.view.ours => {
                self.forget(&account);
                backoff::CAP
            }
            Ok(account) if self.released.contains(&account.view.uid) => release::WATCH_LAGS,
            Ok(account) if account.view.deleting => self.tear_down(account).await,
            Ok(account) => self.observe(account).await,
        }
    }

    async fn release_secret(&self, secret: &SecretRef) {
        for attempt in 0..ABANDONED_TRIES {
            let Err(fault) = self.hold.abandoned(&secret.namespace, &secret.name).await else { return };
            tracing::warn!(namespace = secret.namespace, secret = secret.name, %fault, "the hold could not be taken off");
            let delay = backoff::delay(attempt, jitter(), None, self.config.rules.max_backoff);
            if self.stopping.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                return;
            }
        }
    }
}

impl Reconciler {
    fn forget(&self, account: &Account) {
        self.window.forget(&account.view.uid);
        self.unsent.forget(&account.view.uid);
        self.queue.leave(&account.view.uid);
        self.seen.forget(&account.view.uid);
    }
}

/// What is known of an object that cannot be understood.
struct Stub<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
}

impl<'a> Stub<'a> {
    fn of(object: &'a DeserializeGuard<SenderAccount>) -> Option<Self> {
        let meta = kube::Resource::meta(object);
        // Without our finalizer a deletion is none of our business.
        if meta.deletion_timestamp.is_some() && !meta.finalizers.iter().flatten().any(|f| f == FINALIZER) {
            return None;
        }
        Some(Self { namespace: meta.namespace.as_deref()?, name: meta.name.as_deref()?, uid: meta.uid.as_deref()? })
    }
}

/// Now, to the millisecond: what is written to the ledger reads well and compares equal after a round trip.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(TimestampRound::new().smallest(Unit::Millisecond)).unwrap_or(now)
}

fn jitter() -> Jitter {
    Jitter(rand::random())
}
