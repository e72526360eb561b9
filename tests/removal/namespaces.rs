//! The namespace that the operator runs in is deleted, with objects in it and beside it.

use envtest::{ControlPlane, Options};
use provider_simulator::State;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::bed::{Bed, Kind, deleting};
use crate::release::CHART;

/// Installs the operator for all namespaces into this one.
async fn install(bed: &Bed, namespace: &str, more: &[&str]) {
    let mut args = vec!["install", "senders", CHART, "--namespace", namespace, "--set", "crds.enabled=false"];
    args.extend(more);
    bed.plane.helm(args).await.expect("it is installed");
}

/// A kubeconfig of the operator's ServiceAccount in this namespace.
async fn operator_in(bed: &Bed, namespace: &str, watched: &[&str]) -> crate::bed::Operator {
    let token = ["-n", namespace, "create", "token", "senders-sender-operator"];
    let token = bed.plane.kubectl(token).await.expect("a token");
    let kubeconfig = bed.plane.kubeconfig_for_token(token.trim()).expect("a kubeconfig");
    bed.operator_as(&kubeconfig, watched, &[]).await
}

#[tokio::test]
async fn deleted_with_its_namespace_the_operator_leaves_objects_that_the_next_one_takes_on() {
    // A control plane of its own: a release that watches everything refuses beside others.
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    let start = || async { ControlPlane::start(Options { controller_manager: true }).await.expect("a control plane") };
    let bed = Bed::apart(PLANE.get_or_init(start).await, "operators").await;
    let elsewhere = bed.beside("accounts").await;
    let next = bed.beside("next").await;
    let watched = [bed.namespace.as_str(), elsewhere.namespace.as_str()];
    install(&bed, &bed.namespace, &[]).await;
    bed.until_born_with_finalizer().await;
    let operator = operator_in(&bed, &bed.namespace, &watched).await;
    let inside = bed.sender(Kind::LinkedIn, "inside");
    let beside = elsewhere.sender(Kind::PostPress, "beside");
    bed.adopt_connected(std::slice::from_ref(&inside)).await;
    elsewhere.adopt_connected(std::slice::from_ref(&beside)).await;

    // Its pod is among what goes first.
    operator.kill();
    bed.plane.kubectl(["delete", "namespace", &bed.namespace, "--wait=false"]).await.expect("it is marked");
    bed.until("inside", "marked and still there", deleting).await;
    let waits = async || {
        let shown = bed.plane.kubectl(["get", "namespace", &bed.namespace, "-o", "json"]).await.expect("it is there");
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        shown["status"]["conditions"].to_string().contains("sender-operator.dev/teardown in 1 resource instances")
    };
    bed.eventually("the namespace says what it waits for", waits).await;
    assert_eq!(bed.truth(&inside.account), (State::Connected, 0, 0));
    assert!(elsewhere.object("beside").await.is_some_and(|object| !deleting(&object)));

    // Helm's record went with the namespace, and what has none stayed: the next release takes it over.
    let refused =
        bed.plane.helm(["install", "senders", CHART, "--namespace", &next.namespace, "--set", "crds.enabled=false"]);
    let refused = refused.await.expect_err("what another release owns is not taken without a word").to_string();
    assert!(refused.contains("invalid ownership metadata"), "{refused}");
    install(&bed, &next.namespace, &["--take-ownership"]).await;
    let operator = operator_in(&next, &next.namespace, &watched).await;
    bed.until_gone("inside").await;
    bed.plane.kubectl(["wait", "--for=delete", "namespace", &bed.namespace, "--timeout=90s"]).await.expect("it goes");
    bed.assert_ended(&[inside]);
    elsewhere.delete("beside").await;
    elsewhere.until_gone("beside").await;
    elsewhere.assert_ended(&[beside]);
    next.plane.helm(["uninstall", "senders", "--namespace", &next.namespace, "--no-hooks"]).await.expect("it goes");
    operator.kill();
}
