//! `values.schema.json` is closed, and has each value of `values.yaml` and no other.

use serde_json::{Value, json};

use crate::helm::{CHART, refused, rendered};
use crate::reference;

/// What Helm hands to a dependency of another chart, whether that has a use for it or not.
const FROM_A_PARENT: [&str; 2] = ["enabled", "global"];

fn schema() -> Value {
    let text = std::fs::read_to_string(format!("{CHART}/values.schema.json")).expect("the schema is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// `values.yaml`.
pub fn defaults() -> Value {
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).expect("the values are there");
    serde_yaml::from_str(&text).expect("they are YAML")
}

/// What stands at this path with dots.
pub fn at<'a>(values: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(values, |place, key| place.get(key).unwrap_or_else(|| panic!("{path} is not in values.yaml")))
}

/// The path of every value that the schema knows, in order.
pub fn leaves() -> Vec<String> {
    let mut paths = Vec::new();
    collect(&schema(), "", &mut paths);
    paths.retain(|path| !FROM_A_PARENT.contains(&path.as_str()));
    paths.sort();
    paths
}

fn collect(schema: &Value, path: &str, paths: &mut Vec<String>) {
    match schema["properties"].as_object() {
        None => paths.push(path.trim_start_matches('.').to_owned()),
        Some(members) => members.iter().for_each(|(name, it)| collect(it, &format!("{path}.{name}"), paths)),
    }
}

/// Every path of `values` down to where the schema goes.
fn paths_of(values: &Value, schema: &Value, path: &str, paths: &mut Vec<String>) {
    match (schema["properties"].as_object(), values.as_object()) {
        (Some(known), Some(members)) => members.iter().for_each(|(name, it)| {
            paths_of(it, known.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"), paths);
        }),
        _ => paths.push(path.trim_start_matches('.').to_owned()),
    }
}

/// Objects that are neither closed, nor maps of strings, nor handed on to the API server as they are.
fn open_objects(schema: &Value, path: &str, open: &mut Vec<String>) {
    let handed_on = ["/definitions/kubernetes", "/definitions/kubernetesList/items"].contains(&path);
    let closed = schema["additionalProperties"] == false || schema["additionalProperties"] == json!({"type": "string"});
    if schema["type"] == "object" && !closed && !handed_on {
        open.push(path.to_owned());
    }
    match schema {
        Value::Object(members) => {
            members.iter().for_each(|(name, it)| open_objects(it, &format!("{path}/{name}"), open));
        }
        Value::Array(items) => items.iter().for_each(|it| open_objects(it, path, open)),
        _ => {}
    }
}

#[test]
fn the_schema_knows_every_value_and_every_value_is_in_the_schema() {
    let mut paths = Vec::new();
    paths_of(&defaults(), &schema(), "", &mut paths);
    paths.sort();
    assert_eq!(paths, leaves());
}

#[test]
fn every_object_of_the_schema_is_closed() {
    let mut open = Vec::new();
    open_objects(&schema(), "", &mut open);
    assert_eq!(open, Vec::<String>::new());
}

#[tokio::test]
async fn a_value_that_does_not_exist_or_has_another_type_is_refused_by_its_place() {
    for (values, place) in [
        (json!({"replicas": 2}), "replicas"),
        (json!({"image": {"name": "x"}}), "/image"),
        (json!({"networkPolicy": {"provider": {"cidr": "::/0"}}}), "/networkPolicy/provider"),
        (json!({"replicaCount": "2"}), "/replicaCount"),
        (json!({"concurrency": 1025}), "/concurrency"),
        (json!({"observeInterval": 60}), "/observeInterval"),
        (json!({"maxBackoff": "soon"}), "/maxBackoff"),
        (json!({"watchNamespaces": ["Sales"]}), "/watchNamespaces/0"),
        (json!({"watchNamespaces": ["sales", "sales"]}), "/watchNamespaces"),
        (json!({"requireConfirmation": ["Delete"]}), "/requireConfirmation/0"),
        (json!({"deletionBudget": -1}), "/deletionBudget"),
        (json!({"allowedHosts": []}), "/allowedHosts"),
        (json!({"logging": {"level": "loud"}}), "/logging/level"),
        (json!({"image": {"digest": "sha256:abc"}}), "/image/digest"),
        (json!({"extraArgs": ["run"]}), "/extraArgs/0"),
    ] {
        let why = refused(&values).await;
        assert!(why.contains("values don't meet the specifications of the schema") && why.contains(place), "{why}");
    }
}

#[tokio::test]
async fn what_a_parent_chart_hands_down_is_accepted_and_changes_nothing() {
    let handed_down = json!({"global": {"storageClass": "fast"}, "enabled": true});
    assert!(rendered(&handed_down).await.objects() == rendered(&json!({})).await.objects());
}

#[test]
fn each_value_has_a_comment_of_its_own_and_so_a_row_in_the_reference() {
    let text = std::fs::read_to_string(format!("{CHART}/values.yaml")).expect("the values are there");
    let mut paths: Vec<_> = reference::entries(&text).into_iter().map(|entry| entry.path).collect();
    paths.sort();
    assert_eq!(paths, leaves());
}
