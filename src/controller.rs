//! The streams: watches feed the index, the index wakes objects, kube's scheduler runs one pass per object at a time. It
//! knows when a pass is due, never what it does.

#[cfg(test)]
mod fake;
mod feed;
mod retry;
mod served;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::{FutureExt, Stream, StreamExt, stream};
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::controller::{Action, Config, Controller, Error};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use tokio_util::sync::CancellationToken;

pub use served::until_served;

use crate::crd::{CRD_NAME, INSTALL_CRD, SenderAccount};
use crate::index::{Cached, Index, Scope};
use crate::kube_io::{PAGE, said};
use crate::metrics::Metrics;
use crate::rights;
use feed::Feed;
use retry::Retry;

/// After a panic: long enough that a bug is no hot loop, short enough that a rare one heals by itself.
const AFTER_PANIC: Duration = Duration::from_secs(60);
/// No pass should take longer: the longest provider call, its read-back and the writes around them. It is not cut off,
/// because that could be in the middle of a DELETE; it is said.
const LONG_PASS: Duration = Duration::from_secs(180);

/// How long one watch lasts, in seconds: less than a connection may be silent.
pub const WATCH: u32 = 50;

/// What is done with an object that was woken.
pub trait Work: Send + Sync + 'static {
    /// One pass over one object. Never two at once for the same object. Returns when the next one is due at the latest.
    fn reconcile(&self, object: &DeserializeGuard<SenderAccount>) -> impl Future<Output = Duration> + Send;

    /// The last object that used this Secret is gone.
    fn release_secret(&self, secret: &SecretRef) -> impl Future<Output = ()> + Send;
}

/// A Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretRef {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
}

/// What the controller is made of.
pub struct Parts {
    /// Where the objects are.
    pub client: Client,
    /// What is watched.
    pub scopes: BTreeSet<Scope>,
    /// What the watches feed.
    pub index: Arc<Index>,
    /// How many passes run at once.
    pub concurrency: u16,
    /// Once cancelled no pass begins, and those that run are awaited.
    pub stopping: CancellationToken,
    /// Where panics and failed watches are counted.
    pub metrics: Metrics,
}

/// Watches and works until `stopping` is cancelled and the last pass has ended. Returns earlier only by a bug.
pub async fn run<W: Work>(parts: Parts, work: Arc<W>) {
    let Parts { client, scopes, index, concurrency, stopping, metrics } = parts;
    let events = stream::select_all(scopes.into_iter().map(|scope| watch(&client, scope)));
    let (store, writer) = reflector::store();
    let (unused, unused_secrets) = unbounded();
    let woken = woken(Arc::clone(&index), Feed::new(index, writer, unused), events, metrics.clone());
    // A stream of errors would hold up every scope by the controller's own back-off, so errors never get there; and a
    // trigger by name is what the controller's own stream would become, too.
    let controller = Controller::for_stream(stream::pending(), store)
        .reconcile_on(woken)
        .with_config(Config::default().concurrency(concurrency))
        .graceful_shutdown_on(stopping.clone().cancelled_owned());
    let context = Arc::new(Context { work, stopping, metrics });
    let releases = release_secrets(unused_secrets, Arc::clone(&context));
    let passes = controller.run(pass, |_, never: &Infallible, _| match *never {}, context).for_each(|ended| {
        match ended {
            Ok(_) | Err(Error::ObjectNotFound(_)) => {}
            Err(error) => tracing::error!(%error, "the controller is at fault: this is a bug"),
        }
        std::future::ready(())
    });
    tokio::join!(passes, releases);
}

type Watched = (Scope, watcher::Result<Event<Cached>>);

/// One watch: a list in pages at one resourceVersion, then its changes.
fn watch(client: &Client, scope: Scope) -> stream::BoxStream<'static, Watched> {
    let api = match &scope {
        Scope::Cluster => Api::<Cached>::all(client.clone()),
        Scope::Namespace(name) => Api::namespaced(client.clone(), name),
    };
    watcher(api, watcher::Config::default().page_size(PAGE).timeout(WATCH))
        .backoff(Retry::default())
        .map(move |event| (scope.clone(), event))
        .boxed()
}

fn woken(
    index: Arc<Index>,
    mut feed: Feed,
    events: impl Stream<Item = Watched> + Send,
    metrics: Metrics,
) -> impl Stream<Item = ObjectRef<Cached>> + Send {
    events.flat_map(move |(scope, event)| {
        stream::iter(match event {
            Ok(event) => {
                if matches!(event, Event::InitDone) {
                    tracing::info!(%scope, "every object was listed");
                }
                feed.take(&scope, &event)
            }
            Err(error) => {
                metrics.watch_failed();
                let remedy = remedy(&scope, &error);
                tracing::warn!(%scope, remedy, "the watch failed and begins again: {}", said(&error));
                index.note_failure(&scope, remedy);
                Vec::new()
            }
        })
    })
}

fn remedy(scope: &Scope, error: &watcher::Error) -> String {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => Some(status),
        watcher::Error::WatchError(status) => Some(status),
        _ => None,
    };
    match status.map(|status| status.code) {
        Some(403) => rights::remedy(scope),
        Some(404) => format!("the CRD {CRD_NAME} is not there; install it: {INSTALL_CRD}"),
        Some(410) => "none needed: the objects are listed anew".to_owned(),
        _ => "none needed if the API server comes back".to_owned(),
    }
}

struct Context<W> {
    work: Arc<W>,
    stopping: CancellationToken,
    metrics: Metrics,
}

/// One pass, whose panic ends nothing but itself.
async fn pass<W: Work>(object: Arc<Cached>, context: Arc<Context<W>>) -> Result<Action, Infallible> {
    if context.stopping.is_cancelled() {
        return Ok(Action::await_change());
    }
    let guard = object.to_guard();
    let (namespace, name) = (guard.namespace().unwrap_or_default(), guard.name_any());
    let mut pass = pin!(AssertUnwindSafe(context.work.reconcile(&guard)).catch_unwind());
    let ended = loop {
        match tokio::time::timeout(LONG_PASS, pass.as_mut()).await {
            Ok(ended) => break ended,
            Err(_) => tracing::warn!(namespace, name, uid = object.uid(), "a pass takes very long"),
        }
    };
    Ok(Action::requeue(ended.unwrap_or_else(|_| {
        context.metrics.panicked();
        tracing::error!(namespace, name, uid = object.uid(), after = ?AFTER_PANIC, "a pass panicked; it is tried again");
        AFTER_PANIC
    })))
}

/// One at a time: it is rare, and it waits for nobody.
async fn release_secrets<W: Work>(unused: UnboundedReceiver<SecretRef>, context: Arc<Context<W>>) {
    let mut unused = pin!(unused.take_until(context.stopping.cancelled()));
    while let Some(secret) = unused.next().await {
        if AssertUnwindSafe(context.work.release_secret(&secret)).catch_unwind().await.is_err() {
            context.metrics.panicked();
            tracing::error!(namespace = secret.namespace, secret = secret.name, "releasing a Secret panicked");
        }
    }
}

#[cfg(test)]
#[path = "controller_tests.rs"]
mod tests;
