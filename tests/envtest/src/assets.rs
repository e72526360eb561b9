use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Error;

/// A program of the control plane, or Helm beside it; [`Program::name`] is its file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the program of that name")]
pub enum Program {
    Etcd,
    ApiServer,
    ControllerManager,
    Kubectl,
    Helm,
}

impl Program {
    /// The program's file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::Helm => "helm",
        }
    }
}

/// The folder that holds the control plane's programs.
#[derive(Clone, Debug)]
pub struct Assets {
    dir: PathBuf,
}

impl Assets {
    /// Finds `programs` in the folder named by `KUBEBUILDER_ASSETS` or in the per-user cache, and builds those that
    /// are not there. A first build takes about ten minutes on 2 cores and reports its progress on stderr. Helm lies in a
    /// folder of its own: it is located alone.
    pub fn locate(programs: &[Program]) -> Result<Self, Error> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.sh");
        let output = Command::new("sh")
            .arg(&script)
            .args(programs.iter().map(|program| program.name()))
            .stderr(Stdio::inherit())
            .output()?;
        let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
        match programs.iter().find(|program| !dir.join(program.name()).is_file()) {
            None if output.status.success() => Ok(Self { dir }),
            _ => Err(Error::Assets(format!("{} failed; its reason stands above on stderr", script.display()))),
        }
    }

    /// The folder itself, in the layout `KUBEBUILDER_ASSETS` names.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of one of the programs that were located.
    pub fn path(&self, program: Program) -> PathBuf {
        self.dir.join(program.name())
    }
}
