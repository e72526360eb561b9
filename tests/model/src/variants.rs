//! The worlds that are explored, what holds in them, and what does not once one guard is taken away.

use sender_operator::args::TargetKind;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};

use crate::explore::{Report, explore};
use crate::guard::Guard;
use crate::product::Setting;
use crate::rules::{self, ONE_PROCESS, S5};
use crate::world::{Bounds, Whim, World};

const KINDS: [TargetKind; 4] = [TargetKind::PostPress, TargetKind::Email, TargetKind::Disconnect, TargetKind::Purge];

fn single(kind: TargetKind, processes: usize, faults: u8, people: u8) -> Bounds {
    let cross_leader = processes > 1 && kind != TargetKind::Disconnect;
    Bounds {
        setting: Setting {
            kind,
            on_not_found: OnNotFound::Hold,
            after_unknown_outcome: AfterUnknownOutcome::Resend,
            second_is_older: false,
            attempts: 2,
            without: None,
        },
        objects: 1,
        processes,
        lanes: 1,
        apart: false,
        faults,
        people,
        whims: vec![Whim::Orphan, Whim::Suspend, Whim::SwapKey],
        begins_alive: false,
        restored: false,
        late_writes: true,
        early_acks: true,
        slow_acks: false,
        hides_disconnected: false,
        secret_held: true,
        judged: if cross_leader { rules::ALL & !ONE_PROCESS } else { rules::ALL },
    }
}

/// What holds with one process for each kind. A DELETE whose answer was lost may still be on its way when a person lets
/// the account go: for targets that a repeated DELETE does no further harm that is not waited for.
fn promised(kind: TargetKind) -> u16 {
    if kind == TargetKind::Disconnect { rules::ALL } else { rules::ALL & !ONE_PROCESS }
}

fn report(name: &str, bounds: Bounds) -> Report {
    let report = explore(&World::new(bounds), 4_000_000, false);
    let broken: Vec<_> = report.broken.iter().map(|(rule, history)| format!("{rule}({})", history.len())).collect();
    println!(
        "{name:<44} {:>8} states {:>9} transitions {:>5.1} s{} broken {broken:?}, cannot settle {}, need a person {}",
        report.states,
        report.transitions,
        report.took.as_secs_f64(),
        if report.complete { "" } else { " (bounded)" },
        report.stuck,
        report.needs_person,
    );
    for (rule, history) in &report.broken {
        println!("    {rule}: {}", history.join(", "));
    }
    report
}

#[test]
fn one_process_that_crashes_anywhere_keeps_every_promise_and_every_state_can_come_to_rest() {
    let mut states = 0;
    for kind in KINDS {
        let bounds = Bounds { judged: promised(kind), ..single(kind, 1, 1, 1) };
        let report = report(&format!("{kind}: one process, a fault, a person"), bounds);
        assert!(report.complete && report.broken.is_empty() && report.stuck == 0, "{kind}");
        states += report.states;
    }
    println!("{states} distinct states");
    assert!(states >= 1_000_000, "the bounds became narrower: {states}");
}

/// Each guard, the kind of target that misses it, and the promises that break without it.
const LADDER: &[(Guard, TargetKind, &[&str])] = &[
    (Guard::CompareAndSwap, TargetKind::Disconnect, &["S1", "S3", "S2", "D1", "K1"]),
    (Guard::Nonce, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::FreshView, TargetKind::PostPress, &["S7"]),
    (Guard::FingerprintOverKey, TargetKind::PostPress, &["S1"]),
    (Guard::FingerprintOverEndpoint, TargetKind::PostPress, &["S1"]),
    (Guard::AgeOfEvidence, TargetKind::PostPress, &["S1"]),
    (Guard::ReadBack, TargetKind::PostPress, &["S1"]),
    (Guard::UnsettledFirst, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::WriteAhead, TargetKind::Disconnect, &["S8", "S7", "S4"]),
    (Guard::Window, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::NoResendAfterAck, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::Twins, TargetKind::Disconnect, &["S3", "S2", "D1"]),
    (Guard::DeletingTwinAsked, TargetKind::Disconnect, &["S3", "S2", "D1"]),
];

/// Guards whose removal no world of this size shows; other tests speak for them.
const NOT_SHOWN: &[(Guard, &str)] = &[
    (Guard::UnsharedRead, "its world is larger than the bounds"),
    (Guard::SendDeadline, "needs two processes; shown by the plan that stops one between intent and DELETE"),
    (Guard::LiveTwinAsked, "not within the bounds; shown on the API server by the unproven live twins"),
    (Guard::PredecessorsDelete, "a lost answer breaks the same promise within the bounds"),
    (Guard::UidOfLedger, "shown on the API server by the status of another uid"),
    (Guard::UidOfRelease, "shown on the API server by the successor of the same name"),
];

#[test]
fn a_guard_that_is_taken_away_is_missed() {
    for (guard, kind, missed) in LADDER {
        let judged = if *kind == TargetKind::Disconnect { rules::ALL & !S5 } else { promised(*kind) };
        let mut bounds = Bounds { judged, ..single(*kind, 1, 1, 1) };
        bounds.setting.without = Some(*guard);
        match guard {
            Guard::FingerprintOverEndpoint => bounds.whims = vec![Whim::SwapEndpoint],
            Guard::AgeOfEvidence => bounds.whims = vec![Whim::BlindKey],
            Guard::Twins | Guard::DeletingTwinAsked => bounds.objects = 2,
            Guard::NoResendAfterAck => bounds.slow_acks = true,
            _ => {}
        }
        let broken: Vec<_> = report(&format!("{kind} without {guard:?}"), bounds).broken;
        let broken: Vec<_> = broken.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(broken, *missed, "{kind} without {guard:?}");
    }
    for (guard, why) in NOT_SHOWN {
        println!("{guard:?}: not shown here: {why}");
    }
}
