//! etcd dies or stands still in the middle of a deletion: what was committed stays, what was not is done again. On a
//! control plane of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use envtest::Program;
use fault_proxy::{Call, Fault, Moment, On};
use rustix::process::{Pid, Signal, kill_process};

use crate::bed::Bed;
use crate::kind::Kind;
use crate::life::Life;
use crate::verdict::{failure, receipts};

const STRIKES: [(Call, Moment, Signal); 6] = [
    (Call::WriteIntent, Moment::Before, Signal::KILL),
    (Call::WriteIntent, Moment::AfterCommit, Signal::KILL),
    (Call::WriteConfirmed, Moment::Before, Signal::KILL),
    (Call::Release, Moment::Before, Signal::KILL),
    (Call::WriteIntent, Moment::Before, Signal::STOP),
    (Call::WriteIntent, Moment::AfterCommit, Signal::STOP),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnect_survives_an_etcd_that_dies_or_stands_still_in_it_and_has_one_effect() {
    if std::env::var("PLAN").is_ok_and(|plan| plan != "etcd") {
        return;
    }
    let (bed, _alone) = Bed::alone("etcd").await;
    let life = Life::on(bed).await;
    life.start();
    for (number, (call, moment, signal)) in STRIKES.into_iter().enumerate() {
        let name = format!("{call}-{moment}-{number}").to_lowercase();
        let account = format!("{number:08x}-bf4a-4f6c-8f86-4c3d5e9a0b44");
        let steps = async { struck(&life, &name, &account, (call, moment), signal).await };
        if let Some(failure) = failure(steps).await {
            panic!(
                "{name}: {failure}\n{}\nPLAN=etcd cargo test --test plans etcd::",
                life.timeline(&[&name, &account])
            );
        }
    }
    life.judge_keys().await;
}

/// One deletion, at one call of which etcd meets this signal.
async fn struck(life: &Life, name: &str, account: &str, (call, moment): (Call, Moment), signal: Signal) {
    let (kind, plane) = (Kind::Disconnect, life.bed.plane);
    kind.create(&life.bed, name, account, name, &life.bed.key()).await;
    life.bed.until_reason(name, kind.at_rest()).await;
    let etcd = plane.pid(Program::Etcd).and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("etcd runs");
    let met = Arc::new(AtomicBool::new(false));
    let strike = {
        let met = Arc::clone(&met);
        move || {
            kill_process(etcd, signal).expect("etcd can be signalled");
            met.store(true, Ordering::SeqCst);
        }
    };
    life.proxy.rule(On::call(call).about(name), Fault::pause(moment, strike));
    life.bed.mark(name).await;
    life.bed.eventually("etcd is struck", async || met.load(Ordering::SeqCst)).await;
    if signal == Signal::KILL {
        life.bed.eventually("etcd has ended", async || plane.pid(Program::Etcd).is_none()).await;
        plane.start_etcd().await.expect("etcd starts again");
    } else {
        let before = life.crew.log().lines().count();
        let felt =
            async || life.crew.log().lines().skip(before).any(|line| line.contains("API server could not be used"));
        life.bed.eventually("the operator notices", felt).await;
        kill_process(etcd, Signal::CONT).expect("etcd can be signalled");
    }
    life.bed
        .eventually("the API server is back", async || plane.kubectl(["get", "--raw", "/readyz"]).await.is_ok())
        .await;
    life.bed.until_gone(name).await;
    kind.check(&life.bed.sim.log(), account);
    life.judge_order(kind, name, account);
    assert!(!receipts(&life.crew.log(), name).is_empty(), "no receipt");
    life.bed.eventually("the hold is off", async || life.bed.secret_finalizers(name).await.is_empty()).await;
}
