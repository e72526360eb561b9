//! Other people's admission policies and other people's writes, in the way of the operator's own.

use fault_proxy::{Call, Entry, Fault, Moment, On};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::runtime::Handle;

use crate::bed::{Bed, message, reason};
use crate::kind::{Kind, SUBJECT};
use crate::life::Life;

const OURS: &str = sender_operator::crd::FINALIZER;
const FOREIGN: &str = "example.com/late";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_a_policy_refuses_is_shown_in_its_words_and_the_provider_is_not_called_again() {
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("policy-refuses-release-{kind:?}"), async |life| {
            let bed = &life.bed;
            life.at_rest(kind).await;
            let keeps = format!("'{OURS}' in object.metadata.?finalizers.orValue([])");
            let strip = [
                "patch",
                "sacc",
                SUBJECT,
                "--dry-run=server",
                "--type=merge",
                "-p",
                r#"{"metadata":{"finalizers":[]}}"#,
            ];
            bed.object_to("UPDATE", "senderaccounts", &keeps).await;
            bed.until_objected(&strip).await;
            bed.mark(SUBJECT).await;
            let held = bed.until_reason(SUBJECT, "PatchRefused").await;
            assert!(message(&held).contains(Bed::OBJECTION), "{}", message(&held));
            assert_eq!(held["status"]["teardown"]["phase"], "Confirmed");
            let calls = bed.sim.log().entries().count();
            let tries = || life.proxy.trace().iter().filter(|entry| entry.call == Call::Release).count();
            let before = tries();
            bed.eventually("it is tried again", async || tries() > before + 1).await;
            assert_eq!(bed.sim.log().entries().count(), calls, "what is proved needs no provider");
            assert_eq!(reason(&bed.object(SUBJECT).await.expect("it is there")), "PatchRefused");
            bed.object_no_more().await;
            bed.until_gone(SUBJECT).await;
            life.judge(kind).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_policy_refuses_every_status_nothing_that_must_be_written_ahead_is_sent() {
    Life::plan("policy-refuses-status", async |life| {
        let (bed, kind) = (&life.bed, Kind::Disconnect);
        life.at_rest(kind).await;
        let write = r#"{"status":{"heldSecret":"other"}}"#;
        let write = ["patch", "sacc", SUBJECT, "--subresource=status", "--dry-run=server", "--type=merge", "-p", write];
        bed.object_to("UPDATE", "senderaccounts/status", "false").await;
        bed.until_objected(&write).await;
        bed.mark(SUBJECT).await;
        life.until_logged(&["refused", Bed::OBJECTION]).await;
        let intents = || life.proxy.trace().iter().filter(|entry| entry.call == Call::WriteIntent).count();
        let before = intents();
        bed.eventually("it is tried again", async || intents() > before).await;
        assert_eq!(bed.sim.log().deletes(kind.account()).len(), 0);
        bed.object_no_more().await;
        bed.until_gone(SUBJECT).await;
        life.judge(kind).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finalizers_that_change_under_the_release_are_looked_at_again() {
    const FLAGS: [&str; 6] = ["--max-backoff", "1s", "--outcome-window", "1s", "--ignore-finalizer", FOREIGN];
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan_with(&format!("finalizers-change-{kind:?}"), &FLAGS, async |life| {
            life.at_rest(kind).await;
            // The foreign one stands first, and is taken off when the patch that names the second place is on its way.
            let (accounts, runtime) = (life.bed.accounts(), Handle::current());
            let set = move |finalizers: &[&str]| {
                let patch = Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
                runtime
                    .block_on(accounts.patch(SUBJECT, &PatchParams::default(), &patch))
                    .expect("somebody else's write");
            };
            tokio::task::block_in_place(|| set(&[FOREIGN, OURS]));
            let meanwhile = Fault::pause(Moment::Before, move || set(&[OURS]));
            life.proxy.rule(On::call(Call::Release), meanwhile);
            life.bed.mark(SUBJECT).await;
            life.bed.until_gone(SUBJECT).await;
            let refused = |entry: &Entry| entry.call == Call::Release && entry.committed.is_some() && !entry.is_done();
            assert!(life.proxy.trace().iter().any(refused), "the first release met the object it was for");
            life.judge(kind).await;
        })
        .await;
    }
}
