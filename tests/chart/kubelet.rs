//! In place of a kubelet: runs what a Deployment says, as its ServiceAccount, and reports its pods ready once it is.

use std::ffi::OsString;
use std::process::Command;

use envtest::ControlPlane;
use serde_json::{Value, json};

use crate::bed::{Bed, Operator};

/// kubectl in this namespace, as JSON.
pub async fn get(plane: &ControlPlane, namespace: &str, what: &[&str]) -> Value {
    let all = ["-n", namespace, "get", "-o", "json"].into_iter().chain(what.iter().copied());
    let text = plane.kubectl(all).await.unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_str(&text).expect("kubectl prints JSON")
}

/// Starts the operator with the arguments and environment of the only Deployment in this namespace, with a token for its
/// ServiceAccount. Only `--listen` is another: a free port on loopback.
pub async fn start(bed: &Bed, namespace: &str) -> Operator {
    let deployments = || get(bed.plane, namespace, &["deployments"]);
    bed.eventually("the Deployment is there", async || deployments().await["items"][0].is_object()).await;
    let deployments = deployments().await;
    let pod = &deployments["items"][0]["spec"]["template"]["spec"];
    let account = pod["serviceAccountName"].as_str().expect("it has a ServiceAccount");
    let token = bed.plane.kubectl(["-n", namespace, "create", "token", account]).await.expect("a token");
    let container = &pod["containers"][0];
    let mut command = Command::new(env!("CARGO_BIN_EXE_sender-operator"));
    command.env_clear().env("KUBECONFIG", bed.plane.kubeconfig_for_token(token.trim()).expect("a kubeconfig"));
    for variable in container["env"].as_array().into_iter().flatten() {
        let part = |name: &str| OsString::from(variable[name].as_str().expect("a name and a value"));
        command.env(part("name"), part("value"));
    }
    for arg in container["args"].as_array().expect("it has arguments") {
        let arg = arg.as_str().expect("a text");
        command.arg(if arg.starts_with("--listen=") { "--listen=127.0.0.1:0" } else { arg });
    }
    let operator = bed.spawn_operator(command);
    bed.until_logged(&operator, &["sender-operator starts", &bed.plane.url()]).await;
    operator
}

/// Waits until the operator says that it is ready, and reports that of each pod in this namespace.
pub async fn report_ready(bed: &Bed, namespace: &str, operator: &Operator) {
    bed.eventually("the operator is ready", async || operator.admin("/readyz").await.contains(" 200 ")).await;
    let pods = || get(bed.plane, namespace, &["pods"]);
    bed.eventually("the pod was admitted", async || pods().await["items"][0].is_object()).await;
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": now});
    let status = json!({"status": {"phase": "Running", "conditions": [ready]}}).to_string();
    for pod in pods().await["items"].as_array().into_iter().flatten() {
        let name = pod["metadata"]["name"].as_str().expect("a name");
        let patch = ["-n", namespace, "patch", "pod", name, "--subresource=status", "--type=merge", "-p", &status];
        bed.plane.kubectl(patch).await.expect("the status is accepted");
    }
}
