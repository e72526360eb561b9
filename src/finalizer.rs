//! The finalizer on accounts: put on where it is missing, taken off only with a [`Proof`]. Both by tested JSON patch.
//! And the one on Secrets, taken off.

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::account::Account;
use crate::crd::{FINALIZER, HOLD_TAKEN_OVER_AT, SECRET_FINALIZER};
use crate::kube_io::{ApiFault, Fresh, KubeIo, annotations};
use crate::teardown::proof::Proof;

/// Puts our finalizer on a live object.
///
/// # Errors
/// [`ApiFault`]
pub async fn add(io: &KubeIo, account: &Account) -> Result<Fresh, ApiFault> {
    io.patch_metadata(account, vec![addition(&account.finalizers, FINALIZER)]).await
}

/// Takes our finalizer off: for this uid, this resourceVersion, at this place, with a proof. It is no fault that it was off.
///
/// # Errors
/// [`ApiFault`]; where there was no usable answer, it may be off or on.
pub async fn release(io: &KubeIo, account: &Account, _proof: &Proof) -> Result<(), ApiFault> {
    let Some(operations) = removal(&account.finalizers, FINALIZER) else { return Ok(()) };
    match io.patch_away(account, operations).await {
        Err(ApiFault::NotFound) => Ok(()),
        other => other,
    }
}

/// Takes our hold off a Secret that no account needs any more.
///
/// # Errors
/// [`ApiFault`]
pub async fn let_secret_go(io: &KubeIo, namespace: &str, name: &str) -> Result<(), ApiFault> {
    match io.secret_if_any(namespace, name).await? {
        Some(secret) => let_shown_secret_go(io, &secret).await,
        None => Ok(()),
    }
}

/// The same, if the Secret is still as shown.
///
/// # Errors
/// [`ApiFault`]
pub async fn let_shown_secret_go(io: &KubeIo, secret: &Secret) -> Result<(), ApiFault> {
    let meta = &secret.metadata;
    let finalizers = meta.finalizers.as_deref().unwrap_or_default();
    let Some(mut operations) = removal(finalizers, SECRET_FINALIZER) else { return Ok(()) };
    if meta.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(HOLD_TAKEN_OVER_AT)) {
        operations.push(annotations::remove(HOLD_TAKEN_OVER_AT));
    }
    match io.patch_secret(secret, operations).await {
        Ok(_) | Err(ApiFault::NotFound) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// The operation that adds `name` after what is there.
pub fn addition(finalizers: &[String], name: &str) -> Value {
    match finalizers {
        [] => json!({"op": "add", "path": "/metadata/finalizers", "value": [name]}),
        _ => json!({"op": "add", "path": "/metadata/finalizers/-", "value": name}),
    }
}

/// The operations that remove `name` by value; none when it is not there.
fn removal(finalizers: &[String], name: &str) -> Option<Vec<Value>> {
    let index = finalizers.iter().position(|finalizer| finalizer == name)?;
    let path = format!("/metadata/finalizers/{index}");
    Some(vec![json!({"op": "test", "path": path, "value": name}), json!({"op": "remove", "path": path})])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_entry_is_removed_and_only_where_it_stands() {
        let finalizers = ["a/b".to_owned(), FINALIZER.to_owned()];
        let operations = removal(&finalizers, FINALIZER);
        let expected = json!([{"op": "test", "path": "/metadata/finalizers/1", "value": FINALIZER},
            {"op": "remove", "path": "/metadata/finalizers/1"}]);
        assert_eq!(operations.map(Value::Array), Some(expected));
        assert_eq!(removal(&["a/b".to_owned()], FINALIZER), None);
    }
}
