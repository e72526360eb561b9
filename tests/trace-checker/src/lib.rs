//! Judges a recorded trace: the provider's ground truth, the API server's history and the operator's log, against the
//! properties that every teardown has. Pure: it knows nothing of the operator's own code, so that a fault there cannot
//! hide itself here.
//!
//! Where two clocks or two recorders leave it open which of two things came first, the operator is given the benefit:
//! what [`check`] returns did happen.
#![forbid(unsafe_code)]

mod commits;
mod history;
pub mod keys;
mod memory;
mod object;
mod progress;
mod recovery;
mod release;
mod sends;
mod trace;
mod truth;

use std::fmt;

pub use object::{Kind, Object, Phase};
pub use trace::{Incomprehensible, LogLine, Moment, Operator, Request, SecretVersion, State, Trace, Version, Write};

use history::History;

/// What holds of every teardown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// An object is released only when its account is gone or disconnected, as it asks for, or on a person's decision,
    /// or handed over to a live object; with a receipt.
    S1,
    /// What a second DELETE would destroy gets at most one that takes effect.
    S2,
    /// What a second DELETE would destroy has at most one DELETE alive at a time.
    S3,
    /// No DELETE for an object after its release.
    S4,
    /// No DELETE is on its way when its object is released.
    S5,
    /// A DELETE names an account of an object and carries a key from that object's own Secret.
    S6,
    /// A DELETE is sent only for an object that is being deleted, has the finalizer, and that no decision holds back.
    S7,
    /// Before the n-th DELETE of what a repetition could harm stand n committed intents; `Confirmed` is final.
    S8,
    /// No key shows anywhere.
    S9,
    /// No operator process takes more than a bounded amount of memory, whatever it is answered.
    S10,
    /// The conditions tell the truth, and agree with each other.
    S11,
    /// Once nothing fails any more a deletion ends, or waits for somebody by name.
    L1,
    /// Whoever waits says why, and when it is tried again; and then it is.
    L2,
    /// Nothing is called or written in a hot loop.
    L3,
    /// Whoever answers nobody holds up nobody else's deletions.
    L4,
}

/// One thing that must not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What it violates.
    pub property: Property,
    /// A sentence that names the object or account.
    pub what: String,
    /// The lines of the trace that show it.
    pub evidence: Vec<String>,
}

/// What is wrong with this trace; nothing, if all is as it should be.
pub fn check(trace: &Trace) -> Vec<Violation> {
    let history = History::of(trace);
    let mut found = release::check(&history);
    found.extend(sends::check(&history));
    found.extend(truth::check(&history));
    found.extend(progress::check(&history));
    found.extend(recovery::check(&history));
    found.extend(memory::check(&trace.peaks));
    found.sort_by_key(|violation| violation.property);
    found
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.what)?;
        self.evidence.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
