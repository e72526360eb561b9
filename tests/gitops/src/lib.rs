//! What Argo CD, Flux and kstatus say of an object: their own code, from their own Go modules, with the health checks of
//! `config/gitops` as users copy them.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;
use serde_json::Value;

/// What one tool says of an object: its own word, and the sentence it shows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Opinion {
    /// `Current`, `InProgress`, `Failed` or `Terminating`; Argo CD's are `Healthy`, `Progressing`, `Degraded`, `Suspended`.
    pub status: String,
    /// Empty where the tool says nothing more.
    pub message: String,
}

/// What all of them say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// `kubectl wait`'s kin: `helm --wait`, `kpt`, and Flux where nobody told it more.
    pub kstatus: Opinion,
    /// Argo CD, with `config/gitops/argocd/argocd-cm.yaml` in its settings.
    pub argo: Opinion,
    /// Flux, with the `healthCheckExprs` of `config/gitops/flux/kustomization.yaml`.
    pub flux: Opinion,
}

/// Judges each of these objects; they are as an API server shows them.
///
/// # Panics
/// With the reason, where the judge cannot be built or takes one of the files or objects for malformed.
pub fn judge(objects: &[Value]) -> Vec<Verdict> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gitops");
    let mut child = Command::new(built("judge").join("judge"))
        .arg("-argocd-cm")
        .arg(config.join("argocd/argocd-cm.yaml"))
        .arg("-kustomization")
        .arg(config.join("flux/kustomization.yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("the judge does not start: {error}"));
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        panic!("the judge has no pipes");
    };
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    // Both pipes are small: who writes all before reading anything may wait for ever.
    let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let verdicts: Vec<Verdict> = BufReader::new(stdout)
        .lines()
        .map_while(Result::ok)
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("no verdict: {error}: {line}")))
        .collect();
    let ended = child.wait().unwrap_or_else(|error| panic!("the judge cannot be waited for: {error}"));
    let written = writer.join().is_ok_and(|written| written.is_ok());
    assert!(ended.success() && written, "the judge failed ({ended}); its reason stands above on stderr");
    assert_eq!(verdicts.len(), objects.len(), "one verdict for each object");
    verdicts
}

/// The folder that holds `judge` or `jq`, built at the first call; that takes some minutes once on a machine.
///
/// # Panics
/// With the reason, where it cannot be built.
pub fn built(program: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envtest/build.sh");
    let output = Command::new("sh")
        .arg(&script)
        .arg(program)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", script.display()));
    assert!(output.status.success(), "{} failed; its reason stands above on stderr", script.display());
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end())
}
