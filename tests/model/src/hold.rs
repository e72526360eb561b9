//! A Secret that several objects use, the hold on it, who keeps that and who takes it off: decided by the operator's own
//! [`keeper`], a request of `src/reconcile/hold.rs` a transition.

mod pass;
mod variants;
mod world;

use crate::state::Stage;

pub const USERS: usize = 3;

/// An object that uses the Secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct User {
    pub stage: Stage,
    /// It has our finalizer.
    pub ours: bool,
    /// `status.heldSecret`
    pub keeps: bool,
    /// Its proof stands in the ledger: it needs no key any more.
    pub confirmed: bool,
    /// Its status says that its Secret was there, and held.
    pub adopted: bool,
}

/// A copy of what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seen {
    pub user: User,
    /// Whether its resourceVersion is still the stored one.
    pub current: bool,
}

/// The Secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret {
    pub exists: bool,
    pub held: bool,
    pub deleting: bool,
}

/// What a pass does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Next {
    #[default]
    Nothing,
    AddFinalizer,
    LookToAdopt,
    Adopt,
    Publish {
        keeps: bool,
    },
    Prove,
    Leave,
    GetHeir,
    MakeKeeper,
    Confirm {
        last: bool,
    },
    LookToTakeOff,
    /// Lists the objects.
    CountUsers,
    /// Where there is no hold: one that is on its way shall fail.
    PutOnFirst,
    TakeOff,
    Release,
    GetAgain,
}

/// A pass: what it does, and all it has learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pass {
    pub next: Next,
    pub at: u8,
    pub view: Seen,
    /// The object is gone already: nobody waits for the hold.
    pub abandoned: bool,
    /// The Secret as a GET showed it.
    pub secret: Secret,
    pub secret_current: bool,
    /// This pass saw the Secret, and...
    pub saw_secret: bool,
    /// ...saw it held.
    pub kept: bool,
    /// The others that the hold may be handed to, in order, then 0.
    pub heirs: [u8; 2],
    pub heir: Seen,
}

/// A process: its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    pub cache: [Seen; USERS],
    pub passes: [Pass; 2],
    /// An object vanished from the watch: the hold is to be looked at.
    pub abandoned: bool,
    /// What this process released: what a late watch shows of it is nothing to work on.
    pub released: [bool; USERS],
}

/// A write to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Write {
    AddFinalizer(u8),
    PutOn,
    Touch,
    Publish(u8, bool),
    MakeKeeper(u8),
    /// Who takes the hold off keeps it from then on.
    Confirm(u8, bool),
    TakeOff,
    Release(u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    pub users: [User; USERS],
    pub secret: Secret,
    pub processes: [Process; 2],
    /// A write that nobody waits for, and whether what it tests still holds.
    pub late: Option<(Write, bool)>,
    pub faults: u8,
    pub broken: u16,
}

/// A guard that can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A write counts only if nobody wrote in between.
    CompareAndSwap,
    /// Before the hold goes, a list shows that nobody else uses the Secret.
    Listed,
    /// The last user writes its proof before the hold goes.
    ConfirmedFirst,
    /// A leaving keeper hands the role on.
    HandedOn,
    /// A handing-on writes even where the heir keeps the hold already.
    AlwaysWrites,
    /// A keeper that is being deleted does not keep another from becoming one.
    KeeperThatStays,
    /// A keeper whose proof is written is none that others rely on.
    ProvedKeepsNothing,
    /// Who takes the hold over writes to the Secret.
    TakingOverWrites,
}

/// A world within bounds.
#[derive(Clone, Debug)]
pub struct Hold {
    pub users: usize,
    /// Whether the last of them is created late.
    pub late_user: bool,
    pub processes: usize,
    pub lanes: usize,
    pub faults: u8,
    pub without: Option<Guard>,
}

/// The key of an object that was told its Secret is held does not vanish before that object is proved.
pub const H1: u16 = 1;

impl User {
    fn is_stored(&self) -> bool {
        matches!(self.stage, Stage::Live | Stage::Deleting)
    }

    fn counts(&self) -> bool {
        self.stage == Stage::Live || (self.stage == Stage::Deleting && self.ours)
    }
}

impl Write {
    fn user(self) -> Option<u8> {
        match self {
            Self::PutOn | Self::Touch | Self::TakeOff => None,
            Self::AddFinalizer(at)
            | Self::Publish(at, _)
            | Self::MakeKeeper(at)
            | Self::Confirm(at, _)
            | Self::Release(at) => Some(at),
        }
    }
}
