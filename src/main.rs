//! sender-operator: parse, run, exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sender_operator::app;
use sender_operator::args::{self, Command};
use sender_operator::uninstall;

fn main() -> ExitCode {
    keep_no_core();
    // The Kubernetes client and the provider client share one crypto provider. It fails only where one is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match args::parse() {
        Command::Run(config) => app::run(*config),
        Command::Uninstall(removal) => uninstall::run(*removal),
        Command::Crd => app::print_crd(),
        Command::Version => app::print(&format!("sender-operator {}", app::version())),
    }
}

/// A core would hold keys. Of 1 byte the kernel writes no file, and starts no program that `core_pattern` names behind a
/// `|`; of 0 bytes such a program gets it whole (`fs/coredump.c`). A hard limit of 0 cannot be raised.
fn keep_no_core() {
    let most = Some(getrlimit(Resource::Core).maximum.map_or(1, |most| most.min(1)));
    // Nobody may be refused a lower limit than the one that stands.
    let _ = setrlimit(Resource::Core, Rlimit { current: most, maximum: most });
}
