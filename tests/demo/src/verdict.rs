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
