//! Delays between tries: exponential with full jitter, the jitter passed in, the provider's own wish respected.

use std::time::Duration;

/// The shortest delay, and the unit that doubles.
pub const BASE: Duration = Duration::from_secs(1);
/// The longest delay that any flag can ask for.
pub const CAP: Duration = Duration::from_secs(15 * 60);

/// A random fraction of 0 to 1, drawn by whoever acts and passed to what decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Jitter(pub u32);

impl Jitter {
    /// This fraction of `of`.
    pub fn of(self, of: Duration) -> Duration {
        of.mul_f64(f64::from(self.0) / f64::from(u32::MAX))
    }
}

/// The delay after `tries` tries in a row: between [`BASE`] and `BASE * 2^tries`, at most `cap`
/// ("full jitter", <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), and never shorter than
/// the provider asks for (RFC 9110 §10.2.3, clamped to 1 s - 15 min).
pub fn delay(tries: u32, jitter: Jitter, retry_after: Option<Duration>, cap: Duration) -> Duration {
    let cap = cap.clamp(BASE, CAP);
    let ceiling = BASE.saturating_mul(1_u32.checked_shl(tries.min(30)).unwrap_or(u32::MAX)).min(cap);
    let wished = retry_after.map_or(Duration::ZERO, |wish| wish.clamp(BASE, CAP));
    jitter.of(ceiling).max(BASE).max(wished)
}

/// The delay of what only a person can end: the longest, less up to a tenth so that a thousand held objects spread.
pub fn longest(jitter: Jitter, cap: Duration) -> Duration {
    let cap = cap.clamp(BASE, CAP);
    (cap - jitter.of(cap / 10)).max(BASE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_delay_is_never_under_a_second_nor_over_the_cap_or_the_wish(tries: u32, jitter: u32, wish in proptest::option::of(0_u64..=u64::MAX / 2), cap in 0_u64..100_000) {
            let wish = wish.map(Duration::from_secs);
            let delay = delay(tries, Jitter(jitter), wish, Duration::from_secs(cap));
            prop_assert!(delay >= BASE && delay <= CAP);
            prop_assert!(wish.is_none_or(|wish| delay >= wish.min(CAP)));
        }

        #[test]
        fn the_longest_delay_is_within_a_tenth_of_the_cap(jitter: u32, cap in 10_u64..=900) {
            let cap = Duration::from_secs(cap);
            let delay = longest(Jitter(jitter), cap);
            prop_assert!(delay <= cap && delay >= cap.mul_f64(0.9));
        }
    }

    #[test]
    fn the_ceiling_doubles_until_the_cap() {
        let most = |tries| delay(tries, Jitter(u32::MAX), None, CAP).as_secs();
        assert_eq!([0, 1, 2, 3, 9, 10, 31, u32::MAX].map(most), [1, 2, 4, 8, 512, 900, 900, 900]);
    }
}
