//! Rights granted are rights used: what the API server's audit log shows of the chart's ServiceAccount, against its roles.

use std::collections::BTreeSet;
use std::fmt;

use envtest::ControlPlane;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind};
use crate::helm::{CHART, RELEASE, helm};
use crate::kubelet::{self, get};
use crate::lifecycle::{Installed, alone, for_tests, namespace};

/// One verb on one resource: granted, or asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    /// Empty: in every namespace, or of what has none.
    namespace: String,
    verb: String,
    /// With its group, and its subresource if there is one.
    resource: String,
    /// Empty: whatever its name.
    name: String,
}

impl Right {
    /// Whether this, granted, covers a request.
    fn covers(&self, request: &Self) -> bool {
        let or_any = |granted: &str, asked: &str| granted.is_empty() || granted == asked;
        (&self.verb, &self.resource) == (&request.verb, &request.resource)
            && or_any(&self.namespace, &request.namespace)
            && or_any(&self.name, &request.name)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.verb, self.resource, self.namespace, self.name)
    }
}

/// What the roles that are bound to a ServiceAccount grant.
async fn granted(plane: &ControlPlane, namespace: &str, account: &str) -> BTreeSet<Right> {
    let bindings = get(plane, namespace, &["clusterrolebindings,rolebindings", "--all-namespaces"]).await;
    let subject = json!({"kind": "ServiceAccount", "name": account, "namespace": namespace});
    let mut rights = BTreeSet::new();
    for binding in bindings["items"].as_array().expect("a list") {
        if !binding["subjects"].as_array().is_some_and(|subjects| subjects.contains(&subject)) {
            continue;
        }
        let place = binding["metadata"]["namespace"].as_str().unwrap_or_default();
        let (kind, name) = (&binding["roleRef"]["kind"], &binding["roleRef"]["name"]);
        let [kind, name] = [kind, name].map(|it| it.as_str().expect("a text"));
        let role = get(plane, if place.is_empty() { namespace } else { place }, &[kind, name]).await;
        role["rules"].as_array().expect("rules").iter().for_each(|rule| expand(place, rule, &mut rights));
    }
    rights
}

fn expand(namespace: &str, rule: &Value, rights: &mut BTreeSet<Right>) {
    let texts = |member: &str| -> Vec<String> {
        rule[member].as_array().into_iter().flatten().map(|it| it.as_str().expect("a text").to_owned()).collect()
    };
    let names = if rule["resourceNames"].is_array() { texts("resourceNames") } else { vec![String::new()] };
    for (group, resource) in
        texts("apiGroups").iter().flat_map(|group| texts("resources").into_iter().map(move |it| (group, it)))
    {
        for (verb, name) in texts("verbs").iter().flat_map(|verb| names.iter().map(move |name| (verb, name))) {
            rights.insert(Right {
                namespace: namespace.to_owned(),
                verb: verb.clone(),
                resource: format!("{group}/{resource}"),
                name: name.clone(),
            });
        }
    }
}

/// What a ServiceAccount asked the API server for, and what of it was forbidden.
fn requests(plane: &ControlPlane, namespace: &str, account: &str) -> (BTreeSet<Right>, BTreeSet<Right>) {
    let user = format!("system:serviceaccount:{namespace}:{account}");
    let log = std::fs::read_to_string(plane.audit_log()).expect("the audit log is there");
    let (mut asked, mut forbidden) = (BTreeSet::new(), BTreeSet::new());
    for line in log.lines().filter(|line| line.contains(&user)) {
        // The last line may still be written.
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        // What has no objectRef is discovery, which everybody may read.
        if event["user"]["username"] != json!(user) || !event["objectRef"].is_object() {
            continue;
        }
        let part = |name: &str| event["objectRef"][name].as_str().unwrap_or_default().to_owned();
        let subresource = event["objectRef"]["subresource"].as_str().map(|it| format!("/{it}")).unwrap_or_default();
        let right = Right {
            namespace: part("namespace"),
            verb: event["verb"].as_str().unwrap_or_default().to_owned(),
            resource: format!("{}/{}{subresource}", part("apiGroup"), part("resource")),
            name: part("name"),
        };
        if event["responseStatus"]["code"] == 403 {
            forbidden.insert(right.clone());
        }
        asked.insert(right);
    }
    (asked, forbidden)
}

fn shown<'a>(rights: impl IntoIterator<Item = &'a Right>) -> String {
    rights.into_iter().map(Right::to_string).collect::<Vec<_>>().join("\n")
}

/// Every right that is granted is used, and no other is asked for.
async fn assert_granted_is_used(plane: &ControlPlane, namespace: &str, account: &str) {
    let granted = granted(plane, namespace, account).await;
    let (asked, forbidden) = requests(plane, namespace, account);
    let used = |right: &&Right| asked.iter().any(|request| right.covers(request));
    let (used, unused): (Vec<_>, Vec<_>) = granted.iter().partition(used);
    println!("{} rights granted, {} used", granted.len(), used.len());
    assert!(forbidden.is_empty(), "these rights are missing:\n{}", shown(&forbidden));
    assert!(unused.is_empty(), "these rights are never used:\n{}", shown(unused));
    let secrets: BTreeSet<_> =
        granted.iter().filter(|it| it.resource == "/secrets").map(|it| it.verb.as_str()).collect();
    assert_eq!(secrets, BTreeSet::from(["get", "patch"]), "Secrets are never listed");
}

/// All that an operator ever does with the API server: accounts of every kind come and go, the same is said twice, and a
/// deletion waits for a Secret that is not there.
async fn live(bed: &Bed) {
    let mut senders = bed.senders();
    bed.adopt_connected(&senders).await;
    for _ in 0..2 {
        bed.patch_spec("email", &json!({"suspend": true})).await;
        bed.until_reason("email", "Suspended").await;
        bed.patch_spec("email", &json!({"suspend": false})).await;
        bed.until_connected("email").await;
    }
    let late = bed.sender(Kind::PostPress, "late");
    bed.apply(&bed.object_of(&late, &json!({}))).await;
    bed.until_reason("late", "SecretMissing").await;

    bed.delete_all().await;
    bed.until_waiting("late", "SecretMissing").await;
    bed.apply(&late.secret(&bed.sim, &late.key)).await;
    senders.push(late);
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
}

#[tokio::test]
async fn in_all_namespaces_every_right_of_the_chart_is_used_and_none_is_missing() {
    let installed = Installed::new(alone().await, &json!({})).await;
    live(&installed.bed).await;
    assert_granted_is_used(installed.bed.plane, &installed.namespace, RELEASE).await;
    installed.finish().await;
}

/// Two namespaces are watched, with these values; every right that was granted but those on its Lease.
async fn rights_of_two_namespaces(rbac: Value) -> BTreeSet<Right> {
    let bed = Bed::new("watched").await;
    let second = bed.beside("watched-too").await;
    let operators = namespace(bed.plane, "operators").await;
    let watched = json!([bed.namespace, second.namespace]);
    let values = for_tests(&json!({"watchNamespaces": watched, "crds": {"enabled": false}, "rbac": rbac}));
    let install = ["install", RELEASE, CHART, "--namespace", &operators];
    helm(bed.plane, &install, &values, &["--no-hooks"]).await.expect("it is installed");
    bed.until_born_with_finalizer().await;
    second.until_born_with_finalizer().await;
    let operator = kubelet::start(&bed, &operators).await;
    live(&bed).await;
    live(&second).await;
    assert_granted_is_used(bed.plane, &operators, RELEASE).await;
    bed.finish(operator).await;
    let mut rights = granted(bed.plane, &operators, RELEASE).await;
    rights.retain(|it| (it.namespace.as_str(), it.resource.as_str()) != (&operators, "coordination.k8s.io/leases"));
    rights
}

#[tokio::test]
async fn in_two_namespaces_roles_suffice_but_for_the_sight_of_the_crd() {
    let mut rights = rights_of_two_namespaces(json!({})).await;
    rights.retain(|it| it.namespace.is_empty());
    let [crd] = &rights.iter().collect::<Vec<_>>()[..] else {
        panic!("more than one right in all namespaces: {rights:?}")
    };
    assert_eq!(
        crd.to_string(),
        "get apiextensions.k8s.io/customresourcedefinitions  senderaccounts.sender-operator.dev"
    );
}

#[tokio::test]
async fn in_two_namespaces_that_may_be_deleted_every_right_is_one_of_the_whole_cluster() {
    // The sight of the CRD is among them.
    let rights = rights_of_two_namespaces(json!({"clusterWide": true, "readCrd": false})).await;
    assert!(rights.len() > 10 && rights.iter().all(|it| it.namespace.is_empty()), "{rights:?}");
}

/// Who owns namespaces and nothing else can install the chart there; whoever owns the cluster grants one right.
#[tokio::test]
async fn the_owner_of_namespaces_installs_it_without_cluster_roles_and_the_right_that_lacks_is_granted_as_the_notes_say()
 {
    let bed = Bed::new("owned").await;
    bed.kubectl(&["create", "rolebinding", "owns", "--clusterrole=cluster-admin", "--user=owner"]).await;
    let values = for_tests(&json!({
        "watchNamespaces": [bed.namespace], "crds": {"enabled": false},
        "rbac": {"readCrd": false, "aggregateClusterRoles": false}, "admissionPolicies": {"enabled": false},
    }));
    let install = ["install", RELEASE, CHART, "--namespace", &bed.namespace, "--kube-as-user", "owner"];
    helm(bed.plane, &install, &values, &["--no-hooks"]).await.expect("it is installed");
    let operator = kubelet::start(&bed, &bed.namespace).await;
    let senders = [bed.sender(Kind::PostPress, "acme")];
    bed.adopt_connected(&senders).await;
    bed.delete_all().await;
    bed.until_waiting("acme", "CrdUnreadable").await;

    let notes = bed.plane.helm(["get", "notes", RELEASE, "--namespace", &bed.namespace]).await.expect("notes");
    let (_, said) = notes.split_once("CrdUnreadable").expect("the notes say it");
    for command in said.lines().map(str::trim).filter(|line| line.starts_with("kubectl")) {
        bed.type_in(command).await;
    }
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}
