//! Between the watches and the scheduler: takes each event into the index first, then says which objects it wakes.

use std::collections::HashMap;
use std::sync::Arc;

use futures::channel::mpsc::UnboundedSender;
use kube::Resource;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;

use super::SecretRef;
use crate::account;
use crate::crd::SenderAccount;
use crate::index::{Cached, Change, Index, Scope};
use crate::teardown::target::Provider;

/// Of many objects of one account so many are woken by one event, the oldest: they go first, and their going wakes the
/// next. Without a bound, n objects that name one account would wake each other n² times.
const MOST_TWINS_WOKEN: usize = 32;

/// The state of the feed: index, kube's store and what was last shown of each object.
pub(super) struct Feed {
    index: Arc<Index>,
    store: Writer<Cached>,
    shown: HashMap<String, Digests>,
    unused: UnboundedSender<SecretRef>,
}

/// The accounts whose objects an event changed, each with the one object that changed: it is not woken by itself.
type Touched = HashMap<(Provider, String), Option<String>>;

#[derive(Clone, Copy, PartialEq)]
struct Digests {
    wish: u64,
    face: u64,
    ours: bool,
}

impl Feed {
    /// `unused` hears of each Secret whose last user is gone.
    pub(super) fn new(index: Arc<Index>, mut store: Writer<Cached>, unused: UnboundedSender<SecretRef>) -> Self {
        // One store, several watches: each list is put into it when it is complete, so the store itself never waits for one.
        store.apply_watcher_event(&Event::InitDone);
        Self { index, store, shown: HashMap::new(), unused }
    }

    /// Takes one event in; the objects that it wakes, each perhaps more than once.
    pub(super) fn take(&mut self, scope: &Scope, event: &Event<Cached>) -> Vec<ObjectRef<Cached>> {
        let mut woken = Vec::new();
        let mut touched = Touched::new();
        for change in self.index.apply(scope, event) {
            match change {
                Change::Shown(object) => self.shown(object, &mut touched, &mut woken),
                Change::Gone(object) => self.gone(object, &mut touched, &mut woken),
            }
        }
        // Only a deletion waits for its twins.
        for ((provider, account_id), by) in touched {
            let except = by.unwrap_or_default();
            let twins = self.index.deleting_twins(provider, &account_id, &except, MOST_TWINS_WOKEN);
            woken.extend(twins.iter().map(|twin| reference(twin)));
        }
        woken
    }

    fn shown(&mut self, object: Cached, touched: &mut Touched, woken: &mut Vec<ObjectRef<Cached>>) {
        let now = Digests { wish: object.wish(), face: object.face(), ours: object.is_ours() };
        let before = self.shown.insert(object.uid().to_owned(), now);
        // Whoever takes our finalizer off is answered.
        if before.is_none_or(|before| before.wish != now.wish || (before.ours && !now.ours)) {
            woken.push(object.object_ref());
        }
        if before.is_none_or(|before| before.face != now.face) {
            touch(touched, &object);
        }
        self.store.apply_watcher_event(&Event::Apply(object));
    }

    fn gone(&mut self, object: Cached, touched: &mut Touched, woken: &mut Vec<ObjectRef<Cached>>) {
        self.shown.remove(object.uid());
        touch(touched, &object);
        if let Some(account) = object.account() {
            self.wake_heir(account, woken);
        }
        self.store.apply_watcher_event(&Event::Delete(object));
    }

    /// A Secret outlives its keeper: another user takes the hold over, or, where there is none, it is taken off.
    fn wake_heir(&self, gone: &SenderAccount, woken: &mut Vec<ObjectRef<Cached>>) {
        let namespace = gone.meta().namespace.clone().unwrap_or_default();
        let kept = gone.status.as_ref().and_then(|status| status.held_secret.clone());
        for name in [Some(gone.spec.credentials_ref.name.clone()), kept.clone()].into_iter().flatten() {
            match self.index.oldest_user(&namespace, &name) {
                Some(heir) if kept.as_ref() == Some(&name) => woken.push(reference(&heir)),
                Some(_) => {}
                // Nobody listens any more only when everything ends.
                None => drop(self.unused.unbounded_send(SecretRef { namespace: namespace.clone(), name })),
            }
        }
    }
}

fn touch(touched: &mut Touched, object: &Cached) {
    if let Some(target) = object.account().and_then(|account| account::target(&account.spec).ok()) {
        touched
            .entry((target.provider(), target.account_id().to_owned()))
            .and_modify(|by| *by = None)
            .or_insert_with(|| Some(object.uid().to_owned()));
    }
}

fn reference(account: &SenderAccount) -> ObjectRef<Cached> {
    let meta = account.meta();
    ObjectRef::new(meta.name.as_deref().unwrap_or_default()).within(meta.namespace.as_deref().unwrap_or_default())
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
