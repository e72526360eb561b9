//! What the watch says is late, missing, old or cut short. It only triggers: what is done rests on fresh reads, and what
//! is lost is found again by a new list.

use std::time::Duration;

use fault_proxy::{Call, Fault, On};
use futures::future::join_all;
use provider_simulator::State;
use serde_json::json;

use crate::api_faults::Faulty;
use crate::bed::Property;
use crate::kind::{Kind, SUBJECT};
use crate::life::{Life, OBSERVING};
use crate::verdict::receipts;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_expires_in_its_stream_loses_no_deletion() {
    Life::plan("watch-410-in-stream", async |life| {
        life.proxy.rule(On::call(Call::WatchAccounts).times(2), Fault::gone_in_stream());
        life.at_rest(Kind::Disconnect).await;
        life.proxy.events().hold();
        life.bed.mark(SUBJECT).await;
        life.proxy.events().expire();
        life.proxy.events().release();
        life.bed.until_gone(SUBJECT).await;
        life.judge(Kind::Disconnect).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_or_watch_that_fails_is_begun_again() {
    let faults: [Faulty; 8] = [
        ("410", || Fault::status(410)),
        ("403", || Fault::status(403)),
        ("429", || Fault::throttled(1)),
        ("500", || Fault::status(500)),
        ("cut", Fault::cut),
        ("truncate", Fault::truncate),
        ("garbage", || Fault::body("garbage", "<html>")),
        ("delay", || Fault::delay(Duration::from_secs(1))),
    ];
    join_all(faults.map(async |(name, fault)| {
        let name = format!("watch-begins-{name}");
        Life::plan(&name, async |life| {
            for call in [Call::Discover, Call::ListAccounts, Call::WatchAccounts] {
                life.proxy.rule(On::call(call), fault());
            }
            life.at_rest(Kind::PostPress).await;
            life.bed.mark(SUBJECT).await;
            life.bed.until_gone(SUBJECT).await;
            life.judge(Kind::PostPress).await;
        })
        .await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_or_watch_that_is_never_answered_is_begun_again() {
    join_all([Call::ListAccounts, Call::WatchAccounts].map(async |call| {
        let name = format!("silent-{call}");
        Life::plan(&name, async |life| {
            if call == Call::WatchAccounts {
                life.bed.excuse(
                    Property::L2,
                    "a watch that says nothing for a minute is begun again, and shows no mark until then",
                );
            }
            life.proxy.rule(On::call(call), Fault::swallow());
            life.at_rest(Kind::PostPress).await;
            life.bed.mark(SUBJECT).await;
            life.bed.until_gone(SUBJECT).await;
            life.judge(Kind::PostPress).await;
        })
        .await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_the_watch_never_shows_is_found_by_the_next_list() {
    Life::plan("watch-drops-mark", async |life| {
        mark_unseen(life).await;
        life.proxy.events().expire();
        life.bed.until_gone(SUBJECT).await;
        life.judge(Kind::Disconnect).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_the_watch_never_shows_is_found_by_the_next_look_at_the_account() {
    Life::plan_with("watch-lost-mark", &OBSERVING, async |life| {
        mark_unseen(life).await;
        life.bed.until_gone(SUBJECT).await;
        life.judge(Kind::Disconnect).await;
    })
    .await;
}

/// Marks the object for deletion, and no event tells of it.
async fn mark_unseen(life: &Life) {
    life.at_rest(Kind::Disconnect).await;
    life.proxy.events().drop_if(|event| event["object"]["metadata"]["deletionTimestamp"].is_string());
    life.bed.mark(SUBJECT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_the_watch_has_not_shown_yet_is_seen_before_anything_is_sent() {
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("watch-late-{kind:?}"), async |life| {
            life.at_rest(kind).await;
            life.proxy.events().drop_if(|event| event["object"]["spec"]["deletionPolicy"] == "Orphan");
            life.proxy.events().hold();
            life.bed.mark(SUBJECT).await;
            life.bed.patch_spec(SUBJECT, &json!({"deletionPolicy": "Orphan"})).await;
            life.proxy.events().release();
            life.bed.until_gone(SUBJECT).await;
            let log = life.bed.sim.log();
            assert_eq!((log.state(kind.account()), log.deletes(kind.account()).len()), (State::Connected, 0));
            assert_eq!(receipts(&life.crew.log(), SUBJECT)[0]["proof"], "Orphaned");
            life.judge_all().await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_of_the_same_name_is_not_deleted_for_its_predecessor() {
    const SUCCESSOR: &str = "acc_successor";
    Life::plan("watch-drops-deleted", async |life| {
        life.at_rest(Kind::PostPress).await;
        life.proxy.events().drop_if(|event| event["type"] == "DELETED");
        life.bed.mark(SUBJECT).await;
        life.bed.until_gone(SUBJECT).await;
        life.judge(Kind::PostPress).await;
        let key = life.bed.key();
        Kind::PostPress.create(&life.bed, SUBJECT, SUCCESSOR, "successor", &key).await;
        life.bed.until_reason(SUBJECT, Kind::PostPress.at_rest()).await;
        let log = life.bed.sim.log();
        assert_eq!((log.state(SUCCESSOR), log.deletes(SUCCESSOR).len()), (State::Connected, 0));
        assert_eq!(log.effective_deletes(Kind::PostPress.account()).len(), 1);
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_from_before_the_release_brings_no_second_delete() {
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("list-before-release-{kind:?}"), async |life| {
            life.at_rest(kind).await;
            // The second operator lists the object while it is marked, and lets it go.
            life.proxy.events().hold();
            life.bed.mark(SUBJECT).await;
            life.crew.kill();
            life.proxy.events().release();
            life.start();
            life.bed.until_gone(SUBJECT).await;
            life.judge(kind).await;
            let sent = life.bed.sim.log().deletes(kind.account()).len();
            // The third one is shown the list of the second.
            let lists = life.proxy.trace().iter().filter(|entry| entry.call == Call::ListAccounts).count();
            life.proxy.rule(On::call(Call::ListAccounts), Fault::old_list(lists));
            life.crew.kill();
            life.start();
            let asked = async || {
                let trace = life.proxy.trace();
                let listed = trace.iter().rposition(|entry| entry.call == Call::ListAccounts && entry.fault.is_some());
                let on_subject = |place: usize| {
                    trace[place..].iter().any(|entry| entry.call == Call::WatchAccounts && entry.answered.is_some())
                };
                listed.is_some_and(on_subject)
            };
            life.bed.eventually("the third operator watches from the old list on", asked).await;
            life.bed.eventually("the third operator is at rest", async || life.is_at_rest()).await;
            assert_eq!(life.bed.sim.log().deletes(kind.account()).len(), sent, "a DELETE after the release");
            life.bed.assert_no_key_shows().await;
        })
        .await;
    }
}

impl Life {
    /// Whether the third operator has listed, and waits for no answer.
    fn is_at_rest(&self) -> bool {
        let listed = self.crew.log().lines().filter(|line| line.contains("every object was listed")).count();
        let trace = self.proxy.trace();
        let open = trace.iter().rev().take_while(|entry| entry.call != Call::ListAccounts);
        listed >= 3 && open.filter(|entry| entry.call != Call::WatchAccounts).all(|entry| entry.answered.is_some())
    }
}
