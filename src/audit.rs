//! Receipts: why an account was let go, one JSON line on the log's stream, written before the finalizer goes.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Stdout, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use crate::account::Account;
use crate::crd::ORPHANED_BY;
use crate::credentials::Fingerprint;
use crate::reason::Reason;
use crate::teardown::proof::{Proof, ProofRecord};
use crate::teardown::target::Provider;

/// So many uids are remembered, the latest. A pass that could repeat a receipt follows the first within minutes.
const REMEMBERED: usize = 4096;
/// Source: Puffle's page "Delete a connected account": it goes on where an upstream fails, and answers success.
const UPSTREAMS: &str =
    "not confirmed: Puffle answers success also where LinkedIn's or the mailbox's own provider did not let go";

/// Why one account was let go.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// When the release was decided.
    pub time: Timestamp,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// Whose account it was.
    pub provider: Provider,
    /// The provider's id of it.
    pub account: String,
    /// What proves it.
    pub proof: ProofRecord,
    /// Who let it go, where an admission policy has written that down.
    pub orphaned_by: Option<String>,
    /// How many DELETEs were let out.
    pub attempts: i32,
    /// Endpoint and key of the last provider call.
    pub fingerprint: Option<Fingerprint>,
    /// The endpoint that was last asked.
    pub endpoint: Option<String>,
    /// When the provider acknowledged a DELETE.
    pub acknowledged: Option<Timestamp>,
}

/// Where receipts go. Clones write to the same place.
pub struct Receipts<W = Stdout>(Arc<Mutex<Inner<W>>>);

struct Inner<W> {
    out: W,
    written: HashMap<String, Line>,
    order: VecDeque<String>,
}

/// What of a line must be the same for it to be the same receipt.
type Line = (ProofRecord, i32);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    receipt: bool,
    time: Timestamp,
    uid: &'a str,
    namespace: &'a str,
    name: &'a str,
    provider: &'static str,
    account: &'a str,
    proof: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orphan_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orphaned_by: Option<&'a str>,
    attempts: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<&'a Fingerprint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstreams: Option<&'static str>,
}

impl Receipts {
    /// Receipts on stdout. Its lock keeps a receipt's line and a log line apart.
    pub fn on_stdout() -> Self {
        Self::to(io::stdout())
    }
}

impl<W: Write> Receipts<W> {
    /// Receipts to this writer.
    pub fn to(out: W) -> Self {
        Self(Arc::new(Mutex::new(Inner { out, written: HashMap::new(), order: VecDeque::new() })))
    }

    /// Writes a receipt and flushes it; nothing, if this process wrote the same one for this uid before.
    ///
    /// # Errors
    /// The receipt may not have been written: the finalizer must stay.
    pub fn write(&self, receipt: &Receipt) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = (receipt.proof.clone(), receipt.attempts);
        if inner.written.get(&receipt.uid) == Some(&line) {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(&receipt.shown())?;
        bytes.push(b'\n');
        inner.out.write_all(&bytes)?;
        inner.out.flush()?;
        inner.remember(receipt.uid.clone(), line);
        Ok(())
    }
}

impl<W> Inner<W> {
    fn remember(&mut self, uid: String, line: Line) {
        if self.written.insert(uid.clone(), line).is_none() {
            self.order.push_back(uid);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.written.remove(&oldest);
        }
    }
}

impl<W> Clone for Receipts<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Receipt {
    /// Why this object's account is let go now, after so many DELETEs, of which this pass saw one acknowledged or none.
    pub fn of(account: &Account, proof: &Proof, attempts: i32, acked: bool, time: Timestamp) -> Self {
        let ledger = &account.view.ledger;
        let teardown = ledger.teardown.as_ref();
        let recorded = ledger.account.as_ref();
        Self {
            time,
            uid: account.view.uid.clone(),
            namespace: account.namespace.clone(),
            name: account.name.clone(),
            provider: account.view.target.provider(),
            account: account.view.target.account_id().to_owned(),
            proof: proof.record().clone(),
            orphaned_by: account.raw.annotations().get(ORPHANED_BY).map(|who| who.chars().take(256).collect()),
            attempts,
            fingerprint: teardown
                .and_then(|t| t.fingerprint.clone())
                .or_else(|| recorded.and_then(|a| a.fingerprint.clone())),
            endpoint: recorded.and_then(|a| a.endpoint.clone()),
            acknowledged: ledger.acked().map(|acked| acked.at).or_else(|| acked.then_some(time)),
        }
    }

    fn shown(&self) -> Shown<'_> {
        let subject = self.proof.subject.as_deref();
        let orphaned = self.proof.reason == Reason::Orphaned;
        // Nobody asked Puffle for anything where an object was orphaned or handed over.
        let asked = !orphaned && self.proof.reason != Reason::HandedOver;
        Shown {
            receipt: true,
            time: self.time,
            uid: &self.uid,
            namespace: &self.namespace,
            name: &self.name,
            provider: self.provider.as_str(),
            account: &self.account,
            proof: self.proof.reason,
            subject: subject.filter(|_| !orphaned),
            orphan_reason: subject.filter(|_| orphaned),
            orphaned_by: self.orphaned_by.as_deref().filter(|_| orphaned),
            attempts: self.attempts,
            fingerprint: self.fingerprint.as_ref(),
            endpoint: self.endpoint.as_deref(),
            acknowledged: self.acknowledged,
            upstreams: (asked && self.provider == Provider::Puffle).then_some(UPSTREAMS),
        }
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
