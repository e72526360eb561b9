//! The operator as users run it: a process with flags, signals and an exit code.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use envtest::Leash;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::Bed;

/// A running operator. Killed when dropped, and when the test's process ends without that.
pub struct Operator {
    child: Child,
    log: PathBuf,
    _leash: Leash,
}

impl Bed {
    /// An operator for this bed's namespace, with short delays and a short outcome window, ready to work.
    pub async fn operator(&self, flags: &[&str]) -> Operator {
        let watched = self.namespace.clone();
        self.operator_for(&[&watched], flags).await
    }

    /// An operator for these namespaces.
    pub async fn operator_for(&self, namespaces: &[&str], flags: &[&str]) -> Operator {
        self.operator_as(self.plane.kubeconfig(), namespaces, flags).await
    }

    /// An operator for these namespaces, with the rights of whoever this kubeconfig names.
    pub async fn operator_as(&self, kubeconfig: &Path, namespaces: &[&str], flags: &[&str]) -> Operator {
        let operator = self.start_operator(kubeconfig, namespaces, flags);
        self.until_logged(&operator, &["every object was listed"]).await;
        operator
    }

    /// The same, not waiting until it is ready to work.
    pub fn start_operator(&self, kubeconfig: &Path, namespaces: &[&str], flags: &[&str]) -> Operator {
        self.spawn_operator(self.operator_command(kubeconfig, namespaces, flags))
    }

    /// What an operator for these namespaces is started with; where its output goes is open.
    pub fn operator_command(&self, kubeconfig: &Path, namespaces: &[&str], flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sender-operator"));
        command.args(["run", "--allow-insecure-loopback", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        command.args(["--log-level", "debug"]);
        let usual = [
            ("--max-backoff", "2s"),
            ("--outcome-window", "3s"),
            ("--observe-interval", "5s"),
            ("--leader-election", "false"),
        ];
        for (flag, value) in usual {
            if !flags.contains(&flag) {
                command.args([flag, value]);
            }
            let given = flags.iter().skip_while(|given| **given != flag).nth(1);
            match flag {
                "--outcome-window" => self.recorder.outcome_window(given.unwrap_or(&value)),
                "--max-backoff" => self.recorder.max_backoff(given.unwrap_or(&value)),
                _ => {}
            }
        }
        for namespace in namespaces {
            self.recorder.begin_to_record(namespace);
            command.args(["--watch-namespace", namespace]);
        }
        command.args(flags).env("KUBECONFIG", kubeconfig).stdin(Stdio::null());
        command
    }

    /// An operator that is started with this command.
    pub fn spawn_operator(&self, mut command: Command) -> Operator {
        let (file, path) = tempfile::NamedTempFile::new().expect("a file for the log").into_parts();
        let stderr: File = file.try_clone().expect("a second handle");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(stderr).spawn().expect("the operator starts");
        self.started(child, path)
    }

    /// Takes an operator that was started, and writes to this file, among those of the bed.
    pub fn started(&self, child: Child, path: tempfile::TempPath) -> Operator {
        let leash = Leash::on(child.id()).expect("a shell runs");
        let operator = Operator { child, log: path.to_path_buf(), _leash: leash };
        self.pids.lock().unwrap().push(operator.pid());
        self.logs.lock().unwrap().push(path);
        operator
    }

    /// Stops the operator as Kubernetes does, and checks that no key shows anywhere and that every property holds.
    pub async fn finish(&self, mut operator: Operator) {
        let metrics = operator.admin("/metrics").await;
        assert!(
            metrics.contains("sender_operator_panics_total 0\n"),
            "a pass panicked, or these are no metrics: {metrics}"
        );
        self.assert_no_key_in("the metrics", &metrics);
        self.assert_no_key_in_process(&operator);
        self.note_memory();
        operator.terminate();
        let status = operator.ended().await;
        assert!(status.success(), "the operator ended with {status}:\n{}", operator.log());
        self.assert_no_key_shows().await;
        self.assert_properties_hold().await;
    }
}

impl Bed {
    /// Notes how much memory each operator that runs has had at most.
    pub fn note_memory(&self) {
        for pid in self.pids.lock().unwrap().iter() {
            let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
            // Another process may have the number by now.
            if read("cmdline").contains(env!("CARGO_BIN_EXE_sender-operator")) {
                self.recorder.memory(read("status"));
            }
        }
    }
}

impl Operator {
    /// Everything it wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The receipts it wrote so far.
    pub fn receipts(&self) -> Vec<Value> {
        let lines = self.log();
        let parsed = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.filter(|line| line["receipt"] == true).collect()
    }

    /// The receipt of this object.
    pub fn receipt(&self, name: &str) -> Value {
        let of = self.receipts().into_iter().find(|receipt| receipt["name"] == name);
        of.unwrap_or_else(|| panic!("no receipt of {name} in:\n{}", self.log()))
    }

    /// The proof on which this object was let go.
    pub fn proof(&self, name: &str) -> String {
        self.receipt(name)["proof"].as_str().unwrap_or_default().to_owned()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: it loses its memory, and nothing else.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM, as when a pod is stopped.
    pub fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().expect("kill runs");
        assert!(killed.success(), "the operator was not there any more:\n{}", self.log());
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(100), "the operator does not end:\n{}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Where its admin port is.
    pub fn admin_address(&self) -> String {
        let log = self.log();
        let parsed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let address = parsed
            .filter_map(|line| line["fields"]["listen"].as_str().or(line["listen"].as_str()).map(str::to_owned))
            .next()
            .expect("the address is logged");
        address.trim_start_matches("Some(").trim_end_matches(')').to_owned()
    }

    /// What `path` answers on its admin port.
    pub async fn admin(&self, path: &str) -> String {
        Self::visit(&self.admin_address(), path).await
    }

    /// What `path` answers at this address of an admin port.
    pub async fn visit(address: &str, path: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("the admin port answers");
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what the operator wrote ---\n{}", self.log());
        }
    }
}
