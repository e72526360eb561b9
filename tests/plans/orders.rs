//! What a namespace holds goes in whatever order somebody, or the namespace's own deletion, takes it away.

use serde_json::json;

use crate::kind::Kind;
use crate::life::Life;

/// What the operator needs, all of it in the namespace: the account's object, its Secret, and the operator's own rights.
const CONTENT: [&str; 3] = ["sacc/acme", "secret/acme", "rolebinding/operator"];
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_secret_and_rights_may_go_in_any_order_and_rights_that_come_back_end_it() {
    Life::plan("orders", async |life| {
        let (bed, kind) = (&life.bed, Kind::PostPress);
        bed.kubectl(&["create", "serviceaccount", "operator"]).await;
        let token = bed.kubectl(&["create", "token", "operator"]).await;
        let kubeconfig = bed.plane.kubeconfig_for_token(token.trim()).expect("a kubeconfig");
        let subject = json!([{"kind": "ServiceAccount", "name": "operator", "namespace": bed.namespace}]);
        let role = |kind: &str, name: &str| {
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "subjects": subject,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}})
        };
        // What is no namespace's own is granted for good: the CRD and the namespaces can be read.
        let read = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": bed.namespace},
            "rules": [{"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["get"]},
                {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]});
        let mut read_binding = role("ClusterRoleBinding", &bed.namespace);
        read_binding["roleRef"]["name"] = json!(bed.namespace);
        bed.apply_all(&[read, read_binding]).await;

        let mut namespaces = Vec::new();
        for (number, _) in ORDERS.iter().enumerate() {
            let namespace = bed.beside("order").await;
            kind.create(&namespace, "acme", &kind.nth_account(number), "acme", &bed.key()).await;
            namespace.apply(&role("RoleBinding", "operator")).await;
            namespaces.push(namespace);
        }
        let names: Vec<&str> = namespaces.iter().map(|of| of.namespace.as_str()).collect();
        life.take(bed.start_operator(&kubeconfig, &names, &["--max-backoff", "1s", "--outcome-window", "1s"]));
        for namespace in &namespaces {
            namespace.until_reason("acme", kind.at_rest()).await;
        }
        for (namespace, order) in namespaces.iter().zip(ORDERS) {
            for content in order {
                namespace.kubectl(&["delete", CONTENT[content], "--wait=false"]).await;
            }
        }
        let forbidden = async || life.crew.log().lines().filter(|line| line.contains("forbidden")).count() > 0;
        bed.eventually("a right that is missing is named", forbidden).await;
        // Whoever takes the rights away first must give them back.
        for namespace in &namespaces {
            namespace.apply(&role("RoleBinding", "operator")).await;
        }
        for (number, namespace) in namespaces.iter().enumerate() {
            namespace.until_gone("acme").await;
            kind.check(&bed.sim.log(), &kind.nth_account(number));
            let gone = async || namespace.kubectl(&["get", "secret", "acme", "--ignore-not-found", "-o", "name"]).await.is_empty();
            namespace.eventually("the Secret is gone", gone).await;
        }
        life.judge_all().await;
    })
    .await;
}
