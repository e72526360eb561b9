//! Where a policy is broken or half there, nothing else of the cluster is held up; and where it does not apply, nothing at all.

use sender_operator::crd::FINALIZER;
use serde_json::{Value, json};

use super::{Release, in_force};
use crate::bed::{Bed, Kind};

/// What everybody else does in the namespace.
async fn others_are_unaffected(bed: &Bed, person: &super::Person<'_>) {
    for resource in ["secret generic", "configmap"] {
        let kind = resource.split(' ').next().unwrap();
        person.does(&format!("kubectl create {resource} theirs --from-literal=a=b")).await;
        person.does(&format!("kubectl patch {kind} theirs --type merge -p '{{\"data\":{{\"a\":\"Yw==\"}}}}'")).await;
        person
            .does(&format!("kubectl patch {kind} theirs --type merge -p '{{\"metadata\":{{\"finalizers\":[]}}}}'"))
            .await;
        person.does(&format!("kubectl delete {kind} theirs")).await;
    }
    let own = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "theirs"}, "spec": {"replicas": 0,
        "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "a", "image": "example.com/a"}]}}}});
    bed.apply(&own).await;
    bed.kubectl(&["delete", "deployment", "theirs"]).await;
}

#[tokio::test]
async fn a_namespace_that_the_release_does_not_watch_is_as_without_policies() {
    let bed = Bed::new("watched").await;
    let there = bed.beside("unwatched").await;
    let _release = Release::install(&bed, &[], &["requireConfirmation={Email}"]).await;
    let (protected, mailbox) = (there.sender(Kind::PostPress, "protected"), there.sender(Kind::Email, "mailbox"));
    for (sender, more) in
        [(&protected, json!({"deletionProtection": true})), (&mailbox, json!({"deletionPolicy": "Orphan"}))]
    {
        there.apply(&there.object_of(sender, &more)).await;
        let object = there.object(&sender.name).await.expect("it is there");
        assert_eq!(
            (&object["metadata"]["finalizers"], &object["metadata"]["annotations"]["sender-operator.dev/orphaned-by"]),
            (&Value::Null, &Value::Null)
        );
    }
    there.patch_spec("mailbox", &json!({"deletionPolicy": "Delete"})).await;
    let said = there
        .shell(there.plane.kubeconfig(), &format!("kubectl delete sacc --all -n {} --dry-run=server", there.namespace))
        .await;
    assert!(said.as_ref().is_ok_and(|said| !said.contains("Warning")), "{said:?}");
    there.kubectl(&["delete", "sacc", "--all", "--timeout=90s"]).await;
}

#[tokio::test]
async fn policies_that_fail_in_every_expression_hold_up_sender_accounts_alone_and_never_orphan() {
    let bed = Bed::new("broken").await;
    let release = Release::install(&bed, &[], &["requireConfirmation={Email}"]).await;
    let maria = release.person("maria", &[]).await;
    let bob = bed.sender(Kind::PostPress, "bob");
    bed.apply_all(&[bob.secret(&bed.sim, &bob.key), bed.object_of(&bob, &json!({}))]).await;
    others_are_unaffected(&bed, &maria).await;

    let selector = "-l=app.kubernetes.io/instance=guard";
    let listed =
        bed.kubectl(&["get", "validatingadmissionpolicy,mutatingadmissionpolicy", selector, "-o", "json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let listed = listed["items"].as_array().expect("a list");
    let ours = listed
        .iter()
        .filter(|policy| policy["metadata"]["name"].as_str().is_some_and(|name| name.contains(&bed.namespace)));
    let mut broken = 0;
    for policy in ours {
        let mut spec = json!({"variables": null, "matchConditions": policy["spec"]["matchConditions"]});
        let fails = "object.nothing.of.the.kind == 'there'";
        if policy["kind"] == "ValidatingAdmissionPolicy" {
            spec["validations"] = json!([{"expression": fails, "message": "broken"}]);
        } else {
            let patch = r#"[JSONPatch{op: "add", path: "/nothing/of/the/kind", value: "there"}]"#;
            spec["mutations"] = json!([{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}]);
        }
        let (kind, name) = (policy["kind"].as_str().unwrap(), policy["metadata"]["name"].as_str().unwrap());
        bed.kubectl(&["patch", kind, name, "--type=merge", "-p", &json!({"spec": spec}).to_string()]).await;
        broken += 1;
    }
    assert_eq!(broken, 11, "every policy is broken");
    in_force(&bed).await;

    others_are_unaffected(&bed, &maria).await;
    let another = bed.object_of(&bed.sender(Kind::PostPress, "another"), &json!({}));
    bed.try_apply(&another).await.expect_err("its finalizer could not be put in");
    // What is doubtful is refused, what is not is done, and the way out of everything stays open.
    let strip = format!(
        r#"kubectl patch sacc bob --type json -p '[{{"op":"test","path":"/metadata/finalizers/0","value":"{FINALIZER}"}},{{"op":"remove","path":"/metadata/finalizers/0"}}]'"#
    );
    maria.is_refused("finalizer-release", &strip).await;
    maria.is_refused("deletion-protection", "kubectl delete sacc bob --wait=false").await;
    maria.does("kubectl label sacc bob team=sales").await;
    maria.does(r#"kubectl patch sacc bob --type merge -p '{"spec":{"deletionPolicy":"Orphan"}}'"#).await;
    release
        .operator
        .is_refused("operator-on-secrets", r#"kubectl patch secret bob --type merge -p '{"data":{"api-key":"YQ=="}}'"#)
        .await;

    // Half there: policies without bindings, and bindings without policies.
    for kind in ["validatingadmissionpolicy", "mutatingadmissionpolicy"] {
        let name = release.named("finalizer-release");
        bed.kubectl(&["delete", kind, &name, "--ignore-not-found"]).await;
        let name = release.named("deletion-protection");
        bed.kubectl(&["delete", &format!("{kind}binding"), &name, "--ignore-not-found"]).await;
    }
    in_force(&bed).await;
    others_are_unaffected(&bed, &maria).await;
    bed.eventually("what is gone does not refuse", async || maria.types(&strip).await.is_ok()).await;
    maria.does("kubectl delete sacc bob --timeout=90s").await;
}
