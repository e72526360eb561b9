//! What the watches have shown, by uid, account and Secret. Synchronous: it is fed before anything is triggered, so that a
//! pass finds at least what its trigger has shown. It orders, names and wakes; no decision rests on it alone.

mod cached;
#[cfg(test)]
pub(crate) mod fixture;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use kube::Resource;
use kube::runtime::watcher::Event;
use tokio::sync::watch;

pub use cached::Cached;

use crate::account;
use crate::crd::SenderAccount;
use crate::teardown::target::Provider;

/// What one watch covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every namespace.
    Cluster,
    /// One namespace.
    Namespace(String),
}

/// What an event changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// The object is there, as shown now; perhaps nothing about it is new.
    Shown(Cached),
    /// The object is gone.
    Gone(Cached),
}

/// The objects of all watches.
pub struct Index {
    objects: RwLock<Objects>,
    /// The watches whose list is not complete.
    listing: watch::Sender<BTreeSet<Scope>>,
    /// What the watches need that failed.
    failing: RwLock<BTreeMap<Scope, String>>,
}

#[derive(Default)]
struct Objects {
    by_uid: HashMap<String, (Scope, Cached)>,
    by_account: HashMap<(Provider, String), BTreeSet<Rank>>,
    /// How many objects have come or gone, and how many had when one of this account last did.
    moves: u64,
    moved: HashMap<(Provider, String), u64>,
    by_secret: HashMap<(String, String), BTreeSet<Rank>>,
    /// A list that is arriving in pages. It hides objects until it is complete, so what it replaces stays until then.
    arriving: HashMap<Scope, HashMap<String, Cached>>,
}

/// The order of age: creation, then uid.
type Rank = (Option<Timestamp>, String);

impl Index {
    /// An empty index that these watches will feed. It is not settled before each has listed once.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            objects: RwLock::default(),
            listing: watch::Sender::new(scopes.into_iter().collect()),
            failing: RwLock::default(),
        }
    }

    /// Takes in one event of one watch, and says what it changed: nothing while a list is arriving, everything once it is
    /// complete, objects that went first.
    pub fn apply(&self, scope: &Scope, event: &Event<Cached>) -> Vec<Change> {
        let mut objects = self.write();
        match event {
            Event::Init => {
                objects.arriving.insert(scope.clone(), HashMap::new());
                self.listing.send_if_modified(|listing| listing.insert(scope.clone()));
                Vec::new()
            }
            Event::InitApply(object) => {
                let arriving = objects.arriving.entry(scope.clone()).or_default();
                arriving.insert(object.uid().to_owned(), object.clone());
                Vec::new()
            }
            Event::InitDone => {
                self.failing.write().unwrap_or_else(PoisonError::into_inner).remove(scope);
                let changes = objects.replace(scope);
                self.listing.send_if_modified(|listing| listing.remove(scope));
                changes
            }
            Event::Apply(object) => {
                objects.insert(scope, object.clone());
                vec![Change::Shown(object.clone())]
            }
            Event::Delete(object) => {
                objects.remove(object.uid());
                vec![Change::Gone(object.clone())]
            }
        }
    }

    /// Whether every watch has shown all there is: false from the beginning to the end of each list.
    pub fn is_settled(&self) -> bool {
        self.listing.borrow().is_empty()
    }

    /// Returns once [`Index::is_settled`].
    pub async fn settled(&self) {
        let mut listing = self.listing.subscribe();
        // It fails only when the sender is gone, and that lives as long as `self`.
        let _ = listing.wait_for(BTreeSet::is_empty).await;
    }

    /// The watches whose list is not complete.
    pub fn unsettled(&self) -> BTreeSet<Scope> {
        self.listing.borrow().clone()
    }

    /// Notes that this watch failed, and what it needs.
    pub fn note_failure(&self, scope: &Scope, remedy: String) {
        self.failing.write().unwrap_or_else(PoisonError::into_inner).insert(scope.clone(), remedy);
    }

    /// What this watch needed when it failed last.
    pub fn remedy(&self, scope: &Scope) -> Option<String> {
        self.failing.read().unwrap_or_else(PoisonError::into_inner).get(scope).cloned()
    }

    /// The other objects of an account, the oldest first. Puffle's ids, being UUIDs, are compared in lower case.
    pub fn twins(&self, provider: Provider, account_id: &str, except_uid: &str) -> Vec<Arc<SenderAccount>> {
        let objects = self.read();
        objects.twins(provider, account_id, except_uid).cloned().collect()
    }

    /// A number that changes whenever an object of this account comes or goes. It is of use as long as one is there: with
    /// the last one it is forgotten.
    pub fn moved(&self, provider: Provider, account_id: &str) -> u64 {
        self.read().moved.get(&account_key(provider, account_id)).copied().unwrap_or_default()
    }

    /// Of those the oldest few that are being deleted.
    pub fn deleting_twins(
        &self,
        provider: Provider,
        account_id: &str,
        except_uid: &str,
        most: usize,
    ) -> Vec<Arc<SenderAccount>> {
        let objects = self.read();
        let twins = objects.twins(provider, account_id, except_uid);
        twins.filter(|twin| twin.metadata.deletion_timestamp.is_some()).take(most).cloned().collect()
    }

    /// The objects that use a Secret, the oldest first.
    pub fn users(&self, namespace: &str, secret: &str) -> Vec<Arc<SenderAccount>> {
        let objects = self.read();
        let ranks = objects.by_secret.get(&(namespace.to_owned(), secret.to_owned())).into_iter().flatten();
        ranks.filter_map(|(_, uid)| objects.account(uid)).cloned().collect()
    }

    /// The oldest object that uses a Secret.
    pub fn oldest_user(&self, namespace: &str, secret: &str) -> Option<Arc<SenderAccount>> {
        let objects = self.read();
        let ranks = objects.by_secret.get(&(namespace.to_owned(), secret.to_owned()))?;
        ranks.iter().find_map(|(_, uid)| objects.account(uid)).cloned()
    }

    /// The object with this uid, if it is there and can be read as a `SenderAccount`.
    pub fn get(&self, uid: &str) -> Option<Arc<SenderAccount>> {
        self.read().account(uid).cloned()
    }

    /// How many objects there are, and how many of them are being deleted.
    pub fn count(&self) -> (usize, usize) {
        let objects = self.read();
        let deleting = |(_, object): &&(Scope, Cached)| object.meta().deletion_timestamp.is_some();
        (objects.by_uid.len(), objects.by_uid.values().filter(deleting).count())
    }

    // Nothing that holds the lock can panic half way through a change, so what a poisoned lock guards is whole.
    fn read(&self) -> RwLockReadGuard<'_, Objects> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Objects> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects {
    fn account(&self, uid: &str) -> Option<&Arc<SenderAccount>> {
        self.by_uid.get(uid).and_then(|(_, object)| object.account())
    }

    fn twins(&self, provider: Provider, account_id: &str, except: &str) -> impl Iterator<Item = &Arc<SenderAccount>> {
        let ranks = self.by_account.get(&account_key(provider, account_id)).into_iter().flatten();
        ranks.filter(move |(_, uid)| uid != except).filter_map(|(_, uid)| self.account(uid))
    }

    fn insert(&mut self, scope: &Scope, object: Cached) {
        let (uid, keys) = (object.uid().to_owned(), Keys::of(&object));
        if let Some(known) = self.by_uid.get_mut(&uid)
            && Keys::of(&known.1) == keys
        {
            *known = (scope.clone(), object);
            return;
        }
        self.remove(&uid);
        if let Some(account) = keys.account {
            self.by_account.entry(account.clone()).or_default().insert(keys.rank.clone());
            self.moves += 1;
            self.moved.insert(account, self.moves);
        }
        if let Some(secret) = keys.secret {
            self.by_secret.entry(secret).or_default().insert(keys.rank);
        }
        self.by_uid.insert(uid, (scope.clone(), object));
    }

    fn remove(&mut self, uid: &str) -> Option<Cached> {
        let (_, object) = self.by_uid.remove(uid)?;
        let keys = Keys::of(&object);
        if let Some(account) = keys.account {
            take(&mut self.by_account, &account, &keys.rank);
            self.moves += 1;
            match self.by_account.contains_key(&account) {
                true => self.moved.insert(account, self.moves),
                false => self.moved.remove(&account),
            };
        }
        if let Some(secret) = keys.secret {
            take(&mut self.by_secret, &secret, &keys.rank);
        }
        Some(object)
    }

    /// Puts the list that has arrived in the place of what the same watch showed before.
    fn replace(&mut self, scope: &Scope) -> Vec<Change> {
        let arrived = self.arriving.remove(scope).unwrap_or_default();
        let gone: Vec<_> = self
            .by_uid
            .iter()
            .filter(|(uid, (of, _))| of == scope && !arrived.contains_key(*uid))
            .map(|(uid, _)| uid.clone())
            .collect();
        let mut changes: Vec<_> = gone.iter().filter_map(|uid| self.remove(uid)).map(Change::Gone).collect();
        for object in arrived.into_values() {
            self.insert(scope, object.clone());
            changes.push(Change::Shown(object));
        }
        changes
    }
}

#[derive(PartialEq, Eq)]
struct Keys {
    rank: Rank,
    account: Option<(Provider, String)>,
    secret: Option<(String, String)>,
}

impl Keys {
    fn of(object: &Cached) -> Self {
        let meta = object.meta();
        let rank = (meta.creation_timestamp.as_ref().map(|time| time.0), object.uid().to_owned());
        let account = object.account().and_then(|account| account::target(&account.spec).ok());
        let secret = object
            .account()
            .map(|account| (meta.namespace.clone().unwrap_or_default(), account.spec.credentials_ref.name.clone()));
        Self { rank, account: account.map(|target| account_key(target.provider(), target.account_id())), secret }
    }
}

fn account_key(provider: Provider, account_id: &str) -> (Provider, String) {
    (
        provider,
        match provider {
            Provider::PostPress => account_id.to_owned(),
            Provider::Puffle => account_id.to_ascii_lowercase(),
        },
    )
}

fn take<K: std::hash::Hash + Eq>(map: &mut HashMap<K, BTreeSet<Rank>>, key: &K, rank: &Rank) {
    if let Some(ranks) = map.get_mut(key) {
        ranks.remove(rank);
        if ranks.is_empty() {
            map.remove(key);
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("all namespaces"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
