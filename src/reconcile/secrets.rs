//! Secrets: read by name, in the object's own namespace, shared by those that need them at the same time, never listed or
//! watched.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use tokio::time::Instant;

use super::reads::SecretVersion;
use super::shared::Shared;
use crate::account::Account;
use crate::args::Config;
use crate::crd::SECRET_FINALIZER;
use crate::credentials::{Credential, SecretFault};
use crate::kube_io::{ApiFault, KubeIo};
use crate::reason::Reason;
use crate::teardown::view::{Fault, Known};

/// How long one GET of a Secret serves the observations of the objects that use it.
const SHARED_FOR: Duration = Duration::from_secs(3);

/// Since when a GET of a Secret is recent enough for an observation.
pub fn recently() -> Instant {
    let now = Instant::now();
    now.checked_sub(SHARED_FOR).unwrap_or(now)
}

/// A key, ready to be used, and which version of which Secret it is from.
pub struct Unlocked {
    /// The key and where it goes.
    pub credential: Credential,
    /// The Secret's version.
    pub version: SecretVersion,
    /// Whether our finalizer keeps the Secret.
    pub held: bool,
}

impl Unlocked {
    /// What decisions may know of it.
    pub fn known(&self) -> Known {
        Known { fingerprint: self.credential.fingerprint.clone(), endpoint: self.credential.endpoint.to_string() }
    }
}

/// Reads Secrets.
pub struct Secrets {
    io: KubeIo,
    config: Arc<Config>,
    shared: Shared<(String, String), Result<Arc<Secret>, ApiFault>>,
}

impl Secrets {
    /// Over this connection to the API server.
    pub fn new(io: KubeIo, config: Arc<Config>) -> Self {
        Self { io, config, shared: Shared::default() }
    }

    /// The key of an object, or what is wrong with its Secret, as a GET that began at `not_before` or later showed it.
    ///
    /// # Errors
    /// [`ApiFault`] when the API server could not be asked: that says nothing about the Secret.
    pub async fn unlock(&self, account: &Account, not_before: Instant) -> Result<Result<Unlocked, Fault>, ApiFault> {
        let key = (account.namespace.clone(), account.secret.clone());
        let ask = async || self.io.secret(&key.0, &key.1).await.map(Arc::new);
        let secret = match self.shared.get(&key, not_before, ask).await {
            Ok(secret) => secret,
            Err(fault) => {
                self.shared.forget(&key);
                return self.absent(account, fault).await.map(Err);
            }
        };
        let data = secret.data.clone().unwrap_or_default();
        let provider = account.view.target.provider();
        Ok(match Credential::from_secret(&data, provider, &account.view.uid, &self.config.hosts) {
            Ok(credential) => Ok(Unlocked {
                credential,
                version: (key.0, key.1, secret.metadata.resource_version.clone().unwrap_or_default()),
                held: secret.metadata.finalizers.iter().flatten().any(|f| f == SECRET_FINALIZER),
            }),
            Err(fault) => {
                self.shared.forget(&key);
                Err(named(&fault))
            }
        })
    }

    /// Reads it anew next time: the provider refused what it holds.
    pub fn forget(&self, account: &Account) {
        self.shared.forget(&(account.namespace.clone(), account.secret.clone()));
    }

    async fn absent(&self, account: &Account, fault: ApiFault) -> Result<Fault, ApiFault> {
        let reason = match fault {
            ApiFault::NotFound if self.io.namespace_is_going(&account.namespace).await => Reason::SecretGone,
            ApiFault::NotFound => Reason::SecretMissing,
            ApiFault::Forbidden(_) => Reason::SecretForbidden,
            other => return Err(other),
        };
        Ok(Fault { reason, subject: None })
    }
}

fn named(fault: &SecretFault) -> Fault {
    let (reason, subject) = match fault {
        SecretFault::KeyMissing | SecretFault::KeyEmpty => (Reason::ApiKeyMissing, None),
        SecretFault::KeyMalformed(defect) => (Reason::ApiKeyMalformed, Some(defect.to_string())),
        SecretFault::BaseUrl(defect) => (Reason::BaseUrlMalformed, Some(defect.to_string())),
        SecretFault::NotHttps => (Reason::BaseUrlMalformed, Some("it does not begin with https://".to_owned())),
        SecretFault::HostNotAllowed { host } => (Reason::HostNotAllowed, Some(host.clone())),
    };
    Fault { reason, subject }
}
