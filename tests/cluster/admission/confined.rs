//! The operator's ServiceAccount, in other hands than the operator's.

use sender_operator::crd::{FINALIZER, HOLD_TAKEN_OVER_AT, SECRET_FINALIZER};
use serde_json::{Value, json};

use super::documented::line_is_documented;
use super::{CHART, RELEASE, Release};
use crate::bed::{Bed, Kind};

/// What of an object's metadata is nobody's but its owner's.
fn metadata() -> Vec<Value> {
    let owner =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11"}]);
    vec![
        json!({"metadata": {"labels": {"a": "b"}}}),
        json!({"metadata": {"annotations": {"a": "b"}}}),
        json!({"metadata": {"ownerReferences": owner}}),
        json!({"metadata": {"finalizers": ["example.com/theirs", "example.com/another"]}}),
        json!({"metadata": {"finalizers": []}}),
    ]
}

#[tokio::test]
async fn with_the_operators_token_nothing_is_changed_but_its_own_finalizers_and_the_status() {
    let bed = Bed::new("confined").await;
    let release = Release::install(&bed, &[], &[]).await;
    let (operator, maria) = (&release.operator, release.person("maria", &[]).await);
    let bob = bed.sender(Kind::PostPress, "bob");
    let mut secret = bob.secret(&bed.sim, &bob.key);
    secret["metadata"]["finalizers"] = json!(["example.com/theirs"]);
    let mut object = bed.object_of(&bob, &json!({}));
    object["metadata"]["finalizers"] = json!(["example.com/theirs"]);
    bed.apply_all(&[secret, object]).await;
    bed.kubectl(&["create", "secret", "generic", "empty"]).await;
    let patch = |what: &str, patch: &Value| format!("kubectl patch {what} --type merge -p '{patch}'");
    let finalizers = |what: &str, names: &[&str]| patch(what, &json!({"metadata": {"finalizers": names}}));

    let mut on_secrets = metadata();
    on_secrets.extend([
        json!({"data": {"api-key": "c3RvbGVu"}}),
        json!({"stringData": {"base-url": "https://example.com"}}),
        json!({"data": null}),
        json!({"immutable": true}),
    ]);
    let mut said = Vec::new();
    for change in &on_secrets {
        said.push(operator.is_refused("operator-on-secrets", &patch("secret bob", change)).await);
    }
    let mut on_accounts = metadata();
    on_accounts.extend([
        json!({"spec": {"deletionPolicy": "Orphan"}}),
        json!({"spec": {"suspend": true}}),
        json!({"spec": {"credentialsRef": {"name": "another"}}}),
    ]);
    for change in &on_accounts {
        said.push(operator.is_refused("operator-on-accounts", &patch("sacc bob", change)).await);
    }
    said.dedup();
    assert_eq!(said.len(), 2, "{said:#?}");
    for message in &said {
        line_is_documented(&message.replace(&bed.namespace, "NAMESPACE").replace(RELEASE, "RELEASE"));
    }

    // Its own work.
    for (what, own, theirs) in [
        ("secret bob", SECRET_FINALIZER, &["example.com/theirs"][..]),
        ("secret empty", SECRET_FINALIZER, &[]),
        ("sacc bob", FINALIZER, &["example.com/theirs"]),
    ] {
        operator.does(&finalizers(what, &[theirs, &[own]].concat())).await;
        operator.does(&finalizers(what, theirs)).await;
    }

    for at in [json!("2026-01-01T00:00:00Z"), Value::Null] {
        operator.does(&patch("secret bob", &json!({"metadata": {"annotations": {HOLD_TAKEN_OVER_AT: at}}}))).await;
    }

    // Nobody else is confined.
    for change in &on_secrets {
        maria.does(&format!("{} --dry-run=server", patch("secret bob", change))).await;
    }
    for change in on_accounts.iter().filter(|change| change["metadata"]["finalizers"].is_null()) {
        maria.does(&format!("{} --dry-run=server", patch("sacc bob", change))).await;
    }

    // The way out, as it is typed.
    let typed = said[0].rsplit_once("to lift this: ").expect("it says how").1.replace("CHART", CHART);
    let arguments: Vec<_> = typed.split(' ').collect();
    assert_eq!(arguments[0], "helm");
    bed.plane.helm(&arguments[1..]).await.unwrap_or_else(|error| panic!("{error}"));
    let change = patch("sacc bob", &json!({"spec": {"suspend": true}}));
    bed.eventually("it is lifted", async || operator.types(&change).await.is_ok()).await;
}

#[tokio::test]
async fn rights_in_the_whole_cluster_change_nothing_where_the_operator_does_not_watch() {
    let bed = Bed::new("confined-wide").await;
    let unwatched = bed.beside("confined-unwatched").await;
    let release = Release::install(&bed, &[], &["rbac.clusterWide=true"]).await;
    let operator = &release.operator;
    for bed in [&bed, &unwatched] {
        let bob = bed.sender(Kind::PostPress, "bob");
        bed.adopt(std::slice::from_ref(&bob)).await;
    }
    for (policy, what, own) in
        [("operator-on-secrets", "secret bob", SECRET_FINALIZER), ("operator-on-accounts", "sacc bob", FINALIZER)]
    {
        let patch = json!({"metadata": {"finalizers": [own]}});
        let on = |bed: &Bed| format!("kubectl patch {what} -n {} --type merge -p '{patch}'", bed.namespace);
        operator.is_refused(policy, &on(&unwatched)).await;
        operator.does(&on(&bed)).await;
    }
}
