//! What a world consists of, and what may happen in it.

use crate::product::Setting;

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process ends; a new one starts.
    Crash,
    /// A write arrives after its process gave it up, or never; or it is committed and nobody is told.
    LateWrite,
    /// A read fails, or is refused with a 401.
    FailedRead,
    /// A DELETE goes on after its process gave it up.
    LostAnswer,
    /// A DELETE is answered by a 5xx, and took effect or not.
    FailedAnswer,
    /// A DELETE is refused with a 401 or a 429.
    Refusal,
    /// A provider acknowledges before the DELETE takes effect.
    EarlyAck,
}

/// All of them.
pub const FAULTS: [Fault; 7] = [
    Fault::Crash,
    Fault::LateWrite,
    Fault::FailedRead,
    Fault::LostAnswer,
    Fault::FailedAnswer,
    Fault::Refusal,
    Fault::EarlyAck,
];

/// What people may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whim {
    /// Set `deletionPolicy: Orphan`, and take it back.
    Orphan,
    /// Set `suspend`, and take it back.
    Suspend,
    /// Store another workspace's key, and the right one again.
    SwapKey,
    /// Store another base URL, and the right one again.
    SwapEndpoint,
    /// Delete the Secret, and create it again.
    DeleteSecret,
    /// Let the key lose its sight of the account, a day after the last read.
    BlindKey,
    /// Take everything out of an object's status.
    WipeStatus,
    /// Create the second object late.
    CreateTwin,
    /// Create an object of the same name after the first is gone.
    Recreate,
}

/// What a world consists of, and how much may happen in it.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub setting: Setting,
    pub objects: usize,
    pub processes: usize,
    /// How many passes one process has under way at once.
    pub lanes: usize,
    /// Whether each process works on its own object only.
    pub apart: bool,
    /// How many faults happen at most, and of which kinds.
    pub faults: u8,
    pub faults_of: Vec<Fault>,
    /// How often people change their minds at most, and about what.
    pub people: u8,
    pub whims: Vec<Whim>,
    /// Whether the objects are alive at first, and observed.
    pub begins_alive: bool,
    /// Whether the first object comes from a backup, with another uid's ledger.
    pub restored: bool,
    /// Whether what was acknowledged may take effect later than W.
    pub slow_acks: bool,
    /// Whether the provider's list leaves disconnected rows out.
    pub hides_disconnected: bool,
    /// Whether a finalizer keeps the Secret.
    pub secret_held: bool,
    /// Which promises are judged.
    pub judged: u16,
}
