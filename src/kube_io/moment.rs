//! A moment, and how long ago it was.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

#[cfg(target_os = "linux")]
const NEVER_STILL: ClockId = ClockId::Boottime;
/// Where there is no such clock, this one goes on in sleep.
#[cfg(not(target_os = "linux"))]
const NEVER_STILL: ClockId = ClockId::Monotonic;

/// A moment by two clocks: `CLOCK_MONOTONIC`, which stands still while the machine sleeps (and which a test can move), and
/// `CLOCK_BOOTTIME`, which does not (clock_gettime(2)). What is too old by either of them is too old.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    awake: Instant,
    since_boot: Duration,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { awake: Instant::now(), since_boot: since_boot() }
    }

    /// How long ago it is.
    pub fn age(self) -> Duration {
        self.age_at(Self::now())
    }

    fn age_at(self, now: Self) -> Duration {
        let awake = now.awake.saturating_duration_since(self.awake);
        awake.max(now.since_boot.saturating_sub(self.since_boot))
    }
}

fn since_boot() -> Duration {
    // It counts up from zero.
    clock_gettime(NEVER_STILL).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_a_machine_slept_counts_as_what_it_was_awake() {
        let begun = Moment::now();
        let asleep = Moment { since_boot: begun.since_boot + 8 * SECOND, ..begun };
        assert_eq!(begun.age_at(asleep), 8 * SECOND);
        let awake = Moment { awake: begun.awake + 2 * SECOND, since_boot: begun.since_boot + 2 * SECOND };
        assert_eq!(begun.age_at(awake), 2 * SECOND);
        tokio::time::advance(3 * SECOND).await;
        assert!(begun.age() >= 3 * SECOND);
    }

    #[test]
    fn both_clocks_go() {
        let begun = Moment::now();
        while Moment::now().since_boot == begun.since_boot {}
        assert!(begun.age() > Duration::ZERO);
    }
}
