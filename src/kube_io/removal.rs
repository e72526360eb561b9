//! What only a removal asks for: every object at once, a deletion, and that an account may live on.

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PatchParams, Preconditions};
use serde_json::json;

use super::{ApiFault, FIELD_MANAGER, KubeIo, deadline, guarded};
use crate::account::Account;
use crate::crd::{ORPHAN_REASON, SenderAccount};

/// So many objects come in one answer.
const PAGE: u32 = 500;

impl KubeIo {
    /// Every object of the watched namespaces, also what is no `SenderAccount` any version understands.
    ///
    /// # Errors
    /// [`ApiFault::NotFound`] where the CRD is not installed.
    pub async fn list(&self) -> Result<Vec<DynamicObject>, ApiFault> {
        let kind = ApiResource::erase::<SenderAccount>(&());
        let namespaces = &self.config.watch_namespaces;
        let mut scopes: Vec<Api<DynamicObject>> =
            namespaces.iter().map(|name| Api::namespaced_with(self.client.clone(), name, &kind)).collect();
        if namespaces.is_empty() {
            scopes.push(Api::all_with(self.client.clone(), &kind));
        }
        let mut objects = Vec::new();
        for scope in scopes {
            let mut page = ListParams::default().limit(PAGE);
            loop {
                let list = deadline(scope.list(&page)).await?;
                objects.extend(list.items);
                page.continue_token = list.metadata.continue_.filter(|token| !token.is_empty());
                if page.continue_token.is_none() {
                    break;
                }
            }
        }
        Ok(objects)
    }

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
        match &account.raw.metadata.annotations {
            Some(annotations) if annotations.contains_key(ORPHAN_REASON) => {}
            Some(_) => {
                let path = format!("/metadata/annotations/{}", ORPHAN_REASON.replace('/', "~1"));
                operations.push(json!({"op": "add", "path": path, "value": why}));
            }
            None => {
                operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {ORPHAN_REASON: why}}));
            }
        }
        let patch = guarded(account, operations)?;
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        deadline(self.accounts(&account.namespace).patch(&account.name, &params, &patch)).await.map(drop)
    }
}
