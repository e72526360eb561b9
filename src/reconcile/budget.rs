//! How many deletions of a namespace go on by themselves: a mistake in Git marks hundreds of objects within minutes, and
//! none of their accounts comes back.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::account::Account;

/// Marks that are no further apart than this belong together.
const WINDOW: Duration = Duration::from_mins(10);

/// What was marked for deletion, by namespace.
pub struct Budget {
    most: Option<NonZeroU32>,
    marks: Mutex<HashMap<String, Vec<Mark>>>,
}

struct Mark {
    uid: String,
    at: Timestamp,
    within: bool,
    gone: bool,
}

impl Budget {
    /// At most so many of a namespace in ten minutes; any number without.
    pub fn of(most: Option<NonZeroU32>) -> Self {
        Self { most, marks: Mutex::default() }
    }

    /// Whether this deletion is within the budget of its namespace; none where there is no budget. What was answered once
    /// stands until the object is gone: what waits for a person does not go because time passes.
    pub fn admits(&self, account: &Account) -> Option<bool> {
        let most = usize::try_from(self.most?.get()).unwrap_or(usize::MAX);
        let at = account.marked_at()?;
        let (gates, uid) = (&account.view.gates, &account.view.uid);
        if gates.orphan.is_some() || gates.may_exceed_budget {
            return Some(true);
        }
        let mut namespaces = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        namespaces.retain(|_, marks| !marks.iter().all(|mark| mark.gone && !mark.is_beside(at)));
        let marks = namespaces.entry(account.namespace.clone()).or_default();
        if let Some(mark) = marks.iter().find(|mark| mark.uid == *uid) {
            return Some(mark.within);
        }
        let within = marks.iter().filter(|mark| mark.within && mark.is_beside(at)).count() < most;
        marks.push(Mark { uid: uid.clone(), at, within, gone: false });
        Some(within)
    }

    /// The object is gone; that it was marked still counts.
    pub fn gone(&self, account: &Account) {
        let mut namespaces = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let marks = namespaces.get_mut(&account.namespace).into_iter().flatten();
        marks.filter(|mark| mark.uid == account.view.uid).for_each(|mark| mark.gone = true);
    }
}

impl Mark {
    fn is_beside(&self, at: Timestamp) -> bool {
        self.at.duration_since(at).unsigned_abs() < WINDOW
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crd::EXCEED_BUDGET;
    use crate::index::fixture::Fixture;

    fn budget(most: u32) -> Budget {
        Budget::of(NonZeroU32::new(most))
    }

    fn marked(name: &str, at: &str) -> Fixture {
        let at = format!("2026-01-02T{at}Z");
        Fixture::postpress(name, name).deleting().set("/metadata", "deletionTimestamp", json!(at))
    }

    #[test]
    fn so_many_of_a_namespace_go_and_what_comes_after_them_waits_however_long_and_whoever_is_gone() {
        let budget = budget(2);
        let admits = |name, at| budget.admits(&marked(name, at).parsed());
        assert_eq!(admits("a", "00:00:00"), Some(true));
        budget.gone(&marked("a", "00:00:00").parsed());
        assert_eq!((admits("c", "00:09:59"), admits("b", "00:05:00")), (Some(true), Some(false)));
        assert_eq!(
            (admits("d", "00:10:00"), admits("e", "00:10:00")),
            (Some(true), Some(false)),
            "ten minutes after a"
        );
        assert_eq!(admits("f", "03:00:00"), Some(true));
        assert_eq!((admits("b", "00:05:00"), admits("e", "00:10:00")), (Some(false), Some(false)), "hours later");
        assert_eq!(admits("c", "00:09:59"), Some(true));
    }

    #[test]
    fn each_namespace_has_its_own_and_without_a_budget_nothing_is_counted() {
        let one = budget(1);
        let of = |namespace, name| marked(name, "00:00:00").namespace(namespace).parsed();
        assert_eq!((one.admits(&of("sales", "a")), one.admits(&of("hr", "b"))), (Some(true), Some(true)));
        assert_eq!((one.admits(&of("sales", "c")), one.admits(&of("hr", "d"))), (Some(false), Some(false)));
        assert_eq!(budget(0).admits(&of("sales", "a")), None);
    }

    #[test]
    fn what_lives_on_or_is_meant_is_not_counted_and_what_was_meant_before_it_was_marked_is() {
        let budget = budget(1);
        let allowed = |name, until: &str| marked(name, "00:00:05").annotated(EXCEED_BUDGET, until).parsed();
        let orphan = marked("orphan", "00:00:05").set("/spec", "deletionPolicy", json!("Orphan"));
        assert_eq!(budget.admits(&orphan.parsed()), Some(true));
        assert_eq!(budget.admits(&allowed("meant", "2026-01-02T00:00:05Z")), Some(true));
        assert_eq!(budget.admits(&marked("a", "00:00:05").parsed()), Some(true), "the first that counts");
        assert_eq!(budget.admits(&allowed("before", "2026-01-02T00:00:04Z")), Some(false));
        assert_eq!(budget.admits(&allowed("no-time", "true")), Some(false));
        assert_eq!(budget.admits(&allowed("before", "2026-01-02T00:01:00Z")), Some(true));
    }

    #[test]
    fn what_is_gone_for_long_is_forgotten() {
        let budget = budget(1);
        for name in ["a", "b"] {
            let account = marked(name, "00:00:00").namespace(name).parsed();
            assert_eq!(budget.admits(&account), Some(true));
            budget.gone(&account);
        }
        assert_eq!(budget.admits(&marked("c", "00:10:00").parsed()), Some(true));
        assert_eq!(budget.marks.lock().unwrap().len(), 1);
    }
}
