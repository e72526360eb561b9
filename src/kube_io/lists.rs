//! Lists, as the store has them now: what no watch can be behind of.

use std::sync::Arc;

use kube::api::{Api, ApiResource, DynamicObject, ListParams};

use super::{ApiFault, KubeIo, Unmanaged, deadline};
use crate::account::Account;
use crate::crd::SenderAccount;

/// So many objects come in one answer: each may be as large as the store takes them.
pub const PAGE: u32 = 100;

/// An object that needs its Secret, as a list shows it.
#[derive(Clone, Debug)]
pub struct SecretUser {
    /// `namespace/name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// `spec.credentialsRef.name`
    pub secret: String,
    /// Whether it has our finalizer.
    pub ours: bool,
}

impl KubeIo {
    /// Every object of the watched namespaces, also what is no `SenderAccount` any version understands.
    ///
    /// # Errors
    /// [`ApiFault::NotFound`] where the CRD is not installed.
    pub async fn list(&self) -> Result<Vec<DynamicObject>, ApiFault> {
        let kind = ApiResource::erase::<SenderAccount>(&());
        let namespaces = &self.config.watch_namespaces;
        let mut scopes: Vec<Api<Unmanaged<DynamicObject>>> =
            namespaces.iter().map(|name| Api::namespaced_with(self.client.clone(), name, &kind)).collect();
        if namespaces.is_empty() {
            scopes.push(Api::all_with(self.client.clone(), &kind));
        }
        let mut objects = Vec::new();
        for scope in scopes {
            objects.extend(every_page(&scope, Some).await?);
        }
        Ok(objects)
    }

    /// The objects of a namespace that need their Secret: they have our finalizer, or will.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn users(&self, namespace: &str) -> Result<Vec<SecretUser>, ApiFault> {
        let kind = ApiResource::erase::<SenderAccount>(&());
        let user = |object: DynamicObject| {
            let account = Account::parse(Arc::new(object.try_parse().ok()?), &self.config).ok()?;
            account.is_or_will_be_ours().then(|| SecretUser {
                name: account.qualified_name(),
                ours: account.view.ours,
                uid: account.view.uid,
                secret: account.secret,
            })
        };
        every_page(&Api::namespaced_with(self.client.clone(), namespace, &kind), user).await
    }
}

/// Every object of this scope, as much of each as is wanted: a page at a time is all that is held whole.
async fn every_page<T>(
    scope: &Api<Unmanaged<DynamicObject>>,
    wanted: impl Fn(DynamicObject) -> Option<T>,
) -> Result<Vec<T>, ApiFault> {
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = deadline(scope.list(&page)).await?;
        objects.extend(list.items.into_iter().filter_map(|object| wanted(object.0)));
        page.continue_token = list.metadata.continue_.filter(|token| !token.is_empty());
        if page.continue_token.is_none() {
            return Ok(objects);
        }
    }
}
