//! The composition root: builds every part, runs them under one `select!`, and says how the process ends.

mod client;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::client::{Cluster, NoClient, cluster};
use crate::admin::{self, Admin};
use crate::args::{self, Config};
use crate::audit::Receipts;
use crate::controller::{self, Parts};
use crate::crd;
use crate::events::Events;
use crate::index::{Index, Scope};
use crate::lease::{self, Candidate, Lost, Standing, Term};
use crate::metrics::Metrics;
use crate::provider::http::{LONGEST_DELETE, Limits, ProviderClient};
use crate::reconcile::{Deps, Reconciler};
use crate::telemetry;

/// A stop takes no longer: one DELETE in flight and writing down its answer. A pod's
/// `terminationGracePeriodSeconds` must be more than this.
pub const STOP: Duration = Duration::from_secs(LONGEST_DELETE.as_secs() + 9);
/// So long the last Events may take.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// Why the operator ended other than by being told to.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    NoClient(#[from] NoClient),
    #[error("--listen {address} cannot be served: {source}; choose another address or port")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the operating system gives no signals or threads: {0}")]
    System(#[from] io::Error),
    // To stand by again, this process would have to forget all that it knows of its term: index, reads, windows. The next
    // one has.
    #[error("leadership is lost: {0}; this process ends, and the next one stands by")]
    LeadershipLost(#[from] Lost),
    #[error("the controller ended by itself: this is a bug")]
    ControllerEnded,
    #[error("what was running did not end within {} s; it is settled after the next start", STOP.as_secs())]
    StopTooSlow,
    #[error("a second signal ended the process at once; what was running is settled after the next start")]
    Forced { signal: u8 },
}

/// Runs the operator until it is told to stop.
pub fn run(config: Config) -> ExitCode {
    if let Err(error) = telemetry::start(config.log.clone()) {
        return fail(&error.to_string());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Fault::System(error).to_string()),
    };
    let ended = runtime.block_on(operate(config));
    // A name that is being resolved must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => {
            tracing::info!("stopped; nothing is in flight");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            tracing::error!("{fault}");
            match fault {
                Fault::Forced { signal } => ExitCode::from(128 + signal),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

async fn operate(config: Config) -> Result<(), Fault> {
    let signals = Signals::new()?;
    let address = config.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Fault::Listen { address, source })?;
    let Cluster { client, address: cluster } = cluster().await?;
    tracing::info!(version = version(), cluster, listen = %listener.local_addr()?, "sender-operator starts");
    let config = Arc::new(config);
    let scopes = scopes(&config.watch_namespaces);
    let index = Arc::new(Index::new(scopes.clone()));
    let metrics = Metrics::default();
    let stopping = CancellationToken::new();
    let served = Arc::new(AtomicBool::new(false));
    let (events, last_events) = Events::new(client.clone(), metrics.clone());
    let last_events = tokio::spawn(last_events);
    let candidate = config.leader_election.clone().map(|lease| {
        let me = lease::identity(&args::host_name(), rand::random());
        Candidate::new(client.clone(), lease, me, metrics.clone())
    });
    let admin = Admin {
        index: Arc::clone(&index),
        metrics: metrics.clone(),
        served: Arc::clone(&served),
        standing: candidate.as_ref().map_or_else(|| watch::channel(Standing::Acts).1, Candidate::standing),
        stopping: stopping.clone(),
    };
    let providers = providers();
    let act = async |term: Term| {
        let deps = Deps {
            client: client.clone(),
            config: Arc::clone(&config),
            index: Arc::clone(&index),
            providers,
            events,
            receipts: Receipts::on_stdout(),
            metrics: metrics.clone(),
            stopping: stopping.clone(),
            term,
        };
        let reconciler = Arc::new(Reconciler::new(deps));
        if stopping.run_until_cancelled(controller::until_served(&client)).await.is_none() {
            return;
        }
        served.store(true, Ordering::Relaxed);
        let (client, index, metrics) = (client.clone(), Arc::clone(&index), metrics.clone());
        let (concurrency, stopping) = (config.concurrency, stopping.clone());
        controller::run(Parts { client, scopes, index, concurrency, stopping, metrics }, reconciler).await;
    };
    let work = async {
        match candidate {
            None => {
                metrics.leads(true);
                act(Term::unlimited()).await;
            }
            // A stop before it ever led leaves nothing to do.
            Some(candidate) => match candidate.acquire(&stopping).await {
                None => {}
                Some(leader) => {
                    let term = leader.term();
                    leader.lead(act(term), &stopping).await?;
                }
            },
        }
        if stopping.is_cancelled() { Ok(()) } else { Err(Fault::ControllerEnded) }
    };
    let ended = tokio::select! {
        ended = work => ended,
        never = admin::serve(listener, admin) => match never {},
        signal = signals.obey(&stopping) => Err(Fault::Forced { signal }),
        () = overdue(&stopping) => Err(Fault::StopTooSlow),
    };
    if ended.is_ok() {
        // The queue closed with the reconciler; what is in it is still written, if that is quick.
        let _ = tokio::time::timeout(LAST_EVENTS, last_events).await;
    }
    ended
}

fn providers() -> ProviderClient {
    let providers = ProviderClient::new(Limits::default());
    if providers.trust_roots() == 0 {
        tracing::error!(
            "no certificate authority is trusted: no provider can be reached; install ca-certificates, or set SSL_CERT_FILE"
        );
    }
    providers
}

fn scopes(namespaces: &[String]) -> BTreeSet<Scope> {
    match namespaces {
        [] => BTreeSet::from([Scope::Cluster]),
        named => named.iter().cloned().map(Scope::Namespace).collect(),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The first signal begins the stop; returns at the second, with its number.
    async fn obey(mut self, stopping: &CancellationToken) -> u8 {
        self.next().await;
        tracing::info!("stopping: nothing new begins, answers in flight are awaited; another signal ends it at once");
        stopping.cancel();
        self.next().await
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }
}

async fn overdue(stopping: &CancellationToken) {
    stopping.cancelled().await;
    tokio::time::sleep(STOP).await;
}

/// Version and git revision.
pub fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (revision ", env!("SENDER_OPERATOR_REVISION"), ")")
}

/// The CRD as YAML.
///
/// # Errors
/// When the manifest is no YAML: a fault of this crate that its tests would show.
pub fn crd_yaml() -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(&crd::manifest())
}

/// Prints text to stdout.
pub fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

/// Prints the CRD to stdout.
pub fn print_crd() -> ExitCode {
    crd_yaml().map_or_else(|error| fail(&error.to_string()), |yaml| print(&yaml))
}

/// Says why the program ends.
pub fn fail(message: &str) -> ExitCode {
    eprintln!("sender-operator: {message}");
    ExitCode::FAILURE
}
