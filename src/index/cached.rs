//! One object as a watch shows it: trimmed once, then shared by everything that remembers it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use kube::Resource;
use kube::api::ObjectMeta;
use kube::core::DeserializeGuard;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::reflector::ObjectRef;
use serde::{Deserialize, Deserializer};

use crate::crd::{FINALIZER, SenderAccount};

/// What `kubectl apply` keeps: a second copy of the spec.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The domain of every annotation that means something to this operator.
const DOMAIN: &str = "sender-operator.dev";

/// A watched object, or what could be read of one that is no `SenderAccount`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cached(Result<Arc<SenderAccount>, Arc<InvalidObject>>);

impl From<DeserializeGuard<SenderAccount>> for Cached {
    fn from(mut guard: DeserializeGuard<SenderAccount>) -> Self {
        let meta = guard.meta_mut();
        meta.managed_fields = None;
        if let Some(annotations) = &mut meta.annotations {
            annotations.remove(LAST_APPLIED);
        }
        Self(guard.0.map(Arc::new).map_err(Arc::new))
    }
}

impl<'de> Deserialize<'de> for Cached {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DeserializeGuard::deserialize(deserializer).map(Self::from)
    }
}

impl Cached {
    /// The object, if it is a `SenderAccount`.
    pub fn account(&self) -> Option<&Arc<SenderAccount>> {
        self.0.as_ref().ok()
    }

    /// `metadata.uid`, which every stored object has.
    pub fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or_default()
    }

    /// Its name for kube's scheduler.
    pub fn object_ref(&self) -> ObjectRef<Self> {
        ObjectRef::from_obj(self)
    }

    /// A copy in the form in which kube hands out what may not decode.
    pub fn to_guard(&self) -> DeserializeGuard<SenderAccount> {
        DeserializeGuard(match &self.0 {
            Ok(account) => Ok(account.as_ref().clone()),
            Err(invalid) => Err(invalid.as_ref().clone()),
        })
    }

    /// A digest of what asks for another pass: what people write, and never what a pass itself writes to status. A
    /// status write that triggered the next pass would cancel every delay (kube's scheduler keeps the earlier time).
    pub fn wish(&self) -> u64 {
        let meta = self.meta();
        let mut digest = DefaultHasher::new();
        (&meta.uid, meta.generation, &meta.finalizers).hash(&mut digest);
        meta.deletion_timestamp.is_some().hash(&mut digest);
        for (name, value) in meta.annotations.iter().flatten().filter(|(name, _)| is_ours(name)) {
            (name, value).hash(&mut digest);
        }
        digest.finish()
    }

    /// A digest of what other objects of the same account wait for. Counts and times of its tries are not in it: twins
    /// would wake each other for ever.
    pub fn face(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        let meta = self.meta();
        let ours = meta.finalizers.iter().flatten().any(|name| name == FINALIZER);
        (&meta.uid, meta.generation, meta.deletion_timestamp.is_some(), ours).hash(&mut digest);
        let status = self.account().and_then(|account| account.status.as_ref());
        if let Some(account) = status.and_then(|status| status.account.as_ref()) {
            (account.state, account.alive_at.is_some(), &account.fingerprint).hash(&mut digest);
        }
        if let Some(teardown) = status.and_then(|status| status.teardown.as_ref()) {
            (teardown.phase, teardown.reason, &teardown.nonce, teardown.proof.is_some()).hash(&mut digest);
        }
        digest.finish()
    }
}

fn is_ours(annotation: &str) -> bool {
    annotation
        .split_once('/')
        .and_then(|(domain, _)| domain.strip_suffix(DOMAIN))
        .is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
}

impl Resource for Cached {
    type DynamicType = ();
    type Scope = <SenderAccount as Resource>::Scope;

    fn kind(dt: &()) -> Cow<'_, str> {
        SenderAccount::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        SenderAccount::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        SenderAccount::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        SenderAccount::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(account) => &account.metadata,
            Err(invalid) => &invalid.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(account) => &mut Arc::make_mut(account).metadata,
            Err(invalid) => &mut Arc::make_mut(invalid).metadata,
        }
    }
}
