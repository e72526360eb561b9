//! sender-operator: parse, run, exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use sender_operator::app;
use sender_operator::args::{self, Command};
use sender_operator::uninstall;

fn main() -> ExitCode {
    // The Kubernetes client and the provider client share one crypto provider. It fails only where one is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match args::parse() {
        Command::Run(config) => app::run(*config),
        Command::Uninstall(removal) => uninstall::run(*removal),
        Command::Crd => app::print_crd(),
        Command::Version => app::print(&format!("sender-operator {}", app::version())),
    }
}
