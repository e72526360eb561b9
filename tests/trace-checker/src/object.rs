//! What is judged of one version of a SenderAccount.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

const FINALIZER: &str = "sender-operator.dev/teardown";

/// What a DELETE does to an account, and a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first one deletes it.
    Permanent,
    /// The first one disconnects, which is all that is asked for; a second one would destroy it.
    SoftThenHard,
    /// The first one disconnects, the second one destroys it, as is asked for.
    Purge,
}

/// Where a teardown stands; only what is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A DELETE whose repetition could harm is about to be sent, or was.
    Intent,
    /// Proved.
    Confirmed,
    /// Any other.
    Other,
}

/// One version of a SenderAccount.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.namespace`, a slash, `metadata.name`
    pub name: String,
    pub(crate) namespace: String,
    /// Provider and account id, as both sides compare them.
    pub(crate) account: Option<(String, String)>,
    pub(crate) kind: Kind,
    pub(crate) secret: String,
    pub(crate) deleting: bool,
    pub(crate) ours: bool,
    /// The decision that holds a DELETE back.
    pub(crate) gate: Option<&'static str>,
    pub(crate) orphan: bool,
    pub(crate) released_if_not_found: bool,
    pub(crate) generation: i64,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) teardown: Option<Teardown>,
    pub(crate) status: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) generation: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Teardown {
    pub(crate) phase: Phase,
    pub(crate) reason: String,
    pub(crate) attempt: i64,
    pub(crate) nonce: Option<String>,
    pub(crate) next_attempt_at: Option<Timestamp>,
    pub(crate) proof: Option<String>,
}

impl Object {
    pub(crate) fn parse(object: &Value) -> Option<Self> {
        let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
        let uid = text(&metadata["uid"])?;
        let namespace = text(&metadata["namespace"]).unwrap_or_default();
        let (orphan, suspended) = (spec["deletionPolicy"] == "Orphan", spec["suspend"] == true);
        let gate = match () {
            () if orphan => Some("Orphaned"),
            () if suspended => Some("Suspended"),
            () if spec["deletionProtection"] == true => Some("DeletionProtected"),
            () => None,
        };
        let (account, kind) = target(&spec["provider"]);
        let finalizers = metadata["finalizers"].as_array();
        Some(Self {
            name: format!("{namespace}/{}", text(&metadata["name"]).unwrap_or_default()),
            namespace,
            account,
            kind,
            secret: text(&spec["credentialsRef"]["name"]).unwrap_or_default(),
            deleting: metadata["deletionTimestamp"].is_string(),
            ours: finalizers.is_some_and(|all| all.iter().any(|finalizer| finalizer == FINALIZER)),
            gate,
            orphan,
            released_if_not_found: spec["onNotFound"] == "Release",
            generation: metadata["generation"].as_i64().unwrap_or_default(),
            conditions: status["conditions"].as_array().into_iter().flatten().map(Condition::parse).collect(),
            // A ledger of another uid, as after a restore, is none.
            teardown: Some(&status["teardown"]).filter(|teardown| teardown["uid"] == *uid).map(Teardown::parse),
            status: status.clone(),
            uid,
        })
    }

    pub(crate) fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.name == name)
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.teardown.as_ref().is_some_and(|teardown| teardown.phase == Phase::Confirmed)
    }
}

impl Condition {
    fn parse(condition: &Value) -> Self {
        let word = |member: &str| text(&condition[member]).unwrap_or_default();
        let generation = condition["observedGeneration"].as_i64().unwrap_or_default();
        Self {
            name: word("type"),
            status: word("status"),
            reason: word("reason"),
            message: word("message"),
            generation,
        }
    }
}

impl Teardown {
    fn parse(teardown: &Value) -> Self {
        Self {
            phase: match teardown["phase"].as_str() {
                Some("Intent") => Phase::Intent,
                Some("Confirmed") => Phase::Confirmed,
                _ => Phase::Other,
            },
            reason: text(&teardown["reason"]).unwrap_or_default(),
            attempt: teardown["attempt"].as_i64().unwrap_or_default(),
            nonce: text(&teardown["nonce"]),
            next_attempt_at: teardown["nextAttemptAt"].as_str().and_then(|at| at.parse().ok()),
            proof: text(&teardown["proof"]["reason"]),
        }
    }
}

fn target(provider: &Value) -> (Option<(String, String)>, Kind) {
    let (postpress, puffle) = (&provider["postpress"], &provider["puffle"]);
    if let Some(id) = postpress["accountId"].as_str() {
        return (Some(("postpress".to_owned(), id.to_owned())), Kind::Permanent);
    }
    let kind = match (puffle["channel"].as_str(), puffle["teardown"].as_str()) {
        (Some("LinkedIn"), Some("Purge")) => Kind::Purge,
        (Some("LinkedIn"), _) => Kind::SoftThenHard,
        _ => Kind::Permanent,
    };
    (puffle["accountId"].as_str().map(|id| ("puffle".to_owned(), id.to_ascii_lowercase())), kind)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.uid)?;
        let words = [(self.deleting, "deleting"), (!self.ours, "without our finalizer")];
        words.iter().filter(|(holds, _)| *holds).try_for_each(|(_, word)| write!(f, ", {word}"))?;
        if let Some(gate) = self.gate {
            write!(f, ", {gate}")?;
        }
        if let Some(ready) = self.condition("Ready") {
            write!(f, ", Ready={} {}", ready.status, ready.reason)?;
        }
        self.teardown.as_ref().map_or(Ok(()), |t| {
            let next = t.next_attempt_at.map_or("none".to_owned(), |at| at.to_string());
            write!(f, ", {:?} attempt {} for {}, next {next}", t.phase, t.attempt, t.reason)
        })
    }
}
