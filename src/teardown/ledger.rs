//! The ledger: what the object's status remembers between passes. Written by compare-and-swap only, bound to one uid.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proof::ProofRecord;
use crate::credentials::Fingerprint;
use crate::reason::Reason;

/// What is remembered of one object. A foreign uid, as after a restore from a backup, is an empty ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// What reads of the account have shown.
    pub account: Option<AccountRecord>,
    /// How far the teardown is.
    pub teardown: Option<Teardown>,
}

/// What the provider showed of the account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountRecord {
    /// The uid of the object that this was written for.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// The provider's name.
    #[schemars(length(max = 32))]
    pub provider: String,
    /// What the last read showed.
    pub state: AccountState,
    /// When a read last showed the account alive; removed by a 401 or 403.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub alive_at: Option<Timestamp>,
    /// Under which endpoint and key it was last seen: an HMAC, never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 64))]
    pub fingerprint: Option<Fingerprint>,
    /// The endpoint it was last seen at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub endpoint: Option<String>,
    /// Since when reads show it under another channel than the declared one: nothing is sent before one shows it under that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub wrong_channel_since: Option<Timestamp>,
}

/// What a read showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AccountState {
    /// There, and of a status that can send.
    Connected,
    /// There, disconnected.
    Disconnected,
    /// Not shown to this key.
    Missing,
    /// Not known: the read failed, or showed something we do not understand. A word of another version of this operator
    /// is read so, too.
    #[serde(other)]
    Unknown,
}

/// How far a teardown is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Teardown {
    /// The uid of the object that this was written for.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// Where it stands.
    pub phase: Phase,
    /// Why it stands there.
    #[schemars(with = "String", length(max = 64))]
    pub reason: Reason,
    /// What the reason is about: a twin, a hook, a finalizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub subject: Option<String>,
    /// How many DELETEs were let out, or may have been.
    #[schemars(range(min = 0))]
    pub attempt: i32,
    /// Set while an attempt whose repetition could harm is not settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub nonce: Option<String>,
    /// How many attempts ended without anybody knowing how.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub unknown_outcomes: i32,
    /// Endpoint and key of the last provider call: an HMAC, never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(max = 64))]
    pub fingerprint: Option<Fingerprint>,
    /// When the operator first saw the deletion.
    #[schemars(length(max = 64))]
    pub started_at: Timestamp,
    /// How the last provider call ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<LastOutcome>,
    /// The provider's acknowledgement of a DELETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked: Option<Acked>,
    /// Passes in a row that ended waiting: what the delay grows with.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub tries: i32,
    /// When it is tried again at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub next_attempt_at: Option<Timestamp>,
    /// Whether it was beyond the deletion budget: it goes on only once somebody has said that it is meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub budget_spent: bool,
    /// Why the account may be let go. With it the provider is never called again for this uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofRecord>,
}

/// Where a teardown stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// Nothing is outstanding; it waits.
    Waiting,
    /// A DELETE whose repetition could harm is about to be sent, or was.
    Intent,
    /// A DELETE was acknowledged and not yet proved.
    Acked,
    /// It waits for a person.
    Held,
    /// Proved; only the finalizer is left.
    Confirmed,
    /// The outcome of a DELETE is not known. A word of another version of this operator is read so, too: what was sent
    /// stands in the nonce, the acknowledgement and the proof, whatever the word.
    #[serde(other)]
    Unknown,
}

/// How a provider call ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastOutcome {
    /// In our words.
    #[schemars(with = "String", length(max = 64))]
    pub reason: Reason,
    /// The HTTP status, when one was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 999))]
    pub http_status: Option<i32>,
    /// The provider's own error type or code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub error_type: Option<String>,
}

/// The provider's acknowledgement of a DELETE.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acked {
    /// Endpoint and key it was sent with.
    #[schemars(with = "String", length(max = 64))]
    pub fingerprint: Fingerprint,
    /// When.
    #[schemars(length(max = 64))]
    pub at: Timestamp,
    /// Whether a read afterwards still showed the account.
    #[serde(default)]
    pub contradicted: bool,
}

/// A read of the account counts as evidence for a 404 of the same fingerprint for this long.
pub const EVIDENCE_MAX_AGE: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
/// Evidence is written again when it is this old: the only write at rest.
pub const EVIDENCE_REFRESH: std::time::Duration = std::time::Duration::from_secs(12 * 3600);

impl Ledger {
    /// What belongs to `uid`; the rest is forgotten.
    pub fn of(uid: &str, account: Option<AccountRecord>, teardown: Option<Teardown>) -> Self {
        Self { account: account.filter(|a| a.uid == uid), teardown: teardown.filter(|t| t.uid == uid) }
    }

    /// Whether an attempt whose repetition could harm is not settled.
    pub fn is_unsettled(&self) -> bool {
        self.teardown.as_ref().is_some_and(|t| t.nonce.is_some())
    }

    /// How many DELETEs were counted.
    pub fn attempts(&self) -> i32 {
        self.teardown.as_ref().map_or(0, |t| t.attempt)
    }

    /// Whether it was beyond the deletion budget.
    pub fn budget_is_spent(&self) -> bool {
        self.teardown.as_ref().is_some_and(|t| t.budget_spent)
    }

    /// Whether what proves it is on record: the provider is not called again.
    pub fn is_confirmed(&self) -> bool {
        self.teardown.as_ref().is_some_and(|t| t.phase == Phase::Confirmed)
    }

    /// Whether a read under `fingerprint` showed the account recently enough to make a 404 of the same fingerprint a proof.
    pub fn saw_alive(&self, fingerprint: &Fingerprint, now: Timestamp) -> bool {
        self.account.as_ref().is_some_and(|a| {
            a.fingerprint.as_ref() == Some(fingerprint) && a.alive_at.is_some_and(|at| age(at, now) <= EVIDENCE_MAX_AGE)
        })
    }

    /// Whether the account was ever seen alive under another endpoint or key than `fingerprint`.
    pub fn saw_alive_under_another(&self, fingerprint: &Fingerprint) -> bool {
        self.account.as_ref().and_then(|a| a.fingerprint.as_ref()).is_some_and(|seen| seen != fingerprint)
    }

    /// Whether a DELETE sent under `fingerprint` was acknowledged.
    pub fn acked_under(&self, fingerprint: &Fingerprint) -> bool {
        self.acked().is_some_and(|acked| acked.fingerprint == *fingerprint)
    }

    /// The acknowledgement, if there is one.
    pub fn acked(&self) -> Option<&Acked> {
        self.teardown.as_ref().and_then(|t| t.acked.as_ref())
    }
}

/// How much later `now` is; zero when the clock went back, so that evidence only ever looks younger by a clock's fault
/// that the next observation heals.
pub fn age(at: Timestamp, now: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(now.duration_since(at)).unwrap_or_default()
}
