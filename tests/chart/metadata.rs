//! What `Chart.yaml` says is true of this workspace.

use envtest::ControlPlane;
use sender_operator::crd::{SenderAccount, manifest};
use serde_json::{Value, json};

use crate::helm::{CHART, try_rendered};
use crate::schema;

fn chart() -> Value {
    let text = std::fs::read_to_string(format!("{CHART}/Chart.yaml")).expect("it is there");
    serde_yaml::from_str(&text).expect("it is YAML")
}

fn annotation(name: &str) -> Value {
    let chart = chart();
    let text = chart["annotations"][format!("artifacthub.io/{name}")].as_str().expect("a text").to_owned();
    serde_yaml::from_str(&text).expect("it is YAML")
}

#[test]
fn chart_and_program_have_the_workspace_s_version_and_licence() {
    let chart = chart();
    assert_eq!([&chart["version"], &chart["appVersion"]], [env!("CARGO_PKG_VERSION"); 2]);
    assert_eq!(chart["description"], env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!([&chart["home"], &chart["sources"][0]], [env!("CARGO_PKG_REPOSITORY"); 2]);
    assert_eq!(annotation("license"), env!("CARGO_PKG_LICENSE"));
}

#[test]
fn the_icon_is_a_file_of_this_repository() {
    let chart = chart();
    let address = chart["icon"].as_str().expect("an address");
    let repository = env!("CARGO_PKG_REPOSITORY").strip_prefix("https://github.com/").expect("it is on GitHub");
    let raw = format!("https://raw.githubusercontent.com/{repository}/main/charts/sender-operator/");
    let file = address.strip_prefix(&raw).expect("the icon lies in the chart");
    let svg = std::fs::read_to_string(format!("{CHART}/{file}")).expect("it is there");
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{svg}");
}

#[test]
fn the_images_and_crds_for_artifact_hub_are_those_of_the_chart() {
    let image = &schema::defaults()["image"];
    let expected = format!("{}:{}", image["repository"].as_str().unwrap_or_default(), env!("CARGO_PKG_VERSION"));
    assert_eq!(annotation("images"), json!([{"name": "sender-operator", "image": expected}]));
    let crds = annotation("crds");
    let [crd] = &crds.as_array().expect("a list")[..] else { panic!("one CRD") };
    assert_eq!(crd["name"], manifest()["metadata"]["name"]);
    let kind = <SenderAccount as kube::Resource>::kind(&());
    let version = <SenderAccount as kube::Resource>::version(&());
    assert_eq!([&crd["kind"], &crd["version"]], [kind.as_ref(), version.as_ref()]);
}

#[tokio::test]
async fn an_api_server_that_is_too_old_is_refused_and_the_lint_is_clean() {
    let with = async |version: &str| try_rendered(CHART, &json!({}), &["--kube-version", version]).await;
    let why = with("1.31.9").await.expect_err("too old").to_string();
    assert!(why.contains("chart requires kubeVersion: >=1.32.0-0"), "{why}");
    with("1.32.0").await.expect("the oldest");
    with("1.37.1-gke.100").await.expect("a vendor's");
    let plane: &ControlPlane = envtest::shared().await;
    plane.helm(["lint", "--strict", CHART]).await.expect("no complaint");
}
