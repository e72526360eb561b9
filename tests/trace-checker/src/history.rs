//! The trace, by object and by account.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::commits::Commits;
use crate::object::{Kind, Object};
use crate::trace::{Request, State, Trace, Version};

/// Provider and account id.
pub(crate) type Account<'a> = (&'a str, &'a str);

pub(crate) struct History<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) lives: Vec<Life<'a>>,
    commits: Commits<'a>,
    /// How many objects' Secrets ever held this key.
    users: HashMap<&'a str, usize>,
}

/// One object from its first to its last version.
pub(crate) struct Life<'a> {
    /// Each version with its place in the trace.
    pub(crate) versions: Vec<(usize, &'a Version)>,
    /// The keys that its own Secrets ever held.
    keys: HashSet<&'a str>,
}

impl<'a> History<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let mut lives: Vec<Life<'a>> = Vec::new();
        let mut by_uid: HashMap<&str, usize> = HashMap::new();
        for (place, version) in trace.versions.iter().enumerate() {
            let life = *by_uid.entry(&version.object.uid).or_insert_with(|| {
                lives.push(Life { versions: Vec::new(), keys: HashSet::new() });
                lives.len() - 1
            });
            lives[life].versions.push((place, version));
        }
        let mut keys: HashMap<_, HashSet<&str>> = HashMap::new();
        for secret in &trace.secrets {
            keys.entry((secret.namespace.as_str(), secret.name.as_str())).or_default().extend(secret.key.as_deref());
        }
        let mut users: HashMap<&str, usize> = HashMap::new();
        for life in &mut lives {
            let secrets = life.versions.iter().map(|(_, version)| {
                keys.get(&(version.object.namespace.as_str(), version.object.secret.as_str())).into_iter().flatten()
            });
            life.keys = secrets.flatten().copied().collect();
            life.keys.iter().for_each(|key| *users.entry(key).or_default() += 1);
        }
        Self { trace, lives, commits: Commits::of(trace), users }
    }

    /// The DELETEs that the operator sent, by the account they name, each in the order of arrival.
    pub(crate) fn deletes(&self) -> BTreeMap<Account<'a>, Vec<&'a Request>> {
        let mut deletes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for request in self.trace.requests.iter().filter(|request| request.is_delete() && request.is_ours()) {
            let account = (request.provider.as_str(), request.account.as_deref().unwrap_or_default());
            deletes.entry(account).or_default().push(request);
        }
        deletes
    }

    /// The objects that name this account.
    pub(crate) fn of_account(&self, account: Account<'_>) -> impl Iterator<Item = &Life<'a>> {
        self.lives.iter().filter(move |life| life.account() == Some(account))
    }

    /// The objects for which this DELETE can have been sent: its account, marked for deletion and not released by then.
    pub(crate) fn senders(&self, delete: &Request) -> Vec<&Life<'a>> {
        let account = (delete.provider.as_str(), delete.account.as_deref().unwrap_or_default());
        self.of_account(account).filter(|life| self.may_send(life, delete)).collect()
    }

    fn may_send(&self, life: &Life<'_>, delete: &Request) -> bool {
        let released = life.released().is_some_and(|version| version.seen.order < delete.arrived.order);
        let marked = |version: &Version| version.object.deleting && version.object.ours;
        !released && self.committed(life, delete.arrived.at).any(marked)
    }

    /// The versions of this object that can have been committed at `at`.
    pub(crate) fn committed<'b>(&'b self, life: &'b Life<'a>, at: Timestamp) -> impl Iterator<Item = &'a Version> + 'b {
        let possible = move |(place, version): &&(usize, &'a Version)| self.commits.possible(version, *place, at);
        life.versions.iter().filter(possible).map(|(_, version)| *version)
    }

    /// Whether this is a key of one object alone.
    pub(crate) fn is_of_one(&self, key: &str) -> bool {
        self.users.get(key) == Some(&1)
    }
}

impl<'a> Life<'a> {
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &'a Version> + '_ {
        self.versions.iter().map(|(_, version)| *version)
    }

    /// Whether the object's own Secrets ever held this key.
    pub(crate) fn has_key(&self, key: Option<&str>) -> bool {
        key.is_some_and(|key| self.keys.contains(key))
    }

    pub(crate) fn last(&self) -> &'a Version {
        self.versions[self.versions.len() - 1].1
    }

    pub(crate) fn object(&self) -> &'a Object {
        &self.last().object
    }

    pub(crate) fn account(&self) -> Option<Account<'a>> {
        // It is immutable, but a last version may be shown without it.
        let account = self.all().find_map(|version| version.object.account.as_ref());
        account.map(|(provider, id)| (provider.as_str(), id.as_str()))
    }

    /// What was asked for in the end.
    pub(crate) fn kind(&self) -> Kind {
        self.object().kind
    }

    /// The version in which the object was gone, or marked for deletion without our finalizer. None, if it never had the
    /// finalizer: what is taken off a live object is put on again.
    pub(crate) fn released(&self) -> Option<&'a Version> {
        let mut ours = false;
        self.all().find(|version| {
            ours |= version.object.ours;
            ours && (version.gone || (version.object.deleting && !version.object.ours))
        })
    }

    /// Whether the account is as this object asks for.
    pub(crate) fn is_done(&self, state: State) -> bool {
        match state {
            State::Gone | State::NeverThere => true,
            State::Disconnected => self.kind() == Kind::SoftThenHard,
            State::Connected => false,
        }
    }
}
