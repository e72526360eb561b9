//! The API server answers, but not what is next: that is shown on the object, and the provider is left alone meanwhile.

use std::time::Duration;

use fault_proxy::{Call, Fault, On};
use kube::api::{Patch, PatchParams};
use provider_simulator as provider;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bed::reason;
use crate::kind::{Kind, SECRET, SUBJECT};
use crate::life::Life;

/// More often than it is asked in any plan.
const ALWAYS: u64 = 10_000;

/// Deletes while every one of these calls fails so: nothing is sent, and that the API server is unavailable is shown, as is
/// returned. Without the fault it ends.
async fn deleted_under(life: &Life, kind: Kind, call: Call, fault: Fault) -> Value {
    life.at_rest(kind).await;
    life.proxy.rule(On::call(call).times(ALWAYS), fault);
    life.bed.mark(SUBJECT).await;
    let object = life.bed.until_waiting(SUBJECT, "ApiServerUnavailable").await;
    assert_eq!(life.bed.sim.log().deletes(kind.account()).len(), 0);
    life.proxy.clear_rules();
    life.bed.until_gone(SUBJECT).await;
    life.judge(kind).await;
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_the_api_server_cannot_show_is_what_the_object_says_it_waits_for() {
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("secret-500-{kind:?}"), async |life| {
            let object = deleted_under(life, kind, Call::GetSecret, Fault::status(500)).await;
            assert!(object["status"]["teardown"]["subject"].as_str().is_some_and(|subject| subject.contains("500")));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_the_api_server_cannot_carry_out_is_shown_and_the_provider_is_not_asked_again() {
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("release-500-{kind:?}"), async |life| {
            life.at_rest(kind).await;
            let failing = life.proxy.rule(On::call(Call::Release).times(ALWAYS), Fault::status(500));
            life.bed.mark(SUBJECT).await;
            life.bed
                .until(SUBJECT, "proved and waiting", |object| {
                    object["status"]["teardown"]["reason"] == "ApiServerUnavailable"
                        && object["status"]["teardown"]["phase"] == "Confirmed"
                })
                .await;
            let requests = life.bed.sim.log().entries().count();
            life.bed.eventually("it is tried again", async || failing.hits() >= 3).await;
            assert_eq!(life.bed.sim.log().entries().count(), requests, "what was proved is asked again");
            life.proxy.clear_rules();
            life.bed.until_gone(SUBJECT).await;
            life.judge(kind).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_takes_six_seconds_for_what_comes_before_a_delete_is_what_the_object_says_it_waits_for() {
    for (kind, call) in [(Kind::PostPress, Call::GetAccount), (Kind::Disconnect, Call::WriteIntent)] {
        Life::plan(&format!("slow-api-server-{kind:?}"), async |life| {
            deleted_under(life, kind, call, Fault::delay(Duration::from_secs(6))).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_the_outcome_of_an_intent_that_was_written_without_an_answer_and_never_sent() {
    const A_WINDOW_OF_AN_HOUR: [&str; 6] =
        ["--max-backoff", "1s", "--outcome-window", "1h", "--observe-interval", "1h"];
    Life::plan_with("unanswered-intent", &A_WINDOW_OF_AN_HOUR, async |life| {
        let kind = Kind::Disconnect;
        life.at_rest(kind).await;
        let unanswered = life.proxy.rule(On::call(Call::WriteIntent).times(2), Fault::status(503).after_commit());
        life.bed.mark(SUBJECT).await;
        life.bed.until_gone(SUBJECT).await;
        assert_eq!(unanswered.hits(), 2);
        life.judge(kind).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_cannot_keep_an_account_from_being_seen_whose_provider_takes_longer_for_a_read_than_it_for_a_write() {
    Life::plan("written-while-seen", async |life| {
        let (bed, kind) = (&life.bed, Kind::PostPress);
        life.start();
        let slow = provider::Fault::own().delay(Duration::from_secs(1));
        let reads = bed.sim.fault(provider::On::read().times(ALWAYS), slow);
        kind.create(bed, SUBJECT, kind.account(), SECRET, &bed.key()).await;
        let mut beat = 0;
        while bed.object(SUBJECT).await.is_none_or(|object| reason(&object) != kind.at_rest()) {
            let patch = Patch::Merge(json!({"metadata": {"annotations": {"example.com/beat": beat.to_string()}}}));
            bed.accounts().patch(SUBJECT, &PatchParams::default(), &patch).await.expect("it is there");
            beat += 1;
            assert!(beat < 600, "it was not seen");
            sleep(Duration::from_millis(100)).await;
        }
        assert!(reads.hits() < 4, "it is not read again for each write: {}", reads.hits());
        bed.mark(SUBJECT).await;
        bed.until_gone(SUBJECT).await;
        life.judge(kind).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_cannot_hold_a_deletion_up_whose_provider_takes_longer_for_a_read_than_it_for_a_write() {
    Life::plan("written-while-read", async |life| {
        let (bed, kind) = (&life.bed, Kind::Disconnect);
        life.at_rest(kind).await;
        let slow = provider::Fault::own().delay(Duration::from_secs(1));
        bed.sim.fault(provider::On::read().times(ALWAYS), slow);
        bed.mark(SUBJECT).await;
        let mut beat = 0;
        while bed.object(SUBJECT).await.is_some() {
            let patch = Patch::Merge(json!({"metadata": {"annotations": {"example.com/beat": beat.to_string()}}}));
            // It may go between the look and the write.
            let _ = bed.accounts().patch(SUBJECT, &PatchParams::default(), &patch).await;
            beat += 1;
            assert!(beat < 600, "it is still there");
            sleep(Duration::from_millis(100)).await;
        }
        life.judge(kind).await;
    })
    .await;
}
