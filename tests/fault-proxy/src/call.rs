//! What a request is, of all that the operator asks of an API server.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// One call of a deletion. Closed: what is not known is [`Call::Other`], and a test may insist that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// Whether the CRD is served.
    Discover,
    /// A list of accounts, or a page of it.
    ListAccounts,
    /// A watch of accounts.
    WatchAccounts,
    /// A quorum GET of one account's object; also of a twin's, told apart by its name.
    GetAccount,
    /// A GET of a Secret.
    GetSecret,
    /// The hold is put on a Secret.
    HoldSecret,
    /// The hold is taken off a Secret.
    ReleaseSecretHold,
    /// Whether the CRD is being deleted.
    GetCrd,
    /// Whether the namespace is being deleted.
    GetNamespace,
    /// Our finalizer is put on an account's object.
    AddFinalizer,
    /// The status of an object with no teardown in it: what reads showed.
    WriteEvidence,
    /// The write before a DELETE whose repetition could harm.
    WriteIntent,
    /// An acknowledged or unknown outcome.
    WriteOutcome,
    /// The proof.
    WriteConfirmed,
    /// A deletion that waits or is held.
    WriteStatus,
    /// The role of a Secret's keeper is given to this object.
    HandOn,
    /// Our finalizer is taken off an account's object.
    Release,
    /// An Event is created or counted up.
    Event,
    /// Anything else.
    Other,
}

impl Call {
    /// Every call.
    pub const ALL: [Self; 19] = [
        Self::Discover,
        Self::ListAccounts,
        Self::WatchAccounts,
        Self::GetAccount,
        Self::GetSecret,
        Self::HoldSecret,
        Self::ReleaseSecretHold,
        Self::GetCrd,
        Self::GetNamespace,
        Self::AddFinalizer,
        Self::WriteEvidence,
        Self::WriteIntent,
        Self::WriteOutcome,
        Self::WriteConfirmed,
        Self::WriteStatus,
        Self::HandOn,
        Self::Release,
        Self::Event,
        Self::Other,
    ];

    /// Whether it changes something on the API server.
    pub fn writes(self) -> bool {
        !matches!(
            self,
            Self::Discover
                | Self::ListAccounts
                | Self::WatchAccounts
                | Self::GetAccount
                | Self::GetSecret
                | Self::GetCrd
                | Self::GetNamespace
                | Self::Other
        )
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A text that names no [`Call`].
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no call; the calls are {all:?}", all = Call::ALL)]
pub struct UnknownCall(String);

impl FromStr for Call {
    type Err = UnknownCall;

    fn from_str(text: &str) -> Result<Self, UnknownCall> {
        Self::ALL.into_iter().find(|call| call.to_string() == text).ok_or_else(|| UnknownCall(text.to_owned()))
    }
}

/// A request as it was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) call: Call,
    /// The name of the object it is about.
    pub(crate) about: Option<String>,
}

/// Recognises a request by its method, its target and, where it writes, its body.
pub(crate) fn recognise(method: &str, target: &str, body: &[u8]) -> Seen {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // A namespace is a place of its own only where something follows it.
    if let Some(at) = parts.iter().position(|part| *part == "namespaces").filter(|at| parts.len() > at + 2) {
        parts.drain(at..at + 2);
    }
    let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
    let seen = |call, about: &str| Seen { call, about: Some(about.to_owned()) };
    let unnamed = |call| Seen { call, about: None };
    match (method, parts.as_slice()) {
        ("GET", ["apis", "sender-operator.dev", _]) => unnamed(Call::Discover),
        ("GET", ["apis", "sender-operator.dev", _, "senderaccounts"]) if is_watch(query) => {
            unnamed(Call::WatchAccounts)
        }
        ("GET", ["apis", "sender-operator.dev", _, "senderaccounts"]) => unnamed(Call::ListAccounts),
        ("GET", ["apis", "sender-operator.dev", _, "senderaccounts", name]) => seen(Call::GetAccount, name),
        ("PATCH", ["apis", "sender-operator.dev", _, "senderaccounts", name]) if removes(&json()) => {
            seen(Call::Release, name)
        }
        ("PATCH", ["apis", "sender-operator.dev", _, "senderaccounts", name]) => seen(Call::AddFinalizer, name),
        ("PATCH", ["apis", "sender-operator.dev", _, "senderaccounts", name, "status"]) => seen(status(&json()), name),
        ("GET", ["api", "v1", "secrets", name]) => seen(Call::GetSecret, name),
        ("PATCH", ["api", "v1", "secrets", name]) if removes(&json()) => seen(Call::ReleaseSecretHold, name),
        ("PATCH", ["api", "v1", "secrets", name]) => seen(Call::HoldSecret, name),
        ("GET", ["apis", "apiextensions.k8s.io", _, "customresourcedefinitions", _]) => unnamed(Call::GetCrd),
        ("GET", ["api", "v1", "namespaces", _]) => unnamed(Call::GetNamespace),
        (_, ["apis", "events.k8s.io", _, "events", ..]) => {
            let about = json().pointer("/regarding/name").and_then(Value::as_str).map(str::to_owned);
            Seen { call: Call::Event, about }
        }
        _ => unnamed(Call::Other),
    }
}

fn is_watch(query: &str) -> bool {
    query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

fn operations(patch: &Value) -> impl Iterator<Item = &Value> {
    patch.as_array().into_iter().flatten()
}

fn removes(patch: &Value) -> bool {
    operations(patch).any(|operation| operation["op"] == "remove")
}

/// A write of the status, by what it says of the teardown.
fn status(patch: &Value) -> Call {
    let status =
        operations(patch).find(|operation| operation["path"] == "/status").map(|operation| &operation["value"]);
    let Some(status) = status else { return Call::Other };
    match status["teardown"]["phase"].as_str() {
        // An intent that another process left behind, while it is found out what became of it.
        Some("Intent") if status["teardown"]["reason"] == "OutcomeUnknown" => Call::WriteStatus,
        Some("Intent") => Call::WriteIntent,
        Some("Acked" | "Unknown") => Call::WriteOutcome,
        Some("Confirmed") => Call::WriteConfirmed,
        Some(_) => Call::WriteStatus,
        None if status["heldSecretFrom"].is_string() => Call::HandOn,
        None => Call::WriteEvidence,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACCOUNTS: &str = "/apis/sender-operator.dev/v1alpha1/namespaces/sales/senderaccounts";

    fn call(method: &str, target: &str, body: Value) -> (Call, Option<String>) {
        let seen = recognise(method, target, body.to_string().as_bytes());
        (seen.call, seen.about)
    }

    fn named(call: Call, name: &str) -> (Call, Option<String>) {
        (call, Some(name.to_owned()))
    }

    #[test]
    fn reads_are_told_apart_by_path_and_query() {
        assert_eq!(call("GET", "/apis/sender-operator.dev/v1alpha1", json!(null)).0, Call::Discover);
        assert_eq!(call("GET", &format!("{ACCOUNTS}?limit=500"), json!(null)).0, Call::ListAccounts);
        assert_eq!(
            call("GET", &format!("{ACCOUNTS}?allowWatchBookmarks=true&watch=true"), json!(null)).0,
            Call::WatchAccounts
        );
        assert_eq!(call("GET", &format!("{ACCOUNTS}/a"), json!(null)), named(Call::GetAccount, "a"));
        assert_eq!(call("GET", "/api/v1/namespaces/sales/secrets/key", json!(null)), named(Call::GetSecret, "key"));
        assert_eq!(call("GET", "/api/v1/namespaces/sales", json!(null)).0, Call::GetNamespace);
        let crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/senderaccounts.sender-operator.dev";
        assert_eq!(call("GET", crd, json!(null)).0, Call::GetCrd);
    }

    #[test]
    fn writes_are_told_apart_by_what_they_write() {
        let status = |value: Value| {
            let patch = json!([{"op": "test", "path": "/metadata/uid", "value": "u"}, {"op": "add", "path": "/status", "value": value}]);
            call("PATCH", &format!("{ACCOUNTS}/a/status?fieldManager=x"), patch)
        };
        assert_eq!(status(json!({"account": {}})), named(Call::WriteEvidence, "a"));
        assert_eq!(status(json!({"heldSecretFrom": "uid"})), named(Call::HandOn, "a"));
        for (phase, expected) in [
            ("Intent", Call::WriteIntent),
            ("Unknown", Call::WriteOutcome),
            ("Acked", Call::WriteOutcome),
            ("Confirmed", Call::WriteConfirmed),
            ("Waiting", Call::WriteStatus),
        ] {
            assert_eq!(status(json!({"teardown": {"phase": phase}})), named(expected, "a"));
        }
        let finalizer = |op: &str| json!([{"op": op, "path": "/metadata/finalizers/0"}]);
        assert_eq!(call("PATCH", &format!("{ACCOUNTS}/a"), finalizer("add")), named(Call::AddFinalizer, "a"));
        assert_eq!(call("PATCH", &format!("{ACCOUNTS}/a"), finalizer("remove")), named(Call::Release, "a"));
        let secret = "/api/v1/namespaces/sales/secrets/key";
        assert_eq!(call("PATCH", secret, finalizer("add")), named(Call::HoldSecret, "key"));
        assert_eq!(call("PATCH", secret, finalizer("remove")), named(Call::ReleaseSecretHold, "key"));
        let event = call("POST", "/apis/events.k8s.io/v1/namespaces/sales/events", json!({"regarding": {"name": "a"}}));
        assert_eq!(event, named(Call::Event, "a"));
    }

    #[test]
    fn every_call_is_read_back_from_its_name() {
        for call in Call::ALL {
            assert_eq!(call.to_string().parse::<Call>().unwrap(), call);
        }
    }
}
