//! The promises, as bits that stay set.

/// Released: gone or disconnected in truth, or a person decided so, or handed over.
pub const S1: u16 = 1;
/// `SoftThenHard`: at most one DELETE takes effect.
pub const S2: u16 = 1 << 1;
/// `SoftThenHard`: at most one DELETE is alive per account.
pub const S3: u16 = 1 << 2;
/// No DELETE is sent for a uid after its release.
pub const S4: u16 = 1 << 3;
/// None is alive at a release: of `SoftThenHard` at any, of the others at one that no absence proves.
pub const S5: u16 = 1 << 4;
/// A DELETE is sent only on a view that this pass has just been shown: deleting, ours, ungated.
pub const S7: u16 = 1 << 5;
/// The intent of a `SoftThenHard` DELETE stands before it is sent, and none is sent after a proof was written.
pub const S8: u16 = 1 << 6;
/// No account that shall end disconnected is destroyed.
pub const D1: u16 = 1 << 7;
/// No DELETE takes effect after a person let the account go, or after it was handed over.
pub const K1: u16 = 1 << 8;
/// No DELETE is sent while another object of the account lives that was there when this one was marked.
pub const T1: u16 = 1 << 9;

/// Their names, in the order of their bits.
pub const NAMES: [&str; 10] = ["S1", "S2", "S3", "S4", "S5", "S7", "S8", "D1", "K1", "T1"];
/// All of them.
pub const ALL: u16 = (1 << NAMES.len()) - 1;
/// Those that hold only while one process acts, for targets that a repeated DELETE does no further harm.
pub const ONE_PROCESS: u16 = S4 | S5 | S8 | K1;
