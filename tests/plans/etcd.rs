//! etcd or the API server dies or stands still in the middle of a deletion, the store is full, compacted, or replaced by an
//! older copy: what was committed stays, what was not is done again. On a control plane of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use envtest::Program;
use fault_proxy::{Call, Fault, Moment, On};
use rustix::process::Signal;
use serde_json::json;

use crate::api_faults::calls_of;
use crate::bed::{Property, is_torture};
use crate::kind::Kind;
use crate::life::{FLAGS, Life, OBSERVING};
use crate::store::{Store, signal};

/// A call, a moment of it, and what befalls whom.
type Strike = (Call, Moment, Program, Signal);

const STRIKES: [Strike; 8] = [
    (Call::WriteIntent, Moment::Before, Program::Etcd, Signal::KILL),
    (Call::WriteIntent, Moment::AfterCommit, Program::Etcd, Signal::KILL),
    (Call::WriteConfirmed, Moment::Before, Program::Etcd, Signal::KILL),
    (Call::Release, Moment::Before, Program::Etcd, Signal::KILL),
    (Call::WriteIntent, Moment::Before, Program::Etcd, Signal::STOP),
    (Call::WriteIntent, Moment::AfterCommit, Program::Etcd, Signal::STOP),
    (Call::WriteIntent, Moment::AfterCommit, Program::ApiServer, Signal::KILL),
    (Call::Release, Moment::Before, Program::ApiServer, Signal::KILL),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnect_survives_an_etcd_or_api_server_that_dies_or_stands_still_in_it_and_has_one_effect() {
    Life::plan_alone("etcd", &FLAGS, async |life| {
        life.start();
        for (number, (call, moment, program, signal)) in strikes().await.into_iter().enumerate() {
            let name = format!("{call}-{moment}-{number}").to_lowercase();
            struck(life, number, &name, (call, moment), (program, signal)).await;
        }
        // The watch that records the trace loses history with the server.
        life.bed.assert_no_key_shows().await;
    })
    .await;
}

/// The strikes that differ most; with `TORTURE` either server is killed at every call.
async fn strikes() -> Vec<Strike> {
    let mut strikes = STRIKES.to_vec();
    if !is_torture() {
        return strikes;
    }
    for call in calls_of(Kind::Disconnect).await.into_iter().filter_map(|(call, deleting)| deleting.then_some(call)) {
        for moment in [Moment::Before, Moment::AfterCommit, Moment::AfterAnswer] {
            strikes.extend([Program::Etcd, Program::ApiServer].map(|program| (call, moment, program, Signal::KILL)));
        }
    }
    println!("{} strikes", strikes.len());
    strikes
}

/// One deletion, at one call of which a server meets this signal.
async fn struck(
    life: &Life,
    number: usize,
    name: &str,
    (call, moment): (Call, Moment),
    (program, signalled): (Program, Signal),
) {
    let (kind, plane) = (Kind::Disconnect, life.bed.plane);
    let account = at_rest(life, kind, number, name).await;
    let met = Arc::new(AtomicBool::new(false));
    let strike = {
        let met = Arc::clone(&met);
        move || {
            signal(plane, program, signalled);
            met.store(true, Ordering::SeqCst);
        }
    };
    life.proxy.rule(On::call(call).about(name), Fault::pause(moment, strike));
    let before = life.crew.log().lines().count();
    life.bed.mark(name).await;
    life.bed.eventually("the server is struck", async || met.load(Ordering::SeqCst)).await;
    if signalled == Signal::KILL {
        life.bed.eventually("it has ended", async || plane.pid(program).is_none()).await;
        plane.restart(program).await.expect("it starts again");
    } else {
        felt(life, before).await;
        signal(plane, program, Signal::CONT);
    }
    life.bed.until_api_server_ready().await;
    life.bed.until_gone(name).await;
    life.judge_one(kind, name, &account, name).await;
}

/// An object of this kind that was adopted and observed, with a Secret of its name.
async fn at_rest(life: &Life, kind: Kind, number: usize, name: &str) -> String {
    let account = kind.nth_account(number);
    kind.create(&life.bed, name, &account, name, &life.bed.key()).await;
    life.bed.until_reason(name, kind.at_rest()).await;
    account
}

/// Waits until the operator says, in a line after these, that the API server is of no use.
async fn felt(life: &Life, lines: usize) {
    let felt = async || life.crew.log().lines().skip(lines).any(|line| line.contains("API server could not be used"));
    life.bed.eventually("the operator notices", felt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_full_nothing_that_must_be_written_ahead_is_sent() {
    Life::plan_alone("store-full", &FLAGS, async |life| {
        life.start();
        for (number, kind) in [Kind::Disconnect, Kind::PostPress].into_iter().enumerate() {
            let name = format!("full-{number}");
            // No pass over a living object asks for the CRD.
            let call = match kind {
                Kind::Disconnect => On::call(Call::WriteIntent).about(&name),
                _ => On::call(Call::GetCrd),
            };
            let account = at_rest(life, kind, number, &name).await;
            let store = Store::of(&life.bed);
            let full = Arc::new(AtomicBool::new(false));
            let strike = {
                let (full, store) = (Arc::clone(&full), Store::of(&life.bed));
                move || {
                    store.full(true);
                    full.store(true, Ordering::SeqCst);
                }
            };
            life.proxy.rule(call, Fault::pause(Moment::Before, strike));
            let before = life.crew.log().lines().count();
            life.bed.mark(&name).await;
            life.bed.eventually("the store is full", async || full.load(Ordering::SeqCst)).await;
            felt(life, before).await;
            assert!(life.bed.object(&name).await.is_some(), "{name} was released");
            if kind.is_written_ahead() {
                assert_eq!(life.bed.sim.log().deletes(&account).len(), 0);
            }
            store.full(false);
            life.bed.until_gone(&name).await;
            life.judge_one(kind, &name, &account, &name).await;
        }
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_from_before_a_compaction_is_found_when_the_watch_cannot_go_on() {
    Life::plan_alone("store-compacted", &FLAGS, async |life| {
        let (kind, name, store) = (Kind::Disconnect, "compacted", Store::of(&life.bed));
        life.bed.excuse(Property::L2, "while the API server starts nothing can be said");
        life.start();
        let account = at_rest(life, kind, 0, name).await;
        let lists = || life.proxy.trace().iter().filter(|entry| entry.call == Call::ListAccounts).count();
        let before = lists();
        // What the watch does not show it cannot go on from.
        life.proxy.events().drop_if(|event| {
            event["type"] == "BOOKMARK" || event["object"]["metadata"]["deletionTimestamp"].is_string()
        });
        life.bed.mark(name).await;
        store.compact();
        store.kill(&life.bed, Program::ApiServer).await;
        life.bed.plane.restart(Program::ApiServer).await.expect("the API server starts again");
        life.proxy.events().drop_none();
        life.bed.until_gone(name).await;
        assert!(lists() > before, "the watch went on as if nothing were missing");
        life.judge_one(kind, name, &account, name).await;
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_a_restored_store_brings_back_are_read_first_and_get_no_further_effect() {
    Life::plan_alone("store-restored", &OBSERVING, async |life| {
        let (bed, store) = (&life.bed, Store::of(&life.bed));
        bed.excuse(Property::S4, "the restore takes the release back");
        bed.excuse(Property::S11, "until the next operator has looked, the restored status is of the past");
        life.start();
        // Alive in the copy, or marked and not begun.
        let rows = [
            (Kind::Disconnect, "soft-alive", false),
            (Kind::PostPress, "gone-alive", false),
            (Kind::Disconnect, "soft-marked", true),
            (Kind::PostPress, "gone-marked", true),
        ];
        let mut accounts = Vec::new();
        for (number, (kind, name, marked)) in rows.into_iter().enumerate() {
            accounts.push(at_rest(life, kind, number, name).await);
            if marked {
                bed.patch_spec(name, &json!({"deletionProtection": true})).await;
                bed.mark(name).await;
                bed.until_waiting(name, "DeletionProtected").await;
            }
        }
        let copy = store.copy(bed).await;
        for (_, name, marked) in rows {
            if marked {
                bed.patch_spec(name, &json!({"deletionProtection": false})).await;
            } else {
                bed.mark(name).await;
            }
        }
        for (_, name, _) in rows {
            bed.until_gone(name).await;
        }
        life.crew.kill();
        store.restore(bed, &copy).await;
        let ended: Vec<_> = accounts.iter().map(|account| bed.truth(account)).collect();

        life.start();
        bed.until_reason("soft-alive", "AccountDisconnected").await;
        bed.until_reason("gone-alive", "AccountMissing").await;
        for (_, name, marked) in rows {
            if marked {
                bed.until_waiting(name, "DeletionProtected").await;
            }
        }
        let now: Vec<_> = accounts.iter().map(|account| bed.truth(account)).collect();
        assert_eq!(now, ended, "nothing is sent for what nobody asks to be deleted");
        for (_, name, marked) in rows {
            if marked {
                bed.patch_spec(name, &json!({"deletionProtection": false})).await;
            } else {
                bed.mark(name).await;
            }
        }
        for ((kind, name, _), account) in rows.into_iter().zip(&accounts) {
            bed.until_gone(name).await;
            kind.check(&bed.sim.log(), account);
        }
        for (number, (kind, name, _)) in rows.into_iter().enumerate() {
            let (_, deletes, effective) = bed.truth(&accounts[number]);
            let further = usize::from(kind == Kind::PostPress);
            assert_eq!((deletes, effective), (ended[number].1 + further, ended[number].2), "{name}");
        }
        life.judge_all().await;
    })
    .await;
}
