//! S2, S3, S6, S7 and S8: what may be sent, when, and with which key.

use std::collections::HashSet;

use jiff::SignedDuration;

use crate::history::{Account, History, Life};
use crate::object::{Kind, Phase};
use crate::trace::{Request, Version};
use crate::{Property, Violation};

/// A view of the object may be 5 s old when the first byte of its DELETE goes; the rest is for the way.
const VIEW: SignedDuration = SignedDuration::from_secs(7);

pub(crate) fn check(history: &History<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (account, deletes) in history.deletes() {
        let soft = history.of_account(account).all(|life| life.all().all(|v| v.object.kind == Kind::SoftThenHard));
        if soft && history.of_account(account).next().is_some() {
            found.extend(effective_twice(history, account, &deletes));
            found.extend(alive_twice(history, account, &deletes));
            found.extend(unannounced(history, account, &deletes));
        }
        for delete in deletes {
            found.extend(astray(history, account, delete));
            found.extend(unwanted(history, account, delete));
            found.extend(after_proof(history, delete));
        }
    }
    found.extend(history.lives.iter().filter_map(forgetful));
    found
}

fn violation<'a>(property: Property, what: String, evidence: impl IntoIterator<Item = &'a Request>) -> Violation {
    Violation { property, what, evidence: evidence.into_iter().map(ToString::to_string).collect() }
}

/// S2: what was only to be disconnected is destroyed, or one object's DELETEs had more than one effect.
fn effective_twice(history: &History<'_>, account: Account<'_>, deletes: &[&Request]) -> Vec<Violation> {
    let effective: Vec<_> = deletes.iter().copied().filter(|delete| delete.is_effective()).collect();
    if effective.iter().any(|delete| delete.effect == "deleted") {
        let what = format!("{} was to be disconnected, and a further DELETE destroyed it", account.1);
        return vec![violation(Property::S2, what, effective)];
    }
    let twice = history.of_account(account).filter_map(|life| {
        let its_own = |delete: &&Request| {
            let senders = history.senders(delete);
            !senders.is_empty() && senders.iter().all(|sender| sender.object().uid == life.object().uid)
        };
        let own: Vec<_> = effective.iter().copied().filter(its_own).collect();
        let what = || {
            format!("{} DELETEs for {} took effect, where a second one could destroy", own.len(), life.object().name)
        };
        (own.len() > 1).then(|| violation(Property::S2, what(), own.iter().copied()))
    });
    twice.collect()
}

/// S3
fn alive_twice(history: &History<'_>, account: Account<'_>, deletes: &[&Request]) -> Vec<Violation> {
    let overlap = |pair: &&[&Request]| {
        let (first, second) = (pair[0], pair[1]);
        let ended = first.ended.is_some_and(|ended| ended.order < second.arrived.order);
        !ended && second.arrived.at.duration_since(first.arrived.at) < history.trace.outcome_window
    };
    let what = format!("two DELETEs for {} were alive at once, where a second one could destroy", account.1);
    let pairs = deletes.windows(2).filter(overlap);
    pairs.map(|pair| violation(Property::S3, what.clone(), pair.iter().copied())).collect()
}

/// S6
fn astray(history: &History<'_>, account: Account<'_>, delete: &Request) -> Option<Violation> {
    if account.1.is_empty() {
        return Some(violation(Property::S6, "a DELETE names no account".to_owned(), [delete]));
    }
    let mut objects = history.of_account(account).peekable();
    if objects.peek().is_none() {
        let what = format!("a DELETE names {}, which no object names", account.1);
        return Some(violation(Property::S6, what, [delete]));
    }
    let (senders, key) = (history.senders(delete), delete.key.as_deref());
    let own = if senders.is_empty() {
        objects.any(|life| life.has_key(key))
    } else {
        senders.iter().any(|life| life.has_key(key))
    };
    let what = || format!("a DELETE for {} carries a key that its object's own Secret never held", account.1);
    (!own).then(|| violation(Property::S6, what(), [delete]))
}

/// S7
fn unwanted(history: &History<'_>, account: Account<'_>, delete: &Request) -> Option<Violation> {
    let senders = history.senders(delete);
    if senders.is_empty() {
        // After a release it is S4's, for a stranger's account S6's.
        let mut known = history.of_account(account).peekable();
        let live = known.peek().is_some()
            && known.all(|life| life.released().is_none_or(|v| v.seen.order >= delete.arrived.order));
        let what = || format!("a DELETE arrived for {} while none of its objects was being deleted", account.1);
        return live.then(|| violation(Property::S7, what(), [delete]));
    }
    if senders.iter().any(|life| allowed(history, life, delete)) {
        return None;
    }
    let life = senders[0];
    let mut found = violation(
        Property::S7,
        format!("a DELETE arrived for {} while a decision held it back", life.object().name),
        [delete],
    );
    let near = life.all().filter(|version| version.object.deleting && version.seen.order <= delete.arrived.order);
    found.evidence.extend(near.rev().take(3).map(ToString::to_string));
    Some(found)
}

/// Whether a view of the object on which a DELETE may be sent can have been fresh when this one was.
fn allowed(history: &History<'_>, life: &Life<'_>, delete: &Request) -> bool {
    let possible: HashSet<u64> = history.committed(life, delete.arrived.at).map(|version| version.seen.order).collect();
    life.versions.iter().enumerate().any(|(index, (_, version))| {
        let open = version.object.deleting && version.object.ours && version.object.gate.is_none();
        let later = || life.versions[index + 1..].iter().map(|(_, later)| *later);
        let stale = later().next().is_some_and(|next| next.seen.at < delete.arrived.at - VIEW);
        // The operator wrote that it waits for the decision: it has seen it.
        let obeyed = later().any(|later| later.seen.order < delete.arrived.order && is_obeyed(later));
        open && possible.contains(&version.seen.order) && !stale && !obeyed
    })
}

fn is_obeyed(version: &Version) -> bool {
    let gate = version.object.gate;
    gate.is_some() && version.object.teardown.as_ref().map(|teardown| teardown.reason.as_str()) == gate
}

/// S8: the n-th DELETE without n intents.
fn unannounced(history: &History<'_>, account: Account<'_>, deletes: &[&Request]) -> Vec<Violation> {
    let mut found = Vec::new();
    for (sent, delete) in deletes.iter().enumerate() {
        let mut intents = HashSet::new();
        for life in history.of_account(account) {
            for version in history.committed(life, delete.arrived.at) {
                let intent = version.object.teardown.as_ref().filter(|teardown| teardown.phase == Phase::Intent);
                intents
                    .extend(intent.and_then(|t| t.nonce.as_deref()).map(|nonce| (version.object.uid.as_str(), nonce)));
            }
        }
        if intents.len() <= sent {
            let what =
                format!("DELETE {} for {} arrived when {} intents were committed", sent + 1, account.1, intents.len());
            found.push(violation(Property::S8, what, deletes[..=sent].iter().copied()));
        }
    }
    found
}

/// S8: a DELETE after the proof.
fn after_proof(history: &History<'_>, delete: &Request) -> Option<Violation> {
    let senders = history.senders(delete);
    let proved = |life: &Life<'_>| life.all().any(|v| v.object.is_confirmed() && v.seen.order < delete.arrived.order);
    let all = !senders.is_empty() && senders.iter().all(|life| proved(life));
    let what = || format!("a DELETE arrived for {} after its proof was written", senders[0].object().name);
    all.then(|| violation(Property::S8, what(), [delete]))
}

/// S8: what was written ahead is taken back.
fn forgetful(life: &Life<'_>) -> Option<Violation> {
    let versions: Vec<_> = life.all().collect();
    let back = |pair: &&[&Version]| {
        let attempt = |version: &Version| version.object.teardown.as_ref().map(|teardown| teardown.attempt);
        let unproved = pair[0].object.is_confirmed() && !pair[1].object.is_confirmed();
        attempt(pair[1]) < attempt(pair[0]) || unproved
    };
    let pair = versions.windows(2).find(back)?;
    let evidence = pair.iter().map(ToString::to_string).collect();
    Some(Violation {
        property: Property::S8,
        what: format!("the ledger of {} went back", life.object().name),
        evidence,
    })
}
