//! Which versions can have been committed at a given time.
//!
//! A watch shows a version some time after its commit. The audit log says when each write was received, which was before
//! its commit: an object's n-th version cannot have been there before n writes had been received.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::trace::{Trace, Version, Write};

pub(crate) struct Commits<'a> {
    /// By the object's name: when each successful write was received, and how many versions no write explains.
    received: HashMap<&'a str, (Vec<Timestamp>, usize)>,
    /// By the version's place in the trace: which version of its name it is, counted from 1.
    ranks: Vec<usize>,
}

impl<'a> Commits<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let rank = |version: &'a Version| {
            let count = counts.entry(&version.object.name).or_default();
            *count += 1;
            *count
        };
        let ranks = trace.versions.iter().map(rank).collect();
        let concerns = |write: &Write, object: &str| {
            let (namespace, name) = object.split_once('/').unwrap_or_default();
            write.namespace == namespace && write.name.as_deref().is_none_or(|named| named == name)
        };
        let received = counts.into_iter().map(|(object, versions)| {
            let writes = trace.writes.iter().filter(|write| write.may_have_written() && concerns(write, object));
            let times: Vec<_> = writes.map(|write| write.at).collect();
            // What the server wrote of itself, as when a CRD goes, has no line in the audit log.
            let unexplained = versions.saturating_sub(times.len());
            (object, (times, unexplained))
        });
        Self { received: received.collect(), ranks }
    }

    /// Whether the version at this place of the trace can have been committed at `at`.
    pub(crate) fn possible(&self, version: &Version, place: usize, at: Timestamp) -> bool {
        let Some((times, unexplained)) = self.received.get(version.object.name.as_str()) else { return true };
        times.iter().filter(|received| **received <= at).count() + unexplained >= self.ranks[place]
    }
}
