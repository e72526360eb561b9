//! Flags and environment become a [`Config`]: checked here once, plain data afterwards. The only reader of the environment.

mod uninstall;
mod values;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::backoff;
use crate::lease::LeaseRef;
use crate::provider::endpoint::{DEFAULT_HOSTS, HostPolicy};
use crate::teardown::target::Target;
use crate::teardown::view::Rules;
use crate::telemetry::{Format, Levels, Settings};
use crate::uninstall::Removal;
use uninstall::UninstallArguments;
use values::{
    SHORTEST, address, between, foreign_finalizer, host, is_label, lease_name, lease_namespace, namespace, spelled,
};

/// Where a pod finds the name of its namespace.
const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// What the program was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Watch `SenderAccount` objects and tear their accounts down.
    Run(Box<Config>),
    /// See what becomes of the objects before the operator is removed.
    Uninstall(Box<Removal>),
    /// Print the CRD.
    Crd,
    /// Print version and git revision.
    Version,
}

/// How `run` was asked to behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The namespaces to watch, each once; none means all.
    pub watch_namespaces: Vec<String>,
    /// Where keys may be sent.
    pub hosts: HostPolicy,
    /// How many objects are worked on at once.
    pub concurrency: u16,
    /// How often a live account is read.
    pub observe_interval: Duration,
    /// What decisions depend on.
    pub rules: Rules,
    /// Whether Secrets are kept until the accounts that need them are gone.
    pub secret_hold: bool,
    /// Finalizers of others that a deletion does not wait for.
    pub ignored_finalizers: Vec<String>,
    /// The deletions that must be confirmed on the object.
    pub require_confirmation: BTreeSet<TargetKind>,
    /// How many objects of a namespace may be marked for deletion within ten minutes; none: any number.
    pub deletion_budget: Option<NonZeroU32>,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
    /// The Lease by which replicas agree on one that acts; none where they do not.
    pub leader_election: Option<LeaseRef>,
    /// How and how much is logged.
    pub log: Settings,
}

/// A kind of deletion, by what becomes of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum TargetKind {
    /// A PostPress account is deleted.
    PostPress,
    /// A Puffle mailbox is deleted.
    Email,
    /// A LinkedIn sender at Puffle is disconnected.
    Disconnect,
    /// A LinkedIn sender at Puffle is destroyed.
    Purge,
}

impl From<&Target> for TargetKind {
    fn from(target: &Target) -> Self {
        match target {
            Target::PostPress { .. } => Self::PostPress,
            Target::PuffleEmail { .. } => Self::Email,
            Target::PuffleLinkedInDisconnect { .. } => Self::Disconnect,
            Target::PuffleLinkedInPurge { .. } => Self::Purge,
        }
    }
}

/// Reads the process's arguments and environment; what is wrong with them is printed, and ends the process with code 2.
pub fn parse() -> Command {
    parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// What this process is called where others see it: its pod's name, or its host's.
pub fn host_name() -> String {
    let pod = std::env::var("POD_NAME").ok().filter(|name| !name.is_empty());
    pod.unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// Reads these arguments, the program's name first, and the environment.
///
/// # Errors
/// What is wrong, naming the flag, the value and what is allowed; also the text of `--help`.
pub fn parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    match Arguments::try_parse_from(args)?.command {
        Subcommands::Run(run) => run.into_config().map(|config| Command::Run(Box::new(config))),
        Subcommands::Uninstall(uninstall) => {
            uninstall.into_removal().map(|removal| Command::Uninstall(Box::new(removal)))
        }
        Subcommands::Crd => Ok(Command::Crd),
        Subcommands::Version => Ok(Command::Version),
    }
}

/// Deletes a sender account at its provider, provably, before its Kubernetes object goes.
#[derive(Parser)]
#[command(name = "sender-operator")]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Watch SenderAccount objects and tear their accounts down when they are deleted.
    ///
    /// The cluster is found as kubectl finds it: KUBECONFIG, ~/.kube/config, or the pod's own service account.
    Run(Box<RunArguments>),
    /// See what becomes of the SenderAccount objects before the operator is removed; ends with 1 where one would be left.
    ///
    /// The chart's pre-delete hook runs it; it removes nothing of the installation itself.
    Uninstall(UninstallArguments),
    /// Print the CustomResourceDefinition as YAML: sender-operator crd | kubectl apply -f -
    Crd,
    /// Print version and git revision.
    Version,
}

#[derive(clap::Args)]
struct RunArguments {
    /// A namespace to watch (repeatable, or separated by commas) [default: all namespaces]
    #[arg(long, env = "SENDER_OPERATOR_WATCH_NAMESPACE", value_name = "NS", value_delimiter = ',', value_parser = namespace)]
    watch_namespace: Vec<String>,

    /// A host that keys may be sent to (repeatable, or separated by commas); it replaces the default
    #[arg(long, env = "SENDER_OPERATOR_ALLOWED_HOST", value_name = "HOST", value_delimiter = ',', value_parser = host, default_values_t = DEFAULT_HOSTS.map(str::to_owned))]
    allowed_host: Vec<String>,

    /// Admit http to 127.0.0.0/8 and [::1]: for tests and demos only
    #[arg(long, env = "SENDER_OPERATOR_ALLOW_INSECURE_LOOPBACK", value_name = "BOOL", action = ArgAction::Set,
        num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true")]
    allow_insecure_loopback: bool,

    /// How many objects are worked on at once, 1 to 1024; of one namespace and provider at most 7 in 16
    #[arg(long, env = "SENDER_OPERATOR_CONCURRENCY", value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,

    /// How often a live account is read, 1s to 12h; evidence of an account counts for 24 hours
    #[arg(long, env = "SENDER_OPERATOR_OBSERVE_INTERVAL", value_name = "DURATION", default_value = "1h", value_parser = between(SHORTEST, Duration::from_hours(12)))]
    observe_interval: Duration,

    /// The longest time between two tries of a deletion, 1s to 15m; a provider that asks for longer gets up to 15m
    #[arg(long, env = "SENDER_OPERATOR_MAX_BACKOFF", value_name = "DURATION", default_value = "15m", value_parser = between(backoff::BASE, backoff::CAP))]
    max_backoff: Duration,

    /// How long a request whose answer was lost may still take effect at a provider, 5m to 24h; from 1s with --allow-insecure-loopback
    #[arg(long, env = "SENDER_OPERATOR_OUTCOME_WINDOW", value_name = "DURATION", default_value = "15m", value_parser = between(SHORTEST, Duration::from_hours(24)))]
    outcome_window: Duration,

    /// Keep Secrets (by a finalizer) until the accounts that need them are gone
    #[arg(long, env = "SENDER_OPERATOR_SECRET_HOLD", value_name = "BOOL", action = ArgAction::Set, default_value_t = true)]
    secret_hold: bool,

    /// A finalizer of somebody else that a deletion does not wait for (repeatable, or separated by commas)
    #[arg(long, env = "SENDER_OPERATOR_IGNORE_FINALIZER", value_name = "NAME", value_delimiter = ',', value_parser = foreign_finalizer)]
    ignore_finalizer: Vec<String>,

    /// Deletions that must be confirmed on the object (repeatable, or separated by commas) [default: none]
    #[arg(long, env = "SENDER_OPERATOR_REQUIRE_CONFIRMATION", value_name = "KIND", value_delimiter = ',')]
    require_confirmation: Vec<TargetKind>,

    /// How many objects of a namespace may be marked for deletion within ten minutes, at most 100000; what is beyond waits until somebody says that it is meant; 0: any number
    #[arg(long, env = "SENDER_OPERATOR_DELETION_BUDGET", value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    deletion_budget: u32,

    /// Where /livez, /readyz and /metrics are served; port 0 takes a free one and logs it
    #[arg(long, env = "SENDER_OPERATOR_LISTEN", value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080", value_parser = address)]
    listen: SocketAddr,

    /// Whether replicas agree, by a Lease, on one that acts while the others stand by; false: one replica must run
    #[arg(long, env = "SENDER_OPERATOR_LEADER_ELECTION", value_name = "BOOL", action = ArgAction::Set, default_value_t = true)]
    leader_election: bool,

    /// The namespace of that Lease; in a pod its own where left out, outside one it must be given
    #[arg(long, env = "SENDER_OPERATOR_LEASE_NAMESPACE", value_name = "NS", value_parser = lease_namespace)]
    lease_namespace: Option<String>,

    /// The name of that Lease; two installations in one namespace need one each
    #[arg(long, env = "SENDER_OPERATOR_LEASE_NAME", value_name = "NAME", default_value = "sender-operator", value_parser = lease_name)]
    lease_name: String,

    /// The form of log lines
    #[arg(long, env = "SENDER_OPERATOR_LOG_FORMAT", value_name = "FORMAT", default_value_t = Format::Json)]
    log_format: Format,

    /// How much is logged: error, warn, info, debug or trace; for libraries ,TARGET=LEVEL behind it
    #[arg(long, env = "SENDER_OPERATOR_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = str::parse::<Levels>)]
    log_level: Levels,
}

/// Below this a request could still be alive at a provider: the longest that a serverless function runs, with a margin.
const LEAST_OUTCOME_WINDOW: Duration = Duration::from_mins(5);

impl RunArguments {
    fn into_config(self) -> Result<Config, clap::Error> {
        let Self {
            watch_namespace,
            allowed_host,
            allow_insecure_loopback,
            concurrency,
            observe_interval,
            max_backoff,
            outcome_window,
            secret_hold,
            ignore_finalizer,
            require_confirmation,
            deletion_budget,
            listen,
            leader_election,
            lease_namespace,
            lease_name,
            log_format,
            log_level,
        } = self;
        let hosts = HostPolicy::new(&allowed_host, allow_insecure_loopback)
            .map_err(|fault| refuse(format!("--allowed-host: {fault}")))?;
        if outcome_window < LEAST_OUTCOME_WINDOW && !allow_insecure_loopback {
            return Err(refuse(format!(
                "invalid value '{}' for '--outcome-window': below {} only with --allow-insecure-loopback, where no real account is at risk",
                spelled(outcome_window),
                spelled(LEAST_OUTCOME_WINDOW),
            )));
        }
        let leader_election = match leader_election {
            true => Some(lease(lease_namespace.or_else(|| own_namespace(Path::new(OWN_NAMESPACE))), lease_name)?),
            false => None,
        };
        Ok(Config {
            watch_namespaces: watch_namespace.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            hosts,
            concurrency,
            observe_interval,
            rules: Rules { outcome_window, max_backoff },
            secret_hold,
            ignored_finalizers: ignore_finalizer,
            require_confirmation: require_confirmation.into_iter().collect(),
            deletion_budget: NonZeroU32::new(deletion_budget),
            listen,
            leader_election,
            log: Settings { format: log_format, levels: log_level },
        })
    }
}

fn refuse(message: String) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, message)
}

fn lease(namespace: Option<String>, name: String) -> Result<LeaseRef, clap::Error> {
    let missing = || {
        refuse("the flag '--lease-namespace' is missing: outside a pod the Lease's namespace must be given; or run one replica with --leader-election=false".to_owned())
    };
    Ok(LeaseRef { namespace: namespace.ok_or_else(missing)?, name })
}

/// The namespace of the pod that this process runs in, if it runs in one.
fn own_namespace(mount: &Path) -> Option<String> {
    std::fs::read_to_string(mount).ok().map(|name| name.trim().to_owned()).filter(|name| is_label(name))
}

impl std::fmt::Display for TargetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
