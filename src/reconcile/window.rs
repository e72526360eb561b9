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

/// Whether the ledger has this attempt, or a later one: attempts are only ever counted up.
fn knows(view: &View, attempt: &Attempt) -> bool {
    view.ledger.teardown.as_ref().is_some_and(|teardown| teardown.attempt >= attempt.0)
}

impl Window {
    /// How long the attempt of this view is unchanged; zero when it is seen for the first time or nothing is unsettled.
    pub fn unchanged_for(&self, view: &View) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(teardown) = view.ledger.teardown.as_ref().filter(|_| view.is_unsettled()) else {
            if seen.get(&view.uid).is_some_and(|(known, _)| knows(view, known)) {
                seen.remove(&view.uid);
            }
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

    /// How long ago an attempt was seen first that was unsettled, and that the view does not know any more.
    pub fn forgotten_for(&self, view: &View) -> Option<Duration> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&view.uid).filter(|(known, _)| !knows(view, known)).map(|(_, since)| since.elapsed())
    }

    /// Begins anew: a request of this attempt was alive until now, or the object is gone.
    pub fn forget(&self, uid: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}
