//! What happened, from the providers' own knowledge and the operator's receipts.

use std::fmt;

use jiff::Timestamp;
use provider_simulator::{Call, Effect, Entry, Log, State};

use crate::cast::Part;
use crate::operator::{Receipt, receipts};

/// How one account ended.
#[derive(Clone, Debug)]
pub struct Act {
    /// Which account, and how it should end.
    pub part: Part,
    /// What is true of it.
    pub state: State,
    /// When each DELETE that changed it did so.
    pub effects: Vec<Timestamp>,
    /// Why its object went.
    pub receipt: Option<Receipt>,
    /// What was asked of its provider.
    pub calls: String,
    /// Seconds from the deletion to the receipt.
    pub time: Option<f64>,
}

/// How the account of each part ended.
pub fn acts(parts: &[Part], log: &Log, operator_log: &str, since: Timestamp) -> Vec<Act> {
    let receipts = receipts(operator_log);
    let act = |part: &Part| {
        let deletes = log.deletes(&part.account);
        let reads = log.reads(&part.account).into_iter().filter(|entry| entry.arrived.at >= since).count();
        let receipt = receipts.iter().find(|receipt| receipt.name == part.object).cloned();
        Act {
            part: part.clone(),
            state: log.state(&part.account),
            effects: log.effective_deletes(&part.account).iter().filter_map(|it| Some(it.effect_at?.at)).collect(),
            calls: format!("{} DELETE, {reads} GET", deletes.len()),
            time: receipt.as_ref().map(|receipt| seconds(since, receipt.time)),
            receipt,
        }
    };
    parts.iter().map(act).collect()
}

/// Prints every DELETE and receipt in order, then a line for each account.
pub fn print(acts: &[Act], log: &Log, since: Timestamp) {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    for entry in log.entries().filter(|entry| entry.call == Call::Delete) {
        let act = acts.iter().find(|act| entry.account.as_deref() == Some(&act.part.account));
        let object = act.map_or("?", |act| &act.part.object);
        lines.push((entry.arrived.at, format!("{:<10} {object:<16} {}", entry.provider.to_string(), answered(entry))));
    }
    for act in acts {
        if let Some(Receipt { time, name, proof }) = &act.receipt {
            lines.push((*time, format!("{:<10} {name:<16} receipt: {proof}", "operator")));
        }
    }
    lines.sort();
    for (time, line) in lines {
        println!("{:>7.2} s  {line}", seconds(since, time));
    }
    println!("\n{}", Row(["OBJECT", "PROVIDER", "CALLS", "ACCOUNT IS", "PROOF", "AFTER"]));
    for act in acts {
        let proof = act.receipt.as_ref().map_or("none", |receipt| &receipt.proof);
        let after = act.time.map_or_else(String::new, |time| format!("{time:.1} s"));
        let provider = act.part.provider.to_string();
        println!("{}", Row([&act.part.object, &provider, &act.calls, word(act.state), proof, &after]));
    }
    println!("(Puffle has no read of one account: a list counts for every account of its key.)");
}

fn answered(entry: &Entry) -> String {
    let did = match entry.effect {
        Effect::None => "nothing done",
        Effect::Disconnected => "disconnected",
        Effect::Deleted => "deleted",
        Effect::NotFound => "not found",
    };
    entry.status.map_or_else(|| format!("DELETE -> no answer, {did}"), |status| format!("DELETE -> {status}, {did}"))
}

/// The word for what is true of an account.
pub fn word(state: State) -> &'static str {
    match state {
        State::Connected => "connected",
        State::Disconnected => "disconnected",
        State::Gone => "gone",
        State::NeverThere => "unknown",
    }
}

fn seconds(since: Timestamp, time: Timestamp) -> f64 {
    time.duration_since(since).as_secs_f64()
}

struct Row<'a>([&'a str; 6]);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [object, provider, calls, effect, proof, after] = self.0;
        write!(f, "{object:<16} {provider:<10} {calls:<17} {effect:<13} {proof:<23} {after}")
    }
}
