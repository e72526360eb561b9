//! Secrets and SenderAccounts as people write them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Bed;

/// A Puffle id for tests; that it is a LinkedIn sender's is up to the test.
pub const LINKEDIN: &str = "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";
/// Another one.
pub const SOFT: &str = "1c5a7b1f-9d2e-4d4a-8d64-2a1b3c7e8f22";
/// Another one.
pub const EMAIL: &str = "2d6b8c2a-ae3f-4e5b-9e75-3b2c4d8f9a33";
/// Another one.
pub const PURGE: &str = "3e7c9d3b-bf4a-4f6c-8f86-4c3d5e9a0b44";

impl Bed {
    /// A Secret with this key and the simulator's PostPress behind it.
    pub async fn postpress_secret(&self, name: &str, key: &str) {
        self.secret(name, key, &self.sim.postpress_url()).await;
    }

    /// A Secret with this key and the simulator's Puffle behind it.
    pub async fn puffle_secret(&self, name: &str, key: &str) {
        self.secret(name, key, &self.sim.puffle_url()).await;
    }

    /// A Secret with this key and endpoint; replaces what was there.
    pub async fn secret(&self, name: &str, key: &str, base_url: &str) {
        self.secret_with(name, &json!({"api-key": key, "base-url": base_url})).await;
    }

    /// A Secret with exactly these entries; replaces what was there.
    pub async fn secret_with(&self, name: &str, entries: &Value) {
        self.apply(&secret(name, entries)).await;
    }

    /// Creates a PostPress account's object.
    pub async fn postpress(&self, name: &str, account: &str, secret: &str) {
        self.apply(&self.manifest(name, secret, &json!({"postpress": {"accountId": account}}), &json!({}))).await;
    }

    /// Creates a Puffle mailbox's object.
    pub async fn email(&self, name: &str, account: &str, secret: &str) {
        let provider = json!({"puffle": {"accountId": account, "channel": "Email"}});
        self.apply(&self.manifest(name, secret, &provider, &json!({}))).await;
    }

    /// Creates a Puffle LinkedIn sender's object that shall end disconnected.
    pub async fn linkedin(&self, name: &str, account: &str, secret: &str) {
        let provider = json!({"puffle": {"accountId": account, "channel": "LinkedIn"}});
        self.apply(&self.manifest(name, secret, &provider, &json!({}))).await;
    }

    /// Creates a Puffle LinkedIn sender's object that shall end destroyed.
    pub async fn purge(&self, name: &str, account: &str, secret: &str) {
        let provider = json!({"puffle": {"accountId": account, "channel": "LinkedIn", "teardown": "Purge"}});
        self.apply(&self.manifest(name, secret, &provider, &json!({}))).await;
    }

    /// A SenderAccount with these further fields in its spec.
    pub fn manifest(&self, name: &str, secret: &str, provider: &Value, more: &Value) -> Value {
        let mut spec = json!({"provider": provider, "credentialsRef": {"name": secret}});
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
        }
        json!({"apiVersion": "sender-operator.dev/v1alpha1", "kind": "SenderAccount",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec})
    }

    /// `kubectl patch` of the spec.
    pub async fn patch_spec(&self, name: &str, spec: &Value) {
        self.kubectl(&["patch", "sacc", name, "--type=merge", "-p", &json!({"spec": spec}).to_string()]).await;
    }

    /// Types the first command that the object's message names, as its reader would.
    pub async fn obey(&self, object: &Value) {
        let message = message(object);
        let command = message.find("kubectl ").map(|at| message[at..].split("; ").next().unwrap_or_default());
        self.type_in(command.unwrap_or_else(|| panic!("no command to type in: {message}"))).await;
    }

    /// Types a command into a shell that finds this control plane's kubectl.
    pub async fn type_in(&self, command: &str) {
        let programs = self.plane.kubectl_path().parent().expect("kubectl is in a folder").display();
        let shell = tokio::process::Command::new("sh")
            .args(["-c", command])
            .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap_or_default()))
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("KUBECACHEDIR", self.plane.dir().join("kubectl-cache"))
            .env("KUBERC", "off")
            .output();
        let output = shell.await.expect("a shell runs");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `kubectl delete`, which returns at once.
    pub async fn delete(&self, name: &str) {
        self.kubectl(&["delete", "sacc", name, "--wait=false"]).await;
    }
}

/// A Secret with exactly these entries, as a manifest.
pub fn secret(name: &str, entries: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": entries})
}

/// The reason that the object's `Ready` condition shows.
pub fn reason(object: &Value) -> &str {
    ready(object, "reason")
}

/// The sentence that the object's `Ready` condition shows.
pub fn message(object: &Value) -> &str {
    ready(object, "message")
}

fn ready<'a>(object: &'a Value, member: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().find(|c| c["type"] == "Ready").and_then(|c| c[member].as_str()).unwrap_or("")
}

/// When the object's deletion is tried again at the latest.
pub fn next_attempt(object: &Value) -> Timestamp {
    let at = object["status"]["teardown"]["nextAttemptAt"].as_str();
    at.and_then(|at| at.parse().ok())
        .unwrap_or_else(|| panic!("it does not say when it is tried again: {}", object["status"]))
}

/// Whether the object is marked for deletion.
pub fn deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}
