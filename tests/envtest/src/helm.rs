use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{
    Error,
    kubectl::{Refused, output},
};

/// Runs Helm as the control plane's administrator.
pub(crate) struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    /// Its cache, configuration and data: the user's own repositories and plugins play no part.
    home: PathBuf,
}

impl Helm {
    pub(crate) fn new(program: PathBuf, kubeconfig: PathBuf, dir: &Path) -> Self {
        Self { program, kubeconfig, home: dir.join("helm") }
    }

    /// Returns what Helm prints on stdout.
    pub(crate) async fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String, Error> {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"HELM_")) {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.home.join("kube"))
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        output(command, None).await?.map_err(|Refused { args, stderr }| Error::Helm { args, stderr })
    }
}
