//! The rows both providers keep, and what is true of an account.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of the two providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// `DELETE {base}/accounts/{id}` with `X-API-KEY`.
    PostPress,
    /// `DELETE {base}/api/accounts/{id}` with `Authorization: Bearer`.
    Puffle,
}

impl Provider {
    /// Both, in the order their listeners are counted.
    pub const ALL: [Self; 2] = [Self::PostPress, Self::Puffle];

    /// How this provider compares account ids: Puffle's UUIDs are the same in either case.
    pub(crate) fn canonical(self, id: &str) -> String {
        match self {
            Self::PostPress => id.to_owned(),
            Self::Puffle => id.to_ascii_lowercase(),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PostPress => "PostPress",
            Self::Puffle => "Puffle",
        })
    }
}

/// What kind of account a row is; it decides what a DELETE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A PostPress account: deleted by its first DELETE.
    PostPress,
    /// A Puffle LinkedIn sender: disconnected by the first DELETE, destroyed by the second.
    LinkedIn,
    /// A Puffle mailbox: destroyed by its first DELETE.
    Email,
}

/// The status a provider shows for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Works. Shown as `connected` (LinkedIn), `active` (Email), or source status `OK` (PostPress).
    Connected,
    /// Shown as `disconnected`, or source status `STOPPED` (PostPress).
    Disconnected,
    /// Its login at the network must be renewed. Shown as `credentials_required`, or source status `CREDENTIALS` (PostPress).
    CredentialsRequired,
    /// Shown exactly as given.
    Other(String),
}

impl Status {
    pub(crate) fn shown(&self, kind: Kind) -> &str {
        match (self, kind) {
            (Self::Connected, Kind::PostPress) => "OK",
            (Self::Connected, Kind::LinkedIn) => "connected",
            (Self::Connected, Kind::Email) => "active",
            (Self::Disconnected, Kind::PostPress) => "STOPPED",
            (Self::Disconnected, _) => "disconnected",
            (Self::CredentialsRequired, Kind::PostPress) => "CREDENTIALS",
            (Self::CredentialsRequired, _) => "credentials_required",
            (Self::Other(word), _) => word,
        }
    }

    /// Reads the words of [`Status::shown`]; any other word is [`Status::Other`].
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "connected" | "active" | "OK" => Self::Connected,
            "disconnected" | "STOPPED" => Self::Disconnected,
            "credentials_required" | "CREDENTIALS" => Self::CredentialsRequired,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What is true of an account, whatever any answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The row is there and not disconnected.
    Connected,
    /// The row is there, disconnected.
    Disconnected,
    /// The row was there and is not any more.
    Gone,
    /// No such row was ever there.
    NeverThere,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) provider: Provider,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) status: Status,
    pub(crate) workspace: u64,
    /// Rows are kept after their end: the ground truth tells a deleted account from one that never was.
    pub(crate) gone: bool,
}

impl Row {
    pub(crate) fn state(&self) -> State {
        match (self.gone, &self.status) {
            (true, _) => State::Gone,
            (false, Status::Disconnected) => State::Disconnected,
            (false, _) => State::Connected,
        }
    }
}
