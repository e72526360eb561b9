//! The operator stands still, or dies again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fault_proxy::{Call, Fault, Moment, On};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::kind::{Kind, SUBJECT};
use crate::life::Life;

/// From before the intent to the bytes of its DELETE no more may pass.
const SEND_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_stood_still_between_intent_and_delete_does_not_send_after_another_one_has_finished() {
    for kind in [Kind::Disconnect, Kind::Purge] {
        // What is not written ahead is read immediately before.
        let last = if kind == Kind::Disconnect { Call::WriteIntent } else { Call::GetAccount };
        Life::plan(&format!("pause-{kind:?}"), async |life| {
            life.at_rest(kind).await;
            life.crew.kill();
            life.bed.mark(SUBJECT).await;
            // Nothing but the clock tells it what happened meanwhile.
            life.proxy.rule(On::call(Call::WatchAccounts), Fault::silent());
            let stopped = Arc::new(AtomicBool::new(false));
            let stop = {
                let (crew, stopped) = (Arc::clone(&life.crew), Arc::clone(&stopped));
                move || {
                    crew.signal_to(crew.running(), Signal::STOP);
                    stopped.store(true, Ordering::SeqCst);
                }
            };
            life.proxy.rule(On::call(last), Fault::pause(Moment::AfterCommit, stop));
            life.start();
            let paused = life.crew.running();
            life.bed.eventually("it stands still", async || stopped.load(Ordering::SeqCst)).await;
            let since = Instant::now();
            life.start();
            life.bed.until_gone(SUBJECT).await;
            sleep(SEND_WITHIN.saturating_sub(since.elapsed())).await;
            let sent = life.bed.sim.log().deletes(kind.account()).len();

            life.crew.signal_to(paused, Signal::CONT);
            let looked = async || {
                let trace = life.proxy.trace();
                let since = trace.iter().rev().take_while(|entry| entry.call != Call::Release);
                since.into_iter().any(|entry| entry.about.as_deref() == Some(SUBJECT) && entry.answered == Some(404))
            };
            life.bed.eventually("it has seen that the object is gone", looked).await;
            assert_eq!(life.bed.sim.log().deletes(kind.account()).len(), sent, "it sent a DELETE after the release");
            life.judge(kind).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_loop_the_next_operator_finishes_and_nobody_was_flooded() {
    const CRASHES: usize = 25;
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("crash-loop-{kind:?}"), async |life| {
            life.at_rest(kind).await;
            life.bed.mark(SUBJECT).await;
            for crash in 0..CRASHES {
                // Each a little later than the one before: somewhere in every call of the deletion.
                sleep(Duration::from_millis(20 * crash as u64)).await;
                life.crew.kill();
                life.start();
            }
            life.bed.until_gone(SUBJECT).await;
            life.judge(kind).await;
        })
        .await;
    }
}
