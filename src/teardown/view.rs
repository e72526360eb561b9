//! What a decision is made from: the object as it was last shown, and what this pass has learned since it began.

use std::time::Duration;

use super::ledger::Ledger;
use super::outcome::Exchange;
use super::target::{Kind, Target};
use crate::backoff::Jitter;
use crate::crd::{AfterUnknownOutcome, OnNotFound};
use crate::credentials::Fingerprint;
use crate::reason::Reason;

/// One object, parsed: what the API server shows of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// `metadata.uid`
    pub uid: String,
    /// What is to be torn down.
    pub target: Target,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Whether our finalizer is on it.
    pub ours: bool,
    /// What a person decided that stands before any call.
    pub gates: Gates,
    /// What an unproved 404 means.
    pub on_not_found: OnNotFound,
    /// What follows a DELETE whose answer was lost.
    pub after_unknown_outcome: AfterUnknownOutcome,
    /// What earlier passes wrote.
    pub ledger: Ledger,
}

/// What stands before a provider call, in the order in which it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gates {
    /// `spec.deletionPolicy: Orphan`, with the reason if one is given.
    pub orphan: Option<Option<String>>,
    /// `spec.suspend`
    pub suspended: bool,
    /// `spec.deletionProtection`
    pub protected: bool,
    /// Names of pre-delete hooks that were not taken away yet.
    pub hooks: Vec<String>,
    /// The operator asks for a confirmation of such a deletion, and there is none.
    pub unconfirmed: bool,
    /// Somebody said that this deletion may exceed the deletion budget.
    pub may_exceed_budget: bool,
    /// Finalizers of others that must go first.
    pub foreign_finalizers: Vec<String>,
}

/// The operator's settings that decisions depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How long a request can at most still be alive: W.
    pub outcome_window: Duration,
    /// The longest delay between tries.
    pub max_backoff: Duration,
}

/// What this pass has learned. It begins empty, and nothing of it outlives the pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pass {
    /// This pass's random fraction.
    pub jitter: Jitter,
    /// Whether somebody asked for a try now (a changed spec, the annotation), so that the schedule does not count.
    pub prompted: bool,
    /// How long this process has seen attempt and nonce as they are, by its own monotonic clock.
    pub unchanged_for: Duration,
    /// How long ago this process saw an attempt unsettled that the ledger does not know any more: somebody wiped the status,
    /// or restored an older one.
    pub forgotten_for: Option<Duration>,
    /// Whether this process wrote the intent that stands, and let nothing out on it.
    pub unsent: bool,
    /// How long a DELETE of an earlier process may still be on its way, where nothing was written ahead of it.
    pub inherited_for: Duration,
    /// Whether the CRD is going.
    pub crd: Option<Crd>,
    /// Whether the deletion budget of its namespace admits it; none where there is no budget.
    pub within_budget: Option<bool>,
    /// The other objects of the same account, from the index.
    pub twins: Vec<Twin>,
    /// What GETs of live twins showed, by uid: whether each can take the account over.
    pub live_twins_asked: Vec<(String, bool)>,
    /// What the Secret gives.
    pub credential: Option<Result<Known, Fault>>,
    /// The read of this pass before any DELETE.
    pub read: Option<Exchange>,
    /// Whether the ledger's intent was written by this pass.
    pub own_intent: bool,
    /// What GETs of the twins showed after our intent was written: none of them has an unsettled one, or this one has.
    pub unsettled_twin: Option<Option<String>>,
    /// Whether the view is as a quorum GET or a successful compare-and-swap of this pass showed it.
    pub fresh: bool,
    /// The answer to the DELETE.
    pub answer: Option<Exchange>,
    /// The read after the DELETE.
    pub read_back: Option<Exchange>,
    /// DELETEs that this pass let out.
    pub sends: u32,
    /// How many of them the ledger counts already.
    pub recorded: u32,
}

/// Which key and endpoint a call would go out with: names, never the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// HMAC over endpoint and key.
    pub fingerprint: Fingerprint,
    /// The canonical base URL.
    pub endpoint: String,
}

/// Why something this pass needs is not to be had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// The word for it.
    pub reason: Reason,
    /// What it is about.
    pub subject: Option<String>,
}

/// The CRD's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Crd {
    /// There.
    Serving,
    /// Being deleted, and nobody said that accounts may go with it.
    Deleting,
    /// Being deleted, and somebody said so.
    DeletingAllowed,
    /// It cannot be read.
    Unreadable,
}

/// Another object of the same account, as the index shows it. It only orders and names; safety never rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Twin {
    /// `metadata.uid`
    pub uid: String,
    /// `namespace/name`
    pub name: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it is older than this object, by creationTimestamp and then uid.
    pub older: bool,
    /// Whether its teardown is on its way: evidence or an unsettled intent, and neither held nor waiting.
    pub active: bool,
    /// Whether a DELETE of it may be outstanding.
    pub unsettled: bool,
    /// Whether its own read says that the account is not there.
    pub sees_nothing: bool,
    /// Whether it looks able to take the account over: only then is it worth a GET.
    pub fits: bool,
}

/// What is to be done next. Whoever acts does exactly this one thing and comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Not ours: no finalizer of ours, or nothing to tear down.
    LeaveAlone,
    /// GET the CRD.
    AskCrd,
    /// GET this live twin and judge it with [`super::twins::can_take_over`].
    AskLiveTwin(String),
    /// GET the Secret.
    ReadCredentials,
    /// Read the account; a shared list will do where `shared`, if it began after this pass did.
    ReadAccount {
        /// Whether a list that another object of the key asked for will do.
        shared: bool,
    },
    /// Compare-and-swap this ledger and go on with this pass.
    Record(Ledger),
    /// Compare-and-swap this intent, with a new nonce, and go on with this pass.
    Intend(Ledger),
    /// GET each of these twins: is an intent of theirs unsettled?
    AskTwins(Vec<String>),
    /// GET the object anew and go on with what it shows.
    Freshen,
    /// Send the DELETE, if nothing changed and the deadline has not passed.
    Send,
    /// An answer was taken in and asks for another DELETE.
    SendAgain,
    /// Read the account after the DELETE.
    ReadBack,
    /// Write this ledger if it differs, and come back at the latest after this long.
    Wait(Ledger, Duration),
    /// Let the object go.
    Release(super::proof::Proof),
}

impl View {
    /// What a repeated DELETE would do.
    pub fn kind(&self) -> Kind {
        self.target.kind()
    }

    /// Whether a DELETE may be outstanding whose repetition could harm.
    pub fn is_unsettled(&self) -> bool {
        self.kind() == Kind::SoftThenHard && self.ledger.is_unsettled()
    }
}
