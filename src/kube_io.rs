//! The requests to the API server: each under a deadline, each with an outcome that says what to do next.

pub mod annotations;
mod fault;
mod lists;
mod moment;
mod removal;
mod said;
mod unmanaged;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, PartialObjectMeta, Patch, PatchParams};
use serde_json::{Value, json};

use self::fault::deadline;
use self::said::printable;
use crate::account::Account;
use crate::args::Config;
use crate::crd::{ALLOW_CRD_DELETION, CRD_NAME, FINALIZER, SenderAccount, SenderAccountStatus};
use crate::status;
use crate::teardown::view::Crd;

pub use fault::{ApiFault, within};
pub use lists::{PAGE, SecretUser};
pub use moment::Moment;
pub use said::said;
pub use unmanaged::Unmanaged;

/// How our writes are marked in `managedFields`.
pub const FIELD_MANAGER: &str = "sender-operator";

/// An object exactly as a quorum GET or a successful compare-and-swap of this pass showed it. The only thing that a send
/// accepts; it is used up by it.
#[derive(Debug)]
pub struct Fresh {
    account: Account,
    begun: Moment,
}

impl Fresh {
    /// The object.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The object, for reading on: nothing can be sent on it any more.
    pub fn into_account(self) -> Account {
        self.account
    }

    /// When the request that showed it began.
    pub fn begun(&self) -> Moment {
        self.begun
    }
}

/// The API server, as this operator uses it.
#[derive(Clone)]
pub struct KubeIo {
    client: Client,
    config: Arc<Config>,
}

impl KubeIo {
    /// Over this client, whose own retries are off.
    pub fn new(client: Client, config: Arc<Config>) -> Self {
        Self { client, config }
    }

    /// A quorum GET of one object.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Fresh, ApiFault> {
        let begun = Moment::now();
        let object = deadline(self.accounts(namespace).get(name)).await?;
        self.fresh(object.0, begun)
    }

    /// Replaces the status, if the object is still the one that `account` shows.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not.
    pub async fn write_status(&self, account: &Account, status: &SenderAccountStatus) -> Result<Fresh, ApiFault> {
        let begun = Moment::now();
        // Only a JSON patch guards /status: a wrong uid in any other write is silently accepted there.
        let patch = guarded(account, vec![json!({"op": "add", "path": "/status", "value": status})])?;
        let accounts = self.accounts(&account.namespace);
        let params = written_by_us();
        match deadline(accounts.patch_status(&account.name, &params, &patch)).await {
            Ok(object) => self.fresh(object.0, begun),
            // Where a CRD has no status, the API server says of the object that it is not there.
            Err(ApiFault::NotFound) if self.is_there(account).await => Err(ApiFault::Unavailable(
                "it does not serve the status; is the CRD the one that this version brings (sender-operator crd)?"
                    .to_owned(),
            )),
            Err(fault) => Err(fault),
        }
    }

    async fn is_there(&self, account: &Account) -> bool {
        let there = self.get(&account.namespace, &account.name).await;
        there.is_ok_and(|fresh| fresh.account().view.uid == account.view.uid)
    }

    /// Changes the metadata, if the object is still the one that `account` shows.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not.
    pub async fn patch_metadata(&self, account: &Account, operations: Vec<Value>) -> Result<Fresh, ApiFault> {
        let begun = Moment::now();
        let patch = guarded(account, operations)?;
        let params = written_by_us();
        let object = deadline(self.accounts(&account.namespace).patch(&account.name, &params, &patch)).await?;
        self.fresh(object.0, begun)
    }

    /// Takes the finalizer off, if the object is still the one that `account` shows; what is left of it is not read.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not, [`ApiFault::NotFound`] when it is gone already.
    pub async fn patch_away(&self, account: &Account, operations: Vec<Value>) -> Result<(), ApiFault> {
        let patch = guarded(account, operations)?;
        let metadata: Api<Unmanaged<PartialObjectMeta<SenderAccount>>> =
            Api::namespaced(self.client.clone(), &account.namespace);
        let params = written_by_us();
        let left = deadline(metadata.patch(&account.name, &params, &patch)).await?.0.metadata;
        // Whatever answers 200, only our own object without our finalizer is a release.
        let released =
            left.uid.as_ref() == Some(&account.view.uid) && !left.finalizers.iter().flatten().any(|f| f == FINALIZER);
        if released {
            Ok(())
        } else {
            Err(ApiFault::Unavailable("another object than the one that was patched".to_owned()))
        }
    }

    /// Says on an object that cannot be understood that it cannot be; what it already says is not written again.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn report_invalid(&self, namespace: &str, name: &str, uid: &str, what: &str) -> Result<(), ApiFault> {
        let kind = ApiResource::erase::<SenderAccount>(&());
        let objects: Api<Unmanaged<DynamicObject>> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let object = deadline(objects.get(name)).await?.0;
        let generation = object.metadata.generation;
        let what = unreadable_field(&object).unwrap_or_else(|| what.to_owned());
        let status = status::invalid(namespace, name, generation, &what, object.data.get("status"), Timestamp::now());
        if object.data.get("status") == Some(&status) || object.metadata.uid.as_deref() != Some(uid) {
            return Ok(());
        }
        let patch = json_patch(vec![
            json!({"op": "test", "path": "/metadata/uid", "value": uid}),
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": object.metadata.resource_version}),
            json!({"op": "add", "path": "/status", "value": status}),
        ])?;
        let params = written_by_us();
        deadline(objects.patch_status(name, &params, &patch)).await.map(drop)
    }

    /// GETs one Secret. The operator never lists or watches Secrets.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<Secret, ApiFault> {
        deadline(Api::<Secret>::namespaced(self.client.clone(), namespace).get(name)).await
    }

    /// The same, or that there is none.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn secret_if_any(&self, namespace: &str, name: &str) -> Result<Option<Secret>, ApiFault> {
        match self.secret(namespace, name).await {
            Ok(secret) => Ok(Some(secret)),
            Err(ApiFault::NotFound) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Changes a Secret's metadata, if it is still the one with this resourceVersion.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn patch_secret(&self, secret: &Secret, mut operations: Vec<Value>) -> Result<Secret, ApiFault> {
        let meta = &secret.metadata;
        let (Some(namespace), Some(name)) = (&meta.namespace, &meta.name) else { return Err(ApiFault::NotFound) };
        operations.insert(0, json!({"op": "test", "path": "/metadata/uid", "value": meta.uid}));
        operations
            .insert(1, json!({"op": "test", "path": "/metadata/resourceVersion", "value": meta.resource_version}));
        let params = written_by_us();
        let secrets = Api::<Secret>::namespaced(self.client.clone(), namespace);
        deadline(secrets.patch(name, &params, &json_patch(operations)?)).await
    }

    /// Whether a namespace is being deleted; unknown counts as no.
    pub async fn namespace_is_going(&self, name: &str) -> bool {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        deadline(namespaces.get_metadata(name)).await.is_ok_and(|ns| ns.metadata.deletion_timestamp.is_some())
    }

    /// Whether the CRD is being deleted.
    pub async fn crd(&self) -> Crd {
        let crds = Api::<CustomResourceDefinition>::all(self.client.clone());
        match deadline(crds.get_metadata(CRD_NAME)).await {
            Ok(crd) if crd.metadata.deletion_timestamp.is_none() => Crd::Serving,
            Ok(crd) => {
                match crd.metadata.annotations.and_then(|annotations| annotations.get(ALLOW_CRD_DELETION).cloned()) {
                    Some(value) if value == "true" => Crd::DeletingAllowed,
                    _ => Crd::Deleting,
                }
            }
            Err(_) => Crd::Unreadable,
        }
    }

    fn accounts(&self, namespace: &str) -> Api<Unmanaged<SenderAccount>> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn fresh(&self, object: SenderAccount, begun: Moment) -> Result<Fresh, ApiFault> {
        let account = Account::parse(Arc::new(object), &self.config).map_err(ApiFault::Incomprehensible)?;
        Ok(Fresh { account, begun })
    }
}

/// Which field of an object is no `SenderAccount`'s, and why. What the watch says of it names no field.
fn unreadable_field(object: &DynamicObject) -> Option<String> {
    let raw = serde_json::to_value(object).ok()?;
    let error = serde_path_to_error::deserialize::<_, SenderAccount>(raw).err()?;
    Some(printable(&format!("{}: {}", error.path(), error.inner())))
}

/// A JSON patch that does nothing unless the object is the same, unchanged.
fn guarded(account: &Account, mut operations: Vec<Value>) -> Result<Patch<()>, ApiFault> {
    operations.insert(0, json!({"op": "test", "path": "/metadata/uid", "value": account.view.uid}));
    operations.insert(1, json!({"op": "test", "path": "/metadata/resourceVersion", "value": account.resource_version}));
    json_patch(operations)
}

fn written_by_us() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() }
}

fn json_patch(operations: Vec<Value>) -> Result<Patch<()>, ApiFault> {
    serde_json::from_value(Value::Array(operations))
        .map(Patch::Json)
        .map_err(|error| ApiFault::Refused(printable(&error.to_string())))
}

#[cfg(test)]
#[path = "kube_io_tests.rs"]
mod tests;
