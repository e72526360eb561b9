//! The operator as a ServiceAccount with the rights it needs and no others.

use std::path::PathBuf;

use provider_simulator::{State, Status};
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, message};

const CRD: &str = "senderaccounts.sender-operator.dev";

/// A ServiceAccount in the bed's namespace, and a kubeconfig for it.
pub async fn service_account(bed: &Bed) -> PathBuf {
    bed.kubectl(&["create", "serviceaccount", "operator"]).await;
    let token = bed.kubectl(&["create", "token", "operator"]).await;
    bed.plane.kubeconfig_for_token(token.trim()).expect("a kubeconfig")
}

/// What it may do in the namespace: all that it does there but writing Events.
pub fn in_the_namespace() -> Value {
    json!([
        {"apiGroups": ["sender-operator.dev"], "resources": ["senderaccounts"], "verbs": ["get", "list", "watch", "patch"]},
        {"apiGroups": ["sender-operator.dev"], "resources": ["senderaccounts/status"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"]},
    ])
}

/// What it may do beyond: see whether the CRD or a namespace is going.
pub fn beyond() -> Value {
    json!([
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "resourceNames": [CRD], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    ])
}

/// Grants rules to the ServiceAccount: a Role or a ClusterRole and its binding.
pub async fn grant(bed: &Bed, cluster: &str, rules: Value) {
    let (namespace, name) = (&bed.namespace, format!("{}-operator", bed.namespace));
    let api = "rbac.authorization.k8s.io/v1";
    let subject = json!({"kind": "ServiceAccount", "name": "operator", "namespace": namespace});
    let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": format!("{cluster}Role"), "name": name});
    let items = [
        json!({"apiVersion": api, "kind": format!("{cluster}Role"), "metadata": {"name": name}, "rules": rules}),
        json!({"apiVersion": api, "kind": format!("{cluster}RoleBinding"), "metadata": {"name": name},
            "subjects": [subject], "roleRef": reference}),
    ];
    bed.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items})).await;
}

#[tokio::test]
async fn events_that_may_not_be_written_block_nothing_and_no_other_right_is_needed() {
    let bed = Bed::new("rights").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.sim.puffle().add_linkedin(&puffle, PURGE, Status::Connected);
    bed.sim.puffle().add_email(&puffle, EMAIL);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let kubeconfig = service_account(&bed).await;
    grant(&bed, "", in_the_namespace()).await;
    grant(&bed, "Cluster", beyond()).await;
    let operator = bed.operator_as(&kubeconfig, &[&bed.namespace], &[]).await;
    bed.postpress("postpress", "acc_1", "postpress").await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    bed.email("email", EMAIL, "puffle").await;
    bed.purge("purge", PURGE, "puffle").await;
    for name in ["postpress", "linkedin", "email", "purge"] {
        bed.until_connected(name).await;
    }
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    let log = bed.sim.log();
    let ends = ["acc_1", LINKEDIN, EMAIL, PURGE].map(|account| log.state(account));
    assert_eq!(ends, [State::Gone, State::Disconnected, State::Gone, State::Gone]);
    let refused = async || operator.admin("/metrics").await.contains(r#"sender_operator_events_total{fate="Refused"}"#);
    bed.eventually("refused Events are counted", refused).await;
    assert_eq!(bed.kubectl(&["get", "events", "-o", "name"]).await, "");
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_and_once_granted_the_deletion_goes_on() {
    let (bed, kubeconfig) = without_rights("rights-missing").await;
    let mut without_secrets = in_the_namespace();
    without_secrets[2]["verbs"] = json!(["patch"]);
    grant(&bed, "", without_secrets.clone()).await;
    let operator = bed.operator_as(&kubeconfig, &[&bed.namespace], &[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_reason("acme", "SecretForbidden").await;
    grant(&bed, "", in_the_namespace()).await;
    bed.until_connected("acme").await;
    bed.delete("acme").await;
    bed.until_reason("acme", "CrdUnreadable").await;
    assert!(bed.sim.log().deletes("acc_1").is_empty(), "whether the CRD is going is not known");
    let mut without_get = in_the_namespace();
    without_get[0]["verbs"] = json!(["list", "watch", "patch"]);
    grant(&bed, "", without_get).await;
    until_may_not(&bed, "get").await;
    grant(&bed, "Cluster", beyond()).await;
    let waits = bed.until_waiting("acme", "PatchRefused").await;
    assert!(message(&waits).contains("cannot get resource \"senderaccounts\""), "{}", message(&waits));
    grant(&bed, "", without_secrets).await;
    bed.until_waiting("acme", "SecretForbidden").await;
    assert!(bed.sim.log().deletes("acc_1").is_empty(), "neither the object nor its key may be looked at");
    grant(&bed, "", in_the_namespace()).await;
    bed.until_gone("acme").await;
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().deletes("acc_1").len()), (State::Gone, 1));
    bed.finish(operator).await;
}

/// An account, a Secret with its key, and a kubeconfig for a ServiceAccount that may do nothing yet.
async fn without_rights(name: &str) -> (Bed, PathBuf) {
    let bed = Bed::new(name).await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let kubeconfig = service_account(&bed).await;
    (bed, kubeconfig)
}

/// Waits until the API server knows that this right of the bed's ServiceAccount on the objects is gone.
async fn until_may_not(bed: &Bed, verb: &str) {
    let who = format!("--as=system:serviceaccount:{}:operator", bed.namespace);
    let gone = async || bed.try_kubectl(&["auth", "can-i", verb, "senderaccounts", &who]).await.is_err();
    bed.eventually("the right is gone", gone).await;
}

/// The bed's ServiceAccount may see the objects of the namespace beside it, too.
async fn let_it_list(bed: &Bed, beside: &Bed) {
    let role = format!("{}-operator", bed.namespace);
    let subject = format!("--serviceaccount={}:operator", bed.namespace);
    let verbs = ["--verb=get,list,watch,patch", "--resource=senderaccounts.sender-operator.dev"];
    beside.kubectl(&["create", "role", &role, verbs[0], verbs[1]]).await;
    beside.kubectl(&["create", "rolebinding", &role, &format!("--role={role}"), &subject]).await;
}

#[tokio::test]
async fn a_watched_namespace_that_cannot_be_listed_is_named_on_every_deletion_that_waits_for_it() {
    let (bed, kubeconfig) = without_rights("rights-list").await;
    let beside = bed.beside("rights-list-beside").await;
    grant(&bed, "", in_the_namespace()).await;
    grant(&bed, "Cluster", beyond()).await;
    let operator = bed.start_operator(&kubeconfig, &[&bed.namespace, &beside.namespace], &[]);
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    bed.delete("acme").await;
    let object = bed.until_waiting("acme", "NotListed").await;
    assert!(message(&object).contains(&format!("namespace {}", beside.namespace)), "{}", message(&object));
    assert!(bed.sim.log().deletes("acc_1").is_empty(), "an object there might name the same account");

    let_it_list(&bed, &beside).await;
    bed.until_gone("acme").await;
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().deletes("acc_1").len()), (State::Gone, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_deletion_that_is_proved_and_not_released_names_the_namespace_that_cannot_be_listed_and_keeps_its_proof() {
    let (bed, kubeconfig) = without_rights("rights-proved").await;
    let beside = bed.beside("rights-proved-beside").await;
    grant(&bed, "", in_the_namespace()).await;
    grant(&bed, "Cluster", beyond()).await;
    let operator = bed.operator_as(&kubeconfig, &[&bed.namespace], &[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    let mut no_release = in_the_namespace();
    no_release[0]["verbs"] = json!(["get", "list", "watch"]);
    grant(&bed, "", no_release).await;
    until_may_not(&bed, "patch").await;
    bed.delete("acme").await;
    let confirmed = bed.until("acme", "proved", |object| object["status"]["teardown"]["phase"] == "Confirmed").await;
    bed.finish(operator).await;

    let operator = bed.start_operator(&kubeconfig, &[&bed.namespace, &beside.namespace], &[]);
    let waits = bed.until_waiting("acme", "NotListed").await;
    assert!(message(&waits).contains(&format!("namespace {}", beside.namespace)), "{}", message(&waits));
    for kept in ["phase", "proof"] {
        assert_eq!(waits["status"]["teardown"][kept], confirmed["status"]["teardown"][kept], "{kept}");
    }
    grant(&bed, "", in_the_namespace()).await;
    let_it_list(&bed, &beside).await;
    bed.until_gone("acme").await;
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().deletes("acc_1").len()), (State::Gone, 1));
    bed.finish(operator).await;
}
