//! How long this process has seen an unsettled attempt as it is. Its own monotonic clock: no wall clock, no other
//! process's clock and no restart can shorten the wait.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::teardown::view::View;

/// Attempts that are not settled, and since when each was seen so.
#[derive(Default)]
pub struct Window {
    seen: Mutex<HashMap<String, (Attempt, Instant)>>,
}

type Attempt = (i32, Option<String>);

impl Window {
    /// How long the attempt of this view is unchanged; zero when it is seen for the first time or nothing is unsettled.
    pub fn unchanged_for(&self, view: &View) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(teardown) = view.ledger.teardown.as_ref().filter(|_| view.is_unsettled()) else {
            seen.remove(&view.uid);
            return Duration::ZERO;
        };
        let attempt = (teardown.attempt, teardown.nonce.clone());
        match seen.get(&view.uid) {
            Some((known, since)) if *known == attempt => since.elapsed(),
            _ => {
                seen.insert(view.uid.clone(), (attempt, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Begins anew: a request of this attempt was alive until now, or the object is gone.
    pub fn forget(&self, uid: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}
