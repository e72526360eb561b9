//! PURE: ledger and reason -> status. The same knowledge gives the same status to the byte, so that nothing is written
//! that says nothing new.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use serde_json::{Value, json};

use crate::account::{Account, Hold};
use crate::crd::SenderAccountStatus;
use crate::reason::{Reason, Words};
use crate::teardown::ledger::{Ledger, Teardown};
use crate::teardown::observe::unread;

/// Condition types: the first three are kstatus' (<https://pkg.go.dev/sigs.k8s.io/cli-utils/pkg/kstatus/status>).
pub const READY: &str = "Ready";
/// Something is going on, or will without anybody's help.
pub const RECONCILING: &str = "Reconciling";
/// Somebody must act.
pub const STALLED: &str = "Stalled";
/// The account is proved gone, or let go of.
pub const DELETED: &str = "Deleted";

/// Why the object is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The word.
    pub reason: Reason,
    /// What it is about.
    pub subject: Option<String>,
}

impl From<Reason> for Why {
    fn from(reason: Reason) -> Self {
        Self { reason, subject: None }
    }
}

impl Why {
    /// What a deletion waits for.
    pub fn of(ledger: &Ledger) -> Self {
        let said = |teardown: &Teardown| Self { reason: teardown.reason, subject: teardown.subject.clone() };
        ledger.teardown.as_ref().map_or(Reason::Deleting.into(), said)
    }

    /// The sentence that people read.
    pub fn message(&self, account: &Account) -> String {
        self.reason.message(Words {
            namespace: &account.namespace,
            name: &account.name,
            secret: &account.secret,
            account: account.view.target.account_id(),
            subject: self.subject.as_deref().unwrap_or_default(),
        })
    }
}

/// The status of a live object.
pub fn alive(account: &Account, ledger: &Ledger, why: &Why, hold: Option<Hold>, now: Timestamp) -> SenderAccountStatus {
    let ready = why.reason == Reason::AccountConnected;
    // Suspended is what its owner asks for: nobody need act, and nothing goes on.
    let suspended = why.reason == Reason::Suspended;
    let stalled = why.reason.needs_somebody() && !suspended;
    let states = [(READY, ready), (RECONCILING, !ready && !stalled && !suspended), (STALLED, stalled)];
    status(account, ledger, why, hold, &states, now)
}

/// The status of an object that is being deleted: what its ledger says.
pub fn deleting(account: &Account, ledger: &Ledger, hold: Option<Hold>, now: Timestamp) -> SenderAccountStatus {
    let (why, confirmed) = (Why::of(ledger), ledger.is_confirmed());
    let stalled = !confirmed && why.reason.needs_somebody();
    let states = [(READY, false), (RECONCILING, !stalled), (STALLED, stalled), (DELETED, confirmed)];
    status(account, ledger, &why, hold, &states, now)
}

fn status(
    account: &Account,
    ledger: &Ledger,
    why: &Why,
    hold: Option<Hold>,
    states: &[(&str, bool)],
    now: Timestamp,
) -> SenderAccountStatus {
    let before = account.raw.status.as_ref();
    let message = why.message(account);
    let conditions = states
        .iter()
        .map(|(type_, holds)| {
            let status = if *holds { "True" } else { "False" };
            let since = before
                .and_then(|before| before.conditions.iter().find(|c| c.type_ == *type_ && c.status == status))
                .map_or(now, |condition| condition.last_transition_time.0);
            Condition {
                last_transition_time: Time(since),
                message: message.clone(),
                observed_generation: account.generation,
                reason: why.reason.as_str().to_owned(),
                status: status.to_owned(),
                type_: (*type_).to_owned(),
            }
        })
        .collect();
    SenderAccountStatus {
        observed_generation: account.generation,
        conditions,
        // Whose account it is is known before the first read.
        account: Some(ledger.account.clone().unwrap_or_else(|| unread(&account.view))),
        held_secret_from: hold.as_ref().and_then(|hold| hold.from.clone()),
        held_secret: hold.map(|hold| hold.secret),
        last_handled_reconcile_at: account.requested_at.clone(),
        teardown: ledger.teardown.clone(),
    }
}

/// The status of an object that cannot be understood: what it held stays, for whoever understands it.
pub fn invalid(
    namespace: &str,
    name: &str,
    generation: Option<i64>,
    what: &str,
    before: Option<&Value>,
    now: Timestamp,
) -> Value {
    let words = Words { namespace, name, secret: "", account: "", subject: what };
    let message = Reason::InvalidObject.message(words);
    let mut status = before.and_then(Value::as_object).cloned().unwrap_or_default();
    let generation = generation.unwrap_or(0);
    let said = |condition: &Value| {
        condition.get("reason").and_then(Value::as_str) == Some(Reason::InvalidObject.as_str())
            && condition.get("message").and_then(Value::as_str) == Some(&message)
            && condition.get("observedGeneration").and_then(Value::as_i64) == Some(generation)
    };
    if status.get("conditions").and_then(Value::as_array).is_some_and(|conditions| conditions.iter().any(said)) {
        return Value::Object(status);
    }
    let conditions = [(READY, "False"), (RECONCILING, "False"), (STALLED, "True")].map(|(type_, holds)| {
        json!({"type": type_, "status": holds, "reason": Reason::InvalidObject, "message": message,
            "observedGeneration": generation, "lastTransitionTime": Time(now)})
    });
    status.insert("conditions".to_owned(), json!(conditions));
    status.insert("observedGeneration".to_owned(), json!(generation));
    Value::Object(status)
}

/// The reason that an object's status shows now.
pub fn shown(account: &Account) -> Option<&str> {
    let status = account.raw.status.as_ref()?;
    status.conditions.iter().find(|condition| condition.type_ == READY).map(|condition| condition.reason.as_str())
}

/// Whether a status was written before `uid` was: by a restore of an object that another one left behind.
pub fn is_foreign(status: &SenderAccountStatus, uid: &str) -> bool {
    let uids = status.account.as_ref().map(|a| &a.uid).into_iter().chain(status.teardown.as_ref().map(|t| &t.uid));
    uids.into_iter().any(|written_for| written_for != uid)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
