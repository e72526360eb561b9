//! Which calls meet a fault.

use std::sync::{Arc, Mutex, PoisonError};

use crate::call::{Call, Seen};
use crate::fault::Fault;

/// Which calls a fault is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    call: Call,
    about: Option<String>,
    skip: u64,
    times: u64,
}

impl On {
    /// The first of these calls from now on.
    pub fn call(call: Call) -> Self {
        Self { call, about: None, skip: 0, times: 1 }
    }

    /// Only about the object of this name.
    pub fn about(mut self, name: &str) -> Self {
        self.about = Some(name.to_owned());
        self
    }

    /// The `n`th (from 1) of those that match.
    pub fn nth(mut self, n: u64) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// So many of those that match, in a row.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, seen: &Seen) -> bool {
        self.call == seen.call && (self.about.is_none() || self.about == seen.about)
    }
}

#[derive(Default)]
pub(crate) struct Rules(Mutex<Vec<Arc<Rule>>>);

struct Rule {
    on: On,
    fault: Fault,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    sighted: u64,
    hits: u64,
}

impl Rules {
    pub(crate) fn add(&self, on: On, fault: Fault) -> RuleHandle {
        let rule = Arc::new(Rule { on, fault, counts: Mutex::default() });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&rule));
        RuleHandle(rule)
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault that takes this call: of several the one set first. Every rule that matches counts it.
    pub(crate) fn take(&self, seen: &Seen) -> Option<Fault> {
        let mut taken = None;
        for rule in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if !rule.on.matches(seen) {
                continue;
            }
            let mut counts = rule.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.sighted += 1;
            if taken.is_none() && counts.sighted > rule.on.skip && counts.hits < rule.on.times {
                counts.hits += 1;
                taken = Some(rule.fault.clone());
            }
        }
        taken
    }
}

/// A rule that was set; dropping the handle changes nothing.
#[derive(Clone)]
pub struct RuleHandle(Arc<Rule>);

impl RuleHandle {
    /// How many calls have met its fault.
    pub fn hits(&self) -> u64 {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(call: Call, name: &str) -> Seen {
        Seen { call, about: Some(name.to_owned()) }
    }

    #[test]
    fn only_the_nth_call_about_the_named_object_meets_the_fault_and_only_once() {
        let rules = Rules::default();
        let handle = rules.add(On::call(Call::Release).about("a").nth(2), Fault::cut());
        assert!(rules.take(&seen(Call::Release, "a")).is_none());
        assert!(rules.take(&seen(Call::Release, "b")).is_none());
        assert!(rules.take(&seen(Call::GetAccount, "a")).is_none());
        assert!(rules.take(&seen(Call::Release, "a")).is_some());
        assert!(rules.take(&seen(Call::Release, "a")).is_none());
        assert_eq!(handle.hits(), 1);
    }
}
