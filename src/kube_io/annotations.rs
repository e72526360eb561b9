//! The operations of a JSON patch (RFC 6902) on annotations.

use kube::api::ObjectMeta;
use serde_json::{Value, json};

/// Sets one on an object that shows this metadata.
pub fn set(shown: &ObjectMeta, name: &str, value: &str) -> Value {
    match shown.annotations {
        None => json!({"op": "add", "path": "/metadata/annotations", "value": {name: value}}),
        Some(_) => json!({"op": "add", "path": pointer(name), "value": value}),
    }
}

/// Removes one that is there.
pub fn remove(name: &str) -> Value {
    json!({"op": "remove", "path": pointer(name)})
}

fn pointer(name: &str) -> String {
    format!("/metadata/annotations/{}", name.replace('~', "~0").replace('/', "~1"))
}
