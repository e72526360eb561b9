//! One request for all that wait for the same answer: whoever needs it joins one that began after the need arose.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Answers older than this are of no use to anybody and are forgotten.
const KEPT_FOR: Duration = Duration::from_secs(60);

type Slot<V> = Arc<tokio::sync::Mutex<Option<(Instant, V)>>>;

/// Requests in flight and their last answers, by what they ask for.
pub struct Shared<K, V> {
    slots: Mutex<HashMap<K, (Instant, Slot<V>)>>,
}

impl<K, V> Default for Shared<K, V> {
    fn default() -> Self {
        Self { slots: Mutex::new(HashMap::new()) }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Shared<K, V> {
    /// The answer of a request that began at `not_before` or later: one that another caller made, or a new one.
    pub async fn get(&self, key: &K, not_before: Instant, ask: impl AsyncFnOnce() -> V) -> V {
        let slot = self.slot(key);
        let mut answer = slot.lock().await;
        if let Some((_, value)) = answer.as_ref().filter(|(began, _)| *began >= not_before) {
            return value.clone();
        }
        let began = Instant::now();
        let value = ask().await;
        *answer = Some((began, value.clone()));
        value
    }

    /// Forgets an answer that proved wrong.
    pub fn forget(&self, key: &K) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn slot(&self, key: &K) -> Slot<V> {
        let now = Instant::now();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, (used, slot)| Arc::strong_count(slot) > 1 || now.duration_since(*used) < KEPT_FOR);
        let (used, slot) = slots.entry(key.clone()).or_insert_with(|| (now, Slot::default()));
        *used = now;
        slot.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_that_wait_for_one_request_share_the_next_one_and_none_joins_one_that_began_before_its_need() {
        let shared = Shared::<&str, u32>::default();
        let asked = AtomicU32::new(0);
        let ask = async || {
            tokio::time::sleep(Duration::from_millis(10)).await;
            asked.fetch_add(1, Ordering::SeqCst)
        };
        let first = shared.get(&"list", Instant::now(), &ask);
        let later = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let need = Instant::now();
            tokio::join!(shared.get(&"list", need, &ask), shared.get(&"list", need, &ask))
        };
        assert_eq!(tokio::join!(first, later), (0, (1, 1)));
        assert_eq!(shared.get(&"list", Instant::now() - Duration::from_secs(1), &ask).await, 1);
        shared.forget(&"list");
        assert_eq!(shared.get(&"list", Instant::now() - Duration::from_secs(1), &ask).await, 2);
    }
}
