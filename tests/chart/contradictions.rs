//! Values that contradict each other or are not safe are refused with what to change.

use serde_json::json;

use crate::helm::{refused, rendered};

#[tokio::test]
async fn what_cannot_be_installed_is_refused_with_what_to_write_instead() {
    let digest = format!("sha256:{}", "0".repeat(64));
    for (values, parts) in [
        (
            json!({"replicaCount": 2, "leaderElection": {"enabled": false}}),
            ["several operators would act", "set leaderElection.enabled to true, or replicaCount to 1"],
        ),
        (json!({"terminationGracePeriodSeconds": 70}), ["terminationGracePeriodSeconds is 70", "write 71 or more"]),
        (json!({"image": {"tag": "1", "digest": digest}}), ["image.tag and image.digest", "leave image.tag out"]),
        (
            json!({"serviceAccount": {"create": false}}),
            ["every pod without an account of its own", "set serviceAccount.name, or rbac.create to false"],
        ),
        (
            json!({"rbac": {"create": false, "clusterWide": true}}),
            ["no right is granted anywhere", "set rbac.create to true, or rbac.clusterWide to false"],
        ),
        (
            json!({"serviceMonitor": {"enabled": true}, "service": {"enabled": false}}),
            ["nothing to scrape", "set service.enabled to true"],
        ),
        (
            json!({"networkPolicy": {"enabled": true, "provider": {"cidrs": []}}}),
            ["no deletion could reach its provider", "leave both at their defaults"],
        ),
        (
            json!({"networkPolicy": {"enabled": true, "provider": {"ports": []}}}),
            ["no deletion could reach its provider", "leave both at their defaults"],
        ),
        (
            json!({"networkPolicy": {"enabled": true, "apiServer": {"ports": []}}}),
            ["could not reach the API server", "write its ports"],
        ),
        (json!({"extraArgs": ["--concurrency=1"]}), ["extraArgs has --concurrency", "set that instead"]),
        (
            json!({"extraEnv": [{"name": "SENDER_OPERATOR_WATCH_NAMESPACE", "value": "sales"}]}),
            ["extraEnv has SENDER_OPERATOR_WATCH_NAMESPACE", "set that instead"],
        ),
        (
            json!({"serviceMonitor": {"enabled": true, "renderMode": "failIfMissing"}}),
            ["this cluster has no ServiceMonitor", "set serviceMonitor.renderMode to skipIfMissing"],
        ),
    ] {
        let why = refused(&values).await;
        for part in parts {
            assert!(why.contains(part), "{values}: {why}");
        }
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let why = refused(&json!({"terminationGracePeriodSeconds": 60, "extraArgs": ["--listen=:80"]})).await;
    assert!(why.contains("write 71 or more") && why.contains("extraArgs has --listen"), "{why}");
}

#[tokio::test]
async fn the_shortest_grace_period_that_is_accepted_is_longer_than_the_operator_takes_to_end() {
    let shortest = rendered(&json!({"terminationGracePeriodSeconds": 71})).await;
    let grace = &shortest.the("Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
    assert!(grace.as_u64().is_some_and(|seconds| seconds > sender_operator::app::STOP.as_secs()), "{grace}");
}
