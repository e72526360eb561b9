//! Puffle's list of accounts, and what it says of one of them. Pure; a reader brings the bytes.

use std::io::Read;

use serde::de::Deserialize;

use crate::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};
use crate::teardown::target::Target;

/// What one list showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountList {
    /// The rows, by id.
    pub(super) rows: Vec<Row>,
    /// Whether absence from `rows` means absence from the list: every row was read, and no further page is hinted at.
    pub(super) complete: bool,
}

/// One account of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    /// The UUID, whose spelling in upper or lower case does not matter.
    pub id: u128,
    /// The row's `type`.
    pub kind: RowKind,
    /// The row's `status`.
    pub status: RowStatus,
}

/// The documented types, and all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKind {
    /// `linkedin`
    LinkedIn,
    /// `email`
    Email,
    /// Anything else.
    Other,
    /// The row's type or status cannot be read: it shows nothing of its account but that it is there.
    Unreadable,
}

/// The statuses that show an account alive or disconnected, and all others (`credentials_required`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowStatus {
    /// `connected` (LinkedIn)
    Connected,
    /// `disconnected` (LinkedIn)
    Disconnected,
    /// `pending`, `warming` or `active` (Email)
    InUse,
    /// Anything else.
    Other,
}

impl AccountList {
    /// Reads a whole 200 answer. `None`: it is not a list of accounts.
    pub fn read(body: impl Read) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_reader(body);
        let list = Self::deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(list)
    }

    /// The same list, from an answer whose headers hint at a further page.
    pub fn with_more_to_come(self) -> Self {
        Self { complete: false, ..self }
    }

    /// How many rows were read.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row was read.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether absence of a row means that the provider lists no such account.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What this list says of one account.
    pub fn sight(&self, target: &Target) -> Exchange {
        Exchange { http_status: Some(200), ..self.outcome(target).into() }
    }

    fn outcome(&self, target: &Target) -> Outcome {
        let kind = match target {
            Target::PuffleEmail { .. } => RowKind::Email,
            Target::PuffleLinkedInDisconnect { .. } | Target::PuffleLinkedInPurge { .. } => RowKind::LinkedIn,
            // Another provider's account is not in this list, wherever it is.
            Target::PostPress { .. } => return Outcome::Unknown(Unknown::UnexpectedBody),
        };
        let Some(id) = uuid(target.account_id()) else { return Outcome::Refused(Refusal::InvalidAccountId) };
        let first = self.rows.partition_point(|row| row.id < id);
        let mut found = self.rows.iter().skip(first).take_while(|row| row.id == id);
        match (found.next(), found.next()) {
            (None, _) if self.complete => Outcome::Gone,
            (None, _) => Outcome::Unknown(Unknown::BodyTooLarge),
            (Some(_), Some(_)) => Outcome::Unknown(Unknown::UnexpectedBody),
            (Some(row), None) if row.kind == RowKind::Unreadable => Outcome::Unknown(Unknown::UnexpectedBody),
            (Some(row), None) if row.kind != kind => Outcome::Refused(Refusal::WrongChannel),
            (Some(row), None) => match (kind, row.status) {
                (RowKind::LinkedIn, RowStatus::Connected) | (RowKind::Email, RowStatus::InUse) => Outcome::Alive,
                (RowKind::LinkedIn, RowStatus::Disconnected) => Outcome::SoftGone,
                _ => Outcome::Refused(Refusal::UnrecognisedStatus),
            },
        }
    }
}

/// 8-4-4-4-12 hex digits.
pub(super) fn uuid(text: &str) -> Option<u128> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (hex && lengths.eq([8, 4, 4, 4, 12])).then(|| u128::from_str_radix(&groups.concat(), 16).ok())?
}

impl RowKind {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "linkedin" => Self::LinkedIn,
            "email" => Self::Email,
            _ => Self::Other,
        }
    }
}

impl RowStatus {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "connected" => Self::Connected,
            "disconnected" => Self::Disconnected,
            "pending" | "warming" | "active" => Self::InUse,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
