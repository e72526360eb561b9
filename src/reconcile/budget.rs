//! How many deletions of a namespace go on by themselves: a mistake in Git marks hundreds of objects within minutes, and
//! none of their accounts comes back.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::account::Account;

/// Deletions that were marked less than this apart count together.
const WINDOW: Duration = Duration::from_mins(10);
/// Who waits asks more often than this; who has not asked for so long is gone, and counts for nobody any more.
const REMEMBERED: Duration = Duration::from_hours(1);

/// What was marked for deletion.
pub struct Budget {
    most: Option<NonZeroU32>,
    marks: Mutex<Marks>,
}

struct Marks {
    /// By namespace and uid.
    seen: HashMap<String, HashMap<String, Mark>>,
    swept: Instant,
}

struct Mark {
    at: Timestamp,
    within: bool,
    asked: Instant,
}

impl Budget {
    /// At most so many of a namespace in ten minutes; any number without.
    pub fn of(most: Option<NonZeroU32>) -> Self {
        Self { most, marks: Mutex::new(Marks { seen: HashMap::new(), swept: Instant::now() }) }
    }

    /// Whether this deletion is within the budget of its namespace; none where there is no budget. What was answered once
    /// stands: what waits for a person does not go because time passes.
    pub fn admits(&self, account: &Account) -> Option<bool> {
        let most = usize::try_from(self.most?.get()).unwrap_or(usize::MAX);
        let at = account.marked_at()?;
        let (view, asked) = (&account.view, Instant::now());
        if view.gates.orphan.is_some() || view.gates.may_exceed_budget {
            return Some(true);
        }
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.sweep(asked);
        let of_namespace = marks.seen.entry(account.namespace.clone()).or_default();
        if let Some(mark) = of_namespace.get_mut(&view.uid) {
            mark.asked = asked;
            return Some(mark.within);
        }
        let admitted = of_namespace.values().filter(|mark| mark.within).map(|mark| mark.at);
        let within = together(admitted, at) <= most && !view.ledger.budget_is_spent();
        of_namespace.insert(view.uid.clone(), Mark { at, within, asked });
        Some(within)
    }
}

impl Marks {
    fn sweep(&mut self, now: Instant) {
        if now.duration_since(self.swept) < WINDOW {
            return;
        }
        self.swept = now;
        self.seen.retain(|_, of_namespace| {
            of_namespace.retain(|_, mark| now.duration_since(mark.asked) < REMEMBERED);
            !of_namespace.is_empty()
        });
    }
}

/// The most of these that lie within one window with `at`, which counts, too. In whatever order they are asked for: a new
/// process meets old marks in none.
fn together(marks: impl Iterator<Item = Timestamp>, at: Timestamp) -> usize {
    let near = |one: Timestamp, other: Timestamp| one.duration_since(other).unsigned_abs() < WINDOW;
    let mut marks: Vec<_> = marks.filter(|mark| near(*mark, at)).chain([at]).collect();
    marks.sort_unstable();
    let windows = (0..marks.len()).filter_map(|from| marks.get(from..)?.split_first());
    let of_at = windows.take_while(|(first, _)| **first <= at);
    of_at.map(|(first, rest)| 1 + rest.partition_point(|mark| near(*mark, *first))).max().unwrap_or(1)
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
    fn so_many_of_a_namespace_go_in_any_ten_minutes_and_what_is_beyond_waits_however_long_and_whatever_is_asked_elsewhere()
     {
        let budget = budget(2);
        let admits = |name, at| budget.admits(&marked(name, at).parsed());
        assert_eq!((admits("a", "00:00:00"), admits("c", "00:09:59")), (Some(true), Some(true)));
        assert_eq!(budget.admits(&marked("old", "00:00:00").namespace("hr").parsed()), Some(true));
        assert_eq!(admits("b", "00:05:00"), Some(false));
        let after_a = (admits("d", "00:10:00"), admits("e", "00:10:00"));
        assert_eq!(after_a, (Some(true), Some(false)), "ten minutes after a");
        assert_eq!(admits("f", "03:00:00"), Some(true));
        assert_eq!((admits("b", "00:05:00"), admits("e", "00:10:00")), (Some(false), Some(false)), "hours later");
        assert_eq!(admits("c", "00:09:59"), Some(true));
    }

    #[test]
    fn in_whatever_order_they_are_asked_for_only_those_of_the_same_ten_minutes_count_together() {
        let budget = budget(2);
        let admits = |name, at| budget.admits(&marked(name, at).parsed());
        assert_eq!((admits("a", "00:00:00"), admits("c", "00:12:00")), (Some(true), Some(true)));
        assert_eq!((admits("b", "00:06:00"), admits("d", "00:07:00")), (Some(true), Some(false)));
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
    fn what_was_held_by_an_earlier_process_takes_nobodys_place() {
        let budget = budget(1);
        let held = json!({"teardown": {
            "uid": "uid-held", "phase": "Waiting", "reason": "Suspended", "attempt": 0, "budgetSpent": true,
            "startedAt": "2026-01-02T00:00:00Z",
        }});
        assert_eq!(budget.admits(&marked("held", "00:00:00").status(held).parsed()), Some(false));
        assert_eq!(budget.admits(&marked("a", "00:00:00").parsed()), Some(true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_is_remembered_though_those_that_went_are_forgotten() {
        let budget = budget(1);
        let of = |name| budget.admits(&marked(name, "00:00:00").namespace(name).parsed());
        let also = |name| budget.admits(&marked(&format!("{name}-too"), "00:00:00").namespace(name).parsed());
        assert_eq!((of("gone"), of("waits"), also("waits")), (Some(true), Some(true), Some(false)));
        for _ in 0..3 {
            tokio::time::advance(REMEMBERED / 2).await;
            assert_eq!(also("waits"), Some(false));
        }
        let marks = budget.marks.lock().unwrap();
        assert_eq!((marks.seen.len(), marks.seen["waits"].len()), (1, 1));
    }
}
