//! The worlds that are explored.

use sender_operator::args::TargetKind;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};

use crate::explore::{Report, explore};
use crate::product::Setting;
use crate::rules::{self, ONE_PROCESS};
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

fn row(name: &str, bounds: Bounds) -> Report {
    let report = explore(&World::new(bounds), 8_000_000, false);
    println!(
        "{name:50} {:>9} {:>10} {:>6.1}s {} broken {:?} stuck {} person {}",
        report.states,
        report.transitions,
        report.took.as_secs_f64(),
        if report.complete { "" } else { "INCOMPLETE" },
        report.broken.iter().map(|(name, history)| format!("{name}({})", history.len())).collect::<Vec<_>>(),
        report.stuck,
        report.needs_person,
    );
    for (name, history) in &report.broken {
        println!("  {name}: {}", history.join("\n      "));
    }
    if report.stuck > 0 {
        println!("  stuck: {}", report.stuck_history.join("\n      "));
    }
    report
}

#[test]
fn try_out() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let word = |name: &str| std::env::var(name).unwrap_or_default();
    let (f, p) = (number("F", 1_u8), number("P", 1_u8));
    for processes in [1, 2].into_iter().filter(|n| number("N", *n as u8) == *n as u8) {
        for kind in KINDS.into_iter().filter(|kind| word("K").is_empty() || format!("{kind:?}").starts_with(&word("K"))) {
            let mut bounds = single(kind, processes, f, p);
            let w = word("W");
            if !w.is_empty() {
                bounds.whims = w.chars().filter_map(|c| match c {
                    'o' => Some(Whim::Orphan), 's' => Some(Whim::Suspend), 'k' => Some(Whim::SwapKey), 'e' => Some(Whim::SwapEndpoint),
                    'd' => Some(Whim::DeleteSecret), 'b' => Some(Whim::BlindKey), 't' => Some(Whim::CreateTwin), 'r' => Some(Whim::Recreate), _ => None,
                }).collect();
            }
            bounds.setting.attempts = number("A", 2_u8).into();
            bounds.late_writes = number("LATE", 1_u8) == 1;
            bounds.early_acks = number("EARLY", 1_u8) == 1;
            bounds.objects = number("O", 1_u8).into();
            bounds.lanes = number("L", 1_u8).into();
            bounds.begins_alive = number("LIVE", 0_u8) == 1;
            bounds.secret_held = number("HELD", 1_u8) == 1;
            row(&format!("{kind:?} {processes} F={f} P={p} {w}"), bounds);
        }
    }
}
