//! How a request to the API server ends that does not end well.

use std::time::Duration;

use kube::Error as KubeError;
use tokio::time::timeout;

use super::said::{printable, said};
use crate::account::Incomprehensible;

/// No request to the API server may take longer: kube has no read timeout of its own.
const DEADLINE: Duration = Duration::from_secs(10);

/// How a request to the API server ended when it did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiFault {
    /// Somebody else wrote in between: read again, decide again.
    #[error("the object changed in between")]
    Conflict,
    /// The object is not there.
    #[error("not found")]
    NotFound,
    /// We may not do this.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// Validation or a policy refuses what we wrote.
    #[error("refused: {0}")]
    Refused(String),
    /// No usable answer: later.
    #[error("the API server did not answer usably: {0}")]
    Unavailable(String),
    /// The object came back in a form that we cannot understand.
    #[error("the stored object cannot be understood: {0}")]
    Incomprehensible(Incomprehensible),
}

impl From<KubeError> for ApiFault {
    fn from(error: KubeError) -> Self {
        match error {
            KubeError::Api(status) => {
                // A failed `test` of a JSON patch is a 422 that names no field; one that names fields is a refusal.
                let causes = status.details.as_ref().is_some_and(|details| !details.causes.is_empty());
                let text = printable(&status.message);
                let named = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
                // Kubernetes passes a webhook's own code on, with this before its words (apiserver, webhook/errors).
                let webhook = text.starts_with("admission webhook ");
                match status.code {
                    409 | 422 if webhook => Self::Refused(text),
                    // What names no object is not about it, or not the API server's: the object may be there.
                    404 if !named => Self::Unavailable(format!("404 for no object: {text}")),
                    404 => Self::NotFound,
                    409 => Self::Conflict,
                    422 if !causes => Self::Conflict,
                    400 | 405 | 413 | 422 => Self::Refused(text),
                    401 | 403 => Self::Forbidden(text),
                    code => Self::Unavailable(format!("{code} {}", status.reason)),
                }
            }
            KubeError::SerdeError(_) => Self::Unavailable("an answer that is no object".to_owned()),
            other => Self::Unavailable(said(&other)),
        }
    }
}

/// The answer to a request, if it comes within [`DEADLINE`].
pub(super) async fn deadline<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ApiFault> {
    within(DEADLINE, request).await
}

/// The answer to a request, if it comes in time.
///
/// # Errors
/// [`ApiFault`]
pub async fn within<T>(limit: Duration, request: impl Future<Output = kube::Result<T>>) -> Result<T, ApiFault> {
    match timeout(limit, request).await {
        Ok(result) => result.map_err(ApiFault::from),
        Err(_) => Err(ApiFault::Unavailable(format!("no answer within {} s", limit.as_secs()))),
    }
}
