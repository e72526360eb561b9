//! What only a removal asks for: a deletion, and that an account may live on.

use kube::api::{DeleteParams, Preconditions};
use serde_json::json;

use super::{ApiFault, KubeIo, annotations, deadline, guarded, written_by_us};
use crate::account::Account;
use crate::crd::ORPHAN_REASON;

impl KubeIo {
    /// Marks an object for deletion, if it is still the one with this uid.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn delete(&self, account: &Account) -> Result<(), ApiFault> {
        let uid = Some(account.view.uid.clone());
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid, resource_version: None }),
            ..DeleteParams::default()
        };
        match deadline(self.accounts(&account.namespace).delete(&account.name, &params)).await {
            Ok(_) | Err(ApiFault::NotFound) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Sets `deletionPolicy: Orphan`, and why, where nobody said why; if the object is still the one that `account` shows.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not.
    pub async fn orphan(&self, account: &Account, why: &str) -> Result<(), ApiFault> {
        let mut operations = vec![json!({"op": "add", "path": "/spec/deletionPolicy", "value": "Orphan"})];
        let meta = &account.raw.metadata;
        if !meta.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(ORPHAN_REASON)) {
            operations.push(annotations::set(meta, ORPHAN_REASON, why));
        }
        let patch = guarded(account, operations)?;
        let params = written_by_us();
        deadline(self.accounts(&account.namespace).patch(&account.name, &params, &patch)).await.map(drop)
    }
}
