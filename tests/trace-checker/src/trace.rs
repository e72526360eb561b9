//! What was recorded, as it is read from JSON lines.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::object::Object;

/// Everything that was recorded of one test.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What reached the providers, in the order of arrival.
    pub requests: Vec<Request>,
    /// Every version of every object, in the order in which a watch showed them.
    pub versions: Vec<Version>,
    /// Every version of every Secret, likewise.
    pub secrets: Vec<SecretVersion>,
    /// The requests that could write objects, from the API server's audit log.
    pub writes: Vec<Write>,
    /// What each operator process wrote.
    pub operators: Vec<Operator>,
    /// For how long a request without an answer counts as alive: the shortest `--outcome-window`.
    pub outcome_window: SignedDuration,
    /// No two tries are further apart, but for a provider's own wish: the longest `--max-backoff`.
    pub max_backoff: SignedDuration,
    /// The most memory that each operator process ever had, in KiB.
    pub peaks: Vec<u64>,
}

/// A point in the provider's one total order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Moment {
    /// What happened at the providers before has a lower one.
    pub order: u64,
    /// Wall-clock time.
    pub at: Timestamp,
}

/// What is true of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There, and not disconnected.
    Connected,
    /// There, disconnected.
    Disconnected,
    /// Not there any more.
    Gone,
    /// Never there.
    NeverThere,
}

/// One request, as the provider simulator's wire log has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Request {
    /// Whose listener it came to.
    pub provider: String,
    /// `delete`, `read` or `other`.
    pub call: String,
    /// As sent.
    pub path: String,
    /// The account its path names.
    pub account: Option<String>,
    /// Fingerprint of its key.
    pub key: Option<String>,
    /// Its headers, without keys.
    pub headers: BTreeMap<String, String>,
    /// When it had arrived.
    pub arrived: Moment,
    /// `none`, `disconnected`, `deleted` or `not_found`.
    pub effect: String,
    /// When it did that.
    pub effect_at: Option<Moment>,
    /// The status of its answer.
    pub status: Option<u16>,
    /// When its answer was complete or its connection closed.
    pub ended: Option<Moment>,
    /// The number of the fault it met.
    #[serde(default)]
    pub fault: Option<u64>,
}

/// One version of an object.
#[derive(Clone, Debug)]
pub struct Version {
    /// When the watch showed it: it was committed before.
    pub seen: Moment,
    /// Whether it is the last: the object is gone.
    pub gone: bool,
    /// What was true of its account when it was seen.
    pub state: State,
    /// The object.
    pub object: Object,
}

/// One version of a Secret: whose key it held.
#[derive(Clone, Debug)]
pub struct SecretVersion {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// Fingerprint of its key, as the wire log makes it.
    pub key: Option<String>,
}

/// A request that could write an object, from the audit log.
#[derive(Clone, Debug)]
pub struct Write {
    /// When the API server received it.
    pub at: Timestamp,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name; none where a whole collection was deleted.
    pub name: Option<String>,
    /// The HTTP status of its answer.
    pub status: u64,
    /// Whether a collection was to be deleted.
    pub collection: bool,
    /// Whether somebody else than the operator sent it, by its user agent.
    pub by_others: bool,
}

/// What one operator process wrote.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// Its JSON lines.
    pub lines: Vec<LogLine>,
}

/// One JSON line: a receipt or a log line.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// All of it.
    pub value: Value,
}

/// Something recorded that cannot be judged.
#[derive(Debug)]
pub struct Incomprehensible(String);

impl Trace {
    /// Takes the provider's wire log: one JSON object a line.
    ///
    /// # Errors
    /// A line that is none.
    pub fn read_requests(&mut self, lines: &str) -> Result<(), Incomprehensible> {
        for line in lines.lines() {
            self.requests
                .push(serde_json::from_str(line).map_err(|error| Incomprehensible(format!("{error}: {line}")))?);
        }
        Ok(())
    }

    /// Takes the audit log's lines about objects of these namespaces; the rest is passed over.
    pub fn read_audit(&mut self, lines: &str, namespaces: &[String]) {
        let ours = lines.lines().filter(|line| line.contains("\"senderaccounts\""));
        self.writes.extend(ours.filter_map(|line| Write::parse(line, namespaces)));
        self.writes.sort_by_key(|write| write.at);
    }

    /// Takes what `/proc/PID/status` said of an operator process; nothing, if it had ended.
    pub fn read_memory(&mut self, status: &str) {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        self.peaks.extend(peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()));
    }

    /// Takes what one operator process wrote; lines that are not JSON, or without a time, are passed over.
    pub fn read_operator(&mut self, log: &str) {
        let parse = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            let at = value["timestamp"].as_str().or(value["time"].as_str())?.parse().ok()?;
            Some(LogLine { at, value })
        };
        self.operators.push(Operator { lines: log.lines().filter_map(parse).collect() });
    }
}

impl Write {
    fn parse(line: &str, namespaces: &[String]) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let object = &event["objectRef"];
        let namespace = object["namespace"].as_str()?;
        let verb = event["verb"].as_str()?;
        let writes = matches!(verb, "create" | "update" | "patch" | "delete" | "deletecollection");
        if !writes || !namespaces.iter().any(|known| known == namespace) {
            return None;
        }
        let agent = event["userAgent"].as_str().unwrap_or_default();
        Some(Self {
            at: event["requestReceivedTimestamp"].as_str()?.parse().ok()?,
            namespace: namespace.to_owned(),
            name: object["name"].as_str().map(str::to_owned),
            status: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            collection: verb == "deletecollection",
            by_others: !agent.starts_with("sender-operator"),
        })
    }

    /// Whether it may have written: where one object of a collection is refused, others may have been marked.
    pub(crate) fn may_have_written(&self) -> bool {
        self.collection || (200..300).contains(&self.status)
    }
}

impl Request {
    /// Whether it changed a row.
    pub(crate) fn is_effective(&self) -> bool {
        matches!(self.effect.as_str(), "disconnected" | "deleted")
    }

    /// Whether the operator sent it, and not somebody else of the test.
    pub(crate) fn is_ours(&self) -> bool {
        self.headers.get("user-agent").is_some_and(|agent| agent.starts_with("sender-operator/"))
    }

    pub(crate) fn is_delete(&self) -> bool {
        self.call == "delete"
    }
}

impl Version {
    /// Reads one version of an object, as a watch showed it.
    ///
    /// # Errors
    /// An object without `metadata.uid`.
    pub fn parse(seen: Moment, gone: bool, state: State, object: &Value) -> Result<Self, Incomprehensible> {
        let parsed = Object::parse(object).ok_or_else(|| Incomprehensible(format!("no uid: {object}")))?;
        Ok(Self { seen, gone, state, object: parsed })
    }
}

impl fmt::Display for Incomprehensible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the recorded trace cannot be read: {}", self.0)
    }
}

impl std::error::Error for Incomprehensible {}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.order, self.at)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_deref().unwrap_or("none");
        write!(f, "[{}] {} {} {} key {key}", self.arrived, self.provider, self.call, self.path)?;
        match (self.status, &self.ended) {
            (Some(status), Some(ended)) => write!(f, " -> {status} at [{ended}]")?,
            (None, Some(ended)) => write!(f, " -> no answer, ended at [{ended}]")?,
            (_, None) => write!(f, " -> not ended")?,
        }
        self.effect_at.as_ref().map_or(Ok(()), |at| write!(f, ", {} at [{at}]", self.effect))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gone = if self.gone { ", gone" } else { "" };
        write!(f, "[{}] {}, account {:?}{gone}", self.seen, self.object, self.state)
    }
}
