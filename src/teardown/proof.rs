//! The only thing that `release` accepts. A proof is made here, by the rules of the teardown, and nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

/// Why an account may be let go of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Proof(ProofRecord);

/// A proof as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofRecord {
    /// Which proof.
    #[schemars(with = "String", length(max = 64))]
    pub reason: Reason,
    /// To whom the account was handed over, or why it was let go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub subject: Option<String>,
}

impl Proof {
    /// What is written to ledger, receipt and status.
    pub fn record(&self) -> &ProofRecord {
        &self.0
    }

    /// After an acknowledged DELETE the read says absent or disconnected.
    pub(super) fn read_back() -> Self {
        Self::of(Reason::ReadBack)
    }

    /// A DELETE was answered 404, and an earlier one was acknowledged under the same fingerprint.
    pub(super) fn not_found_after_ack() -> Self {
        Self::of(Reason::NotFoundAfterAck)
    }

    /// A DELETE was answered 404 under the fingerprint that saw the account alive.
    pub(super) fn not_found_after_seen_alive() -> Self {
        Self::of(Reason::NotFoundAfterSeenAlive)
    }

    /// Disconnecting is all that is asked for, and a read shows the row disconnected.
    pub(super) fn already_soft() -> Self {
        Self::of(Reason::AlreadySoft)
    }

    /// The documented success, and every read afterwards failed for long enough.
    pub(super) fn acked_unverified() -> Self {
        Self::of(Reason::AckedUnverified)
    }

    /// A person said so.
    pub(super) fn orphaned(why: Option<String>) -> Self {
        Self(ProofRecord { reason: Reason::Orphaned, subject: why })
    }

    /// A live object that proved itself has the account now.
    pub(super) fn handed_over(to: String) -> Self {
        Self(ProofRecord { reason: Reason::HandedOver, subject: Some(to) })
    }

    /// Not found, and a person said beforehand that this is enough.
    pub(super) fn released_by_policy() -> Self {
        Self::of(Reason::ReleasedByPolicy)
    }

    /// What an earlier pass proved and wrote.
    pub(super) fn confirmed(record: ProofRecord) -> Self {
        Self(record)
    }

    fn of(reason: Reason) -> Self {
        Self(ProofRecord { reason, subject: None })
    }
}
