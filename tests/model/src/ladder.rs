//! Each guard taken away: the world that misses it, and the promises that break there.

use std::path::Path;

use sender_operator::args::TargetKind;

use crate::bounds::{Bounds, Fault, Whim};
use crate::guard::Guard;
use crate::rules::{self, S5};
use crate::variants::{WIPED_FAULTS, promised, report, single};
use crate::world::World;

/// Each guard, the kind of target that misses it, and the promises that break without it.
const LADDER: &[(Guard, TargetKind, &[&str])] = &[
    (Guard::CompareAndSwap, TargetKind::Disconnect, &["S1", "K1", "S3", "S2", "D1"]),
    (Guard::Nonce, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::FreshView, TargetKind::PostPress, &["S7"]),
    (Guard::FingerprintOverKey, TargetKind::PostPress, &["S1"]),
    (Guard::FingerprintOverEndpoint, TargetKind::PostPress, &["S1"]),
    (Guard::AgeOfEvidence, TargetKind::PostPress, &["S1"]),
    (Guard::ReadBack, TargetKind::PostPress, &["S1"]),
    (Guard::UnsettledFirst, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::WriteAhead, TargetKind::Disconnect, &["S8", "S7", "S4"]),
    (Guard::Window, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::WipedAttempt, TargetKind::Disconnect, &["S3", "S2", "D1"]),
    (Guard::NoResendAfterAck, TargetKind::Disconnect, &["K1", "S3", "S2", "D1"]),
    (Guard::SendDeadline, TargetKind::Disconnect, &["S3", "S2", "D1", "S4"]),
    (Guard::Twins, TargetKind::Disconnect, &["S3", "S2", "D1"]),
    (Guard::DeletingTwinAsked, TargetKind::Disconnect, &["S3", "S2", "D1"]),
    (Guard::PredecessorsDelete, TargetKind::PostPress, &["S5"]),
    (Guard::UidOfLedger, TargetKind::PostPress, &["S1"]),
    (Guard::UidOfRelease, TargetKind::PostPress, &["S1"]),
];

/// Guards whose removal no world of this size shows, and the seeded bug that takes each away: what catches it stands there.
const NOT_SHOWN: &[(Guard, &str)] = &[
    (Guard::UnsharedRead, "the-read-before-the-intent-is-shared"),
    (Guard::LiveTwinAsked, "a-live-twin-is-passed-over"),
];

fn world_without(guard: Guard, kind: TargetKind) -> Bounds {
    let judged = if kind == TargetKind::Disconnect { rules::ALL & !S5 } else { promised(kind) };
    let mut bounds = Bounds { judged, ..single(kind, 1, 1, 1) };
    bounds.setting.without = Some(guard);
    match guard {
        Guard::FingerprintOverEndpoint => bounds.whims = vec![Whim::SwapEndpoint],
        Guard::AgeOfEvidence => bounds.whims = vec![Whim::BlindKey],
        Guard::Twins | Guard::DeletingTwinAsked => {
            (bounds.objects, bounds.people, bounds.whims) = (2, 0, Vec::new());
        }
        Guard::WipedAttempt => (bounds.faults_of, bounds.whims) = (WIPED_FAULTS.to_vec(), vec![Whim::WipeStatus]),
        Guard::NoResendAfterAck => bounds.slow_acks = true,
        Guard::SendDeadline => {
            (bounds.processes, bounds.faults, bounds.people, bounds.whims) = (2, 0, 0, Vec::new());
        }
        Guard::PredecessorsDelete => {
            // With one process a crash is all that leaves a DELETE behind.
            (bounds.faults_of, bounds.whims, bounds.judged) = (vec![Fault::Crash], vec![Whim::Orphan], rules::ALL);
        }
        Guard::UidOfLedger => bounds.restored = true,
        Guard::UidOfRelease => (bounds.faults_of, bounds.whims) = (vec![Fault::LateWrite], vec![Whim::Recreate]),
        _ => {}
    }
    bounds
}

#[test]
fn a_guard_that_is_taken_away_is_missed() {
    for (guard, kind, missed) in LADDER {
        let broken = report(&format!("{kind} without {guard:?}"), &World::new(world_without(*guard, *kind))).broken;
        let broken: Vec<_> = broken.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(broken, *missed, "{kind} without {guard:?}");
    }
    for (guard, bug) in NOT_SHOWN {
        let patch = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../sharpness/{bug}.patch"));
        assert!(patch.is_file(), "{guard:?}: {} is not there", patch.display());
        println!("{guard:?}: within no bounds; `make sharpness BUG={bug}`");
    }
}

#[test]
fn with_every_guard_those_worlds_keep_what_is_judged_in_them() {
    for guard in [Guard::SendDeadline, Guard::PredecessorsDelete, Guard::UidOfLedger, Guard::UidOfRelease] {
        let (_, kind, _) = LADDER.iter().find(|(known, ..)| *known == guard).expect("it is on the ladder");
        let mut bounds = world_without(guard, *kind);
        bounds.setting.without = None;
        let report = report(&format!("{kind} with {guard:?}"), &World::new(bounds));
        assert!(report.broken.is_empty(), "{kind} with {guard:?}");
    }
}
