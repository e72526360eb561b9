//! A stop that is not let finish: SIGTERM in the middle of a DELETE, and SIGKILL before its answer.

use fault_proxy::Moment;
use provider_simulator::{Fault, On};
use rustix::process::Signal;

use crate::kind::{Kind, SUBJECT};
use crate::life::Life;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_and_then_killed_in_mid_delete_the_next_one_finishes_without_an_effect_too_many() {
    for kind in [Kind::PostPress, Kind::Disconnect, Kind::Purge] {
        for (applied, moment) in [(true, Moment::AfterCommit), (false, Moment::Before)] {
            Life::plan(&format!("stop-then-kill-{kind:?}-{moment}"), async |life| {
                life.at_rest(kind).await;
                let held = if applied { Fault::own().hold() } else { Fault::own().not_applied().hold() };
                let delete = life.bed.sim.fault(On::delete(), held);
                life.bed.mark(SUBJECT).await;
                life.bed.eventually("the DELETE is on its way", async || delete.waiting() == 1).await;
                life.crew.signal_to(life.crew.running(), Signal::TERM);
                life.until_logged(&["stopping: nothing new begins"]).await;
                life.crew.kill();
                delete.clear();
                delete.release();
                life.start();
                life.bed.until_gone(SUBJECT).await;
                life.judge(kind).await;
            })
            .await;
        }
    }
}
