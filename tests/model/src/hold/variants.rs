//! The worlds of the hold, what holds in them, and what does not once one guard is taken away.

use super::{Guard, Hold};
use crate::variants::{holds, is_torture, report};

const ONE: Hold = Hold { users: 2, late_user: true, processes: 1, lanes: 1, faults: 1, without: None };

#[test]
fn no_user_loses_the_key_that_it_needs_and_no_hold_stays_behind() {
    let mut states = 0;
    for late_user in [false, true] {
        states += holds(&format!("hold: a fault, late user: {late_user}"), &Hold { late_user, ..ONE });
        let lanes = Hold { late_user, lanes: 2, faults: u8::from(is_torture()), ..ONE };
        states += holds(&format!("hold: two passes at once, late user: {late_user}"), &lanes);
    }
    states += holds("hold: three users", &Hold { users: 3, faults: 0, ..ONE });
    states +=
        holds("hold: one user, two processes", &Hold { users: 1, late_user: false, processes: 2, faults: 0, ..ONE });
    if is_torture() {
        states += holds("hold: two users, two processes", &Hold { processes: 2, faults: 0, ..ONE });
    }
    println!("{states} distinct states");
    assert!(states >= 1_000_000, "the bounds became narrower: {states}");
}

/// Each guard, and what breaks without it: a promise, or that every state can come to rest (L1).
const LADDER: &[(Guard, &[&str])] = &[
    (Guard::CompareAndSwap, &["H1", "L1"]),
    (Guard::Listed, &["H1"]),
    (Guard::ConfirmedFirst, &["H1"]),
    (Guard::HandedOn, &["L1"]),
    (Guard::KeeperThatStays, &["H1"]),
    (Guard::TakingOverWrites, &["H1"]),
];

#[test]
fn a_guard_of_the_hold_that_is_taken_away_is_missed() {
    for (guard, missed) in LADDER {
        let report = report(&format!("hold without {guard:?}"), &Hold { without: Some(*guard), ..ONE });
        let mut broken: Vec<_> = report.broken.iter().map(|(rule, _)| *rule).collect();
        broken.extend((report.stuck > 0).then_some("L1"));
        assert_eq!(broken, *missed, "without {guard:?}");
    }
    // Two passes at once, and a crash: millions of states each.
    if is_torture() {
        for (guard, late_user) in [(Guard::AlwaysWrites, false), (Guard::ProvedKeepsNothing, true)] {
            let world = Hold { late_user, lanes: 2, without: Some(guard), ..ONE };
            assert!(report(&format!("hold without {guard:?}"), &world).stuck > 0);
        }
    }
}
