//! No provider and no key may take every slot: a hostile one holds each of its passes for as long as deadlines allow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::account::Account;
use crate::teardown::target::Provider;

/// What part of all slots one provider may have, so that the other one always finds some: three quarters.
const PROVIDER: (usize, usize) = (3, 4);
/// What part one key may have: three eighths.
const KEY: (usize, usize) = (3, 8);

/// Slots by provider and by key.
pub struct Lanes {
    concurrency: usize,
    lanes: Mutex<HashMap<Lane, Arc<Semaphore>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Lane {
    Provider(Provider),
    Key(String, String),
}

/// The right to work on one object; given back when dropped.
pub struct Slot {
    _provider: OwnedSemaphorePermit,
    _key: OwnedSemaphorePermit,
}

impl Lanes {
    /// Parts of so many slots.
    pub fn of(concurrency: u16) -> Self {
        Self { concurrency: concurrency.into(), lanes: Mutex::default() }
    }

    /// A slot for this object, or none for now: waiting for one would hold up those that need another lane.
    pub fn enter(&self, account: &Account) -> Option<Slot> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = |semaphore: &Arc<Semaphore>| Arc::strong_count(semaphore) > 1;
        lanes.retain(|lane, semaphore| matches!(lane, Lane::Provider(_)) || whole(semaphore));
        let mut permit = |lane, (part, of): (usize, usize)| {
            let slots = (self.concurrency * part).div_ceil(of).max(1);
            let lane = lanes.entry(lane).or_insert_with(|| Arc::new(Semaphore::new(slots)));
            Arc::clone(lane).try_acquire_owned().ok()
        };
        let key = permit(Lane::Key(account.namespace.clone(), account.secret.clone()), KEY)?;
        let provider = permit(Lane::Provider(account.view.target.provider()), PROVIDER)?;
        Some(Slot { _provider: provider, _key: key })
    }
}
