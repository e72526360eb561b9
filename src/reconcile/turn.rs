//! A deletion's turn: not before every object that may matter to it is known, nor while others have every slot. Where
//! either lasts, the object says so.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::deletion::Ended;
use super::{Reconciler, jitter, now};
use crate::account::Account;
use crate::kube_io::ApiFault;
use crate::reason::Reason;
use crate::status;
use crate::teardown::view::{Pass, Step};
use crate::teardown::{NEIGHBOUR_POLL, not_listed, queued};

/// A pass waits so long for a list that is arriving, and then says so, gives its slot to another, and from then on only
/// looks.
const LISTED_WITHIN: Duration = Duration::from_secs(10);
/// A deletion waits so long for a slot before it is written to say so.
const QUEUED_SILENTLY: Duration = Duration::from_secs(30);
/// So many of those that wait are written to at once: they have no slot, and others need the API server, too.
const SAYING: usize = 2;
/// Who waits asks every second or so.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// The deletions that found no slot.
pub struct Queue {
    waiting: Mutex<HashMap<String, Waiting>>,
    saying: Semaphore,
}

/// By this process's own clock.
struct Waiting {
    since: Instant,
    asked: Instant,
    said: Option<Instant>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiting: Mutex::default(), saying: Semaphore::new(SAYING) }
    }
}

impl Queue {
    /// It found no slot. Whether it is to be said now that it waits: what a watch shows may be old, so not again at once.
    fn refused(&self, uid: &str) -> Option<SemaphorePermit<'_>> {
        let now = Instant::now();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.contains_key(uid) {
            // What was removed by force does not ask again.
            waiting.retain(|_, one| now.duration_since(one.asked) < FORGOTTEN);
            waiting.insert(uid.to_owned(), Waiting { since: now, asked: now, said: None });
        }
        let one = waiting.get_mut(uid)?;
        one.asked = now;
        let long = now.duration_since(one.since) >= QUEUED_SILENTLY;
        if !long || one.said.is_some_and(|said| now.duration_since(said) < NEIGHBOUR_POLL) {
            return None;
        }
        let saying = self.saying.try_acquire().ok()?;
        one.said = Some(now);
        Some(saying)
    }

    /// It has a slot, or is gone.
    pub fn leave(&self, uid: &str) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

impl Reconciler {
    /// A list that is arriving hides objects: nothing is decided before it is complete.
    ///
    /// # Errors
    /// How long to wait for it.
    pub(super) async fn listed(&self, account: &Account) -> Result<(), Duration> {
        let said = status::shown(account) == Some(Reason::NotListed.as_str());
        let patience = if said { Duration::ZERO } else { LISTED_WITHIN };
        let listed = tokio::time::timeout(patience, self.index.settled());
        match self.stopping.run_until_cancelled(listed).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(_)) => {}
            None => return Err(LISTED_WITHIN),
        }
        let unlisted: Vec<_> = self.index.unsettled().iter().map(ToString::to_string).collect();
        let pass = Pass { jitter: jitter(), ..Pass::default() };
        let step = not_listed(&account.view, &pass, &self.config.rules, now(), unlisted.join(", "));
        let Step::Wait(ledger, delay) = step else { return Err(LISTED_WITHIN) };
        Err(match self.wait(account, &ledger, delay).await {
            Ok(Ended::Due(delay)) => delay,
            // Another writer was faster: it is said with the next try.
            Ok(Ended::Again) | Err(ApiFault::Conflict | ApiFault::NotFound) => LISTED_WITHIN,
            Err(fault) => self.api_fault(account, &fault),
        })
    }

    /// No slot is free for it.
    pub(super) async fn queue(&self, account: &Account, within_budget: Option<bool>) -> Duration {
        let when_free = self.when_free();
        let Some(_saying) = self.queue.refused(&account.view.uid) else { return when_free };
        let pass = Pass { within_budget, ..Pass::default() };
        if let Some(Step::Wait(ledger, _)) = queued(&account.view, &pass, &self.config.rules, now()) {
            // Where it cannot be said, it is said with a later try: its turn is not put off because of that.
            if let Err(fault) = self.wait(account, &ledger, when_free).await {
                tracing::debug!(uid = account.view.uid, %fault, "not said to wait for its turn");
            }
        }
        when_free
    }

    /// When a slot may be free that another object of the same key, namespace or provider holds.
    pub(super) fn when_free(&self) -> Duration {
        Duration::from_millis(500) + jitter().of(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_slot_says_so_after_half_a_minute_not_again_at_once_and_at_most_two_at_a_time() {
        let queue = Queue::default();
        let later = async |seconds| tokio::time::advance(Duration::from_secs(seconds)).await;
        let refused = |uid| queue.refused(uid);
        assert!(["one", "two", "three"].into_iter().all(|uid| refused(uid).is_none()), "a turn comes soon, mostly");
        later(29).await;
        assert!(refused("one").is_none());
        later(1).await;
        let (one, two) = (refused("one"), refused("two"));
        assert!(one.is_some() && two.is_some() && refused("three").is_none());
        drop((one, two));
        assert!(refused("three").is_some() && refused("one").is_none(), "the watch may not have shown it yet");
        later(15).await;
        assert!(refused("one").is_some());
        queue.leave("one");
        assert!(refused("one").is_none(), "it had its turn");
        later(60).await;
        assert!(refused("four").is_none());
        assert_eq!(queue.waiting.lock().unwrap().keys().collect::<Vec<_>>(), ["four"], "the others ask no more");
    }
}
