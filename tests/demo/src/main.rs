//! `make demo`: a real API server, both providers simulated, the operator and kubectl. Accounts of every kind are
//! deleted while one provider fails, and a verdict is given from what the providers know to be true.
#![forbid(unsafe_code)]

mod cast;
mod operator;
mod play;
#[path = "../../cluster/bed/recorder.rs"]
mod recorder;
mod timeline;
mod verdict;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::builder::FalseyValueParser;
use envtest::{ControlPlane, Options};
use provider_simulator::Simulator;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::operator::Operator;
use crate::play::Stage;

/// Why the demo cannot go on, or did not show what it should.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Deletes sender accounts on a real API server, at simulated providers.
#[derive(Parser)]
struct Args {
    /// Leave everything running afterwards, until Ctrl-C
    #[arg(long, env = "KEEP", value_parser = FalseyValueParser::new())]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args { keep } = Args::parse();
    let ended = match Signals::new() {
        Ok(mut signals) => perform(keep, &mut signals).await,
        Err(error) => Err(error.into()),
    };
    println!("\n{}", last_line(&ended));
    match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) if failure.is::<Interrupted>() => ExitCode::from(130),
        Err(_) => ExitCode::FAILURE,
    }
}

fn last_line(ended: &Result<String, Failure>) -> String {
    ended.as_ref().map_or_else(|failure| format!("FAILED: {failure}"), Clone::clone)
}

/// Every part that is started here is stopped here, the last one first, also after a failure.
async fn perform(keep: bool, signals: &mut Signals) -> Result<String, Failure> {
    play::say("starting kube-apiserver and etcd");
    let plane = tokio::select! {
        plane = ControlPlane::start(Options::default()) => plane?,
        interrupted = signals.next() => return Err(interrupted.into()),
    };
    let ended = with_operator(&plane, keep, signals).await;
    play::say("stopping etcd and kube-apiserver");
    plane.stop().await?;
    ended
}

async fn with_operator(plane: &ControlPlane, keep: bool, signals: &mut Signals) -> Result<String, Failure> {
    let simulator = Arc::new(Simulator::start().await?);
    let mut operator = Operator::start(plane.kubeconfig(), plane.dir().join("operator.log"))?;
    let stage = Stage { plane, simulator, log: operator.log_path().to_owned(), status: operator.status_path() };
    let mut ended = tokio::select! {
        ended = stage.play() => ended,
        failure = operator.ended() => Err(failure),
        interrupted = signals.next() => Err(interrupted.into()),
    };
    if !ended.as_ref().is_err_and(|failure| failure.is::<Interrupted>()) {
        if ended.is_err() {
            stage.show_log();
        }
        if keep {
            println!("\n{}", last_line(&ended));
            tokio::select! {
                failure = stage.go_on() => ended = ended.and(Err(failure)),
                failure = operator.ended() => ended = ended.and(Err(failure)),
                _ = signals.next() => {}
            }
        }
    }
    play::say("stopping the operator");
    let stopped = operator.stop().await;
    ended.and_then(|verdict| stopped.map(|()| verdict))
}

/// Somebody ended the demo.
#[derive(Debug)]
struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

struct Signals([Signal; 3]);

impl Signals {
    fn new() -> io::Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn next(&mut self) -> Interrupted {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        Interrupted
    }
}
