//! Real Helm on a real API server: install, upgrade, rollback, uninstall, and install again.

use envtest::{ControlPlane, Namespace, Options};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::time::Instant;

use crate::bed::{Bed, CRD, Kind, Operator};
use crate::helm::{CHART, RELEASE, Rendered, contains, helm};
use crate::kubelet::{self, get};
use crate::samples::together;

/// Everything that a release may consist of.
const KINDS: &str = "deployments,serviceaccounts,services,roles,rolebindings,clusterroles,clusterrolebindings,\
    poddisruptionbudgets,networkpolicies,configmaps,servicemonitors";

/// A second control plane, whose CRD is the chart's, for one test at a time.
pub struct Alone {
    plane: &'static ControlPlane,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for the second control plane.
pub async fn alone() -> Alone {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let turn = ONE_AT_A_TIME.lock().await;
    let start = || async { ControlPlane::start(Options { controller_manager: true }).await.expect("a control plane") };
    Alone { plane: PLANE.get_or_init(start).await, _turn: turn }
}

/// A namespace that admits no pod beyond the Pod Security Standard `restricted`.
pub async fn namespace(plane: &ControlPlane, prefix: &str) -> String {
    let namespace = Namespace::create(plane, prefix).await.expect("a namespace").name().to_owned();
    let restricted = ["label", "namespace", &namespace, "pod-security.kubernetes.io/enforce=restricted"];
    plane.kubectl(restricted).await.expect("it is labelled");
    namespace
}

/// These values, for providers on loopback and for little patience.
pub fn for_tests(values: &Value) -> Value {
    let mut all = json!({"extraArgs": ["--allow-insecure-loopback"], "maxBackoff": "2s", "observeInterval": "5s",
        "logging": {"level": "debug"}});
    if let (Some(all), Some(values)) = (all.as_object_mut(), values.as_object()) {
        all.extend(values.clone());
    }
    all
}

/// The chart, installed on a control plane that had no CRD, and its operator at work.
pub struct Installed {
    pub bed: Bed,
    pub namespace: String,
    pub operator: Operator,
    _alone: Alone,
}

impl Installed {
    /// `helm install --wait` with these values.
    pub async fn new(alone: Alone, values: &Value) -> Self {
        let plane = alone.plane;
        let namespace = namespace(plane, "operators").await;
        let began = Instant::now();
        let values = for_tests(values);
        let install = ["install", RELEASE, CHART, "--namespace", &namespace];
        let installing = async {
            let flags = ["--no-hooks", "--wait", "--timeout", "10m"];
            helm(plane, &install, &values, &flags).await.unwrap_or_else(|error| panic!("{error}"));
        };
        let working = async {
            for condition in ["--for=create", "--for=condition=Established"] {
                plane.kubectl(["wait", condition, CRD, "--timeout=300s"]).await.expect("the chart installs the CRD");
            }
            let bed = Bed::served(plane, "accounts").await;
            let operator = kubelet::start(&bed, &namespace).await;
            kubelet::report_ready(&bed, &namespace, &operator).await;
            (bed, operator)
        };
        let ((), (bed, operator)) = tokio::join!(installing, working);
        bed.until_born_with_finalizer().await;
        println!("from `helm install` to ready: {:.1} s", began.elapsed().as_secs_f64());
        Self { bed, namespace, operator, _alone: alone }
    }

    /// Helm on this release.
    pub async fn helm(&self, args: &[&str]) -> String {
        let all = args.iter().copied().chain(["--namespace", self.namespace.as_str()]);
        self.bed.plane.helm(all).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// `helm upgrade` to these values.
    pub async fn upgrade(&self, values: &Value) {
        let upgrade = ["upgrade", RELEASE, CHART, "--namespace", &self.namespace];
        helm(self.bed.plane, &upgrade, values, &["--no-hooks"]).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The operator ends as its pod does, and another begins, as what is installed now says.
    async fn restart(&mut self) {
        self.stop().await;
        self.operator = kubelet::start(&self.bed, &self.namespace).await;
    }

    async fn stop(&mut self) {
        self.operator.terminate();
        assert!(self.operator.ended().await.success(), "{}", self.operator.log());
    }

    /// Ends the test: nothing is left on the control plane.
    pub async fn finish(self) {
        let Self { bed, namespace, operator, _alone } = self;
        bed.finish(operator).await;
        bed.plane.helm(["uninstall", RELEASE, "--no-hooks", "--namespace", &namespace]).await.expect("it goes");
        // The policy that refuses it is gone, and the API server takes notice within a second or so.
        let goes = async || bed.plane.kubectl(["delete", CRD, "--ignore-not-found"]).await.is_ok();
        bed.eventually("the CRD goes", goes).await;
    }
}

/// What Helm has rendered last is what the API server has stored.
async fn assert_stored(installed: &Installed) {
    let manifest = installed.helm(&["get", "manifest", RELEASE]).await;
    let get = ["-n", &installed.namespace, "get", "-f", "-", "-o", "json"];
    let there = installed.bed.plane.kubectl_with_stdin(get, &manifest).await.expect("every object is there");
    let there: Value = serde_json::from_str(&there).expect("kubectl prints JSON");
    let wanted = Rendered::parse(&manifest);
    assert!(wanted.objects().len() > 10, "{manifest}");
    for (wanted, there) in wanted.objects().iter().zip(there["items"].as_array().expect("a list")) {
        assert!(contains(there, wanted), "the API server has\n{there:#}\nand not\n{wanted:#}");
    }
}

async fn deployment(installed: &Installed) -> Value {
    get(installed.bed.plane, &installed.namespace, &["deployment", RELEASE]).await["spec"].clone()
}

/// The objects with their identity, in order.
async fn accounts(bed: &Bed) -> Vec<(String, String)> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let of = |object: &Value| (text(&object["metadata"]["name"]), text(&object["metadata"]["uid"]));
    bed.objects().await.iter().map(of).collect()
}

/// An account is adopted and deleted.
async fn come_and_go(bed: &Bed) {
    let senders = [bed.sender(Kind::PostPress, "acme")];
    bed.adopt_connected(&senders).await;
    bed.delete_all().await;
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
}

/// A CRD like the Prometheus operator's, as far as Helm and the API server care.
fn servicemonitors() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
        "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
            "names": {"kind": "ServiceMonitor", "plural": "servicemonitors", "singular": "servicemonitor"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}})
}

#[tokio::test]
async fn accounts_outlive_upgrade_rollback_uninstall_and_a_new_installation_and_are_then_deleted() {
    let mut installed = Installed::new(alone().await, &json!({})).await;
    let plane = installed.bed.plane;
    installed.bed.apply(&servicemonitors()).await;
    let senders = installed.bed.senders();
    installed.bed.adopt_connected(&senders).await;
    let (before, first) = (accounts(&installed.bed).await, deployment(&installed).await);

    installed.upgrade(&together()).await;
    assert_stored(&installed).await;
    let second = deployment(&installed).await;
    assert_eq!((&first["replicas"], &second["replicas"]), (&json!(1), &json!(2)));

    installed.helm(&["rollback", RELEASE, "1", "--no-hooks"]).await;
    assert_stored(&installed).await;
    assert_eq!(deployment(&installed).await, first);
    installed.restart().await;
    installed.bed.prompted("linkedin").await;
    assert_eq!(accounts(&installed.bed).await, before);

    installed.stop().await;
    installed.helm(&["uninstall", RELEASE, "--no-hooks"]).await;
    let left = ["get", KINDS, "-A", "-o", "name", "-l", "app.kubernetes.io/instance=sender-operator"];
    assert_eq!(plane.kubectl(left).await.expect("a list").trim(), "", "the release leaves nothing of its own");
    assert_eq!(accounts(&installed.bed).await, before, "the CRD was kept, and each object with it");

    let install = ["install", RELEASE, CHART, "--namespace", &installed.namespace];
    helm(plane, &install, &for_tests(&json!({})), &["--no-hooks"]).await.expect("it takes the kept CRD over");
    installed.operator = kubelet::start(&installed.bed, &installed.namespace).await;
    installed.bed.delete_all().await;
    installed.bed.until_all_gone(&senders).await;
    installed.bed.assert_ended(&senders);

    plane.kubectl(["delete", "crd", "servicemonitors.monitoring.coreos.com"]).await.expect("it goes");
    installed.finish().await;
}

#[tokio::test]
async fn a_crd_that_is_not_to_be_kept_goes_with_the_release() {
    let installed = Installed::new(alone().await, &json!({"crds": {"keep": false}})).await;
    let Installed { bed, namespace, operator, _alone } = installed;
    come_and_go(&bed).await;
    bed.finish(operator).await;
    bed.plane.helm(["uninstall", RELEASE, "--no-hooks", "--namespace", &namespace]).await.expect("it is uninstalled");
    bed.plane.kubectl(["wait", "--for=delete", CRD, "--timeout=90s"]).await.expect("the CRD goes");
}

#[tokio::test]
async fn a_namespace_that_enforces_the_restricted_standard_admits_the_pod_and_the_notes_can_be_typed_in() {
    let installed = Installed::new(alone().await, &json!({})).await;
    let (plane, namespace) = (installed.bed.plane, &installed.namespace);
    let bare = plane.kubectl(["-n", namespace, "run", "bare", "--image=bare"]).await.expect_err("it is enforced");
    assert!(bare.to_string().contains("violates PodSecurity \"restricted"), "{bare}");
    let pods = get(plane, namespace, &["pods"]).await;
    assert_eq!(pods["items"].as_array().map(Vec::len), Some(1), "the operator's is admitted");

    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&key, installed.bed.key()).unwrap();
    let notes = installed.helm(&["get", "notes", RELEASE]).await;
    let commands: Vec<_> = notes.lines().map(str::trim).filter(|line| line.starts_with("kubectl")).collect();
    assert_eq!(commands.len(), 3, "{notes}");
    for command in commands {
        installed.bed.type_in(&command.replace("FILE", key.path().to_str().unwrap())).await;
    }
    plane.kubectl(["-n", "default", "delete", "secret", "puffle-workspace"]).await.expect("the notes created it");
    come_and_go(&installed.bed).await;
    installed.finish().await;
}
