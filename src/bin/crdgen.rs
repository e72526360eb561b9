//! Prints the CRD, for `crds/`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sender_operator::app::print_crd()
}
