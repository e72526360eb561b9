//! A release of the chart, and whoever plays the kubelet for its hook.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bed::{Bed, Operator, Sender};

/// Where the chart is.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/sender-operator");
/// The value with which no policy is installed.
pub const WITHOUT_POLICIES: &str = "admissionPolicies.enabled=false";
/// Between two looks for the hook's pod.
const BETWEEN: Duration = Duration::from_millis(100);

/// A release of the chart.
pub struct Release<'a> {
    bed: &'a Bed,
    name: String,
    watched: Vec<String>,
}

/// How `helm uninstall` ended.
#[derive(Debug)]
pub struct Uninstall {
    /// Whether the release is gone.
    pub done: bool,
    /// What the hook said; nothing where none ran.
    pub said: String,
}

impl<'a> Release<'a> {
    /// Installs it into the bed's namespace, which is the one that it watches.
    pub async fn install(bed: &'a Bed, values: &[&str]) -> Self {
        Self::watching(bed, &[bed], values).await
    }

    /// Installs it into the bed's namespace, whose CRD is there already, and lets it watch these.
    pub async fn watching(bed: &'a Bed, watched: &[&Bed], values: &[&str]) -> Self {
        let namespaces: Vec<_> = watched.iter().map(|bed| bed.namespace.clone()).collect();
        let set = format!("watchNamespaces={{{}}}", namespaces.join(","));
        let release = Self { bed, name: "senders".to_owned(), watched: namespaces };
        release
            .helm("install", &[CHART], &[&["crds.enabled=false", set.as_str()], values].concat())
            .await
            .expect("it is installed");
        if !values.contains(&WITHOUT_POLICIES) {
            for bed in watched {
                bed.until_born_with_finalizer().await;
            }
        }
        release
    }

    /// The same, with its operator at work on these accounts.
    pub async fn holding(bed: &'a Bed, values: &[&str], senders: &[Sender]) -> (Self, Operator) {
        let release = Self::install(bed, values).await;
        let operator = release.operator(&[]).await;
        bed.adopt_connected(senders).await;
        (release, operator)
    }

    /// The operator as the chart's Deployment would run it: as its ServiceAccount.
    pub async fn operator(&self, flags: &[&str]) -> Operator {
        let kubeconfig = self.kubeconfig("senders-sender-operator").await;
        let watched: Vec<_> = self.watched.iter().map(String::as_str).collect();
        self.bed.operator_as(&kubeconfig, &watched, flags).await
    }

    /// `helm VERB RELEASE ARGS`, with these values.
    pub async fn helm(&self, verb: &str, args: &[&str], values: &[&str]) -> Result<String, envtest::Error> {
        let mut all = vec![verb, self.name.as_str()];
        all.extend(args);
        all.extend(["--namespace", self.bed.namespace.as_str()]);
        all.extend(values.iter().flat_map(|value| ["--set", value]));
        self.bed.plane.helm(all).await
    }

    /// `helm uninstall`, with the hook's pod run.
    pub async fn uninstall(&self, args: &[&str]) -> Uninstall {
        let mut said = String::new();
        let done = tokio::select! {
            ended = self.helm("uninstall", args, &[]) => ended.is_ok(),
            () = self.play_kubelet(&mut said) => unreachable!("it plays on"),
        };
        Uninstall { done, said }
    }

    /// What Helm says of the release.
    pub async fn status(&self) -> String {
        let shown = self.helm("status", &["--output", "json"], &[]).await.expect("it is there");
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        shown["info"]["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Types in the commands that stand below this heading, as their reader would.
    pub async fn obey(&self, said: &str, heading: &str) {
        let below = said.lines().skip_while(|line| *line != heading).skip(1);
        let commands: Vec<_> = below.take_while(|line| line.starts_with("  ")).map(str::trim).collect();
        assert!(!commands.is_empty(), "there is no command below {heading:?}: {said}");
        for command in commands {
            let words: Vec<_> = command.split(' ').map(|word| if word == "CHART" { CHART } else { word }).collect();
            match words[..] {
                ["kubectl", ref args @ ..] => drop(self.bed.kubectl(args).await),
                ["helm", "uninstall", ref args @ ..] => {
                    assert_eq!(args, [&self.name, "-n", &self.bed.namespace]);
                    let ended = self.uninstall(&[]).await;
                    assert!(ended.done, "{ended:?}");
                }
                ["helm", ref args @ ..] => drop(self.bed.plane.helm(args).await.expect(command)),
                _ => panic!("neither kubectl nor helm: {command}"),
            }
        }
    }

    /// What the release or the operator has left behind.
    pub async fn leftovers(&self) -> Vec<String> {
        let kinds = "all,serviceaccounts,roles,rolebindings,leases,configmaps,networkpolicies,poddisruptionbudgets,senderaccounts";
        let mut names = self.bed.kubectl(&["get", kinds, "-o", "name"]).await;
        let secrets = r"jsonpath={range .items[*]}{.metadata.name} {.type} {.metadata.finalizers}{'\n'}{end}";
        let secrets = self.bed.kubectl(&["get", "secrets", "-o", secrets]).await;
        let kept =
            secrets.lines().filter(|line| line.contains("helm.sh/release") || line.contains("sender-operator.dev"));
        names.extend(kept.map(|line| format!("{line}\n")));
        let of = format!("app.kubernetes.io/instance={},app.kubernetes.io/managed-by=Helm", self.name);
        let cluster = self.bed.kubectl(&["get", "clusterroles,clusterrolebindings", "-l", &of, "-o", "name"]).await;
        names.extend(cluster.lines().filter(|name| name.contains(&self.bed.namespace)).map(|line| format!("{line}\n")));
        let every_namespace_has = ["serviceaccount/default", "configmap/kube-root-ca.crt"];
        names.lines().filter(|name| !every_namespace_has.contains(name)).map(str::to_owned).collect()
    }

    /// Waits until nothing is left: the garbage collector takes its time.
    pub async fn until_nothing_is_left(&self) {
        let mut left = Vec::new();
        let gone = async || {
            left = self.leftovers().await;
            left.is_empty()
        };
        self.bed.eventually("nothing of the release is left", gone).await;
    }

    /// Runs the pods of the hook's Jobs, one after the other.
    async fn play_kubelet(&self, said: &mut String) {
        let pods: Api<Pod> = Api::namespaced(self.bed.client.clone(), &self.bed.namespace);
        loop {
            let found = pods.list(&ListParams::default().labels("batch.kubernetes.io/job-name")).await.expect("a list");
            let pending =
                |pod: &&Pod| pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Pending"));
            if let Some(pod) = found.items.iter().find(pending) {
                let phase = if self.run(pod, said).await { "Succeeded" } else { "Failed" };
                let patch = Patch::Merge(json!({"status": {"phase": phase}}));
                pods.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await.expect("its end is reported");
            }
            sleep(BETWEEN).await;
        }
    }

    /// Runs one pod's container to its end.
    async fn run(&self, pod: &Pod, said: &mut String) -> bool {
        let spec = pod.spec.as_ref().expect("a spec");
        let [container] = &spec.containers[..] else { panic!("one container: {spec:?}") };
        let mut command = Command::new(env!("CARGO_BIN_EXE_sender-operator"));
        command.args(container.args.iter().flatten());
        command.env("KUBECONFIG", self.kubeconfig(spec.service_account_name.as_deref().unwrap_or("default")).await);
        let mut process = self.bed.spawn_operator(command);
        let status = process.ended().await;
        *said = process.log();
        status.success()
    }

    async fn kubeconfig(&self, service_account: &str) -> PathBuf {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.bed.client.clone(), &self.bed.namespace);
        let asked = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let given = accounts.create_token_request(service_account, &PostParams::default(), &asked).await;
        let token = given.expect("a token").status.expect("it is given").token;
        self.bed.plane.kubeconfig_for_token(&token).expect("a kubeconfig")
    }
}

/// The receipts among what a hook or an operator said.
pub fn receipts(said: &str) -> Vec<Value> {
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["receipt"] == true).collect()
}
