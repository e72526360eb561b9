//! The kubeconfig that is given, and the one that is given on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_yaml::Value;

/// Why a kubeconfig cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// It cannot be read, or the new one not written.
    #[error("kubeconfig: {0}")]
    Io(#[from] io::Error),
    /// It is no YAML.
    #[error("kubeconfig: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// It has not what the proxy needs.
    #[error("kubeconfig: its first cluster must have `server: https://HOST:PORT` and `certificate-authority: FILE`")]
    Shape,
    /// A certificate or the proxy's own TLS cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
}

/// What a kubeconfig says of its first cluster.
pub(crate) struct Cluster {
    /// `HOST:PORT`
    pub(crate) authority: String,
    pub(crate) ca: Vec<CertificateDer<'static>>,
    whole: Value,
}

impl Cluster {
    pub(crate) fn read(path: &Path) -> Result<Self, KubeconfigError> {
        let whole: Value = serde_yaml::from_str(&fs::read_to_string(path)?)?;
        let cluster = &whole["clusters"][0]["cluster"];
        let server = cluster["server"].as_str().and_then(|server| server.strip_prefix("https://"));
        let ca = cluster["certificate-authority"].as_str();
        let (Some(authority), Some(ca)) = (server, ca) else { return Err(KubeconfigError::Shape) };
        let ca: Result<Vec<_>, _> = CertificateDer::pem_file_iter(ca).and_then(Iterator::collect);
        let ca = ca.map_err(|error| KubeconfigError::Tls(error.to_string()))?;
        Ok(Self { authority: authority.trim_end_matches('/').to_owned(), ca, whole })
    }

    /// The same kubeconfig, leading to another server.
    pub(crate) fn write(mut self, dir: &Path, server: &str, ca: &str) -> Result<PathBuf, KubeconfigError> {
        let ca_file = dir.join("ca.crt");
        fs::write(&ca_file, ca)?;
        let cluster = &mut self.whole["clusters"][0]["cluster"];
        cluster["server"] = Value::from(server);
        cluster["certificate-authority"] = Value::from(ca_file.display().to_string());
        let path = dir.join("kubeconfig");
        fs::write(&path, serde_yaml::to_string(&self.whole)?)?;
        Ok(path)
    }
}
