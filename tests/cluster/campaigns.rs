//! config/gitops/pause-campaigns.yaml as users apply it: campaigns are paused before their account goes.

use std::path::PathBuf;
use std::process::Output;

use provider_simulator::CampaignStatus::{Active, Paused};
use provider_simulator::{Call, Fault, On, State, Status};
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE};

const FILE: &str = include_str!("../../config/gitops/pause-campaigns.yaml");
const HOOK: &str = "pre-delete.hook.sender-operator.dev/pause-campaigns";

/// What the Job of the file runs, as the ServiceAccount of the file.
struct Job<'a> {
    bed: &'a Bed,
    kubeconfig: PathBuf,
    script: String,
}

impl<'a> Job<'a> {
    async fn install(bed: &'a Bed) -> Self {
        let apply = ["-n", &bed.namespace, "apply", "-f", "-"];
        bed.plane.kubectl_with_stdin(apply, FILE).await.expect("the API server takes all of it");
        let token = bed.kubectl(&["create", "token", "pause-campaigns"]).await;
        let kubeconfig = bed.plane.kubeconfig_for_token(token.trim()).expect("a kubeconfig");
        let map = bed.kubectl(&["get", "configmap", "pause-campaigns", "-o", "json"]).await;
        let map: Value = serde_json::from_str(&map).expect("JSON");
        let script = map["data"]["pause-campaigns.sh"].as_str().expect("the script").to_owned();
        Self { bed, kubeconfig, script }
    }

    /// One run, with kubectl, the machine's curl, and jq.
    async fn run(&self) -> Output {
        let bed = self.bed;
        let kubectl = bed.plane.kubectl_path().parent().expect("kubectl is in a folder");
        let machine = std::env::var("PATH").unwrap_or_default();
        let found = std::env::split_paths(&machine).any(|folder| folder.join("curl").is_file());
        assert!(found, "curl is missing: the script of config/gitops/pause-campaigns.yaml needs it; install curl");
        let path = format!("{}:{}:{machine}", kubectl.display(), gitops::built("jq").display());
        tokio::process::Command::new("sh")
            .args(["-c", &self.script])
            .env("PATH", path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", bed.plane.dir().join("kubectl-cache"))
            .env("KUBERC", "off")
            .env("NAMESPACE", &bed.namespace)
            // The simulator speaks no TLS.
            .env("PROTOCOL", "http")
            .output()
            .await
            .expect("a shell runs")
    }

    async fn succeeds(&self) -> String {
        let output = self.run().await;
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        self.bed.assert_no_key_in("what the script writes", &format!("{said}{complained}"));
        assert!(output.status.success(), "{said}{complained}");
        said.into_owned()
    }

    async fn fails(&self) -> String {
        let output = self.run().await;
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        self.bed.assert_no_key_in("what the script writes", &format!("{said}{complained}"));
        assert!(!output.status.success(), "{said}{complained}");
        complained.into_owned()
    }
}

/// A sender with the hook, as it stands in Git.
async fn hooked(bed: &Bed, name: &str, provider: Value) {
    let mut object = bed.manifest(name, "puffle-workspace", &json!({"puffle": provider}), &json!({}));
    object["metadata"]["annotations"] = json!({HOOK: "cronjob/pause-campaigns"});
    bed.apply(&object).await;
    bed.until_connected(name).await;
}

/// The orders in which Puffle was asked to pause, and to delete this account.
fn pauses_and_deletes(bed: &Bed, account: &str) -> (Vec<u64>, Vec<u64>) {
    let log = bed.sim.log();
    let pauses = log.entries().filter(|entry| entry.call == Call::Other && entry.path.ends_with("/pause"));
    let ended = pauses.map(|entry| entry.ended.map_or(u64::MAX, |moment| moment.order)).collect();
    (ended, log.deletes(account).iter().map(|entry| entry.arrived.order).collect())
}

#[tokio::test]
async fn the_campaigns_of_an_account_are_paused_before_it_goes_and_others_are_not() {
    let bed = Bed::new("campaigns").await;
    let key = bed.key();
    for account in [LINKEDIN, PURGE] {
        bed.sim.puffle().add_linkedin(&key, account, Status::Connected);
    }
    bed.sim.puffle().add_email(&key, EMAIL);
    for (campaign, status, senders) in [
        ("spring", Active, &[LINKEDIN, EMAIL][..]),
        ("summer", Active, &[LINKEDIN]),
        ("autumn", Paused, &[LINKEDIN]),
        ("winter", Active, &[EMAIL]),
    ] {
        bed.sim.puffle().add_campaign(&key, campaign, status, senders);
    }
    bed.puffle_secret("puffle-workspace", &key).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    let job = Job::install(&bed).await;
    hooked(&bed, "carol", json!({"accountId": LINKEDIN.to_uppercase(), "channel": "LinkedIn"})).await;
    hooked(&bed, "dave", json!({"accountId": PURGE, "channel": "LinkedIn", "teardown": "Purge"})).await;

    // A live object's campaigns go on.
    job.succeeds().await;
    assert_eq!(pauses_and_deletes(&bed, LINKEDIN), (vec![], vec![]));

    bed.delete("carol").await;
    bed.until_waiting("carol", "PreDeleteHookPending").await;
    bed.prompted("carol").await;
    assert_eq!(pauses_and_deletes(&bed, LINKEDIN), (vec![], vec![]), "the deletion waits");
    let said = job.succeeds().await;
    assert!(said.contains("campaign spring is paused") && said.contains("campaign summer is paused"), "{said}");
    bed.until_gone("carol").await;

    let (pauses, deletes) = pauses_and_deletes(&bed, LINKEDIN);
    assert_eq!((pauses.len(), deletes.len()), (2, 1), "{}", bed.sim.log());
    assert!(pauses.iter().all(|pause| *pause < deletes[0]), "{}", bed.sim.log());
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    let statuses =
        ["spring", "summer", "autumn", "winter"].map(|id| bed.sim.puffle().campaign(id).expect("it is there"));
    assert_eq!(statuses, [Paused, Paused, Paused, Active]);
    let dave = bed.object("dave").await.expect("it lives");
    assert_eq!(dave["metadata"]["annotations"][HOOK], "cronjob/pause-campaigns");
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_campaign_that_somebody_else_has_just_paused_counts_as_paused_and_one_that_cannot_be_paused_keeps_its_account()
 {
    let bed = Bed::new("campaigns-fail").await;
    let key = bed.key();
    bed.sim.puffle().add_email(&key, EMAIL);
    bed.sim.puffle().add_campaign(&key, "spring", Active, &[EMAIL]);
    bed.puffle_secret("puffle-workspace", &key).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    let job = Job::install(&bed).await;
    hooked(&bed, "bob", json!({"accountId": EMAIL, "channel": "Email"})).await;
    bed.delete("bob").await;
    bed.until_waiting("bob", "PreDeleteHookPending").await;

    let outage = bed.sim.fault(On::call(Call::Other), Fault::puffle_error(500, "internal_error", "Simulated."));
    let complaint = job.fails().await;
    assert!(complaint.contains("bob: campaign spring cannot be paused"), "{complaint}");
    outage.clear();
    let outage = bed.sim.fault(On::read(), Fault::status(503));
    let complaint = job.fails().await;
    assert!(complaint.contains("bob: Puffle does not list its campaigns"), "{complaint}");
    outage.clear();
    assert_eq!(pauses_and_deletes(&bed, EMAIL).1, Vec::<u64>::new(), "the deletion waits");

    // The list still shows it active; when the pause arrives, it is not.
    let held = bed.sim.fault(On::call(Call::Other), Fault::own().applied_when_released().hold());
    let (said, ()) = tokio::join!(job.succeeds(), async {
        bed.eventually("Puffle has the request", async || held.waiting() == 1).await;
        bed.sim.puffle().add_campaign(&key, "spring", Paused, &[EMAIL]);
        held.release();
    });
    assert!(said.contains("campaign spring does not send any more"), "{said}");
    bed.until_gone("bob").await;
    assert_eq!(bed.truth(EMAIL), (State::Gone, 1, 1));
    bed.finish(operator).await;
}
