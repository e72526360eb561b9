//! Whatever the wall clock says, however far it jumped: nothing dangerous becomes possible sooner, and nobody waits longer.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use sender_operator::backoff;
use sender_operator::teardown::decide;
use sender_operator::teardown::view::Step;

use crate::any::{RULES, case, config, now};

/// The stored times are around [`now`]; the clock has jumped by an hour, a year, or to an end of time.
fn any_clock() -> impl Strategy<Value = Timestamp> {
    let jumps = [-31_536_000_i64, -3_600, -1, 0, 1, 3_600, 31_536_000];
    let mut clocks: Vec<_> = jumps.iter().map(|seconds| now() + SignedDuration::from_secs(*seconds)).collect();
    // 1970, the end of 32 bits, and both ends of what can be written.
    clocks.extend([Timestamp::UNIX_EPOCH, Timestamp::from_second(i64::from(i32::MAX) + 1).unwrap()]);
    clocks.extend([Timestamp::MIN, Timestamp::MAX]);
    select(clocks)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_clock_shortens_the_outcome_window((view, pass) in case(), clock in any_clock()) {
        if let Step::Intend(_) = decide(&view, &pass, &RULES, clock) {
            prop_assert!(pass.own_intent || !view.is_unsettled() || pass.unchanged_for >= RULES.outcome_window);
        }
    }

    #[test]
    fn no_clock_makes_a_deletion_wait_longer_than_fifteen_minutes((view, pass) in case(), clock in any_clock()) {
        if let Step::Wait(ledger, delay) = decide(&view, &pass, &RULES, clock) {
            prop_assert!(view.deleting && view.ours && delay <= backoff::CAP, "{delay:?}");
            prop_assert!(ledger.teardown.is_some_and(|teardown| teardown.next_attempt_at.is_some()));
        }
    }
}
