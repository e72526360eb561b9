//! How long a provider asks to wait: `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date.

use std::time::{Duration, SystemTime};

use crate::backoff::{BASE, CAP};

/// An answer's own `Date` further than this from our clock is a broken clock, not a time zone.
const SANE: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that these `Retry-After` values ask for, clamped; the longest one when there are several, `None` when none
/// can be read. A date is taken relative to the answer's own `Date` where that is sane, so that a skewed clock at the
/// provider cancels out, else to `now`.
pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let from = date.and_then(|text| httpdate::parse_http_date(text).ok()).filter(|date| apart(*date, now) <= SANE);
    values.into_iter().filter_map(|value| wait(value.trim(), from.unwrap_or(now))).max()
}

fn wait(value: &str, from: SystemTime) -> Option<Duration> {
    let asked = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a u64 holds is still a number: the longest wait.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        until.duration_since(from).unwrap_or_default()
    };
    // A provider that says 0 would be asked in a loop.
    Some(asked.clamp(BASE, CAP))
}

fn apart(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).or_else(|_| b.duration_since(a)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Wed, 21 Oct 2026 07:28:00 GMT";

    fn now() -> SystemTime {
        httpdate::parse_http_date(DATE).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    fn seconds(value: &str) -> Option<u64> {
        parse([value], None, now()).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_taken_as_they_are_between_one_second_and_fifteen_minutes() {
        assert_eq!(seconds("1"), Some(1));
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("900"), Some(900));
        assert_eq!(seconds(" 7 "), Some(7));
    }

    #[test]
    fn absurd_waits_are_clamped() {
        assert_eq!(seconds("0"), Some(1));
        assert_eq!(seconds("901"), Some(900));
        assert_eq!(seconds("3600"), Some(900));
        assert_eq!(seconds(&"9".repeat(400)), Some(900));
        assert_eq!(seconds("Wed, 21 Oct 2099 07:28:00 GMT"), Some(900));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1));
    }

    #[test]
    fn what_is_neither_seconds_nor_a_date_asks_for_nothing() {
        for garbage in [
            "",
            "-1",
            "+1",
            "1.5",
            "1e99",
            "soon",
            "1, 120",
            "0x10",
            "Wed, 99 Oct 2099 07:28:00 GMT",
            "2026-10-21T07:28:00Z",
        ] {
            assert_eq!(seconds(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn a_date_in_each_of_the_three_forms_is_relative_to_now_when_the_answer_has_no_date() {
        assert_eq!(seconds("Wed, 21 Oct 2026 07:29:30 GMT"), Some(90));
        assert_eq!(seconds("Wednesday, 21-Oct-26 07:29:30 GMT"), Some(90));
        assert_eq!(seconds("Wed Oct 21 07:29:30 2026"), Some(90));
    }

    #[test]
    fn a_date_is_relative_to_the_answers_own_date_so_that_a_skewed_provider_clock_does_not_count() {
        let wait = parse(["Wed, 21 Oct 2026 09:29:00 GMT"], Some("Wed, 21 Oct 2026 09:28:00 GMT"), now());
        assert_eq!(wait, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_date_header_that_is_garbage_or_a_day_off_is_not_believed() {
        for date in ["garbage", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 23 Oct 2026 07:28:00 GMT"] {
            let wait = parse(["Wed, 21 Oct 2026 07:28:30 GMT"], Some(date), now());
            assert_eq!(wait, Some(Duration::from_secs(30)), "{date}");
        }
    }

    #[test]
    fn of_several_values_the_longest_that_can_be_read_counts() {
        assert_eq!(parse(["5", "120", "soon"], None, now()), Some(Duration::from_secs(120)));
        assert_eq!(parse([], None, now()), None);
    }
}
