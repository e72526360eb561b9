//! How long a watch that failed waits before it begins again.

use std::time::Duration;

use kube::runtime::utils::Backoff;
use tokio::time::Instant;

use crate::backoff::{self, Jitter};

/// The longest wait. kube's own is a minute, and for so long a CRD or an API server that is back would not be noticed.
const LONGEST: Duration = Duration::from_secs(10);
/// A watch that went well for so long begins with the shortest wait again. That it answered once says nothing: each new
/// attempt begins with an event of its own.
const WELL: Duration = Duration::from_secs(60);

/// The waits of one watch.
#[derive(Default)]
pub(super) struct Retry {
    failures: u32,
    last: Option<Instant>,
}

impl Iterator for Retry {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.last.is_none_or(|last| last.elapsed() > WELL) {
            self.failures = 0;
        }
        self.last = Some(Instant::now());
        let delay = backoff::delay(self.failures, Jitter(rand::random()), None, LONGEST);
        self.failures = self.failures.saturating_add(1);
        Some(delay)
    }
}

impl Backoff for Retry {
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_waits_grow_to_ten_seconds_and_an_answer_in_between_does_not_shorten_them() {
        let mut retry = Retry::default();
        let mut longest = Duration::ZERO;
        for _ in 0..1000 {
            let delay = retry.next().unwrap();
            retry.reset();
            assert!((backoff::BASE..=LONGEST).contains(&delay));
            longest = longest.max(delay);
        }
        assert!(longest > LONGEST / 2);
        assert_eq!(retry.failures, 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_went_well_for_a_minute_begins_anew() {
        let mut retry = Retry::default();
        for _ in 0..20 {
            retry.next();
        }
        tokio::time::advance(WELL + Duration::from_secs(1)).await;
        assert_eq!(retry.next(), Some(backoff::BASE));
    }
}
