//! Replicas of one operator, and the Lease that they agree by.

use std::path::Path;

use jiff::Timestamp;
use provider_simulator::{Fault, FaultHandle, On, Status};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::bed::{Bed, LINKEDIN, Operator};

pub(super) const LEASE: &str = "lease/sender-operator";
/// As a replica logs it.
pub(super) const LEADING: &str = r#""message":"leading""#;

/// A connected LinkedIn sender with its object.
pub(super) async fn linkedin(bed: &Bed) {
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.puffle_secret("puffle", &key).await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
}

/// Deletes its object, and waits until the DELETE has met this fault, which holds it back.
pub(super) async fn in_mid_delete(bed: &Bed, fault: Fault) -> FaultHandle {
    bed.until_connected("linkedin").await;
    let delete = bed.sim.fault(On::delete(), fault);
    bed.delete("linkedin").await;
    bed.eventually("the DELETE is on its way", async || delete.waiting() == 1).await;
    delete
}

/// One that leads, and one that stands by.
pub(super) async fn replicas(bed: &Bed, flags: &[&str]) -> (Operator, Operator) {
    let leader = replica(bed, bed.plane.kubeconfig(), flags);
    until_leads(bed, &leader, "it is new").await;
    let other = replica(bed, bed.plane.kubeconfig(), flags);
    until_stands_by(bed, &other).await;
    (leader, other)
}

/// An operator that agrees with others of this namespace on a leader.
pub(super) fn replica(bed: &Bed, kubeconfig: &Path, flags: &[&str]) -> Operator {
    let elected = ["--leader-election", "true", "--lease-namespace", &bed.namespace];
    bed.start_operator(kubeconfig, &[&bed.namespace], &[&elected[..], flags].concat())
}

pub(super) async fn until_leads(bed: &Bed, operator: &Operator, why: &str) {
    bed.until_logged(operator, &[LEADING, why]).await;
}

pub(super) async fn until_stands_by(bed: &Bed, operator: &Operator) {
    bed.until_logged(operator, &["standing by"]).await;
}

/// The first line that the operator logged with this in it.
fn logged(operator: &Operator, part: &str) -> Value {
    let log = operator.log();
    let line = log.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("no {part} in:\n{log}"));
    serde_json::from_str(line).expect("a line of JSON")
}

/// Under which name a replica that has stood by would hold the Lease.
pub(super) fn me(operator: &Operator) -> String {
    logged(operator, "standing by")["me"].as_str().expect("its name").to_owned()
}

pub(super) fn led_since(operator: &Operator) -> Timestamp {
    logged(operator, LEADING)["timestamp"].as_str().and_then(|at| at.parse().ok()).expect("a time")
}

pub(super) async fn lease(bed: &Bed) -> Option<Value> {
    let text = bed.kubectl(&["get", LEASE, "--ignore-not-found", "-o", "json"]).await;
    (!text.is_empty()).then(|| serde_json::from_str(&text).expect("an object is JSON"))
}

/// Who holds the Lease; nobody is empty.
pub(super) async fn holder(bed: &Bed) -> String {
    let lease = lease(bed).await.expect("the Lease is there");
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

pub(super) fn renewed(lease: &Value) -> Timestamp {
    lease["spec"]["renewTime"].as_str().and_then(|at| at.parse().ok()).expect("a time")
}

pub(super) async fn renewed_at(bed: &Bed) -> Timestamp {
    renewed(&lease(bed).await.expect("the Lease is there"))
}

pub(super) async fn steal(bed: &Bed, by: &str) {
    let spec = json!({"spec": {"holderIdentity": by}}).to_string();
    bed.kubectl(&["patch", LEASE, "--type=merge", "-p", &spec]).await;
}

pub(super) fn signal(operator: &Operator, signal: Signal) {
    let pid = Pid::from_raw(operator.pid().cast_signed()).expect("a process id");
    kill_process(pid, signal).expect("it can be signalled");
}

pub(super) async fn stopped(mut operator: Operator) -> Option<i32> {
    operator.terminate();
    operator.ended().await.code()
}
