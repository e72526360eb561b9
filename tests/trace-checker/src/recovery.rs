//! L1 and L4: what ends by itself does end, and nobody waits for a stranger.

use jiff::{SignedDuration, Timestamp};

use crate::history::{History, Life};
use crate::progress::in_teardown;
use crate::trace::{Request, Version};
use crate::{Property, Violation};

/// What is waited for without anybody who must act.
const HEALS: [&str; 8] = [
    "Deleting",
    "ReadingBack",
    "OutcomeUnknown",
    "ConnectionLost",
    "TimedOut",
    "ProviderUnavailable",
    "ProviderError",
    "ApiServerUnavailable",
];
/// Of the outcome window and the longest delays, so many may pass after the last fault.
const DELAYS: i32 = 3;
/// After that so many answers without a fault are more than any deletion needs, also where some writes fail.
const ENOUGH: usize = 20;
/// A request that lasted so long was not going to be answered. Half of what the operator gives one.
const HUNG: SignedDuration = SignedDuration::from_secs(30);

pub(crate) fn check(history: &History<'_>) -> Vec<Violation> {
    let both = |life| [endless(history, life), held_up(history, life)];
    history.lives.iter().flat_map(both).flatten().collect()
}

/// L1, counted in honest answers and not in seconds: a machine that is slow gives fewer of them.
fn endless(history: &History<'_>, life: &Life<'_>) -> Option<Violation> {
    let trace = history.trace;
    let calm = calm_since(history, life)?;
    let over = calm + trace.outcome_window + trace.max_backoff * DELAYS;
    let honest = trace.requests.iter().filter(|request| {
        request.arrived.at >= over && request.status.is_some() && is_for_it_alone(history, life, request)
    });
    let enough = honest.filter_map(|request| request.ended).nth(ENOUGH)?;
    let last = life.all().take_while(|version| version.seen.order <= enough.order).last().filter(in_teardown)?;
    let teardown = last.object.teardown.as_ref()?;
    // A provider may have asked for more time than we would take.
    let asked = teardown.next_attempt_at.is_some_and(|at| at.duration_since(last.seen.at) > trace.max_backoff);
    if asked || !HEALS.contains(&teardown.reason.as_str()) {
        return None;
    }
    let name = &life.object().name;
    let what = format!("{name} is not gone after {ENOUGH} answers, and nothing has failed since {calm}");
    Some(Violation { property: Property::L1, what, evidence: vec![last.to_string()] })
}

fn is_for_it_alone(history: &History<'_>, life: &Life<'_>, request: &Request) -> bool {
    concerns(life, request) && request.key.as_deref().is_some_and(|key| history.is_of_one(key))
}

/// Since when nothing failed for this deletion, and nobody else had a hand in it; none, where that never was so.
fn calm_since(history: &History<'_>, life: &Life<'_>) -> Option<Timestamp> {
    let trace = history.trace;
    let mut calm = life.all().find(in_teardown)?.seen.at;
    for request in trace.requests.iter().filter(|request| request.fault.is_some() && concerns(life, request)) {
        calm = calm.max(request.ended?.at);
    }
    let (namespace, name) = life.object().name.split_once('/')?;
    let others = trace.writes.iter().filter(|write| {
        write.by_others && write.namespace == namespace && write.name.as_deref().is_none_or(|named| named == name)
    });
    calm = others.map(|write| write.at).fold(calm, Timestamp::max);
    let starts = trace.operators.iter().filter_map(|operator| operator.lines.first());
    Some(starts.map(|line| line.at).fold(calm, Timestamp::max))
}

fn concerns(life: &Life<'_>, request: &Request) -> bool {
    let named = life.account() == Some((&request.provider, request.account.as_deref().unwrap_or_default()));
    named || life.has_key(request.key.as_deref())
}

/// L4: an object for which nothing was said or sent until another provider's silence was over.
fn held_up(history: &History<'_>, life: &Life<'_>) -> Option<Violation> {
    let marked = life.all().find(in_teardown)?;
    let (provider, _) = life.account()?;
    let heard = |version: &&Version| version.gone || version.object.teardown.is_some();
    let said = life.all().filter(|version| version.seen.order >= marked.seen.order).find(heard);
    let sent = history
        .trace
        .requests
        .iter()
        .find(|request| request.arrived.order > marked.seen.order && concerns(life, request));
    let first = said.map(|version| version.seen.at).into_iter().chain(sent.map(|request| request.arrived.at)).min();
    let silent = history.trace.requests.iter().find(|request| {
        let begun = request.provider != provider && request.is_ours() && request.arrived.order < marked.seen.order;
        let ended = request.ended.filter(|ended| ended.at.duration_since(marked.seen.at) >= HUNG);
        begun && ended.is_some_and(|ended| first.is_none_or(|first| first >= ended.at))
    })?;
    let what = format!("nothing was said or sent for {} until another provider was given up", life.object().name);
    Some(Violation { property: Property::L4, what, evidence: vec![marked.to_string(), silent.to_string()] })
}
