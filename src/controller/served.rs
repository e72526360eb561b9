//! Before anything is watched: the CRD must be served.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::{Client, Resource};
use tokio::time::Instant;

use crate::crd::{CRD_NAME, INSTALL_CRD, SenderAccount};

/// How often it is asked.
const POLL: Duration = Duration::from_secs(2);
/// How often it is said that it is waited for.
const SAY: Duration = Duration::from_secs(30);
/// One answer may take so long.
const DEADLINE: Duration = Duration::from_secs(10);

/// Returns once the API server serves `SenderAccount`: the CRD is there and established. Asks the API server's discovery,
/// which everybody may read.
pub async fn until_served(client: &Client) {
    let mut said: Option<Instant> = None;
    while let Err(missing) = served(client).await {
        if said.is_none_or(|at| at.elapsed() >= SAY) {
            tracing::warn!("waiting: {missing}");
            said = Some(Instant::now());
        }
        tokio::time::sleep(POLL).await;
    }
    tracing::info!("the CRD {CRD_NAME} is there and established");
}

async fn served(client: &Client) -> Result<(), String> {
    let version = SenderAccount::api_version(&());
    let plural = SenderAccount::plural(&());
    let absent = || format!("the CRD {CRD_NAME} is not there or not established yet; install it: {INSTALL_CRD}");
    let status = format!("{plural}/status");
    let has = |list: &APIResourceList, name: &str| list.resources.iter().any(|resource| resource.name == name);
    match tokio::time::timeout(DEADLINE, client.list_api_group_resources(&version)).await {
        Ok(Ok(list)) if has(&list, &plural) && has(&list, &status) => Ok(()),
        Ok(Ok(list)) if has(&list, &plural) => Err(format!(
            "the CRD {CRD_NAME} has no status subresource, and nothing could be written down; install it as it is: {INSTALL_CRD}"
        )),
        Ok(Ok(_)) => Err(absent()),
        // Not a Status but plain text, so that only the code can be read.
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Err(absent()),
        Ok(Err(error)) => Err(format!("the API server does not say what it serves: {error}")),
        Err(_) => Err("the API server does not answer".to_owned()),
    }
}
