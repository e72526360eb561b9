use std::{ffi::OsStr, io, path::PathBuf, process::Stdio};

use tokio::{io::AsyncWriteExt, process::Command};

use crate::Error;

/// Runs kubectl as the control plane's administrator.
pub(crate) struct Kubectl {
    pub(crate) program: PathBuf,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) cache: PathBuf,
}

impl Kubectl {
    /// A command to which the arguments are still to be added; it is killed when its future is dropped.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            // The user's cache is keyed by port and outlives the plane that had it; the user's preferences are theirs.
            .env("KUBECACHEDIR", &self.cache)
            .env("KUBERC", "off")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Returns what kubectl prints on stdout.
    pub(crate) async fn run(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: Option<&str>,
    ) -> Result<String, Error> {
        let mut command = self.command();
        command.args(args);
        output(command, input).await?.map_err(|Refused { args, stderr }| Error::Kubectl { args, stderr })
    }
}

/// How a command ended that was not successful.
pub(crate) struct Refused {
    pub(crate) args: String,
    pub(crate) stderr: String,
}

/// Runs a command with `input` on its stdin to its end, and returns what it prints on stdout.
pub(crate) async fn output(mut command: Command, input: Option<&str>) -> io::Result<Result<String, Refused>> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // The command may end without reading all of it; its own error then says more than the broken pipe.
            stdin.write_all(input.as_bytes()).await.ok();
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output?;
    if output.status.success() {
        return Ok(Ok(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let args: Vec<_> = command.as_std().get_args().map(OsStr::to_string_lossy).collect();
    let stderr = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Ok(Err(Refused { args: args.join(" "), stderr }))
}
