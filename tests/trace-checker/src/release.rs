//! S1, S4 and S5: what must be true when an object is let go, and stay so.

use serde_json::Value;

use crate::history::{History, Life};
use crate::trace::{LogLine, Request, Version};
use crate::{Property, Violation};

pub(crate) fn check(history: &History<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for life in &history.lives {
        if let Some(released) = life.released() {
            found.extend(justified(history, life, released));
            found.extend(in_flight(history, life, released));
        }
    }
    for deletes in history.deletes().values() {
        found.extend(deletes.iter().filter_map(|delete| after_release(history, delete)));
    }
    found
}

/// S1.
fn justified(history: &History<'_>, life: &Life<'_>, released: &Version) -> Option<Violation> {
    let name = &life.object().name;
    let violation = |what: String, mut evidence: Vec<String>| {
        evidence.push(released.to_string());
        Some(Violation { property: Property::S1, what, evidence })
    };
    let receipts: Vec<_> = receipts(history, life).collect();
    let Some(receipt) = receipts.iter().find(|receipt| receipt.at <= released.seen.at) else {
        return violation(format!("{name} was released without a receipt before it"), shown(&receipts));
    };
    let held = |holds: fn(&Version) -> bool| life.all().any(holds);
    let unfounded = match receipt.value["proof"].as_str().unwrap_or_default() {
        "Orphaned" if !held(|v| v.object.orphan) => "as orphaned, and nobody had set deletionPolicy to Orphan",
        "ReleasedByPolicy" if !held(|v| v.object.released_if_not_found) => {
            "by policy, and onNotFound never was Release"
        }
        "HandedOver" if !handed_over(history, life, &receipt.value["subject"], released) => {
            "as handed over, and no live object of that name named the account"
        }
        "Orphaned" | "ReleasedByPolicy" | "HandedOver" => return None,
        _ if life.is_done(released.state) || ended_in_its_life(history, life, released) => return None,
        _ => "as proved, and its account was there",
    };
    let mut evidence = shown(&receipts);
    evidence.extend(about(history, life).map(ToString::to_string));
    violation(format!("{name} was released {unfounded}"), evidence)
}

fn receipts<'a>(history: &'a History<'_>, life: &'a Life<'_>) -> impl Iterator<Item = &'a LogLine> {
    let lines = history.trace.operators.iter().flat_map(|operator| &operator.lines);
    lines.filter(move |line| line.value["receipt"] == true && line.value["uid"] == *life.object().uid)
}

/// Whether the heir named the account and was not being deleted for some time between the deletion and the release.
fn handed_over(history: &History<'_>, life: &Life<'_>, heir: &Value, released: &Version) -> bool {
    let Some(account) = life.account() else { return false };
    let live = |version: &Version| version.object.name == *heir && !version.object.deleting && version.object.ours;
    let heirs = history.of_account(account).filter(|heir| heir.object().uid != life.object().uid);
    heirs.flat_map(Life::all).any(|version| version.seen.at <= released.seen.at && live(version))
}

/// Whether a DELETE ended the account while the object was there; what came back since is a person's.
fn ended_in_its_life(history: &History<'_>, life: &Life<'_>, released: &Version) -> bool {
    let born = life.versions[0].1.seen.order;
    about(history, life).any(|request| {
        let ends = request.effect == "deleted"
            || (request.effect == "disconnected" && life.is_done(crate::State::Disconnected));
        ends && request.effect_at.is_some_and(|at| at.order >= born && at.order <= released.seen.order)
    })
}

fn about<'a>(history: &'a History<'_>, life: &'a Life<'_>) -> impl Iterator<Item = &'a Request> {
    let names =
        |request: &Request| life.account() == Some((&request.provider, request.account.as_deref().unwrap_or_default()));
    history.trace.requests.iter().filter(move |request| request.is_delete() && names(request))
}

fn shown(receipts: &[&LogLine]) -> Vec<String> {
    receipts.iter().map(|receipt| receipt.value.to_string()).collect()
}

/// S4.
fn after_release(history: &History<'_>, delete: &Request) -> Option<Violation> {
    if !history.senders(delete).is_empty() {
        return None;
    }
    let account = (delete.provider.as_str(), delete.account.as_deref().unwrap_or_default());
    let before = |life: &&Life<'_>| life.released().is_some_and(|version| version.seen.order < delete.arrived.order);
    let life = history.of_account(account).filter(before).last()?;
    let evidence = vec![life.released()?.to_string(), delete.to_string()];
    Some(Violation {
        property: Property::S4,
        what: format!("a DELETE arrived for {} after its release", life.object().name),
        evidence,
    })
}

/// S5.
fn in_flight(history: &History<'_>, life: &Life<'_>, released: &Version) -> Vec<Violation> {
    let alive = |delete: &&Request| {
        let ended = delete.ended.is_some_and(|ended| ended.order <= released.seen.order);
        let given_up = released.seen.at.duration_since(delete.arrived.at) > history.trace.outcome_window;
        delete.is_ours() && delete.arrived.order <= released.seen.order && !ended && !given_up
    };
    // What another object of the account may have sent is not this one's.
    let only_its_own = |delete: &&Request| {
        let senders = history.senders(delete);
        !senders.is_empty() && senders.iter().all(|sender| sender.object().uid == life.object().uid)
    };
    let violation = |delete: &Request| Violation {
        property: Property::S5,
        what: format!("{} was released while its DELETE was on its way", life.object().name),
        evidence: vec![delete.to_string(), released.to_string()],
    };
    about(history, life).filter(alive).filter(only_its_own).map(violation).collect()
}
