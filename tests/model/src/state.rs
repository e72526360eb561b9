//! Everything there is at one moment. Plain data, as small as it can be.

use crate::product::{LedgerId, ProofId};

/// Where an object stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    #[default]
    Absent,
    Live,
    /// Marked, with our finalizer.
    Deleting,
    Gone,
}

/// One object, as the API server stores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    pub stage: Stage,
    /// It has the name of one that is gone, and another uid.
    pub reborn: bool,
    pub orphan: bool,
    pub suspended: bool,
    /// Without the nonce itself, which is...
    pub ledger: LedgerId,
    /// ...here: 0 is none, a later one is greater.
    pub nonce: u8,
}

/// One object, as somebody holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seen {
    pub object: Object,
    /// Whether its resourceVersion is still the stored one.
    pub current: bool,
}

/// What the Secret holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The key of the account's workspace.
    #[default]
    Good,
    /// Another workspace's.
    Other,
    /// The same bytes, for another endpoint, which knows nothing of the account.
    Elsewhere,
    /// The same bytes, which no longer see the account.
    Blind,
    /// There is no Secret.
    Missing,
}

/// The account at the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    #[default]
    Connected,
    Disconnected,
    Gone,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sight {
    #[default]
    None,
    Connected,
    Disconnected,
    Absent,
    Failed,
    Unauthorized,
}

/// What a DELETE was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    #[default]
    None,
    Acked,
    NotFound,
    /// Cut, timed out, or a 5xx.
    Unknown,
    Unauthorized,
    Throttled,
    /// Not one byte went out.
    NotSent,
}

/// What a twin was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asked {
    #[default]
    NotYet,
    /// It can take over, or has nothing outstanding.
    Yes,
    No,
}

/// What a pass is about to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doing {
    /// What `decide` says.
    #[default]
    Deciding,
    /// To wait for the answer of its DELETE.
    Waiting,
    /// To let go.
    Releasing(ProofId),
    /// To write what an observation of a live object saw.
    Observing(LedgerId),
}

/// One pass over one object, with all it has learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pass {
    pub doing: Doing,
    pub view: Seen,
    pub window_over: bool,
    /// Whether this process remembers an attempt that the ledger has forgotten, and whether W is over for it.
    pub forgotten: Option<bool>,
    pub inherited: bool,
    /// `None`: not read yet.
    pub key: Option<Key>,
    pub read: Sight,
    pub own_intent: bool,
    /// The intent that stands is this process's, and nothing went out on it.
    pub unsent: bool,
    pub fresh: bool,
    /// The other object, as [`crate::product::Product::twin`] encodes it.
    pub twin: u8,
    pub live_twin: Asked,
    pub deleting_twin: Asked,
    pub answer: Answer,
    pub read_back: Sight,
    pub sends: u8,
    /// How many of the sends the ledger counts already.
    pub recorded: u8,
    pub permission: Permission,
    /// Ghost: the uid that it was begun for is the second.
    pub of_reborn: bool,
    /// Ghost: a person has forbidden the DELETE since before this pass last looked.
    pub forbidden: bool,
    /// Ghost: its intent stands in the ledger.
    pub intent_stands: bool,
}

/// Whether what the API server showed in this pass allows to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// It has shown nothing, or that was used up.
    #[default]
    None,
    /// For 5 s.
    Given,
    /// The 5 s have passed.
    Expired,
}

/// How long a process has seen an unsettled attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    pub nonce: u8,
    /// How many DELETEs the ledger counted then: one that counts fewer has forgotten this attempt.
    pub attempt: u8,
    /// The last nonce when it began: of no request up to this one is anything left when it is over.
    pub last: u8,
    pub over: bool,
}

/// One operator process: its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process {
    pub cache: [Seen; 2],
    pub window: [Window; 2],
    /// The last nonces that this process wrote, or tried to, and sent nothing on.
    pub unsent: [[u8; 2]; 2],
    /// For which objects a predecessor's DELETE may be on its way.
    pub inherited: [bool; 2],
    pub passes: [Option<Pass>; 2],
    /// Which objects this process has let go: what a late watch shows of them is nothing to work on.
    pub released: [bool; 2],
    /// The last list, where reads are shared that must not be.
    pub list: Sight,
}

/// A DELETE that nobody waits for any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    pub on_wire: bool,
    pub object: u8,
    /// Whether its key is one that sees the account.
    pub sees: bool,
    pub nonce: u8,
    /// A process that is no more sent it.
    pub orphaned: bool,
    /// It was acknowledged before it takes effect.
    pub acked: bool,
}

/// What is written to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Write {
    Ledger { ledger: LedgerId, nonce: u8 },
    Release { proof: ProofId, of_reborn: bool },
}

/// A write that is on its way to the API server, and nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Late {
    pub object: u8,
    pub write: Write,
    pub current: bool,
}

/// Ghost: how an object was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    #[default]
    Open,
    Proved,
    /// A person decided it.
    LetGo,
    HandedOver,
}

/// The whole world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State {
    pub objects: [Object; 2],
    pub keys: [Key; 2],
    pub row: Row,
    pub wire: [Request; 4],
    pub late: Option<Late>,
    pub processes: [Process; 2],
    /// How many faults may still happen.
    pub faults: u8,
    /// How often people may still change their minds.
    pub people: u8,
    pub fates: [Fate; 2],
    /// Ghost: DELETEs that took effect, up to 2.
    pub effects: u8,
    /// Ghost: which objects came after the other one was marked.
    pub came_late: [bool; 2],
    /// The promises that are broken.
    pub broken: u16,
}

impl Object {
    /// Whether a person forbids its DELETE.
    pub fn is_gated(&self) -> bool {
        self.orphan || self.suspended
    }

    /// Whether it is there.
    pub fn is_stored(&self) -> bool {
        matches!(self.stage, Stage::Live | Stage::Deleting)
    }
}
