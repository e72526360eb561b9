//! What a removal does about each object, PURE.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::Value;

use crate::account::Account;
use crate::args::Config;
use crate::crd::{FINALIZER, SenderAccount};
use crate::reconcile::LONGEST_REQUEST;
use crate::status::READY;
use crate::teardown::decide;
use crate::teardown::proof::Proof;
use crate::teardown::view::{Pass, Rules, Step};

/// What becomes of the objects when the operator is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Mode {
    /// While there are any, nothing is removed.
    Refuse,
    /// They are deleted, and with each its account, by the operator that still runs.
    Drain,
    /// They are deleted, and their accounts live on.
    Orphan,
}

/// A running operator lets an orphaned object go within seconds, and its log is where receipts are looked for.
const OPERATORS_TURN: Duration = Duration::from_secs(15);

/// One object that the removal must not leave behind.
#[derive(Clone, Debug)]
pub struct Found {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.uid`
    pub uid: String,
    /// Whether it is marked for deletion.
    pub deleting: bool,
    /// The Secrets that it uses or whose hold it keeps.
    pub secrets: BTreeSet<String>,
    /// What the object itself says it waits for: reason and message.
    pub says: Option<(String, String)>,
    /// The object, or why it cannot be understood.
    pub account: Result<Account, String>,
}

/// For how long an object has been seen as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waited {
    /// Its deletion orphaned.
    pub orphaned_for: Duration,
    /// Its unsettled attempt unchanged.
    pub unchanged_for: Duration,
}

/// What is to be done about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Put our finalizer on: without it the object would go without a receipt.
    Adopt,
    /// Say that the account may live on.
    Orphan,
    /// Mark it for deletion.
    Delete,
    /// The operator does not: take the hold off its Secret and our finalizer off it.
    LetGo(Proof),
    /// Wait, for this where it is known.
    Wait(Option<String>),
}

impl Found {
    /// What must not be left behind of these objects: all but what is deleted already and waits for others only.
    pub fn all(objects: Vec<DynamicObject>, config: &Config) -> Vec<Self> {
        objects.into_iter().filter_map(|object| Self::of(object, config)).collect()
    }

    fn of(object: DynamicObject, config: &Config) -> Option<Self> {
        let meta = &object.metadata;
        let ours = meta.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER);
        let deleting = meta.deletion_timestamp.is_some();
        if deleting && !ours {
            return None;
        }
        let (namespace, name, uid) = (meta.namespace.clone()?, meta.name.clone()?, meta.uid.clone()?);
        let at = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let secrets = [at("/spec/credentialsRef/name"), at("/status/heldSecret")].into_iter().flatten().collect();
        let says = says(&object.data);
        let account = object
            .try_parse::<SenderAccount>()
            .map_err(|error| error.to_string())
            .and_then(|raw| Account::parse(Arc::new(raw), config).map_err(|why| why.to_string()));
        Some(Self { namespace, name, uid, deleting, secrets, says, account })
    }

    /// `namespace/name`
    pub fn qualified_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether its deletion lets the account live on.
    pub fn is_orphaned(&self) -> bool {
        self.deleting && self.account.as_ref().is_ok_and(|account| account.view.gates.orphan.is_some())
    }

    /// Whether both need the same Secret.
    pub fn shares_secret(&self, other: &Self) -> bool {
        self.namespace == other.namespace && !self.secrets.is_disjoint(&other.secrets)
    }
}

/// The one thing to do about an object now.
pub fn next(mode: Mode, found: &Found, waited: Waited, rules: &Rules, now: Timestamp) -> Next {
    let account = match &found.account {
        Ok(account) => account,
        Err(why) => return Next::Wait(Some(format!("it cannot be read as a SenderAccount: {why}"))),
    };
    let view = &account.view;
    match mode {
        Mode::Refuse => Next::Wait(None),
        // It would be gone at once, and its account would stay.
        Mode::Drain if !view.ours => Next::Wait(Some("the operator has not put its finalizer on it".to_owned())),
        Mode::Drain if !view.deleting => Next::Delete,
        Mode::Drain if view.ledger.teardown.is_none() => {
            Next::Wait(Some("no operator has begun with it yet: it must run until the last account is gone".to_owned()))
        }
        Mode::Drain => Next::Wait(None),
        Mode::Orphan if !view.ours => Next::Adopt,
        Mode::Orphan if view.gates.orphan.is_none() => Next::Orphan,
        Mode::Orphan if !view.deleting => Next::Delete,
        Mode::Orphan if waited.orphaned_for < OPERATORS_TURN => Next::Wait(None),
        Mode::Orphan => {
            // An operator that still runs may have begun a DELETE just before it could know.
            let inherited_for = LONGEST_REQUEST.saturating_sub(waited.orphaned_for);
            let pass = Pass { unchanged_for: waited.unchanged_for, inherited_for, ..Pass::default() };
            match decide(view, &pass, rules, now) {
                Step::Release(proof) => Next::LetGo(proof),
                _ if view.is_unsettled() => {
                    let why = "a DELETE of it may still take effect; let go after --outcome-window, if no operator settles it before";
                    Next::Wait(Some(why.to_owned()))
                }
                _ => Next::Wait(Some("a DELETE of an operator that ran until now may still be on its way".to_owned())),
            }
        }
    }
}

fn says(data: &Value) -> Option<(String, String)> {
    let conditions = data.pointer("/status/conditions")?.as_array()?;
    let ready = conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(READY))?;
    let word = |member: &str| ready.get(member).and_then(Value::as_str).map(str::to_owned);
    Some((word("reason")?, word("message")?))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
