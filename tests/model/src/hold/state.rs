//! A Secret, its users and the processes that hold it for them, at one moment.

use crate::state::Stage;

/// How many objects there can be.
pub const USERS: usize = 3;

/// One object that uses the Secret, as the API server stores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct User {
    pub stage: Stage,
    /// Whether our finalizer is on it.
    pub ours: bool,
    /// `status.heldSecret`
    pub keeper: bool,
    /// The proof is in its ledger.
    pub confirmed: bool,
}

/// One object, as somebody holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seen {
    pub user: User,
    pub current: bool,
}

/// The Secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret {
    pub exists: bool,
    pub held: bool,
    /// Somebody deleted it; the hold keeps it.
    pub deleting: bool,
}

/// What the next request of a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Next {
    /// Put our finalizer on a live object.
    AddFinalizer,
    /// GET the Secret, and adopt.
    Adopt,
    /// Put the hold on. Whether the Secret is unchanged since it was read.
    PutOn { current: bool },
    /// Write `status.heldSecret`.
    BecomeKeeper,
    /// GET the Secret for its key; the DELETE and its proof follow at once.
    ReadKey,
    /// Find out to whom the hold can be handed on.
    Leave,
    /// GET the first of these heirs.
    AskHeir([Option<u8>; USERS - 1]),
    /// Write `status.heldSecret` on the first of these heirs. Whether it is unchanged since it was read.
    HandOn { heirs: [Option<u8>; USERS - 1], current: bool },
    /// Write the proof.
    Confirm { last: bool },
    /// GET the Secret, to take the hold off.
    FindHold,
    /// Take the hold off. Whether the Secret is unchanged since it was read.
    TakeOff { current: bool },
    /// Take our finalizer off.
    Release,
}

/// One object that a process works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Job {
    pub next: Next,
    pub view: Seen,
    /// The Secret was held when its key was read.
    pub kept: bool,
}

/// A Secret that has lost its last user, as a process sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sweep {
    #[default]
    Nothing,
    Due,
    /// The Secret was read. Whether it is unchanged since.
    TakeOff {
        current: bool,
    },
}

/// One operator process: its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    pub cache: [Seen; USERS],
    pub jobs: [Option<Job>; USERS],
    pub sweep: Sweep,
}

/// A write that is on its way, and nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Late {
    PutOn { current: bool },
    TakeOff { current: bool },
    User { at: u8, current: bool, user: User },
}

/// The whole world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    pub secret: Secret,
    pub users: [User; USERS],
    pub processes: [Process; 2],
    pub late: Option<Late>,
    pub faults: u8,
    /// Ghost: who was told that the Secret is held.
    pub adopted: [bool; USERS],
    pub broken: u16,
}

impl User {
    pub fn is_stored(&self) -> bool {
        matches!(self.stage, Stage::Live | Stage::Deleting)
    }
}
