//! The demo itself, step by step.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use envtest::ControlPlane;
use jiff::Timestamp;
use provider_simulator::{Call, Fault, On, Provider, Simulator, control};

use crate::operator::{MAX_BACKOFF, OUTCOME_WINDOW};
use crate::recorder::Recorder;
use crate::{Failure, cast, timeline, verdict};

/// The workspace's root: where the paths in the commands that are shown begin.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const CRD: &str = "crds/senderaccounts.yaml";
/// How long the failing provider goes on after its first refusal, in two halves.
const HALF_OF_OUTAGE: Duration = Duration::from_secs(2);

/// While what is recorded has not caught up with the API server.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Prints what happens next, and how long the demo has run.
pub fn say(what: &str) {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    println!("\n[{:4.1} s] {what}", BEGAN.elapsed().as_secs_f64());
}

/// What the demo is played on.
pub struct Stage<'a> {
    /// The API server.
    pub plane: &'a ControlPlane,
    /// Both providers.
    pub simulator: Arc<Simulator>,
    /// What the kernel says of the operator.
    pub status: PathBuf,
    /// The operator's log.
    pub log: PathBuf,
}

impl Stage<'_> {
    /// Plays the demo; the verdict, where it is a good one.
    ///
    /// # Errors
    /// A step that cannot be done, or an account that did not end as its object asked for.
    pub async fn play(&self) -> Result<String, Failure> {
        let parts = cast::parts()?;
        self.simulator.seed(&cast::seed(&parts))?;
        say("the API, the providers' keys, and an object for each of four accounts");
        self.kubectl(&format!("apply -f {CRD}")).await?;
        self.kubectl("wait crd/senderaccounts.sender-operator.dev --for=condition=Established --timeout=60s").await?;
        let recorder = Recorder::new(self.plane, &self.simulator).await;
        recorder.outcome_window(OUTCOME_WINDOW);
        recorder.max_backoff(MAX_BACKOFF);
        recorder.record("default").await;
        let secrets = cast::secrets(|provider| self.base_url(provider))?;
        println!("$ kubectl apply -f {}   # with the simulated providers' keys and addresses", cast::CREDENTIALS);
        print!("{}", self.plane.kubectl_with_stdin(["apply", "-f", "-"], &secrets).await?);
        self.kubectl(&format!("apply -f {}", cast::ACCOUNTS)).await?;

        say("the operator adopts the accounts: it reads each one at its provider");
        self.kubectl(&format!("wait -f {} --for=condition=Ready --timeout=60s", cast::ACCOUNTS)).await?;
        self.kubectl("get sacc").await?;

        say("PostPress begins to fail, and every object is deleted");
        let since = Timestamp::now();
        let refused = self.delete_during_outage().await?;

        while !recorder.is_complete().await {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let log = self.simulator.log();
        let operator_log = std::fs::read_to_string(&self.log)?;
        let acts = timeline::acts(&parts, &log, &operator_log, since);
        say("what the providers know to be true, and the operator's receipts; times from kubectl delete on");
        timeline::print(&acts, &log, since);
        let left = self.plane.kubectl(["get", "sacc", "-o", "name"]).await?;
        let whole = verdict::Whole { refused, operator_log: &operator_log, left: &left };
        let mut faults = verdict::faults(&acts, &whole);
        recorder.memory(std::fs::read_to_string(&self.status)?);
        faults.extend(recorder.violations(&[operator_log]).iter().map(ToString::to_string));
        if !faults.is_empty() {
            return Err(faults.join("; ").into());
        }
        Ok(format!("OK: {} of {0} accounts ended as asked, each proved before its object went", acts.len()))
    }

    /// Deletes all objects while PostPress refuses everything for some seconds; how many DELETEs it refused.
    async fn delete_during_outage(&self) -> Result<usize, Failure> {
        let on = On::any().provider(Provider::PostPress);
        let fault = self.simulator.fault(on, Fault::postpress_error("errors/no_channel"));
        let refused = || {
            let log = self.simulator.log();
            log.entries().filter(|entry| entry.call == Call::Delete && entry.fault == Some(fault.id())).count()
        };
        let outage = async {
            self.simulator.wait_for("PostPress refuses a DELETE", |_| refused() > 0).await?;
            tokio::time::sleep(HALF_OF_OUTAGE).await;
            self.kubectl("get sacc").await?;
            tokio::time::sleep(HALF_OF_OUTAGE).await;
            say("PostPress works again");
            fault.clear();
            Ok(())
        };
        let delete = format!("delete -f {} --timeout=120s", cast::ACCOUNTS);
        tokio::try_join!(self.kubectl(&delete), outage)?;
        Ok(refused())
    }

    /// Runs kubectl and shows the command with what it prints.
    async fn kubectl(&self, line: &str) -> Result<(), Failure> {
        println!("$ kubectl {line}");
        let status = self.plane.kubectl_command().args(line.split(' ')).current_dir(ROOT).status().await?;
        if status.success() { Ok(()) } else { Err(format!("kubectl {line} failed, its reason stands above").into()) }
    }

    fn base_url(&self, provider: Provider) -> String {
        match provider {
            Provider::PostPress => self.simulator.postpress_url(),
            Provider::Puffle => self.simulator.puffle_url(),
        }
    }

    /// Prints the end of the operator's log.
    pub fn show_log(&self) {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        println!("\nThe end of the operator's log:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
    }

    /// Brings the accounts back at the providers, says how to go on, and ends only where that cannot be done.
    pub async fn go_on(&self) -> Failure {
        let served = async {
            self.simulator.seed(&cast::seed(&cast::parts()?))?;
            Ok(control::serve(Arc::clone(&self.simulator), 0).await?)
        };
        match served.await {
            Ok(control) => self.explain(control),
            Err(failure) => return failure,
        }
        std::future::pending().await
    }

    fn explain(&self, control: SocketAddr) {
        println!(
            "
The accounts are back at the providers, and everything runs until Ctrl-C. In another terminal, in this folder:

  export KUBECONFIG={kubeconfig} KUBECTL={kubectl}
  $KUBECTL apply -f {accounts}
  $KUBECTL get sacc -o wide
  $KUBECTL delete -f {accounts}

  curl http://{control}/state     # what is true of every account; `cargo run -p provider-simulator -- --help` says more
  curl http://{control}/faults -d '{{\"on\":{{\"call\":\"delete\"}},\"delivery\":\"cut\"}}'
  tail -f {log}",
            kubeconfig = self.plane.kubeconfig().display(),
            kubectl = self.plane.kubectl_path().display(),
            accounts = cast::ACCOUNTS,
            log = self.log.display(),
        );
    }
}
