//! The operator as a process of its own: started beside the demo, stopped with it however the demo ends.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::process::{Child, Command};

use crate::Failure;

/// Stops the operator once the pipe to this shell is closed: by the demo, or by the demo's death.
const WATCHDOG: &str = r#"cat >/dev/null; kill "$1""#;
/// The operator promises to end within 70 s of being told to.
const STOPS_WITHIN: Duration = Duration::from_secs(75);

/// For how long a request without an answer counts as alive.
pub const OUTCOME_WINDOW: &str = "5s";

/// A running operator.
pub struct Operator {
    process: Child,
    watchdog: Child,
    log: PathBuf,
}

/// A receipt as the operator's log shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Receipt {
    /// When the release was decided.
    pub time: Timestamp,
    /// `metadata.name` of the object.
    pub name: String,
    /// Which proof.
    pub proof: String,
}

impl Operator {
    /// Starts the operator that was built beside this program; its log goes to `log`.
    pub fn start(kubeconfig: &Path, log: PathBuf) -> Result<Self, Failure> {
        let program = env::current_exe()?.with_file_name("sender-operator");
        if !program.is_file() {
            return Err(format!("{} is not built: run `make demo`", program.display()).into());
        }
        let file = File::create(&log)?;
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"SENDER_OPERATOR_")) {
            command.env_remove(name);
        }
        command
            .args(["run", "--allow-insecure-loopback", "--listen", "127.0.0.1:0", "--leader-election=false"])
            // A real one waits 15 minutes where an answer was lost, and as long between two tries: too long to watch.
            .args(["--outcome-window", OUTCOME_WINDOW, "--max-backoff", "5s"])
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            // A Ctrl-C at the terminal is for the demo, which then stops what it started in order.
            .process_group(0)
            .kill_on_drop(true);
        let process = command.spawn()?;
        let pid = process.id().unwrap_or_default().to_string();
        let watchdog =
            Command::new("sh").args(["-c", WATCHDOG, "sh", &pid]).stdin(Stdio::piped()).process_group(0).spawn()?;
        Ok(Self { process, watchdog, log })
    }

    /// Resolves when the operator has ended by itself: while the demo runs that is a failure.
    pub async fn ended(&mut self) -> Failure {
        let status = self.process.wait().await;
        format!("the operator ended: {}", status.map_or_else(|error| error.to_string(), |it| it.to_string())).into()
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(mut self) -> Result<(), Failure> {
        let ended: Option<ExitStatus> = self.process.try_wait()?;
        if ended.is_some() {
            // Its process id may be another's by now.
            self.watchdog.kill().await?;
        }
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().await?;
        match tokio::time::timeout(STOPS_WITHIN, self.process.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(ExitStatus::success) => Ok(()),
            Ok(status) => Err(format!("the operator ended: {}", status?).into()),
            Err(_) => {
                self.process.kill().await?;
                Err(format!("the operator did not stop within {} s", STOPS_WITHIN.as_secs()).into())
            }
        }
    }

    /// Where its log is.
    pub fn log_path(&self) -> &Path {
        &self.log
    }
}

/// The receipts in a log.
pub fn receipts(log: &str) -> Vec<Receipt> {
    log.lines()
        .filter(|line| line.contains(r#""receipt":true"#))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
