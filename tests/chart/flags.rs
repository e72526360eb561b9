//! What the chart passes to `sender-operator run` is what the program takes.

use std::ffi::OsString;
use std::process::Command as Process;

use sender_operator::args::{Command, Config, parse_from};
use serde_json::json;

use crate::helm::{Rendered, rendered};
use crate::samples::rendered_one_by_one;

/// For tests and demos: no value of the chart says it, only `extraArgs`.
const WITHOUT_A_VALUE: [&str; 1] = ["--allow-insecure-loopback"];

fn parsed(args: &[String]) -> Config {
    let args = ["sender-operator"].into_iter().chain(args.iter().map(String::as_str)).map(OsString::from);
    match parse_from(args).unwrap_or_else(|error| panic!("{error}")) {
        Command::Run(config) => *config,
        other => panic!("{other:?}"),
    }
}

/// The flags of `sender-operator run`.
fn flags() -> Vec<String> {
    let help = Process::new(env!("CARGO_BIN_EXE_sender-operator")).args(["run", "-h"]).output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let rows = help.lines().map(str::trim).filter(|line| line.starts_with("--"));
    let flags: Vec<_> = rows.map(|row| row.split([' ', '[']).next().unwrap_or_default().to_owned()).collect();
    assert!(flags.len() > 10, "{help}");
    flags
}

#[tokio::test]
async fn the_chart_s_defaults_are_the_program_s_own() {
    let chart = rendered(&json!({"leaderElection": {"enabled": false}})).await.args();
    assert_eq!(parsed(&chart), parsed(&["run".to_owned(), "--leader-election=false".to_owned()]));
}

#[tokio::test]
async fn every_flag_has_a_value_and_the_program_takes_what_each_value_makes_of_it() {
    let mut seen = Vec::new();
    for (_, rendered) in rendered_one_by_one().await {
        let args = rendered.args();
        parsed(&args);
        seen.extend(args.iter().map(|arg| arg.split('=').next().unwrap_or_default().to_owned()));
    }
    let unreachable: Vec<_> = flags().into_iter().filter(|flag| flag != "--help" && !seen.contains(flag)).collect();
    assert_eq!(unreachable, Vec::<String>::new(), "no value and no sample of extraArgs sets these");
}

#[tokio::test]
async fn extra_arguments_come_last_and_only_for_what_has_no_value() {
    let args = rendered(&json!({"extraArgs": WITHOUT_A_VALUE})).await.args();
    assert_eq!(args.last().map(String::as_str), Some(WITHOUT_A_VALUE[0]));
    let mut by_value = rendered(&json!({})).await.args();
    by_value.extend(
        rendered(&json!({"watchNamespaces": ["a"], "ignoreFinalizers": ["b"], "requireConfirmation": ["Email"]}))
            .await
            .args(),
    );
    for flag in flags().iter().filter(|flag| !WITHOUT_A_VALUE.contains(&flag.as_str()) && *flag != "--help") {
        assert!(by_value.iter().any(|arg| arg.starts_with(&format!("{flag}="))), "{flag} has no value");
    }
}

#[tokio::test]
async fn without_leader_election_no_two_pods_run_also_not_during_an_upgrade() {
    let strategy = |rendered: Rendered| rendered.the("Deployment")["spec"]["strategy"]["type"].clone();
    assert_eq!(strategy(rendered(&json!({})).await), "RollingUpdate");
    assert_eq!(strategy(rendered(&json!({"leaderElection": {"enabled": false}})).await), "Recreate");
}
