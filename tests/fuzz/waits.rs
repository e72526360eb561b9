//! How long a provider asks to wait: the first line is the answer's own `Date`, each further one a `Retry-After`.

use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sender_operator::backoff::{self, Jitter};
use sender_operator::provider::retry_after;

use crate::run::fuzz;

#[test]
fn no_wish_to_wait_is_shorter_than_a_second_or_longer_than_fifteen_minutes() {
    fuzz("waits", 200, waits(), promise);
}

fn waits() -> BoxedStrategy<Vec<u8>> {
    let date = || {
        let days = select(vec!["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
        let months = select(vec!["Jan", "Feb", "Oct", "Dec", "Xxx"]);
        (days, 0_u8..33, months, 1900_u16..2200, 0_u8..25, 0_u8..61).prop_map(
            |(name, day, month, year, hour, minute)| {
                format!("{name}, {day:02} {month} {year} {hour:02}:{minute:02}:00 GMT")
            },
        )
    };
    let wish = prop_oneof![any::<u64>().prop_map(|seconds| seconds.to_string()), "[0-9]{1,40}", date(), "[ -~]{0,20}"];
    (date(), vec(wish, 0..4)).prop_map(|(date, wishes)| format!("{date}\n{}", wishes.join("\n")).into_bytes()).boxed()
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(input);
    let (date, wishes) = text.split_once('\n').unwrap_or((&text, ""));
    let wishes: Vec<&str> = wishes.split('\n').collect();
    for now in [0, 1_800_000_000, 32_503_680_000].map(|second| SystemTime::UNIX_EPOCH + Duration::from_secs(second)) {
        for date in [None, Some(date)] {
            let wait = retry_after::parse(wishes.iter().copied(), date, now);
            let bounded = wait.is_none_or(|wait| (backoff::BASE..=backoff::CAP).contains(&wait));
            prop_assert!(bounded, "{:?}", wait);
            let delay = backoff::delay(3, Jitter(u32::MAX / 2), wait, backoff::CAP);
            prop_assert!(delay <= backoff::CAP && wait.is_none_or(|wait| delay >= wait));
            let digits = |wish: &&str| !wish.trim().is_empty() && wish.trim().bytes().all(|byte| byte.is_ascii_digit());
            prop_assert!(wait.is_some() || !wishes.iter().any(digits), "seconds are always understood");
        }
    }
    Ok(())
}
