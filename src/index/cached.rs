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
use crate::kube_io::Unmanaged;

/// Of a longer annotation nothing more is ever used, in bytes.
const LONGEST: usize = 4096;
/// The domain of every annotation that means something to this operator.
const DOMAIN: &str = "sender-operator.dev";

/// A watched object, or what could be read of one that is no `SenderAccount`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cached(Result<Arc<SenderAccount>, Arc<InvalidObject>>);

impl From<DeserializeGuard<SenderAccount>> for Cached {
    fn from(mut guard: DeserializeGuard<SenderAccount>) -> Self {
        let meta = guard.meta_mut();
        (meta.labels, meta.owner_references) = (None, None);
        if let Some(annotations) = &mut meta.annotations {
            annotations.retain(|name, _| is_of_ours(name));
            annotations.values_mut().for_each(|value| value.truncate(value.floor_char_boundary(LONGEST)));
        }
        Self(guard.0.map(Arc::new).map_err(Arc::new))
    }
}

impl<'de> Deserialize<'de> for Cached {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Unmanaged::deserialize(deserializer).map(|Unmanaged(guard): Unmanaged<DeserializeGuard<_>>| guard.into())
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
    /// status write that triggered the next pass would cancel every delay (kube's scheduler keeps the earlier time). Nor
    /// our finalizer, which the pass that puts it on goes on from.
    pub fn wish(&self) -> u64 {
        let meta = self.meta();
        let mut digest = DefaultHasher::new();
        let others = meta.finalizers.iter().flatten().filter(|name| *name != FINALIZER).collect::<Vec<_>>();
        (&meta.uid, meta.generation, others).hash(&mut digest);
        meta.deletion_timestamp.is_some().hash(&mut digest);
        for (name, value) in meta.annotations.iter().flatten().filter(|(name, _)| is_of_ours(name)) {
            (name, value).hash(&mut digest);
        }
        digest.finish()
    }

    /// Whether it has our finalizer.
    pub fn is_ours(&self) -> bool {
        self.meta().finalizers.iter().flatten().any(|name| name == FINALIZER)
    }

    /// A digest of what other objects of the same account wait for. Counts and times of its tries are not in it: twins
    /// would wake each other for ever.
    pub fn face(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        let meta = self.meta();
        (&meta.uid, meta.generation, meta.deletion_timestamp.is_some(), self.is_ours()).hash(&mut digest);
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

fn is_of_ours(annotation: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crd::ORPHAN_REASON;
    use crate::index::fixture::Fixture;

    #[test]
    fn what_strangers_write_into_the_metadata_is_not_kept_and_makes_nothing_unreadable() {
        let object = Fixture::postpress("alice", "acc_1")
            .annotated("example.com/large", &"x".repeat(200_000))
            .annotated(ORPHAN_REASON, &"ä".repeat(100_000))
            .set("/metadata", "labels", json!({"large": "x"}))
            .set("/metadata", "managedFields", json!([{"manager": "m", "time": "9999-12-31T23:59:59Z"}]));
        let cached: Cached = serde_json::from_value(object.0).unwrap();
        let meta = cached.meta();
        assert!(cached.account().is_some() && meta.managed_fields.is_none() && meta.labels.is_none());
        let kept: Vec<_> =
            meta.annotations.iter().flatten().map(|(name, value)| (name.as_str(), value.len())).collect();
        assert_eq!(kept, [(ORPHAN_REASON, LONGEST)]);
    }
}
