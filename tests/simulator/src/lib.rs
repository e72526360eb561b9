//! PostPress and Puffle over real sockets on loopback, for tests and for rehearsals.
//!
//! ```text
//!  client ── TCP ──> exchange ──> fault ──> provider ──> rows        what is true
//!                       │                                  │
//!                       └───────────> wire log <───────────┘         what was asked, what the client could see
//! ```
//!
//! - [`Simulator`] starts both providers. Rows belong to workspaces, keys open workspaces.
//! - [`Simulator::fault`] makes requests that match an [`On`] meet a [`Fault`].
//! - [`Log`] is the ground truth; [`Simulator::wait_for`] waits for a condition of it.
//! - [`Listener`] proves that nothing was sent to it.
//! - The binary `provider-simulator` serves the same over [`control`], for a process that is no Rust test.
#![forbid(unsafe_code)]

mod account;
mod answer;
mod background;
mod campaign;
pub mod control;
mod deliver;
mod door;
mod exchange;
mod fault;
mod key;
mod listener;
mod log;
mod matching;
mod provider;
mod rows;
mod seed;
mod shared;
mod simulator;
mod wire;
mod world;

pub use account::{Kind, Provider, State, Status};
pub use answer::{Answer, http_date};
pub use campaign::CampaignStatus;
pub use fault::Fault;
pub use key::fingerprint;
pub use listener::Listener;
pub use log::{Call, Effect, Ending, Entry, Log, Moment};
pub use matching::{FaultHandle, On};
pub use provider::postpress::{DocumentedError, ERRORS as POSTPRESS_ERRORS};
pub use rows::{PostPress, Puffle};
pub use seed::{Seed, SeedAccount, SeedError, SeedWorkspace};
pub use simulator::{NotInTime, Ports, Simulator, WAIT_BOUND};
