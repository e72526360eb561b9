//! The flags of `uninstall`. What it shares with `run` is read as `run` reads it.

use std::time::Duration;

use clap::Parser;

use super::values::{SHORTEST, between, namespace};
use super::{Arguments, Config, RunArguments, Subcommands, refuse};
use crate::teardown::view::Rules;
use crate::uninstall::plan::Mode;
use crate::uninstall::{Release, Removal};

#[derive(clap::Args)]
pub(super) struct UninstallArguments {
    /// What becomes of the objects: refuse while there are any, delete them and wait, or let their accounts live on
    #[arg(long, value_name = "MODE", default_value = "Refuse")]
    mode: Mode,

    /// How long objects may take to go, 1s to 24h
    #[arg(long, value_name = "DURATION", default_value = "4m", value_parser = between(SHORTEST, Duration::from_hours(24)))]
    timeout: Duration,

    /// The Helm release that is being removed, for the commands that are printed
    #[arg(long, value_name = "NAMESPACE/NAME/REVISION", value_parser = str::parse::<Release>)]
    release: Option<Release>,

    /// A namespace that the operator watches (repeatable, or separated by commas) [default: all namespaces]
    #[arg(long, env = "SENDER_OPERATOR_WATCH_NAMESPACE", value_name = "NS", value_delimiter = ',', value_parser = namespace)]
    watch_namespace: Vec<String>,

    /// The operator's own --outcome-window: an object whose DELETE may still take effect is let go only after it
    #[arg(long, env = "SENDER_OPERATOR_OUTCOME_WINDOW", value_name = "DURATION", default_value = "15m", value_parser = between(SHORTEST, Duration::from_hours(24)))]
    outcome_window: Duration,
}

impl UninstallArguments {
    /// The checked settings of a removal.
    pub(super) fn into_removal(self) -> Result<Removal, clap::Error> {
        let Self { mode, timeout, release, watch_namespace, outcome_window } = self;
        let Subcommands::Run(run) = Arguments::try_parse_from(["sender-operator", "run"])?.command else {
            return Err(refuse("run is no subcommand any more: this is a bug".to_owned()));
        };
        // It acts beside whoever leads.
        let run = RunArguments { watch_namespace, leader_election: false, ..*run }.into_config()?;
        let rules = Rules { outcome_window, ..run.rules };
        Ok(Removal { mode, timeout, release, config: Config { rules, ..run } })
    }
}
