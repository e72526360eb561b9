//! The parsed view of an object. What cannot be parsed is a value that says so, never an error that stops a pass.

use std::fmt;

use jiff::Timestamp;
use kube::ResourceExt;

use crate::args::{Config, TargetKind};
use crate::crd::{
    CONFIRM_DELETION, Channel, DeletionPolicy, EXCEED_BUDGET, FINALIZER, LinkedInTeardown, ORPHAN_REASON,
    PRE_DELETE_HOOK, REQUESTED_AT, SenderAccount, SenderAccountSpec,
};
use crate::reason::Reason;
use crate::teardown::ledger::{AccountState, Ledger, Phase};
use crate::teardown::target::{Provider, Target};
use crate::teardown::twins::can_take_over;
use crate::teardown::view::{Gates, Twin, View};

/// One object: where it is, what the API server shows of it, and what decisions are made from.
#[derive(Clone, Debug)]
pub struct Account {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// `metadata.generation`
    pub generation: Option<i64>,
    /// `spec.credentialsRef.name`
    pub secret: String,
    /// The finalizers as they stand, in order.
    pub finalizers: Vec<String>,
    /// The value of the annotation that asks for a try now.
    pub requested_at: Option<String>,
    /// Whether a status is stored at all: a JSON patch must add it whole where it is not.
    pub has_status: bool,
    /// What decisions are made from.
    pub view: View,
    /// The object as it came.
    pub raw: std::sync::Arc<SenderAccount>,
}

/// The hold on a Secret, on the object that keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The Secret's name.
    pub secret: String,
    /// The uid of the object that handed it on.
    pub from: Option<String>,
}

/// Why an object cannot be understood. Admission refuses such objects; one stored before its rules may still exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomprehensible {
    /// No uid, name, namespace or resourceVersion: no API server sends that.
    NotStored,
    /// Not exactly one provider.
    Provider,
    /// The account id cannot be one segment of a path.
    AccountId,
    /// `teardown` on a channel that has none.
    Teardown,
}

impl fmt::Display for Incomprehensible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStored => "it has no uid, name, namespace or resourceVersion",
            Self::Provider => "spec.provider must have exactly one member",
            Self::AccountId => "the accountId in spec.provider is not an id",
            Self::Teardown => "spec.provider.puffle.teardown is for channel LinkedIn only",
        })
    }
}

impl Account {
    /// Parses what the API server showed.
    ///
    /// # Errors
    /// [`Incomprehensible`] says which field is at fault.
    pub fn parse(raw: std::sync::Arc<SenderAccount>, config: &Config) -> Result<Self, Incomprehensible> {
        let meta = &raw.metadata;
        let (Some(uid), Some(name), Some(namespace), Some(resource_version)) =
            (meta.uid.clone(), meta.name.clone(), meta.namespace.clone(), meta.resource_version.clone())
        else {
            return Err(Incomprehensible::NotStored);
        };
        let target = target(&raw.spec)?;
        let status = raw.status.clone();
        let (account, teardown) = status.clone().map_or((None, None), |status| (status.account, status.teardown));
        let finalizers = meta.finalizers.clone().unwrap_or_default();
        let view = View {
            deleting: meta.deletion_timestamp.is_some(),
            ours: finalizers.iter().any(|f| f == FINALIZER),
            gates: gates(&raw, &target, &finalizers, config),
            on_not_found: raw.spec.on_not_found,
            after_unknown_outcome: raw.spec.after_unknown_outcome,
            ledger: Ledger::of(&uid, account, teardown),
            target,
            uid,
        };
        Ok(Self {
            namespace,
            name,
            resource_version,
            generation: meta.generation,
            secret: raw.spec.credentials_ref.name.clone(),
            finalizers,
            requested_at: raw.annotations().get(REQUESTED_AT).map(|at| at.chars().take(1024).collect()),
            has_status: status.is_some(),
            view,
            raw,
        })
    }

    /// `namespace/name`
    pub fn qualified_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether nothing that is decided by differs: whatever else somebody wrote, what was decided still stands.
    pub fn decides_as(&self, other: &Self) -> bool {
        self.view == other.view && self.secret == other.secret && self.raw.status == other.raw.status
    }

    /// This object, read again in the middle of what was asked for `before`: what was asked for since then is still to be done.
    pub fn asked_as(mut self, before: &Self) -> Self {
        (self.generation, self.requested_at) = (before.generation, before.requested_at.clone());
        self
    }

    /// Whether it has our finalizer, or will: what is deleted without it is none of our business.
    pub fn is_or_will_be_ours(&self) -> bool {
        self.view.ours || !self.view.deleting
    }

    /// The hold that this object keeps, if its status is its own.
    pub fn hold(&self) -> Option<Hold> {
        let status = self.raw.status.as_ref().filter(|status| !crate::status::is_foreign(status, &self.view.uid))?;
        Some(Hold { secret: status.held_secret.clone()?, from: status.held_secret_from.clone() })
    }

    /// Whether somebody asks for a try that was not made yet: a spec or an annotation that status does not know.
    pub fn is_prompted(&self) -> bool {
        let status = self.raw.status.as_ref();
        let generation = status.and_then(|status| status.observed_generation);
        generation != self.generation || self.is_asked()
    }

    /// Whether somebody asks by the annotation for a try that was not made yet.
    pub fn is_asked(&self) -> bool {
        let status = self.raw.status.as_ref();
        let handled = status.and_then(|status| status.last_handled_reconcile_at.as_deref());
        self.requested_at.as_deref().is_some_and(|asked| Some(asked) != handled)
    }

    /// When the object was marked for deletion.
    pub fn marked_at(&self) -> Option<Timestamp> {
        marked_at(&self.raw)
    }

    /// When the object was created.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.raw.metadata.creation_timestamp.as_ref().map(|time| time.0)
    }

    /// This object as another one of the same account sees it.
    pub fn as_twin_of(&self, other: &Self, now: Timestamp) -> Twin {
        let teardown = self.view.ledger.teardown.as_ref();
        let account = self.view.ledger.account.as_ref();
        let stands = teardown.is_some_and(|t| match t.phase {
            // Proved, and perhaps not let go for long: nothing of it is worth waiting for.
            Phase::Confirmed => true,
            Phase::Held | Phase::Waiting => {
                !matches!(t.reason, Reason::Deleting | Reason::TwinDeleting | Reason::Queued)
            }
            Phase::Intent | Phase::Unknown | Phase::Acked => false,
        });
        Twin {
            uid: self.view.uid.clone(),
            name: self.qualified_name(),
            deleting: self.view.deleting,
            older: (self.created_at(), &self.view.uid) < (other.created_at(), &other.view.uid),
            active: self.view.ours
                && (self.view.is_unsettled() || (account.is_some_and(|a| a.alive_at.is_some()) && !stands)),
            unsettled: self.view.ours && self.view.is_unsettled(),
            sees_nothing: account.is_some_and(|a| a.state == AccountState::Missing),
            fits: can_take_over(&self.view, &other.view.target, now),
        }
    }
}

/// What the spec says is to be torn down.
///
/// # Errors
/// [`Incomprehensible`] says which field is at fault.
pub fn target(spec: &SenderAccountSpec) -> Result<Target, Incomprehensible> {
    match (&spec.provider.postpress, &spec.provider.puffle) {
        (Some(postpress), None) => {
            let account_id = postpress.account_id.clone();
            let segment = !account_id.is_empty()
                && !matches!(account_id.as_str(), "." | "..")
                && account_id.bytes().all(|b| b.is_ascii_graphic() && !b"/?#%\\".contains(&b));
            if segment { Ok(Target::PostPress { account_id }) } else { Err(Incomprehensible::AccountId) }
        }
        (None, Some(puffle)) => {
            // One account, one spelling: the provider's ids are UUIDs.
            let account_id = puffle.account_id.to_ascii_lowercase();
            if account_id.len() != 36 || !account_id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
                return Err(Incomprehensible::AccountId);
            }
            match (puffle.channel, puffle.teardown) {
                (Channel::Email, None) => Ok(Target::PuffleEmail { account_id }),
                (Channel::Email, Some(_)) => Err(Incomprehensible::Teardown),
                (Channel::LinkedIn, None | Some(LinkedInTeardown::Disconnect)) => {
                    Ok(Target::PuffleLinkedInDisconnect { account_id })
                }
                (Channel::LinkedIn, Some(LinkedInTeardown::Purge)) => Ok(Target::PuffleLinkedInPurge { account_id }),
            }
        }
        _ => Err(Incomprehensible::Provider),
    }
}

fn marked_at(raw: &SenderAccount) -> Option<Timestamp> {
    raw.metadata.deletion_timestamp.as_ref().map(|time| time.0)
}

fn gates(raw: &SenderAccount, target: &Target, finalizers: &[String], config: &Config) -> Gates {
    let annotations = raw.annotations();
    let hooks =
        annotations.keys().filter_map(|key| key.strip_prefix(PRE_DELETE_HOOK)).map(str::to_owned).collect::<Vec<_>>();
    let confirmed = annotations.get(CONFIRM_DELETION).is_some_and(|id| {
        id == target.account_id()
            || (target.provider() == Provider::Puffle && id.eq_ignore_ascii_case(target.account_id()))
    });
    let meant_until = annotations.get(EXCEED_BUDGET).and_then(|until| until.parse::<Timestamp>().ok());
    // The garbage collector's own finalizers go only after ours: waiting for them would be for ever.
    let waits_for_us = |name: &str| matches!(name, FINALIZER | "foregroundDeletion" | "orphan");
    Gates {
        orphan: (raw.spec.deletion_policy == DeletionPolicy::Orphan)
            .then(|| annotations.get(ORPHAN_REASON).map(|why| why.chars().take(256).collect())),
        suspended: raw.spec.suspend,
        protected: raw.spec.deletion_protection,
        hooks,
        unconfirmed: config.require_confirmation.contains(&TargetKind::from(target)) && !confirmed,
        may_exceed_budget: marked_at(raw).is_some_and(|at| meant_until.is_some_and(|until| at <= until)),
        foreign_finalizers: finalizers
            .iter()
            .filter(|name| !waits_for_us(name) && !config.ignored_finalizers.contains(name))
            .cloned()
            .collect(),
    }
}
