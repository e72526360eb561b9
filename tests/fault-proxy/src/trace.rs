//! What was asked, what the API server did, what the caller was told.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::call::{Call, Seen};

/// One call.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it had arrived.
    pub arrived: Timestamp,
    /// What it was.
    pub call: Call,
    /// The name of the object it was about.
    pub about: Option<String>,
    /// How many of these calls there were by then, this one included, whatever they were about.
    pub nth: u64,
    /// Method and target.
    pub request: String,
    /// What the API server answered, and when; `None` while it has not, or was not asked.
    pub committed: Option<(u16, Timestamp)>,
    /// What the caller was answered.
    pub answered: Option<u16>,
    /// The fault it met.
    pub fault: Option<String>,
}

impl Entry {
    /// Whether the API server carried it out.
    pub fn is_done(&self) -> bool {
        self.committed.is_some_and(|(status, _)| (200..300).contains(&status))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} {} {}", self.call, self.nth, self.about.as_deref().unwrap_or("-"), self.request)?;
        match self.committed {
            Some((status, at)) => write!(f, " | API server: {status} at {at:.3}")?,
            None => f.write_str(" | API server: no answer")?,
        }
        if let Some(fault) = &self.fault {
            write!(f, " | FAULT: {fault}")?;
        }
        self.answered.map_or(Ok(()), |status| write!(f, " | caller: {status}"))
    }
}

#[derive(Default)]
pub(crate) struct Trace(Mutex<Vec<Entry>>);

impl Trace {
    /// Its place in the trace.
    pub(crate) fn arrived(&self, seen: &Seen, request: String, fault: Option<String>) -> usize {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = entries.iter().filter(|entry| entry.call == seen.call).count() as u64 + 1;
        entries.push(Entry {
            arrived: Timestamp::now(),
            call: seen.call,
            about: seen.about.clone(),
            nth,
            request,
            committed: None,
            answered: None,
            fault,
        });
        entries.len() - 1
    }

    pub(crate) fn committed(&self, place: usize, status: u16) {
        self.change(place, |entry| entry.committed = Some((status, Timestamp::now())));
    }

    pub(crate) fn answered(&self, place: usize, status: u16) {
        self.change(place, |entry| entry.answered = Some(status));
    }

    fn change(&self, place: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            change(entry);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
