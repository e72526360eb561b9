//! `provider-simulator`: both providers for a rehearsal. `--help` says how.
#![forbid(unsafe_code)]

mod args;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use provider_simulator::{Ports, Seed, Simulator, control};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::Args;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("provider-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    // Before the line that says it is ready: whoever reads it may stop this process at once.
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let simulator = start(&args).await?;
    let ready = json!({
        "postpress": simulator.postpress_url(),
        "puffle": simulator.puffle_url(),
        "control": format!("http://{}", control::serve(simulator, args.control_port).await?),
    });
    println!("{ready}");
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
        () = stdin_closed(), if args.until_stdin_closes => {}
    }
    Ok(())
}

async fn start(args: &Args) -> Result<Arc<Simulator>, Failure> {
    let ports = Ports { postpress: args.postpress_port, puffle: args.puffle_port };
    let simulator = Simulator::start_on(ports).await?;
    if let Some(path) = &args.seed {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("--seed {shown}: {error}"))?;
        Seed::parse(&text)
            .and_then(|seed| simulator.seed(&seed))
            .map_err(|error| format!("--seed {shown}: {error}"))?;
    }
    simulator.seed(&args.accounts())?;
    Ok(Arc::new(simulator))
}

/// Reads on a thread of its own: a runtime would wait at its end for a read that nobody answers.
async fn stdin_closed() {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        // Ended by an error is closed, too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        closed.send(())
    });
    let _ = wait.await;
}
