//! Uninstalled fifty times, in every mode: nothing is left, ever.

use futures::{StreamExt, stream};
use provider_simulator::State;

use crate::bed::{Bed, Kind};
use crate::release::Release;

const RUNS: usize = 50;
/// So many at once.
const AT_ONCE: usize = 4;
const MODES: [&str; 3] = ["Refuse", "Drain", "Orphan"];

#[tokio::test]
async fn fifty_uninstalls_leave_nothing_behind() {
    let bed = Bed::new("fifty").await;
    let runs = stream::iter(0..RUNS).map(|number| uninstalled(&bed, number)).buffer_unordered(AT_ONCE);
    let clean = runs.filter(|clean| std::future::ready(*clean)).count().await;
    println!("uninstall runs without leftovers: {clean} of {RUNS}");
    assert_eq!(clean, RUNS);
}

/// Whether one install, with an account whose object is there or was, was uninstalled without a trace.
async fn uninstalled(bed: &Bed, number: usize) -> bool {
    let mode = MODES[number % MODES.len()];
    let bed = bed.beside("run").await;
    let kind = [Kind::PostPress, Kind::LinkedIn][number / MODES.len() % 2];
    let sender = bed.sender(kind, "sender");
    let values = format!("uninstall.mode={mode}");
    let (release, operator) = Release::holding(&bed, &[&values], std::slice::from_ref(&sender)).await;
    if mode == "Refuse" {
        bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    }
    let ended = release.uninstall(&[]).await;
    operator.kill();
    if ended.done {
        release.until_nothing_is_left().await;
    } else {
        eprintln!("run {number} ({mode}): {}", ended.said);
    }
    if mode == "Orphan" {
        assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0));
    } else {
        bed.assert_ended(&[sender]);
    }
    ended.done
}
