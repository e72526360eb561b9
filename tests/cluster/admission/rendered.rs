//! What Helm makes of the values: which policies stand in the manifests, and how they are made up.

use std::collections::BTreeSet;

use sender_operator::crd;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CHART, RELEASE};
use crate::bed::Bed;

/// What an API server has that serves both kinds of policy.
pub const SERVED: &[&str] = &["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"];

/// A policy or a binding, as it is rendered.
pub struct Policy {
    pub kind: String,
    /// Without what is the release's.
    pub short_name: String,
    pub spec: Value,
    text: String,
}

/// `helm template` for an API server that serves these kinds of policy, with these values.
pub async fn template(bed: &Bed, served: &[&str], values: &[&str]) -> String {
    let mut args = vec!["template".to_owned(), RELEASE.into(), CHART.into(), "-n".into(), "operators".into()];
    args.extend(served.iter().map(|kind| format!("--api-versions=admissionregistration.k8s.io/v1/{kind}")));
    args.extend(values.iter().map(|value| format!("--set={value}")));
    bed.plane.helm(&args).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The policies and bindings of a manifest.
pub fn policies(manifest: &str) -> Vec<Policy> {
    let documents =
        serde_yaml::Deserializer::from_str(manifest).map(|document| Value::deserialize(document).expect("YAML"));
    let ours = documents.filter(|object| object["apiVersion"] == "admissionregistration.k8s.io/v1");
    let policy = |object: Value| {
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        Policy {
            kind: object["kind"].as_str().expect("a kind").to_owned(),
            short_name: name.strip_prefix("guard-sender-operator-").expect("the release's name").to_owned(),
            text: object.to_string(),
            spec: object["spec"].clone(),
        }
    };
    ours.map(policy).collect()
}

/// What of a manifest makes up this policy, to be applied.
pub fn documents_of(manifest: &str, policy: &str) -> Vec<Value> {
    let documents =
        serde_yaml::Deserializer::from_str(manifest).map(|document| Value::deserialize(document).expect("YAML"));
    let names =
        |object: &Value| object["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(&format!("-{policy}")));
    let found: Vec<_> = documents.filter(names).collect();
    assert_eq!(found.len(), 2, "a policy and its binding");
    found
}

/// The values that turn policies off.
pub fn values() -> BTreeSet<String> {
    let values = std::fs::read_to_string(format!("{CHART}/values.yaml")).expect("the chart's values");
    let values: Value = serde_yaml::from_str(&values).expect("YAML");
    values["admissionPolicies"].as_object().expect("values").keys().cloned().collect()
}

fn names(policies: &[Policy]) -> BTreeSet<String> {
    policies.iter().map(|policy| format!("{} {}", policy.kind, policy.short_name)).collect()
}

#[tokio::test]
async fn a_policy_is_rendered_where_it_is_served_and_wanted_each_with_its_binding() {
    let bed = Bed::new("policies-rendered").await;
    let confirmed = "requireConfirmation={Email}";
    let rendered = async |served: &[&str], more: &[&str]| {
        names(&policies(&template(&bed, served, &[&[confirmed], more].concat()).await))
    };
    let all = rendered(SERVED, &[]).await;
    for name in &all {
        let (kind, name) = name.split_once(' ').unwrap();
        let pair =
            if let Some(kind) = kind.strip_suffix("Binding") { kind.to_owned() } else { format!("{kind}Binding") };
        assert!(all.contains(&format!("{pair} {name}")), "{kind} {name} stands alone");
    }
    assert_eq!(all.len(), 22, "{all:#?}");

    assert_eq!(rendered(&[], &[]).await, BTreeSet::new());
    assert_eq!(rendered(SERVED, &["admissionPolicies.enabled=false"]).await, BTreeSet::new());
    let without_mutation = rendered(&["ValidatingAdmissionPolicy"], &[]).await;
    assert!(all.is_superset(&without_mutation));
    let missing: BTreeSet<_> = all.difference(&without_mutation).cloned().collect();
    let birth = ["MutatingAdmissionPolicy finalizer-at-birth", "MutatingAdmissionPolicyBinding finalizer-at-birth"];
    let stamp = [
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ]
    .map(|kind| format!("{kind} orphaned-by"));
    assert_eq!(missing, birth.map(str::to_owned).into_iter().chain(stamp).collect());

    for (value, gone) in [
        ("finalizerAtBirth=Never", &["finalizer-at-birth"][..]),
        ("finalizerRelease=false", &["finalizer-release"]),
        ("deletionProtection=false", &["deletion-protection"]),
        ("deletionConfirmation=false", &["deletion-confirmation"]),
        ("deletionPreview=false", &["deletion-preview"]),
        ("orphanedBy=false", &["orphaned-by"]),
        ("orphanIsFinal=false", &["orphan-is-final"]),
        ("crdDeletion=false", &["crd-deletion"]),
        ("confineOperator=false", &["operator-on-accounts", "operator-on-secrets"]),
    ] {
        let left = rendered(SERVED, &[&format!("admissionPolicies.{value}")]).await;
        let missing: BTreeSet<_> = all.difference(&left).map(|name| name.split_once(' ').unwrap().1).collect();
        assert_eq!(missing, gone.iter().copied().collect(), "{value}");
    }
    let taken_along = rendered(SERVED, &["crds.keep=false"]).await;
    assert!(all.difference(&taken_along).all(|name| name.ends_with(" crd-deletion")), "Helm would stop itself");
    assert!(taken_along.len() < all.len());
    let unconfirmed = policies(&template(&bed, SERVED, &[]).await);
    assert!(unconfirmed.iter().all(|policy| policy.short_name != "deletion-confirmation"));
}

#[tokio::test]
async fn the_policy_and_the_operator_ask_for_the_same_confirmations() {
    let bed = Bed::new("policies-confirm").await;
    let manifest = template(&bed, SERVED, &["requireConfirmation={Email,Purge}"]).await;
    assert!(manifest.contains("--require-confirmation=Email,Purge"));
    let policies = policies(&manifest);
    let asks = policies
        .iter()
        .find(|policy| policy.kind == "ValidatingAdmissionPolicy" && policy.short_name == "deletion-confirmation");
    let asks = asks.expect("it is rendered").spec["matchConditions"].to_string();
    assert!(asks.contains(r#" in [\"Email\",\"Purge\"]"#), "{asks}");
}

#[tokio::test]
async fn no_policy_matches_more_than_it_judges_and_every_name_in_it_is_one_of_the_programs() {
    let bed = Bed::new("policies-narrow").await;
    let values = ["requireConfirmation={Email}", "watchNamespaces={sales,hr}"];
    let policies = policies(&template(&bed, SERVED, &values).await);
    for policy in policies.iter().filter(|policy| !policy.kind.ends_with("Binding")) {
        let (name, constraints) = (&policy.short_name, &policy.spec["matchConstraints"]);
        let rules = constraints["resourceRules"].as_array().expect("rules");
        let [rule] = &rules[..] else { panic!("{name} has {} rules", rules.len()) };
        let watched = json!([{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["sales", "hr"]}]);
        match rule["resources"][0].as_str().expect("a resource") {
            "customresourcedefinitions" => assert_eq!(rule["resourceNames"][0], crd::CRD_NAME),
            "senderaccounts" => assert_eq!(constraints["namespaceSelector"]["matchExpressions"], watched, "{name}"),
            "secrets" => {
                assert_eq!(constraints["namespaceSelector"]["matchExpressions"], watched, "{name}");
                let by = policy.spec["matchConditions"][0]["expression"].as_str().expect("a condition");
                assert_eq!(
                    by,
                    r#"request.userInfo.username == "system:serviceaccount:operators:guard-sender-operator""#
                );
            }
            other => panic!("{name} matches {other}"),
        }
        assert_eq!(rule["resources"].as_array().map(Vec::len), Some(1), "{name}");
        assert!(policy.spec["paramKind"].is_null(), "{name} depends on a parameter that could be missing");
        let known = [
            crd::FINALIZER,
            crd::SECRET_FINALIZER,
            crd::HOLD_TAKEN_OVER_AT,
            crd::CONFIRM_DELETION,
            crd::ORPHANED_BY,
            crd::ORPHAN_REASON,
            crd::ALLOW_CRD_DELETION,
            crd::PRE_DELETE_HOOK,
        ];
        for (at, _) in policy.text.match_indices("sender-operator.dev/") {
            let start = policy.text[..at]
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)))
                .map_or(0, |it| it + 1);
            let end = at + "sender-operator.dev/".len();
            let end = end + policy.text[end..].find(|c: char| !(c.is_ascii_lowercase() || c == '-')).expect("it ends");
            assert!(known.contains(&&policy.text[start..end]), "{name} speaks of {}", &policy.text[start..end]);
        }
    }
}
