//! The wire log: what was asked, what took effect, what the client could have seen. Never a key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::account::{Provider, Row, State};
use crate::key::fingerprint;

/// One point of the simulator's history. `order` puts arrivals, effects and answers of all requests in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Counts up by one at each arrival, effect and end.
    pub order: u64,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// What kind of request it was, by its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// `DELETE`, on whatever path.
    Delete,
    /// `GET`, on whatever path.
    Read,
    /// Everything else, such as the `POST` that pauses a campaign; it never has an effect on an account.
    Other,
}

/// What a request did to the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: a read, a refusal, or a request that was not carried out (yet).
    None,
    /// A LinkedIn row went from connected to disconnected.
    Disconnected,
    /// The row went.
    Deleted,
    /// A DELETE found no row of this id in its key's workspace.
    NotFound,
}

impl Effect {
    /// Whether a row changed.
    pub fn is_effective(self) -> bool {
        matches!(self, Self::Disconnected | Self::Deleted)
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Not yet: the answer is being prepared, withheld or written.
    Open,
    /// The whole answer was written.
    Answered,
    /// The simulator cut the connection before or in the answer.
    Cut,
    /// The simulator kept the connection open and did not finish the answer.
    Hung,
    /// The client closed the connection before the whole answer was written.
    ClientLeft,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// 1 for the first request that arrived, at either provider.
    pub seq: u64,
    /// Whose listener it came to.
    pub provider: Provider,
    /// As sent; `?` for bytes that are no HTTP/1.1 request.
    pub method: String,
    /// As sent, query included; a key in it is replaced by its fingerprint.
    pub path: String,
    /// What kind of request it was.
    pub call: Call,
    /// The account its path names, if any (Puffle: in lower case), also on a path the provider does not serve.
    pub account: Option<String>,
    /// [`fingerprint`] of the key it carried where the provider documents it.
    pub key: Option<String>,
    /// The workspace that key opens.
    pub workspace: Option<u64>,
    /// Number of its connection, counted from 1 per listener.
    pub connection: u64,
    /// The headers as sent, those that carry a key left out.
    pub headers: BTreeMap<String, String>,
    /// Length of the request body.
    pub body_bytes: u64,
    /// The fault it met, if any.
    pub fault: Option<u64>,
    /// When its head had arrived.
    pub arrived: Moment,
    /// What it did.
    pub effect: Effect,
    /// When it did that.
    pub effect_at: Option<Moment>,
    /// A DELETE that is still to be carried out.
    pub effect_pending: bool,
    /// The status that was written, also if the answer was cut later.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: Ending,
    /// When it ended; a hung one ends when the client leaves.
    pub ended: Option<Moment>,
    /// Whether the client could have seen the answer: all of it was written, nothing was cut.
    pub seen: bool,
}

/// The wire log and the rows as they were at one moment.
#[derive(Clone)]
pub struct Log {
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) rows: Arc<BTreeMap<(Provider, String), Row>>,
    pub(crate) connections: [u64; 2],
}

impl Log {
    /// Every request, in the order of arrival.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(Arc::as_ref)
    }

    /// The DELETEs that named this account.
    pub fn deletes(&self, account: &str) -> Vec<&Entry> {
        self.entries().filter(|entry| entry.call == Call::Delete && entry.names(account)).collect()
    }

    /// The DELETEs that changed this account's row.
    pub fn effective_deletes(&self, account: &str) -> Vec<&Entry> {
        let mut deletes = self.deletes(account);
        deletes.retain(|entry| entry.effect.is_effective());
        deletes
    }

    /// The reads that could show this account: by its id, or a list asked for with a key of its workspace.
    pub fn reads(&self, account: &str) -> Vec<&Entry> {
        let home = self.row(account).map(|row| (row.provider, Some(row.workspace)));
        self.entries()
            .filter(|entry| {
                let listed = entry.account.is_none() && home == Some((entry.provider, entry.workspace));
                entry.call == Call::Read && (entry.names(account) || listed)
            })
            .collect()
    }

    /// The requests that carried this key.
    pub fn with_key(&self, key: impl AsRef<[u8]>) -> Vec<&Entry> {
        let key = fingerprint(key);
        self.entries().filter(|entry| entry.key.as_ref() == Some(&key)).collect()
    }

    /// What is true of this account.
    pub fn state(&self, account: &str) -> State {
        self.row(account).map_or(State::NeverThere, |row| row.state())
    }

    /// Requests whose connection still waits for (the rest of) an answer.
    pub fn in_flight(&self) -> usize {
        self.entries().filter(|entry| entry.ended.is_none()).count()
    }

    /// DELETEs that were taken in and are still to be carried out, whether or not they were answered.
    pub fn pending_effects(&self) -> usize {
        self.entries().filter(|entry| entry.effect_pending).count()
    }

    /// How many connections were accepted by this provider's listener.
    pub fn connections(&self, provider: Provider) -> u64 {
        let [postpress, puffle] = self.connections;
        match provider {
            Provider::PostPress => postpress,
            Provider::Puffle => puffle,
        }
    }

    pub(crate) fn row(&self, account: &str) -> Option<&Row> {
        Provider::ALL.iter().find_map(|provider| self.rows.get(&(*provider, provider.canonical(account))))
    }
}

impl Entry {
    fn names(&self, account: &str) -> bool {
        self.account.as_ref().is_some_and(|named| *named == self.provider.canonical(account))
    }
}

/// One JSON object per request and line.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.entries() {
            writeln!(f, "{}", serde_json::to_string(entry).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}
