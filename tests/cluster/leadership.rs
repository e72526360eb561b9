//! Of several replicas one acts. Whatever becomes of it or of its Lease another one goes on, and a LinkedIn sender that
//! shall be disconnected gets one DELETE that takes effect; also where nobody is elected at all.

mod replicas;

use fault_proxy::{Call, Proxy};
use jiff::Timestamp;
use provider_simulator::{Fault, On, State};
use rustix::process::Signal;
use serde_json::json;

use crate::bed::{Bed, Kind, LINKEDIN, Property};
use crate::rights::{beyond, grant, in_the_namespace, service_account};
use replicas::*;

/// Longer than any test here can take: who reads after another one's DELETE only reads.
const LONG_WINDOW: [&str; 2] = ["--outcome-window", "10m"];

#[tokio::test]
async fn of_two_replicas_one_acts_and_the_other_is_ready_and_watches_nothing() {
    let bed = Bed::new("leader").await;
    linkedin(&bed).await;
    let (leader, other) = replicas(&bed, &[]).await;
    bed.until_connected("linkedin").await;

    let ready = other.admin("/readyz").await;
    assert!(ready.contains("200 OK") && ready.contains("standing by"), "{ready}");
    assert!(ready.contains(&holder(&bed).await), "it says who leads: {ready}");
    assert!(other.admin("/livez").await.contains("200 OK"));
    assert!(other.admin("/metrics").await.contains("sender_operator_leader 0\n"));
    assert!(leader.admin("/metrics").await.contains("sender_operator_leader 1\n"));
    assert!(leader.admin("/readyz").await.contains("200 OK"));

    bed.delete("linkedin").await;
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert!(!other.log().contains("every object was listed"), "{}", other.log());
    assert_eq!(stopped(other).await, Some(0), "one that stands by has nothing to end");
    bed.finish(leader).await;
    assert_eq!(holder(&bed).await, "", "the Lease is given back");
}

#[tokio::test]
async fn when_the_leader_is_killed_in_mid_delete_the_other_one_finishes_with_no_second_delete() {
    let bed = Bed::new("leader-killed").await;
    linkedin(&bed).await;
    let (leader, other) = replicas(&bed, &LONG_WINDOW).await;
    let delete = in_mid_delete(&bed, Fault::own().hold()).await;

    leader.kill();
    until_leads(&bed, &other, "did not renew it").await;
    bed.until_gone("linkedin").await;
    delete.release();
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(other.proof("linkedin"), "AlreadySoft");
    bed.finish(other).await;
}

#[tokio::test]
async fn a_new_leader_lets_nothing_go_without_a_proof_while_a_delete_of_the_one_before_may_be_on_its_way() {
    let bed = Bed::new("leader-heir").await;
    let postpress = bed.sender(Kind::PostPress, "postpress");
    bed.adopt(std::slice::from_ref(&postpress)).await;
    let (leader, other) = replicas(&bed, &[]).await;
    bed.until_connected("postpress").await;
    let delete = bed.sim.fault(On::delete(), Fault::own().not_applied().hold());
    bed.delete("postpress").await;
    bed.eventually("the DELETE is on its way", async || delete.waiting() == 1).await;

    leader.kill();
    delete.clear();
    bed.patch_spec("postpress", &json!({"deletionPolicy": "Orphan"})).await;
    until_leads(&bed, &other, "did not renew it").await;
    bed.until_waiting("postpress", "RequestMayBeInFlight").await;
    bed.patch_spec("postpress", &json!({"deletionPolicy": "Delete"})).await;
    bed.until_gone("postpress").await;
    assert_eq!(bed.truth(&postpress.account), (State::Gone, 2, 1));
    bed.finish(other).await;
}

#[tokio::test]
async fn a_leader_that_is_stopped_in_mid_delete_keeps_the_lease_until_its_request_has_ended_and_then_gives_it_back() {
    let bed = Bed::new("leader-stopped").await;
    linkedin(&bed).await;
    let (mut leader, other) = replicas(&bed, &LONG_WINDOW).await;
    let delete = in_mid_delete(&bed, Fault::own().hold()).await;

    leader.terminate();
    bed.until_logged(&leader, &["stopping: nothing new begins"]).await;
    let (held_by, renewed) = (holder(&bed).await, renewed_at(&bed).await);
    bed.eventually("the Lease is renewed twice more", async || {
        renewed_at(&bed).await.duration_since(renewed) > jiff::SignedDuration::from_secs(3)
    })
    .await;
    assert_eq!(holder(&bed).await, held_by, "its DELETE is on its way");
    delete.release();
    assert!(leader.ended().await.success());

    until_leads(&bed, &other, "it was given back").await;
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(other.proof("linkedin"), "ReadBack", "the leader has recorded its answer");
    let log = bed.sim.log();
    let ended = log.deletes(LINKEDIN)[0].ended.expect("it was answered").at;
    assert!(led_since(&other) >= ended, "it led before the DELETE had ended: {log}");
    bed.finish(other).await;
}

#[tokio::test]
async fn a_lease_that_is_edited_or_deleted_in_mid_delete_is_written_anew_and_its_holder_acts_on() {
    let bed = Bed::new("leader-lease-gone").await;
    linkedin(&bed).await;
    let (leader, other) = replicas(&bed, &LONG_WINDOW).await;
    let delete = in_mid_delete(&bed, Fault::own().hold()).await;

    let held_by = holder(&bed).await;
    let spec = r#"{"spec":{"leaseDurationSeconds":2147483647,"leaseTransitions":7}}"#;
    let edits = [
        &["patch", LEASE, "--type=merge", "-p", spec][..],
        &["label", LEASE, "edited-by=somebody"],
        &["delete", LEASE],
    ];
    for edit in edits {
        bed.kubectl(edit).await;
        let since = Timestamp::now();
        bed.eventually("the Lease is renewed", async || {
            lease(&bed).await.is_some_and(|lease| renewed(&lease) > since && lease["spec"]["holderIdentity"] == held_by)
        })
        .await;
    }
    delete.release();
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(leader.proof("linkedin"), "ReadBack");
    assert!(!other.log().contains(LEADING), "{}", other.log());
    assert_eq!(stopped(other).await, Some(0));
    bed.finish(leader).await;
}

#[tokio::test]
async fn a_leader_whose_lease_a_stranger_takes_in_mid_delete_records_its_answer_and_ends_and_the_other_one_finishes() {
    let bed = Bed::new("leader-thief").await;
    linkedin(&bed).await;
    let (mut leader, other) = replicas(&bed, &LONG_WINDOW).await;
    let delete = in_mid_delete(&bed, Fault::own().hold()).await;

    steal(&bed, "thief").await;
    bed.until_logged(&leader, &["leadership is lost", "thief holds the Lease"]).await;
    delete.release();
    assert_eq!(leader.ended().await.code(), Some(1));
    let object = bed.object("linkedin").await.expect("nothing is released without leadership");
    assert!(object["status"]["teardown"]["acked"]["at"].is_string(), "{:#}", object["status"]);

    until_leads(&bed, &other, "thief did not renew it").await;
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(other.proof("linkedin"), "ReadBack");
    bed.finish(other).await;
}

#[tokio::test]
async fn two_replicas_of_which_one_took_the_lease_in_the_others_mid_delete_send_one_delete() {
    let bed = Bed::new("leader-robbed").await;
    bed.excuse(Property::S5, "who reads may see the effect before the answer has reached the other one");
    linkedin(&bed).await;
    let (mut leader, other) = replicas(&bed, &LONG_WINDOW).await;
    let delete = in_mid_delete(&bed, Fault::own().applied_when_released().hold()).await;

    steal(&bed, &me(&other)).await;
    until_leads(&bed, &other, "it was taken before").await;
    bed.until_reason("linkedin", "OutcomeUnknown").await;
    bed.until_logged(&leader, &["leadership is lost"]).await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0), "it is read, and not sent again");
    delete.release();
    assert_eq!(leader.ended().await.code(), Some(1));
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(leader.receipts(), [json!(null); 0], "it let nothing go");
    bed.finish(other).await;
}

#[tokio::test]
async fn a_leader_that_stood_still_until_another_one_led_begins_nothing_more_when_it_wakes_up() {
    let bed = Bed::new("leader-paused").await;
    linkedin(&bed).await;
    let postpress = bed.sender(Kind::PostPress, "postpress");
    bed.adopt(std::slice::from_ref(&postpress)).await;
    let (mut leader, other) = replicas(&bed, &["--observe-interval", "1h"]).await;
    bed.until_connected("linkedin").await;
    bed.until_connected("postpress").await;
    // What its intent would rest on.
    let read = bed.sim.fault(On::read().account(LINKEDIN), Fault::own().hold());
    bed.delete("linkedin").await;
    bed.eventually("it reads the sender", async || read.waiting() == 1).await;

    signal(&leader, Signal::STOP);
    read.clear();
    read.release();
    until_leads(&bed, &other, "did not renew it").await;
    bed.until_gone("linkedin").await;
    let delete = bed.sim.fault(On::delete().account(&postpress.account), Fault::own().hold());
    bed.delete("postpress").await;
    bed.eventually("the new leader deletes the other account", async || delete.waiting() == 1).await;

    signal(&leader, Signal::CONT);
    assert_eq!(leader.ended().await.code(), Some(1));
    assert!(leader.log().contains("was not renewed for 10 s"), "{}", leader.log());
    assert_eq!(bed.sim.log().deletes(&postpress.account).len(), 1, "both saw that it was being deleted");
    delete.release();
    bed.until_gone("postpress").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(bed.truth(&postpress.account), (State::Gone, 1, 1));
    assert_eq!(leader.receipts(), [json!(null); 0]);
    bed.finish(other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_the_api_server_does_not_answer_any_more_ends_by_itself_and_the_other_one_finishes() {
    let bed = Bed::new("leader-cut-off").await;
    linkedin(&bed).await;
    let proxy = Proxy::start(bed.plane.kubeconfig()).await.expect("a proxy");
    let mut leader = replica(&bed, proxy.kubeconfig(), &LONG_WINDOW);
    until_leads(&bed, &leader, "it is new").await;
    let other = replica(&bed, bed.plane.kubeconfig(), &LONG_WINDOW);
    until_stands_by(&bed, &other).await;
    let delete = in_mid_delete(&bed, Fault::own().hold()).await;

    for call in Call::ALL {
        proxy.rule(fault_proxy::On::call(call).times(u64::MAX), fault_proxy::Fault::swallow());
    }
    bed.until_logged(&leader, &["leadership is lost", "was not renewed for 10 s"]).await;
    delete.release();
    assert_eq!(leader.ended().await.code(), Some(1));
    until_leads(&bed, &other, "did not renew it").await;
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(other.proof("linkedin"), "AlreadySoft");
    bed.finish(other).await;
}

#[tokio::test]
async fn two_operators_that_both_act_because_nobody_is_elected_disconnect_each_sender_once() {
    let bed = Bed::new("leader-none").await;
    bed.excuse(Property::S5, "who reads may see the effect before the answer has reached the other one");
    let senders: Vec<_> = (0..8).map(|number| bed.sender(Kind::LinkedIn, &format!("sender-{number}"))).collect();
    let one = bed.operator(&LONG_WINDOW).await;
    let other = bed.operator(&LONG_WINDOW).await;
    bed.adopt_connected(&senders).await;
    bed.delete_all().await;
    bed.until_all_gone(&senders).await;

    for sender in &senders {
        assert_eq!(bed.truth(&sender.account), (State::Disconnected, 1, 1), "{}", sender.name);
    }
    for operator in [&one, &other] {
        assert!(operator.admin("/metrics").await.contains("sender_operator_leader 1\n"));
    }
    assert_eq!(stopped(one).await, Some(0));
    bed.finish(other).await;
}

#[tokio::test]
async fn without_the_right_to_the_lease_an_operator_is_not_ready_and_says_what_to_grant_and_with_it_leads() {
    let bed = Bed::new("leader-rights").await;
    linkedin(&bed).await;
    let kubeconfig = service_account(&bed).await;
    grant(&bed, "", in_the_namespace()).await;
    grant(&bed, "Cluster", beyond()).await;
    let operator = replica(&bed, &kubeconfig, &[]);
    bed.until_logged(&operator, &["nobody can be made leader", "get, create and update on leases.coordination.k8s.io"])
        .await;
    let ready = operator.admin("/readyz").await;
    assert!(ready.contains("503") && ready.contains("leases.coordination.k8s.io"), "{ready}");
    assert!(operator.admin("/livez").await.contains("200 OK"));

    let mut rules = in_the_namespace();
    let leases =
        json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]});
    rules.as_array_mut().expect("rules").push(leases);
    grant(&bed, "", rules).await;
    until_leads(&bed, &operator, "it is new").await;
    bed.until_connected("linkedin").await;
    bed.delete("linkedin").await;
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
    assert_eq!(holder(&bed).await, "", "it may give the Lease back, too");
}
