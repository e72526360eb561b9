//! The worlds that are explored, and what holds in them.

use sender_operator::args::TargetKind;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};

use crate::bounds::{Bounds, FAULTS, Fault, Whim};
use crate::explore::{Judged, Report, explore};
use crate::product::Setting;
use crate::rules::{self, ONE_PROCESS};
use crate::world::World;

pub const KINDS: [TargetKind; 4] =
    [TargetKind::PostPress, TargetKind::Email, TargetKind::Disconnect, TargetKind::Purge];

/// What may go wrong beside a status that is wiped: a process that starts after that knows nothing of what it held.
pub const WIPED_FAULTS: [Fault; 5] =
    [Fault::LateWrite, Fault::FailedRead, Fault::LostAnswer, Fault::FailedAnswer, Fault::EarlyAck];

pub fn single(kind: TargetKind, processes: usize, faults: u8, people: u8) -> Bounds {
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
        faults_of: FAULTS.to_vec(),
        people,
        whims: vec![Whim::Orphan, Whim::Suspend, Whim::SwapKey],
        begins_alive: false,
        restored: false,
        slow_acks: false,
        hides_disconnected: false,
        secret_held: true,
        judged: if cross_leader { rules::ALL & !ONE_PROCESS } else { rules::ALL },
    }
}

/// What holds with one process for each kind. A DELETE whose answer was lost may still be on its way when a person lets
/// the account go: for targets that a repeated DELETE does no further harm that is not waited for.
pub fn promised(kind: TargetKind) -> u16 {
    if kind == TargetKind::Disconnect { rules::ALL } else { rules::ALL & !ONE_PROCESS }
}

/// Whether there are hours for it.
pub fn is_torture() -> bool {
    std::env::var_os("TORTURE").is_some()
}

/// Explores a world, and prints what was found.
pub fn report<M>(name: &str, world: &M) -> Report
where
    M: Judged,
    M::State: Clone + std::hash::Hash,
    M::Action: Copy + std::fmt::Debug,
{
    let report = explore(world, if is_torture() { 60_000_000 } else { 4_000_000 });
    let broken: Vec<_> = report.broken.iter().map(|(rule, history)| format!("{rule}({})", history.len())).collect();
    println!(
        "{name:<64} {:>8} states {:>9} transitions {:>5.1} s{} broken {broken:?}, cannot settle {}, need a person {}",
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
    if report.stuck > 0 {
        println!("    L1: {}", report.stuck_history.join(", "));
    }
    report
}

/// Every promise is kept in it, and every state can come to rest. How many there are.
pub fn holds<M>(name: &str, world: &M) -> usize
where
    M: Judged,
    M::State: Clone + std::hash::Hash,
    M::Action: Copy + std::fmt::Debug,
{
    let report = report(name, world);
    let sound = report.broken.is_empty() && report.stuck == 0;
    // What is too large even for hours is as sound as far as it was seen.
    assert!(sound && (report.complete || is_torture()), "{name}");
    report.states
}

#[test]
fn one_process_that_crashes_anywhere_keeps_every_promise_and_every_state_can_come_to_rest() {
    let mut states = 0;
    for kind in KINDS {
        let bounds = Bounds { judged: promised(kind), ..single(kind, 1, 1, 1) };
        states += holds(&format!("{kind}: one process, a fault, a person"), &World::new(bounds));
    }
    println!("{states} distinct states");
    assert!(states >= 1_000_000, "the bounds became narrower: {states}");
}

#[test]
fn two_processes_that_both_believe_to_lead_destroy_nothing_and_lose_nothing() {
    let whims = [Whim::Orphan, Whim::Suspend, Whim::DeleteSecret, Whim::SwapEndpoint, Whim::SwapKey];
    let mut states = 0;
    for kind in KINDS {
        // A repeated DELETE of the others does no further harm, so that their worlds are small.
        let permanent = matches!(kind, TargetKind::PostPress | TargetKind::Email);
        for fault in FAULTS {
            if permanent || matches!(fault, Fault::Crash | Fault::LostAnswer) || is_torture() {
                let bounds = Bounds { faults_of: vec![fault], whims: Vec::new(), ..single(kind, 2, 1, 0) };
                states += holds(&format!("{kind}: two processes, {fault:?}"), &World::new(bounds));
            }
        }
        for whim in whims {
            let small = permanent && matches!(whim, Whim::Orphan | Whim::Suspend | Whim::DeleteSecret);
            if small || whim == Whim::Orphan || is_torture() {
                let bounds = Bounds { whims: vec![whim], ..single(kind, 2, 0, 1) };
                states += holds(&format!("{kind}: two processes, {whim:?}"), &World::new(bounds));
            }
        }
    }
    println!("{states} distinct states");
    assert!(states >= 2_000_000, "the bounds became narrower: {states}");
}

#[test]
fn of_two_objects_of_one_account_one_deletes_it_and_both_come_to_rest() {
    let twins = |kind, processes, faults, faults_of: &[Fault]| Bounds {
        objects: 2,
        whims: Vec::new(),
        faults_of: faults_of.to_vec(),
        judged: if processes > 1 { rules::ALL & !ONE_PROCESS } else { promised(kind) },
        ..single(kind, processes, faults, 0)
    };
    for kind in KINDS {
        let faults = if kind == TargetKind::Purge && !is_torture() { 0 } else { 1 };
        for begins_alive in [false, true] {
            let bounds = Bounds { begins_alive, ..twins(kind, 1, faults, &FAULTS) };
            let beginning = if begins_alive { "alive" } else { "deleting" };
            holds(&format!("{kind}: twins, {beginning}, one process, {faults} fault"), &World::new(bounds));
        }
    }
    let bounds = twins(TargetKind::Disconnect, 1, 2, &[Fault::Crash, Fault::LostAnswer]);
    holds("Disconnect: twins, one process, two crashes or lost answers", &World::new(bounds));
    holds("PostPress: twins, two processes", &World::new(twins(TargetKind::PostPress, 2, 0, &[])));
    if is_torture() {
        let bounds = Bounds { apart: true, ..twins(TargetKind::Disconnect, 2, 0, &[]) };
        holds("Disconnect: twins, a process each", &World::new(bounds));
    }
}

#[test]
fn a_status_that_is_wiped_lets_no_second_delete_out_of_the_process_that_saw_what_it_held() {
    let whims = vec![Whim::WipeStatus, Whim::Orphan, Whim::SwapKey];
    for on_not_found in [OnNotFound::Hold, OnNotFound::Release] {
        for after_unknown_outcome in [AfterUnknownOutcome::Resend, AfterUnknownOutcome::Hold] {
            let single = single(TargetKind::Disconnect, 1, 1, 2);
            let setting = Setting { on_not_found, after_unknown_outcome, ..single.setting.clone() };
            let bounds = Bounds { setting, faults_of: WIPED_FAULTS.to_vec(), whims: whims.clone(), ..single };
            let name = format!("Disconnect: a wiped status, {on_not_found:?}, {after_unknown_outcome:?}");
            holds(&name, &World::new(bounds));
        }
    }
    let (faults_of, whims) = (vec![Fault::LostAnswer], vec![Whim::WipeStatus]);
    let twins = Bounds { objects: 2, faults_of, whims, ..single(TargetKind::Disconnect, 1, 1, 1) };
    holds("Disconnect: twins, a wiped status", &World::new(twins));
}
