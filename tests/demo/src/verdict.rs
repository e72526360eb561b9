//! Whether every account ended as its object asked for, judged by what is true at the providers.

use provider_simulator::{Provider, State};

use crate::cast;
use crate::timeline::{Act, word};

/// What is judged of the demo as a whole.
pub struct Whole<'a> {
    /// How many DELETEs met the outage.
    pub refused: usize,
    /// Everything the operator wrote.
    pub operator_log: &'a str,
    /// The objects that are still there, as kubectl names them.
    pub left: &'a str,
}

/// What is wrong; nothing, if all is as it should be.
pub fn faults(acts: &[Act], whole: &Whole<'_>) -> Vec<String> {
    let mut faults: Vec<_> = acts.iter().flat_map(faults_of).collect();
    if !whole.left.trim().is_empty() {
        faults.push(format!("still in the cluster: {}", whole.left.split_whitespace().collect::<Vec<_>>().join(", ")));
    }
    if whole.refused == 0 {
        faults.push("no DELETE met the outage, so nothing was shown of it".to_owned());
    }
    for provider in Provider::ALL.into_iter().filter(|it| whole.operator_log.contains(cast::key(*it))) {
        faults.push(format!("the key for {provider} stands in the operator's log"));
    }
    faults
}

fn faults_of(act: &Act) -> Vec<String> {
    let Act { part, state, effects, receipt, .. } = act;
    let mut faults = Vec::new();
    if *state != part.ending {
        let (is, asked) = (word(*state), word(part.ending));
        faults.push(format!("{}: its account at {} should be {asked}, and is {is}", part.object, part.provider));
    }
    if part.ending == State::Disconnected && effects.len() != 1 {
        faults.push(format!("{}: {} DELETEs took effect, and one was asked for", part.object, effects.len()));
    }
    match receipt {
        None => faults.push(format!("{}: its object went without a receipt", part.object)),
        Some(receipt) if effects.iter().any(|effect| receipt.time < *effect) => {
            faults.push(format!("{}: its object was let go before its account", part.object));
        }
        Some(_) => {}
    }
    faults
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::operator::Receipt;

    const SHOWN: Whole<'_> = Whole { refused: 1, operator_log: "", left: "" };

    /// Every sample, ended as it should.
    fn well() -> Vec<Act> {
        let now = Timestamp::now();
        let act = |part: cast::Part| {
            let receipt = Receipt { time: now, name: part.object.clone(), proof: "ReadBack".to_owned() };
            let (state, calls) = (part.ending, String::new());
            Act { part, state, effects: vec![now], receipt: Some(receipt), calls, time: None }
        };
        cast::parts().unwrap().into_iter().map(act).collect()
    }

    /// The faults after `change` was done to the account that ends as `ending`.
    fn after(ending: State, change: impl FnOnce(&mut Act)) -> String {
        let mut acts = well();
        change(acts.iter_mut().find(|act| act.part.ending == ending).unwrap());
        faults(&acts, &SHOWN).join("; ")
    }

    #[test]
    fn what_ended_as_asked_has_no_fault() {
        assert_eq!(faults(&well(), &SHOWN), Vec::<String>::new());
    }

    #[test]
    fn an_account_that_is_still_there_is_a_fault() {
        for state in [State::Connected, State::Disconnected, State::NeverThere] {
            let fault = after(State::Gone, |act| act.state = state);
            assert!(fault.contains(&format!("should be gone, and is {}", word(state))), "{fault}");
        }
    }

    #[test]
    fn a_disconnected_account_that_was_destroyed_or_never_disconnected_is_a_fault() {
        let destroyed = after(State::Disconnected, |act| {
            act.state = State::Gone;
            act.effects.push(act.effects[0]);
        });
        assert!(destroyed.contains("should be disconnected, and is gone"), "{destroyed}");
        assert!(destroyed.contains("2 DELETEs took effect"), "{destroyed}");
        let untouched = after(State::Disconnected, |act| {
            act.state = State::Connected;
            act.effects.clear();
        });
        assert!(untouched.contains("and is connected") && untouched.contains("0 DELETEs took effect"), "{untouched}");
    }

    #[test]
    fn an_object_that_went_before_its_account_or_without_a_receipt_is_a_fault() {
        let early = after(State::Gone, |act| act.effects[0] += SignedDuration::from_millis(1));
        assert!(early.contains("let go before its account"), "{early}");
        let silent = after(State::Gone, |act| act.receipt = None);
        assert!(silent.contains("without a receipt"), "{silent}");
    }

    #[test]
    fn an_object_left_an_outage_unmet_and_a_key_in_the_log_are_faults() {
        let fault = |whole| faults(&well(), &whole).join("; ");
        let left = fault(Whole { left: "senderaccount/a\nsenderaccount/b\n", ..SHOWN });
        assert_eq!(left, "still in the cluster: senderaccount/a, senderaccount/b");
        assert!(fault(Whole { refused: 0, ..SHOWN }).contains("no DELETE met the outage"));
        let log = format!("a line with {}", cast::key(Provider::Puffle));
        assert_eq!(fault(Whole { operator_log: &log, ..SHOWN }), "the key for Puffle stands in the operator's log");
    }
}
