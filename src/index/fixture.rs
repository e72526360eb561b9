//! Objects for tests, as the API server would show them.

use std::sync::Arc;

use kube::core::DeserializeGuard;
use serde_json::{Value, json};

use super::Cached;
use crate::account::Account;
use crate::args::{Command, Config, parse_from};
use crate::crd::{FINALIZER, SenderAccount};

/// The settings of an operator that was given no flag, but acts alone.
pub(crate) fn config() -> Config {
    match parse_from(["sender-operator", "run", "--leader-election=false"].map(Into::into)) {
        Ok(Command::Run(config)) => *config,
        other => panic!("{other:?}"),
    }
}

/// One object, in JSON.
#[derive(Clone)]
pub(crate) struct Fixture(pub(crate) Value);

impl Fixture {
    /// A PostPress account in namespace `sales` with uid `uid-NAME`, created at minute 0, with Secret `key`.
    pub(crate) fn postpress(name: &str, account_id: &str) -> Self {
        Self::of(name, json!({"postpress": {"accountId": account_id}}))
    }

    /// A LinkedIn sender at Puffle, the rest as [`Fixture::postpress`].
    pub(crate) fn linkedin(name: &str, account_id: &str) -> Self {
        Self::of(name, json!({"puffle": {"accountId": account_id, "channel": "LinkedIn"}}))
    }

    fn of(name: &str, provider: Value) -> Self {
        Self(json!({
            "apiVersion": "sender-operator.dev/v1alpha1",
            "kind": "SenderAccount",
            "metadata": {
                "name": name, "namespace": "sales", "uid": format!("uid-{name}"), "resourceVersion": "1", "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER],
            },
            "spec": {"provider": provider, "credentialsRef": {"name": "key"}},
        }))
    }

    pub(crate) fn namespace(self, namespace: &str) -> Self {
        self.set("/metadata", "namespace", json!(namespace))
    }

    pub(crate) fn uid(self, uid: &str) -> Self {
        self.set("/metadata", "uid", json!(uid))
    }

    pub(crate) fn secret(self, name: &str) -> Self {
        self.set("/spec/credentialsRef", "name", json!(name))
    }

    pub(crate) fn created_in_minute(self, minute: u8) -> Self {
        self.set("/metadata", "creationTimestamp", json!(format!("2026-01-01T00:{minute:02}:00Z")))
    }

    pub(crate) fn deleting(self) -> Self {
        let marked = self.set("/metadata", "generation", json!(2));
        marked.set("/metadata", "deletionTimestamp", json!("2026-01-02T00:00:00Z"))
    }

    pub(crate) fn annotated(self, name: &str, value: &str) -> Self {
        self.set("/metadata", "annotations", json!({name: value}))
    }

    pub(crate) fn status(self, status: Value) -> Self {
        self.set("", "status", status)
    }

    pub(crate) fn set(mut self, at: &str, member: &str, value: Value) -> Self {
        self.0.pointer_mut(at).unwrap()[member] = value;
        self
    }

    pub(crate) fn cached(&self) -> Cached {
        serde_json::from_value(self.0.clone()).unwrap()
    }

    pub(crate) fn account(&self) -> SenderAccount {
        serde_json::from_value::<DeserializeGuard<_>>(self.0.clone()).unwrap().0.unwrap()
    }

    /// As a pass reads it.
    pub(crate) fn parsed(&self) -> Account {
        Account::parse(Arc::new(self.account()), &config()).unwrap()
    }
}
