//! No provider, no namespace and no key may take every slot: a hostile provider holds each pass for as long as deadlines
//! allow, and a tenant may have thousands of objects, each with a key of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::account::Account;
use crate::teardown::target::Provider;

/// What part of all slots one provider may have, so that the other one always finds some: three quarters.
const PROVIDER: (usize, usize) = (3, 4);
/// What part of all slots one namespace may have for one provider: seven sixteenths, so that other namespaces find some of
/// that provider's, and with both of them full still some of all.
const NAMESPACE: (usize, usize) = (7, 16);
/// What part one key may have: three eighths.
const KEY: (usize, usize) = (3, 8);

/// Slots by provider, by namespace and provider, and by key.
pub struct Lanes {
    concurrency: usize,
    lanes: Mutex<HashMap<Lane, Arc<Semaphore>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Lane {
    Provider(Provider),
    Namespace(String, Provider),
    Key(String, String),
}

/// The right to work on one object; given back when dropped.
pub struct Slot {
    _permits: [OwnedSemaphorePermit; 3],
}

impl Lanes {
    /// Parts of so many slots.
    pub fn of(concurrency: u16) -> Self {
        Self { concurrency: concurrency.into(), lanes: Mutex::default() }
    }

    /// A slot for this object, or none for now: waiting for one would hold up those that need another lane.
    pub fn enter(&self, account: &Account) -> Option<Slot> {
        let (namespace, secret, provider) = (&account.namespace, &account.secret, account.view.target.provider());
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = |semaphore: &Arc<Semaphore>| Arc::strong_count(semaphore) > 1;
        lanes.retain(|lane, semaphore| matches!(lane, Lane::Provider(_)) || whole(semaphore));
        let mut permit = |lane, slots: usize| {
            let lane = lanes.entry(lane).or_insert_with(|| Arc::new(Semaphore::new(slots.max(1))));
            Arc::clone(lane).try_acquire_owned().ok()
        };
        let most = |(part, of): (usize, usize)| (self.concurrency * part).div_ceil(of);
        // Rounded down: of few slots, too, a provider has more than one namespace may have of them.
        let of_namespace = self.concurrency * NAMESPACE.0 / NAMESPACE.1;
        let key = permit(Lane::Key(namespace.clone(), secret.clone()), most(KEY))?;
        let namespace = permit(Lane::Namespace(namespace.clone(), provider), of_namespace)?;
        let provider = permit(Lane::Provider(provider), most(PROVIDER))?;
        Some(Slot { _permits: [key, namespace, provider] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::fixture::Fixture;

    /// As many slots as this namespace gets for objects of this provider, each with a key of its own.
    fn taken(lanes: &Lanes, namespace: &str, object: fn(&str, &str) -> Fixture) -> Vec<Slot> {
        let enter = |number: usize| {
            let fixture = object("object", "3f0c6c1e-2b51-4f0f-9d0a-0d0e4b6a7c11")
                .namespace(namespace)
                .secret(&format!("key-{number}"));
            lanes.enter(&fixture.parsed())
        };
        (0..1_000).map_while(enter).collect()
    }

    #[test]
    fn a_namespace_with_a_thousand_objects_and_keys_leaves_others_some_of_each_providers_slots() {
        let lanes = Lanes::of(64);
        let tenant = taken(&lanes, "tenant", Fixture::postpress);
        assert_eq!(tenant.len(), 28);
        assert_eq!(taken(&lanes, "tenant", Fixture::linkedin).len(), 28, "a provider that hangs holds up no other one");
        assert_eq!(taken(&lanes, "other", Fixture::postpress).len(), 20, "what is left of PostPress's 48");
        drop(tenant);
        assert_eq!(taken(&lanes, "tenant", Fixture::postpress).len(), 28);
    }

    #[test]
    fn of_few_slots_too_a_namespace_leaves_others_some() {
        for concurrency in 2..=16 {
            let lanes = Lanes::of(concurrency);
            let tenant = taken(&lanes, "tenant", Fixture::postpress);
            assert!(!tenant.is_empty() && !taken(&lanes, "other", Fixture::postpress).is_empty(), "{concurrency}");
        }
    }

    #[test]
    fn with_one_slot_whoever_comes_first_has_it() {
        let lanes = Lanes::of(1);
        let first = taken(&lanes, "tenant", Fixture::postpress);
        assert_eq!((first.len(), taken(&lanes, "other", Fixture::postpress).len()), (1, 0));
        drop(first);
        assert_eq!(taken(&lanes, "other", Fixture::postpress).len(), 1);
    }
}
