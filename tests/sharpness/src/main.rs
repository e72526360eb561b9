//! `make sharpness`: each seeded bug alone, built, and its test run. Without the bug the test must pass, with it it must
//! fail; what does not build, does not fit or does not end is not caught.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use sharpness::bug::Bug;
use sharpness::copy::Copy;

/// No test takes longer, with or without a bug.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match run(&asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sharpness: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(asked: &[String]) -> Result<bool, String> {
    let mut bugs = Bug::all()?;
    if let Some(unknown) = asked.iter().find(|name| !bugs.iter().any(|bug| bug.name == **name)) {
        return Err(format!("there is no tests/sharpness/{unknown}.patch"));
    }
    bugs.retain(|bug| asked.is_empty() || asked.contains(&bug.name));
    let copy = Copy::refresh().map_err(|error| format!("the copy of the sources: {error}"))?;
    println!("{} bugs, one at a time, in {}; the first build takes minutes", bugs.len(), copy.root.display());

    let mut by_target: BTreeMap<&[String], Vec<&Bug>> = BTreeMap::new();
    for bug in &bugs {
        by_target.entry(&bug.target).or_default().push(bug);
    }
    let (mut caught, mut others) = (0, Vec::new());
    for (target, bugs) in &by_target {
        pass_without_a_bug(&copy, target, bugs)?;
        for bug in bugs {
            let began = Instant::now();
            let verdict = match judge(&copy, bug) {
                Ok(()) => {
                    caught += 1;
                    "caught".to_owned()
                }
                Err(why) => {
                    others.push(bug.name.as_str());
                    format!("NOT CAUGHT ({why})")
                }
            };
            println!("{verdict:<8} {:>4} s  {}: {}", began.elapsed().as_secs(), bug.name, bug.breaks);
            io::stdout().flush().map_err(|error| error.to_string())?;
        }
    }
    println!("{caught} of {} seeded bugs caught", bugs.len());
    if !others.is_empty() {
        println!("not caught: {}; what was printed is in {}", others.join(" "), copy.logs.display());
    }
    Ok(others.is_empty())
}

/// A test that fails already catches nothing.
fn pass_without_a_bug(copy: &Copy, target: &[String], bugs: &[&Bug]) -> Result<(), String> {
    let log = format!("without-a-bug{}", target.join(""));
    let binary = build(copy, target, &log)?;
    let mut tests: Vec<&str> = bugs.iter().map(|bug| bug.test.as_str()).collect();
    tests.sort_unstable();
    tests.dedup();
    let printed = test(copy, &binary, &tests, &log)?;
    let failed: Vec<_> =
        tests.iter().filter(|test| !printed.contains(&format!("test {test} ... ok\n"))).copied().collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("without any bug these do not pass: {}", failed.join(" "))) }
}

fn judge(copy: &Copy, bug: &Bug) -> Result<(), String> {
    let changed = bug.applied(&copy.root)?;
    let before: Vec<_> =
        changed.iter().map(|(file, _)| fs::read(file)).collect::<io::Result<_>>().map_err(|error| error.to_string())?;
    let put = |file: &PathBuf, content: &[u8]| copy.put(file, content).map_err(|error| error.to_string());
    for (file, content) in &changed {
        put(file, content.as_bytes())?;
    }
    let verdict = build(copy, &bug.target, &bug.name)
        .and_then(|binary| test(copy, &binary, &[&bug.test], &bug.name))
        .and_then(|printed| match printed.contains(&format!("test {} ... FAILED\n", bug.test)) {
            true => Ok(()),
            false => Err("the test does not fail".to_owned()),
        });
    for ((file, _), content) in changed.iter().zip(&before) {
        put(file, content)?;
    }
    verdict
}

/// Builds the tests of this target; their program.
fn build(copy: &Copy, target: &[String], log: &str) -> Result<PathBuf, String> {
    let log = log_file(copy, log)?;
    let output = Command::new("cargo")
        .args([
            "test",
            "--locked",
            "--package",
            "sender-operator",
            "--no-run",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(target)
        // Nobody debugs it, and it is built once for each bug.
        .args(["--config", "profile.dev.package.sender-operator.debug=false"])
        .current_dir(&copy.root)
        .env("CARGO_TARGET_DIR", copy.root.join("target"))
        .stderr(log)
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err("it does not build".to_owned());
    }
    let artifacts =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let tests = artifacts.filter(|artifact| artifact["profile"]["test"] == true);
    let mut programs = tests.filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
    programs.next().ok_or_else(|| format!("cargo built no tests for {}", target.join(" ")))
}

/// Runs these tests of a program; what they printed.
fn test(copy: &Copy, binary: &PathBuf, tests: &[&str], log: &str) -> Result<String, String> {
    let error = |error: io::Error| format!("{}: {error}", binary.display());
    let mut log = log_file(copy, log)?;
    let mut child = Command::new(binary)
        .arg("--exact")
        .args(tests)
        .current_dir(&copy.root)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(error)?)
        .stderr(log.try_clone().map_err(error)?)
        .spawn()
        .map_err(error)?;
    let began = Instant::now();
    while child.try_wait().map_err(error)?.is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().and_then(|()| child.wait()).map_err(error)?;
            return Err(format!("the test did not end within {} minutes", PATIENCE.as_secs() / 60));
        }
        sleep(Duration::from_millis(50));
    }
    let mut printed = String::new();
    log.rewind().and_then(|()| log.read_to_string(&mut printed)).map_err(error)?;
    Ok(printed)
}

fn log_file(copy: &Copy, name: &str) -> Result<File, String> {
    let path = copy.logs.join(format!("{name}.log"));
    let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
    file.map_err(|error| format!("{}: {error}", path.display()))
}
