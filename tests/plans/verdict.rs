//! What must be true after every plan, whatever happened in it.

use std::panic::AssertUnwindSafe;

use fault_proxy::Call;
use futures::FutureExt;
use serde_json::Value;

use crate::kind::{HEIR, Kind, SECRET, SUBJECT};
use crate::life::Life;

/// No undisturbed deletion needs a tenth of this: more is a loop.
const MOST_CALLS: usize = 300;
const MOST_REQUESTS: usize = 100;

impl Life {
    /// Judges a deletion that has ended.
    pub async fn judge(&self, kind: Kind) {
        kind.check(&self.bed.sim.log(), kind.account());
        self.judge_order(kind, SUBJECT, kind.account());
        assert!(!receipts(&self.crew.log(), SUBJECT).is_empty(), "no receipt");
        if kind == Kind::Keeper {
            let heir = self.bed.object(HEIR).await.expect("the living object is there");
            assert_eq!(heir["status"]["heldSecret"], SECRET, "the hold was handed on");
            assert_eq!(self.bed.secret_finalizers(SECRET).await.len(), 1, "the Secret is still held");
        } else {
            let free = async || self.bed.secret_finalizers(SECRET).await.is_empty();
            self.bed.eventually("no hold is left on a Secret that nobody uses", free).await;
        }
        let (calls, requests) = (self.proxy.trace().len(), self.bed.sim.log().entries().count());
        assert!(calls < MOST_CALLS && requests < MOST_REQUESTS, "{calls} API calls, {requests} provider requests");
        self.judge_all().await;
    }

    /// Judges one deletion of several that have ended.
    pub async fn judge_one(&self, kind: Kind, name: &str, account: &str, secret: &str) {
        kind.check(&self.bed.sim.log(), account);
        self.judge_order(kind, name, account);
        assert!(!receipts(&self.crew.log(), name).is_empty(), "no receipt of {name}");
        let free = async || self.bed.secret_finalizers(secret).await.is_empty();
        self.bed.eventually(&format!("the hold on {secret} is off"), free).await;
    }

    /// What is true of all of them together.
    pub async fn judge_all(&self) {
        self.bed.assert_no_key_shows().await;
        self.bed.assert_properties_hold().await;
    }

    /// Write-ahead, and nothing after the release.
    pub fn judge_order(&self, kind: Kind, name: &str, account: &str) {
        let (trace, log) = (self.proxy.trace(), self.bed.sim.log());
        let done = |call: Call| {
            let of = trace.iter().filter(move |entry| entry.call == call && entry.about.as_deref() == Some(name));
            of.filter(|entry| entry.is_done()).filter_map(|entry| Some(entry.committed?.1)).collect::<Vec<_>>()
        };
        let (intents, releases) = (done(Call::WriteIntent), done(Call::Release));
        for (number, delete) in log.deletes(account).into_iter().enumerate() {
            let written = intents.iter().filter(|at| **at <= delete.arrived.at).count();
            assert!(
                !kind.is_written_ahead() || written > number,
                "DELETE {} came before its intent was committed",
                number + 1
            );
            assert!(releases.iter().all(|at| *at >= delete.arrived.at), "a DELETE came after the release");
        }
    }
}

/// The receipts of this object in a log.
pub fn receipts(log: &str, name: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["receipt"] == true && line["name"] == name).collect()
}

/// The words of a panic, if this ends with one: the rest of a plan's world is still there to be looked at.
pub async fn failure(judged: impl Future<Output = ()>) -> Option<String> {
    let panic = AssertUnwindSafe(judged).catch_unwind().await.err()?;
    let words = panic.downcast_ref::<String>().cloned();
    Some(words.or(panic.downcast_ref::<&str>().map(|words| (*words).to_owned())).unwrap_or_default())
}
