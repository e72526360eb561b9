//! S11: the conditions tell the truth, and agree with each other.

use crate::history::{History, Life};
use crate::object::Object;
use crate::trace::Version;
use crate::{Property, Violation};

pub(crate) fn check(history: &History<'_>) -> Vec<Violation> {
    history.lives.iter().flat_map(|life| contradictions(history, life)).collect()
}

/// The first version at which something is wrong, once for each thing.
fn contradictions(history: &History<'_>, life: &Life<'_>) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    let mut before = None;
    for version in life.all() {
        let wrong = lie(history, life, before, version).or_else(|| disagreement(&version.object).map(str::to_owned));
        if let Some(wrong) = wrong {
            let what = format!("{} {wrong}", life.object().name);
            if !found.iter().any(|known| known.what == what) {
                found.push(Violation { property: Property::S11, what, evidence: vec![version.to_string()] });
            }
        }
        before = Some(version);
    }
    found
}

/// What is not as it says.
fn lie(history: &History<'_>, life: &Life<'_>, before: Option<&Version>, version: &Version) -> Option<String> {
    let object = &version.object;
    let became = |holds: fn(&Object) -> bool| holds(object) && !before.is_some_and(|before| holds(&before.object));
    if became(is_ready) && !was_read(history, life, version) {
        return Some("became Ready, and no read under a key of its own Secret had been answered".to_owned());
    }
    if became(Object::is_confirmed) {
        let proof = object.teardown.as_ref().and_then(|teardown| teardown.proof.as_deref());
        let decided = matches!(proof, Some("Orphaned" | "ReleasedByPolicy" | "HandedOver"));
        return match proof {
            None => Some("is confirmed without a proof".to_owned()),
            Some(proof) if !decided && !life.is_done(version.state) => {
                Some(format!("is confirmed as {proof}, and its account was {:?}", version.state))
            }
            Some(_) => None,
        };
    }
    None
}

fn was_read(history: &History<'_>, life: &Life<'_>, version: &Version) -> bool {
    history.trace.requests.iter().any(|request| {
        let answered = request.ended.is_some_and(|ended| ended.order <= version.seen.order);
        request.call == "read" && request.status == Some(200) && answered && life.has_key(request.key.as_deref())
    })
}

/// What contradicts itself.
fn disagreement(object: &Object) -> Option<&'static str> {
    let holds = |name: &str| object.condition(name).is_some_and(|condition| condition.status == "True");
    let reason = object.condition("Ready").map(|ready| ready.reason.as_str());
    let waits_for = object.teardown.as_ref().filter(|_| object.deleting).map(|teardown| teardown.reason.as_str());
    match () {
        () if object.conditions.iter().any(|c| c.reason.is_empty() || c.message.is_empty()) => {
            Some("shows a condition without reason or message")
        }
        () if object.conditions.iter().any(|c| c.generation > object.generation) => {
            Some("shows a condition of a generation that was not there")
        }
        () if holds("Ready") && (holds("Stalled") || holds("Reconciling")) => {
            Some("is Ready, and Stalled or Reconciling")
        }
        () if holds("Ready") != (reason == Some("AccountConnected")) => {
            Some("is Ready for another reason, or connected and not Ready")
        }
        () if holds("Deleted") != object.is_confirmed() => {
            Some("shows Deleted where nothing is confirmed, or the other way round")
        }
        () if object.deleting && object.teardown.is_some() && holds("Ready") => Some("is Ready while it is torn down"),
        () if waits_for.is_some() && reason.is_some() && waits_for != reason => {
            Some("shows another reason than its teardown waits for")
        }
        () => None,
    }
}

fn is_ready(object: &Object) -> bool {
    object.condition("Ready").is_some_and(|ready| ready.status == "True")
}
