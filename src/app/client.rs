//! How the API server is reached: every client that this program has is made here.

use std::path::PathBuf;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use kube::Client;
use kube::config::Kubeconfig;

/// A connection to the API server may take so long to open. What is sent over it has its deadlines where it is sent.
const CONNECT: Duration = Duration::from_secs(10);
/// No connection to the API server is silent for longer: a watch ends and begins anew before that ([`crate::controller::WATCH`]).
const SILENCE: Duration = Duration::from_secs(60);

/// The cluster that is acted upon.
pub struct Cluster {
    /// The client for everything but providers.
    pub client: Client,
    /// Its API server, so that whoever meant another one sees it: what a kubeconfig's `server` says, without credentials in
    /// it. In a pod it is the same in most clusters.
    pub address: String,
}

/// Why there is no connection to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// No kubeconfig and no pod.
    #[error("no cluster is known: set KUBECONFIG to a kubeconfig file, or run in a pod: {0}")]
    NoCluster(#[from] kube::config::InferConfigError),
    /// What was found names no cluster that can be spoken to.
    #[error("the cluster's configuration cannot be used: {0}")]
    Unusable(#[from] kube::Error),
}

/// The cluster that kubectl talks to, or the pod's own. Every request has its deadline where it is made, and is repeated
/// there or not at all: kube's own repetition would keep one request busy for minutes.
///
/// # Errors
/// [`NoClient`]
pub async fn cluster() -> Result<Cluster, NoClient> {
    let mut config = kube::Config::infer().await?;
    // In a pod kube does this by itself. (client-go does both: kubernetes/kubernetes#132922.)
    config.root_cert_file = config.root_cert_file.or_else(|| authority_file(Kubeconfig::read().ok()?));
    config.connect_timeout = Some(CONNECT);
    // A list, and a watch until its head has come, have no deadline of their own.
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static(concat!("sender-operator/", env!("CARGO_PKG_VERSION")))));
    let address = address(&config.cluster_url);
    Ok(Cluster { client: Client::try_from(config)?, address })
}

fn address(server: &Uri) -> String {
    let port = server.port().map(|port| format!(":{port}")).unwrap_or_default();
    let (scheme, host) = (server.scheme_str().unwrap_or_default(), server.host().unwrap_or_default());
    format!("{scheme}://{host}{port}{}", server.path().trim_end_matches('/'))
}

/// The file with the authorities that vouch for the API server, where the kubeconfig names one: a new authority is trusted
/// within a minute after it stands there.
fn authority_file(kubeconfig: Kubeconfig) -> Option<PathBuf> {
    let current = kubeconfig.current_context?;
    let context = kubeconfig.contexts.into_iter().find(|context| context.name == current)?.context?;
    let cluster = kubeconfig.clusters.into_iter().find(|cluster| cluster.name == context.cluster)?.cluster?;
    let file = cluster.certificate_authority.map(PathBuf::from);
    file.filter(|_| cluster.certificate_authority_data.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_named_by_its_address_without_credentials_in_it() {
        for (server, named) in [
            ("https://10.96.0.1:443/", "https://10.96.0.1:443"),
            (
                "https://user:secret@api.example.com/k8s/clusters/c-1?token=secret",
                "https://api.example.com/k8s/clusters/c-1",
            ),
            ("https://[::1]:6443", "https://[::1]:6443"),
        ] {
            assert_eq!(address(&server.parse().unwrap()), named);
        }
    }
}
