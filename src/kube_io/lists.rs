//! Lists, as the store has them now: what no watch can be behind of.

use std::sync::Arc;

use kube::api::{Api, ApiResource, DynamicObject, ListParams};

use super::{ApiFault, KubeIo, deadline};
use crate::account::Account;
use crate::crd::SenderAccount;

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
            objects.extend(every_page(&scope).await?);
        }
        Ok(objects)
    }

    /// The objects that use a Secret.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn users(&self, namespace: &str, secret: &str) -> Result<Vec<Account>, ApiFault> {
        let kind = ApiResource::erase::<SenderAccount>(&());
        let objects = every_page(&Api::namespaced_with(self.client.clone(), namespace, &kind)).await?;
        let accounts = objects.into_iter().filter_map(|object| object.try_parse::<SenderAccount>().ok());
        let accounts = accounts.filter_map(|raw| Account::parse(Arc::new(raw), &self.config).ok());
        Ok(accounts.filter(|account| account.secret == secret).collect())
    }
}

async fn every_page(scope: &Api<DynamicObject>) -> Result<Vec<DynamicObject>, ApiFault> {
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = deadline(scope.list(&page)).await?;
        objects.extend(list.items);
        page.continue_token = list.metadata.continue_.filter(|token| !token.is_empty());
        if page.continue_token.is_none() {
            return Ok(objects);
        }
    }
}
