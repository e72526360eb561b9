//! The CRD of the chart is the one in `crds/`, of which there is no second copy.

use std::path::Path;

use sender_operator::crd::manifest;
use serde_json::{Value, json};

use crate::helm::{CHART, NAMESPACE, Rendered, contains, rendered, try_rendered};

const KEEP: &str = "/metadata/annotations/helm.sh~1resource-policy";

#[tokio::test]
async fn the_chart_installs_the_crd_that_the_types_make() {
    let rendered = rendered(&json!({})).await;
    let (chart, types) = (rendered.the("CustomResourceDefinition"), manifest());
    // Either way round: 0 and 0.0 are one number, and not one `Value`.
    assert!(contains(&chart["spec"], &types["spec"]) && contains(&types["spec"], &chart["spec"]));
    assert_eq!(chart["metadata"]["name"], types["metadata"]["name"]);
    let link = std::fs::read_link(Path::new(CHART).join("files/crds")).expect("a symbolic link");
    assert_eq!(link, Path::new("../../../crds"));
}

#[tokio::test]
async fn the_crd_outlives_the_release_unless_told_otherwise() {
    let kept = async |values: Value| rendered(&values).await.the("CustomResourceDefinition").pointer(KEEP).cloned();
    assert_eq!(kept(json!({})).await, Some(json!("keep")));
    assert_eq!(kept(json!({"crds": {"keep": false}})).await, None);
    assert!(rendered(&json!({"crds": {"enabled": false}})).await.all("CustomResourceDefinition").is_empty());
}

#[tokio::test]
async fn a_packaged_chart_renders_what_the_checkout_renders() {
    let plane = envtest::shared().await;
    let folder = tempfile::tempdir().unwrap();
    plane.helm(["package", CHART, "--destination", folder.path().to_str().unwrap()]).await.unwrap();
    let [package] = &std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect::<Vec<_>>()[..] else {
        panic!("one package")
    };
    let packaged = try_rendered(package.to_str().unwrap(), &json!({}), &[]).await.unwrap();
    assert!(Rendered::parse(&packaged).objects() == rendered(&json!({})).await.objects());
}

#[tokio::test]
async fn the_chart_serves_as_a_dependency_of_another_one() {
    let plane = envtest::shared().await;
    let parent = tempfile::tempdir().unwrap();
    let text = "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies: [{name: sender-operator, version: '>=0', condition: sender-operator.enabled}]\n";
    std::fs::write(parent.path().join("Chart.yaml"), text).unwrap();
    let (chart, charts) = (parent.path().to_str().unwrap(), parent.path().join("charts"));
    plane.helm(["package", CHART, "--destination", charts.to_str().unwrap()]).await.unwrap();
    for (enabled, kinds) in [(true, 1), (false, 0)] {
        let values = json!({"global": {"team": "sales"}, "sender-operator": {"enabled": enabled, "concurrency": 3}});
        let text = try_rendered(chart, &values, &[]).await.unwrap();
        let rendered = Rendered::parse(&text);
        assert_eq!(rendered.all("Deployment").len(), kinds);
        assert!(rendered.all("Deployment").iter().all(|it| it["metadata"]["namespace"] == NAMESPACE));
    }
}
