//! Many objects at once: a namespace that is deleted, and the CRD.

use provider_simulator::State;
use serde_json::{Value, json};

use super::documented::line_is_documented;
use super::{Release, command_in, in_force, rendered};
use crate::bed::{Bed, CRD, Kind, deleting};

#[tokio::test]
async fn a_namespace_that_is_deleted_waits_for_what_is_protected_or_unconfirmed_and_says_what_to_type() {
    let bed = Bed::new("guarding").await;
    let there = bed.beside("guarded").await;
    // The rights of a Role go with its namespace.
    let values = ["requireConfirmation={Email}", "rbac.clusterWide=true"];
    let release = Release::install(&bed, &[&there.namespace], &values).await;
    let operator = bed
        .operator_as(
            &release.operator.kubeconfig,
            &[&bed.namespace, &there.namespace],
            &["--require-confirmation", "Email"],
        )
        .await;
    let (kept, mailbox, free) = (
        there.sender(Kind::PostPress, "kept"),
        there.sender(Kind::Email, "mailbox"),
        there.sender(Kind::LinkedIn, "free"),
    );
    let senders = [kept.clone(), mailbox.clone(), free.clone()];
    there.adopt_connected(&senders).await;
    there.patch_spec("kept", &json!({"deletionProtection": true})).await;
    there.kubectl(&["delete", "namespace", &there.namespace, "--wait=false"]).await;

    let says = async || {
        let namespace =
            there.kubectl(&["get", "namespace", &there.namespace, "--ignore-not-found", "-o", "json"]).await;
        let namespace: Value = serde_json::from_str(&namespace).unwrap_or_default();
        let conditions = namespace["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let failure =
            conditions.into_iter().find(|c| c["type"] == "NamespaceDeletionContentFailure" && c["status"] == "True");
        let message = failure.and_then(|failure| failure["message"].as_str().map(str::to_owned)).unwrap_or_default();
        message.split_once("denied request: ").map(|(_, message)| message.to_owned())
    };
    there.eventually("the namespace says what keeps it", async || says().await.is_some()).await;
    for sender in [&kept, &mailbox] {
        let object = there.object(&sender.name).await.expect("it is there");
        assert!(!deleting(&object), "{} is not even marked", sender.name);
        assert_eq!(there.truth(&sender.account), (State::Connected, 0, 0));
    }
    // Each time the command that the namespace's own status names, until it names none.
    let gone = async || {
        if let Some(message) = says().await {
            let command =
                command_in(&message).trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '\'').to_owned();
            there.shell(there.plane.kubeconfig(), &command).await.ok();
        }
        there.kubectl(&["get", "namespace", &there.namespace, "--ignore-not-found"]).await.is_empty()
    };
    there.eventually("the namespace is gone", gone).await;
    there.assert_ended(&senders);
    bed.finish(operator).await;
}

#[tokio::test]
async fn the_crd_is_deleted_only_once_it_says_that_it_may_be_and_other_crds_are_not_held_up() {
    let (bed, _alone) = Bed::alone("crd-guarded").await;
    let operator = bed.operator(&[]).await;
    let sender = bed.sender(Kind::LinkedIn, "linkedin");
    bed.adopt_connected(std::slice::from_ref(&sender)).await;
    let policy = rendered::documents_of(&rendered::template(&bed, rendered::SERVED, &[]).await, "crd-deletion");
    bed.apply_all(&policy).await;
    in_force(&bed).await;
    let other = |plural: &str| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.example.com"), "labels": {"test": "other"}},
            "spec": {"group": "example.com", "names": {"plural": plural, "kind": "Other"}, "scope": "Namespaced",
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}})
    };
    let all = "kubectl delete --raw /apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let mut said = Vec::new();
    for way in [
        format!("kubectl delete {CRD} --wait=false"),
        "kubectl delete -f crds/senderaccounts.yaml --wait=false".into(),
        all.into(),
    ] {
        let refused = bed.shell(bed.plane.kubeconfig(), &way).await.expect_err(&way);
        said.push(super::refusal("crd-deletion", &refused));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:#?}");
    line_is_documented(&said[0]);
    assert!(!deleting(&bed.object("linkedin").await.expect("it is there")));
    bed.apply_all(&[other("others"), other("further")]).await;
    bed.kubectl(&["delete", "crd", "others.example.com", "--timeout=90s"]).await;
    bed.shell(bed.plane.kubeconfig(), &format!("{all}?labelSelector=test%3Dother")).await.expect("several at once");

    bed.shell(bed.plane.kubeconfig(), command_in(&said[0])).await.expect("it is annotated");
    bed.kubectl(&["delete", CRD, "--wait=false"]).await;
    bed.until_crd_gone().await;
    bed.assert_ended(&[sender]);
    for object in &policy {
        bed.kubectl(&["delete", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap()]).await;
    }
    bed.install_crd().await;
    let lifted = ["delete", CRD, "--dry-run=server"];
    bed.eventually("the policy is gone for the tests after this one", async || bed.try_kubectl(&lifted).await.is_ok())
        .await;
    bed.finish(operator).await;
}
