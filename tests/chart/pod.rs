//! The pod: confined, probed, with room, and apart from its standby.

use serde_json::{Value, json};

use crate::helm::{Rendered, rendered};

fn pod(rendered: &Rendered) -> &Value {
    &rendered.the("Deployment")["spec"]["template"]["spec"]
}

#[tokio::test]
async fn it_is_probed_where_the_program_answers() {
    let rendered = rendered(&json!({"listen": {"port": 9090}, "livenessProbe": {"failureThreshold": 9}})).await;
    let container = rendered.container();
    assert!(rendered.args().contains(&"--listen=0.0.0.0:9090".to_owned()));
    assert_eq!(container["ports"], json!([{"name": "http", "containerPort": 9090, "protocol": "TCP"}]));
    assert_eq!(container["livenessProbe"]["httpGet"], json!({"path": "/livez", "port": "http"}));
    assert_eq!(container["livenessProbe"]["failureThreshold"], 9);
    assert_eq!(container["readinessProbe"]["httpGet"], json!({"path": "/readyz", "port": "http"}));
    let service = &rendered.the("Service")["spec"];
    assert_eq!(service["ports"][0]["targetPort"], "http");
    assert_eq!(service["selector"], rendered.the("Deployment")["spec"]["selector"]["matchLabels"]);
}

#[tokio::test]
async fn an_image_is_named_by_its_tag_or_by_its_digest() {
    let image = async |values: Value| rendered(&json!({"image": values})).await.container()["image"].clone();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(image(json!({})).await, format!("sender-operator/sender-operator:{version}"));
    assert_eq!(image(json!({"tag": "2.0.0"})).await, "sender-operator/sender-operator:2.0.0");
    assert_eq!(
        image(json!({"registry": "registry.example", "repository": "senders"})).await,
        format!("registry.example/senders:{version}")
    );
    let digest = format!("sha256:{}", "ab".repeat(32));
    assert_eq!(image(json!({"digest": digest})).await, format!("sender-operator/sender-operator@{digest}"));
}

#[tokio::test]
async fn one_replica_has_no_disruption_budget_and_several_are_spread() {
    let one = rendered(&json!({})).await;
    assert!(one.all("PodDisruptionBudget").is_empty());
    assert!(pod(&one)["topologySpreadConstraints"].is_null() && pod(&one)["affinity"].is_null());

    let two = rendered(&json!({"replicaCount": 2})).await;
    let selected = &two.the("Deployment")["spec"]["selector"]["matchLabels"];
    let budget = &two.the("PodDisruptionBudget")["spec"];
    assert_eq!([&budget["maxUnavailable"], &budget["selector"]["matchLabels"]], [&json!(1), selected]);
    assert_eq!(&pod(&two)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"], selected);
    let apart = &pod(&two)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0];
    assert_eq!(&apart["podAffinityTerm"]["labelSelector"]["matchLabels"], selected);
}

#[tokio::test]
async fn only_the_pod_gets_a_token() {
    let rendered = rendered(&json!({})).await;
    // The operator's own, and that of the Job that runs before it is uninstalled.
    let accounts = rendered.all("ServiceAccount");
    let pods = [pod(&rendered), &rendered.the("Job")["spec"]["template"]["spec"]];
    for pod in pods {
        assert_eq!(pod["automountServiceAccountToken"], true);
        assert!(accounts.iter().any(|account| account["metadata"]["name"] == pod["serviceAccountName"]));
    }
    assert_eq!(accounts.len(), pods.len());
    assert!(accounts.iter().all(|account| account["automountServiceAccountToken"] == false));
}

#[tokio::test]
async fn labels_that_selectors_rest_on_cannot_be_overwritten() {
    let name = "app.kubernetes.io/name";
    let rendered =
        rendered(&json!({"commonLabels": {name: "other", "team": "sales"}, "podLabels": {name: "third"}})).await;
    for object in rendered.objects() {
        // What the operator's selectors must not catch: the Job that runs before it is uninstalled, and what that stands on.
        let hook = object["metadata"]["annotations"].get("helm.sh/hook").is_some();
        let expected = if hook { "sender-operator-uninstall" } else { "sender-operator" };
        assert_eq!(object["metadata"]["labels"][name], expected, "{}", object["kind"]);
        assert_eq!(object["metadata"]["labels"]["team"], "sales", "{}", object["kind"]);
    }
    for (kind, expected) in [("Deployment", "sender-operator"), ("Job", "sender-operator-uninstall")] {
        assert_eq!(rendered.the(kind)["spec"]["template"]["metadata"]["labels"][name], expected, "{kind}");
    }
}

#[tokio::test]
async fn further_objects_are_rendered_as_templates() {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}});
    let rendered = rendered(&json!({"extraObjects": [object]})).await;
    assert_eq!(rendered.the("ConfigMap")["metadata"]["name"], "sender-operator-more");
}
