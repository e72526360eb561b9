//! L2 and L3: nobody waits in silence, and nobody works in a loop.

use jiff::{SignedDuration, Timestamp};

use crate::history::{History, Life};
use crate::object::Phase;
use crate::trace::Version;
use crate::{Property, Violation};

/// No deletion is left alone for longer; the rest is for clocks.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(15 * 60 + 2);
/// Far more than a loaded machine takes from a deletion to its first word, or from the time it names to the next try.
const PATIENCE: SignedDuration = SignedDuration::from_secs(45);
/// In which much must not happen.
const SPELL: SignedDuration = SignedDuration::from_secs(10);
/// The shortest delay between two tries is 1 s, and a try of the longest kind writes five times, the last one included.
const WRITES: usize = 60;
/// A try of a purge sends three.
const CALLS: usize = 35;

pub(crate) fn check(history: &History<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for life in &history.lives {
        found.extend(speechless(life));
        found.extend(unheard(history, life));
        found.extend(overdue(history, life));
        found.extend(busy_writing(history, life));
    }
    for ((_, account), deletes) in history.deletes() {
        let times: Vec<_> = deletes.iter().map(|delete| delete.arrived.at).collect();
        if let Some(from) = crowded(&times, CALLS) {
            let what = format!("more than {CALLS} DELETEs for {account} within {SPELL:#}, from {from} on");
            found.push(Violation { property: Property::L3, what, evidence: Vec::new() });
        }
    }
    found
}

fn violation(property: Property, what: String, version: &Version) -> Violation {
    Violation { property, what, evidence: vec![version.to_string()] }
}

/// Whether it is marked for deletion and not released yet.
pub(crate) fn in_teardown(version: &&Version) -> bool {
    version.object.deleting && version.object.ours && !version.gone
}

/// L2: a version that does not say why it waits, or until when.
fn speechless(life: &Life<'_>) -> Option<Violation> {
    life.all().filter(in_teardown).find_map(|version| {
        // Before the operator's first word: `unheard` judges how long that takes.
        let teardown = version.object.teardown.as_ref()?;
        let name = &life.object().name;
        let what = match version.object.condition("Ready") {
            None => format!("{name} shows no Ready condition"),
            Some(ready) if ready.reason.is_empty() => format!("{name} shows no reason"),
            Some(_) if matches!(teardown.phase, Phase::Intent | Phase::Confirmed) => return None,
            Some(_) => match teardown.next_attempt_at {
                // A ledger that is written between two steps of one try.
                None if teardown.reason == "Deleting" => return None,
                None => format!("{name} waits for {} without saying until when", teardown.reason),
                Some(at) if at.duration_since(version.seen.at) <= LONGEST_WAIT => return None,
                Some(at) => format!("{name} waits until {at}, longer than 15 minutes"),
            },
        };
        Some(violation(Property::L2, what, version))
    })
}

/// L2: a deletion of which a running operator says nothing.
fn unheard(history: &History<'_>, life: &Life<'_>) -> Option<Violation> {
    let marked = life.all().find(in_teardown)?;
    // An object that was created without the finalizer was not let go by that.
    let answer = life
        .all()
        .skip_while(|version| !in_teardown(version))
        .find(|version| version.gone || !version.object.ours || version.object.teardown.is_some());
    let silent_until = answer.map(|version| version.seen.at);
    is_left_alone(history, marked.seen.at, silent_until).then(|| {
        violation(
            Property::L2,
            format!("nothing was said of {}'s deletion for {PATIENCE:#}", life.object().name),
            marked,
        )
    })
}

/// L2: a time for the next try that passes, and nothing comes of it.
fn overdue(history: &History<'_>, life: &Life<'_>) -> Option<Violation> {
    let versions: Vec<_> = life.all().collect();
    versions.iter().enumerate().filter(|(_, version)| in_teardown(version)).find_map(|(index, version)| {
        let due =
            version.object.teardown.as_ref().filter(|teardown| teardown.phase != Phase::Confirmed)?.next_attempt_at?;
        let due = due.max(version.seen.at);
        let called = history
            .trace
            .requests
            .iter()
            .filter(|request| request.arrived.at >= due && life.has_key(request.key.as_deref()));
        let next = versions.get(index + 1).map(|next| next.seen.at);
        let until = called.map(|request| request.arrived.at).chain(next).min();
        is_left_alone(history, due, until).then(|| {
            violation(
                Property::L2,
                format!("{} was to be tried again at {due}, and was not for {PATIENCE:#}", life.object().name),
                version,
            )
        })
    })
}

/// Whether one operator process ran from `since` on for longer than anybody's patience, and `until` was later than that.
fn is_left_alone(history: &History<'_>, since: Timestamp, until: Option<Timestamp>) -> bool {
    let over = since + PATIENCE;
    let ran = history.trace.operators.iter().any(|operator| {
        let (first, last) = (operator.lines.first(), operator.lines.last());
        first.is_some_and(|line| line.at <= since) && last.is_some_and(|line| line.at >= over)
    });
    ran && until.is_none_or(|until| until > over)
}

/// L3: writes of one object that follow each other too fast, those that were refused included.
fn busy_writing(history: &History<'_>, life: &Life<'_>) -> Option<Violation> {
    let (first, last) = (life.versions[0].1, life.last());
    let (namespace, name) = first.object.name.split_once('/')?;
    let own = history.trace.writes.iter().filter(|write| {
        let its = write.namespace == namespace && write.name.as_deref() == Some(name) && !write.by_others;
        its && write.at >= first.seen.at && (!last.gone || write.at <= last.seen.at)
    });
    let from = crowded(&own.map(|write| write.at).collect::<Vec<_>>(), WRITES)?;
    let what = format!("more than {WRITES} writes of {} within {SPELL:#}, from {from} on", life.object().name);
    Some(violation(Property::L3, what, last))
}

/// The beginning of the first spell with more than `most` of these.
fn crowded(times: &[Timestamp], most: usize) -> Option<Timestamp> {
    let crowd = |many: &&[Timestamp]| many[most].duration_since(many[0]) <= SPELL;
    times.windows(most + 1).find(crowd).map(|many| many[0])
}
