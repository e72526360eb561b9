//! Another value than the default for every value of the chart.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::helm::{Rendered, rendered, values};
use crate::schema;

/// What a value may be set to.
pub struct Sample {
    /// Where it stands, with dots.
    pub path: &'static str,
    pub value: Value,
    /// What else must be set for it to mean something.
    beside: Vec<(&'static str, Value)>,
    /// Whether it can be installed together with the others.
    together: bool,
}

fn sample(path: &'static str, value: Value) -> Sample {
    Sample { path, value, beside: Vec::new(), together: true }
}

impl Sample {
    fn beside(mut self, path: &'static str, value: Value) -> Self {
        self.beside.push((path, value));
        self
    }

    /// It switches off, or contradicts, what another one shows.
    fn alone(mut self) -> Self {
        self.together = false;
        self
    }
}

/// A sample of each value.
pub fn samples() -> Vec<Sample> {
    let peer = json!([{"podSelector": {"matchLabels": {"app": "prometheus"}}}]);
    let monitored = |sample: Sample| {
        sample.beside("serviceMonitor.enabled", json!(true)).beside("serviceMonitor.renderMode", json!("alwaysRender"))
    };
    let policed = |sample: Sample| sample.beside("networkPolicy.enabled", json!(true));
    let several = |sample: Sample| sample.beside("replicaCount", json!(2));
    vec![
        sample("nameOverride", json!("renamed")).alone(),
        sample("fullnameOverride", json!("senders")).alone(),
        sample("namespaceOverride", json!("elsewhere")).alone(),
        sample("commonLabels", json!({"example.com/team": "sales"})),
        sample("image.registry", json!("registry.example.com")),
        sample("image.repository", json!("mirror/sender-operator")),
        sample("image.tag", json!("9.9.9")).alone(),
        sample("image.digest", json!(format!("sha256:{}", "0123456789abcdef".repeat(4)))),
        sample("image.pullPolicy", json!("Always")),
        sample("imagePullSecrets", json!([{"name": "pull"}])),
        sample("crds.enabled", json!(false)).alone(),
        sample("uninstall.mode", json!("Drain")),
        sample("uninstall.timeout", json!("30m")),
        sample("crds.keep", json!(false)).alone(),
        sample("crds.annotations", json!({"example.com/owner": "sales"})),
        sample("watchNamespaces", json!(["sales", "hr"])).alone(),
        sample("rbac.create", json!(false)).alone(),
        sample("rbac.clusterWide", json!(true)).beside("watchNamespaces", json!(["sales"])).alone(),
        sample("rbac.readCrd", json!(false)).beside("watchNamespaces", json!(["sales"])).alone(),
        sample("rbac.aggregateClusterRoles", json!(false)).alone(),
        sample("admissionPolicies.enabled", json!(false)).alone(),
        sample("admissionPolicies.finalizerAtBirth", json!("Never")).alone(),
        sample("admissionPolicies.finalizerRelease", json!(false)).alone(),
        sample("admissionPolicies.deletionProtection", json!(false)).alone(),
        sample("admissionPolicies.deletionConfirmation", json!(false))
            .beside("requireConfirmation", json!(["Email"]))
            .alone(),
        sample("admissionPolicies.deletionPreview", json!(false)).alone(),
        sample("admissionPolicies.orphanedBy", json!(false)).alone(),
        sample("admissionPolicies.orphanIsFinal", json!(false)).alone(),
        sample("admissionPolicies.crdDeletion", json!(false)).alone(),
        sample("admissionPolicies.confineOperator", json!(false)).alone(),
        sample("serviceAccount.create", json!(false)).beside("serviceAccount.name", json!("given")).alone(),
        sample("serviceAccount.name", json!("given")),
        sample("serviceAccount.annotations", json!({"example.com/role": "none"})),
        sample("replicaCount", json!(2)),
        sample("leaderElection.enabled", json!(false)).alone(),
        sample("allowedHosts", json!(["api.example.com", "eu.example.com"])),
        sample("concurrency", json!(8)),
        sample("observeInterval", json!("30m")),
        sample("maxBackoff", json!("5m")),
        sample("outcomeWindow", json!("10m")),
        sample("secretHold", json!(false)),
        sample("ignoreFinalizers", json!(["example.com/backup"])),
        sample("requireConfirmation", json!(["Email", "Purge"])),
        sample("deletionBudget", json!(100_000)),
        sample("logging.level", json!("debug,rustls=info")),
        sample("logging.format", json!("text")),
        sample("listen.address", json!("[::]")),
        sample("listen.port", json!(9090)),
        sample("extraArgs", json!(["--allow-insecure-loopback"])),
        sample("extraEnv", json!([{"name": "SSL_CERT_FILE", "value": "/etc/more/ca.crt"}])),
        sample("extraVolumes", json!([{"name": "more", "configMap": {"name": "ca", "optional": true}}])),
        sample("extraVolumeMounts", json!([{"name": "more", "mountPath": "/etc/more", "readOnly": true}])),
        sample("resources", json!({"requests": {"memory": "128Mi"}})),
        sample("terminationGracePeriodSeconds", json!(90)),
        sample("podSecurityContext", json!({"fsGroup": 65532})),
        sample("securityContext", json!({"runAsUser": 1000})),
        sample("livenessProbe", json!({"periodSeconds": 20})),
        sample("readinessProbe", json!({"periodSeconds": 20})),
        sample("podAnnotations", json!({"example.com/scrape": "true"})),
        sample("podLabels", json!({"example.com/pod": "operator"})),
        sample("revisionHistoryLimit", json!(1)),
        sample("nodeSelector", json!({"kubernetes.io/arch": "amd64"})),
        sample("tolerations", json!([{"key": "example.com/spot", "operator": "Exists"}])),
        sample(
            "affinity",
            json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "other"}}}]}}),
        ),
        sample(
            "topologySpreadConstraints",
            json!([{"maxSkew": 2, "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "other"}}}]),
        ),
        sample("priorityClassName", json!("system-cluster-critical")),
        sample("runtimeClassName", json!("sandboxed")).alone(),
        sample("dnsPolicy", json!("Default")),
        sample("dnsConfig", json!({"options": [{"name": "ndots", "value": "1"}]})),
        several(sample("podDisruptionBudget.enabled", json!(false))).alone(),
        several(sample("podDisruptionBudget.maxUnavailable", json!("50%"))),
        sample("service.enabled", json!(false)).alone(),
        sample("service.annotations", json!({"example.com/scrape": "true"})),
        sample("serviceMonitor.enabled", json!(true)).beside("serviceMonitor.renderMode", json!("alwaysRender")),
        sample("serviceMonitor.renderMode", json!("alwaysRender")).beside("serviceMonitor.enabled", json!(true)),
        monitored(sample("serviceMonitor.interval", json!("1m"))),
        monitored(sample("serviceMonitor.labels", json!({"release": "prometheus"}))),
        monitored(sample("serviceMonitor.relabelings", json!([{"action": "labeldrop", "regex": "pod"}]))),
        sample("networkPolicy.enabled", json!(true)),
        policed(sample("networkPolicy.from", peer.clone())),
        policed(sample("networkPolicy.dns.to", peer)),
        policed(sample("networkPolicy.dns.port", json!(5353))),
        policed(sample("networkPolicy.apiServer.cidrs", json!(["192.0.2.1/32"]))),
        policed(sample("networkPolicy.apiServer.ports", json!([6443]))),
        policed(sample("networkPolicy.provider.cidrs", json!(["198.51.100.0/24"]))),
        policed(sample("networkPolicy.provider.ports", json!([8443]))),
        sample(
            "extraObjects",
            json!([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}}]),
        ),
    ]
}

/// What the chart makes of each sample; once for all tests.
pub async fn rendered_one_by_one() -> &'static [(Sample, Rendered)] {
    static RENDERED: OnceCell<Vec<(Sample, Rendered)>> = OnceCell::const_new();
    let render = async |sample: Sample| {
        let set = values(sample.beside.iter().cloned().chain([(sample.path, sample.value.clone())]));
        let rendered = rendered(&set).await;
        (sample, rendered)
    };
    RENDERED.get_or_init(|| stream::iter(samples()).map(render).buffer_unordered(2).collect()).await
}

/// Every sample that can be installed together with the others.
pub fn together() -> Value {
    values(samples().into_iter().filter(|sample| sample.together).map(|sample| (sample.path, sample.value)))
}

#[test]
fn every_value_has_a_sample_that_is_not_its_default() {
    let defaults = schema::defaults();
    let mut paths = Vec::new();
    for Sample { path, value, .. } in samples() {
        assert_ne!(schema::at(&defaults, path), &value, "{path}");
        paths.push(path.to_owned());
    }
    paths.sort();
    assert_eq!(paths, schema::leaves(), "tests/chart/samples.rs must have each value of values.yaml once");
}

#[tokio::test]
async fn every_value_changes_what_is_rendered() {
    let mut without = HashMap::new();
    for (Sample { path, beside, .. }, with) in rendered_one_by_one().await {
        let base = values(beside.clone());
        let base = match without.entry(base.to_string()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(rendered(&base).await),
        };
        assert!(with.objects() != base.objects(), "{path} changes nothing");
    }
}
