//! The intents that this process wrote and let nothing out on: nobody has to wait for the outcome of those, whatever became
//! of the write that should have said so.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::teardown::view::View;

/// So many are remembered of one object, the latest: an earlier one cannot arrive after a later one that was committed.
const REMEMBERED: usize = 8;

/// Nonces by the uid of their object.
#[derive(Default)]
pub struct Unsent(Mutex<HashMap<String, VecDeque<String>>>);

impl Unsent {
    /// An intent is about to be written: from now on it may stand.
    pub fn add(&self, uid: &str, nonce: &str) {
        let mut nonces = self.nonces();
        let of_uid = nonces.entry(uid.to_owned()).or_default();
        of_uid.push_back(nonce.to_owned());
        if of_uid.len() > REMEMBERED {
            of_uid.pop_front();
        }
    }

    /// Whether the intent that stands is one of them.
    pub fn has(&self, view: &View) -> bool {
        let nonce = view.ledger.teardown.as_ref().and_then(|teardown| teardown.nonce.as_ref());
        nonce.is_some_and(|nonce| self.nonces().get(&view.uid).is_some_and(|nonces| nonces.contains(nonce)))
    }

    /// Bytes go out for this object, or it is gone: nothing is known of any intent of it any more.
    pub fn forget(&self, uid: &str) {
        self.nonces().remove(uid);
    }

    fn nonces(&self) -> MutexGuard<'_, HashMap<String, VecDeque<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crd::{AfterUnknownOutcome, OnNotFound};
    use crate::teardown::ledger::Ledger;
    use crate::teardown::target::Target;
    use crate::teardown::view::Gates;

    /// An object whose intent has this nonce.
    fn with(nonce: Option<&str>) -> View {
        let teardown = json!({
            "uid": "uid", "phase": "Intent", "reason": "Deleting", "attempt": 1, "nonce": nonce, "unknownOutcomes": 0,
            "startedAt": "2026-01-01T00:00:00Z", "tries": 0,
        });
        let target = Target::PuffleLinkedInDisconnect { account_id: "id".to_owned() };
        View {
            uid: "uid".to_owned(),
            target,
            deleting: true,
            ours: true,
            gates: Gates::default(),
            on_not_found: OnNotFound::default(),
            after_unknown_outcome: AfterUnknownOutcome::default(),
            ledger: Ledger { account: None, teardown: Some(serde_json::from_value(teardown).expect("a teardown")) },
        }
    }

    #[test]
    fn an_intent_is_unsent_until_bytes_go_out_whichever_of_the_last_of_its_object_it_is() {
        let unsent = Unsent::default();
        let has = |nonce: &str| unsent.has(&with(Some(nonce)));
        for number in 0..=REMEMBERED {
            unsent.add("uid", &number.to_string());
        }
        assert!(has("1") && has(&REMEMBERED.to_string()));
        assert!(!has("0"), "no more than so many");
        assert!(!has("another process's") && !unsent.has(&with(None)));
        unsent.forget("another");
        assert!(has("1"));
        unsent.forget("uid");
        assert!(!has("1") && !has(&REMEMBERED.to_string()));
    }
}
