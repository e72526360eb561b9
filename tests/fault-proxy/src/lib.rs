//! A proxy before a real API server, for one operator process: it knows each call of a deletion by its verb, resource and
//! body, counts it, and can fail it, or have its caller killed, at three moments.
//!
//! ```text
//!  operator ── TLS ──> exchange ──> call ──> rule ──> upstream ── TLS ──> API server
//!                          │                  │
//!                          └────> trace <─────┘        what was asked, what the API server did, what the caller was told
//! ```
//!
//! - [`Proxy::start`] takes a kubeconfig and gives another one ([`Proxy::kubeconfig`]) for the operator.
//! - [`Proxy::rule`] makes calls that match an [`On`] meet a [`Fault`].
//! - [`Proxy::trace`] is everything that was asked so far; [`Proxy::events`] is the watches' tap.
#![forbid(unsafe_code)]

mod call;
mod exchange;
mod fault;
mod kubeconfig;
mod proxy;
mod rule;
mod trace;
mod upstream;
mod watch;
mod wire;

pub use call::{Call, UnknownCall};
pub use fault::{Fault, Moment};
pub use kubeconfig::KubeconfigError;
pub use proxy::Proxy;
pub use rule::{On, RuleHandle};
pub use trace::Entry;
pub use watch::Events;
