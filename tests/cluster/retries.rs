//! A provider that is not available, or asks to wait: it is asked again on schedule, no sooner and no oftener.

use jiff::{SignedDuration, Timestamp};
use provider_simulator::{Answer, Call, Entry, Fault, On, State, http_date};
use serde_json::json;

use crate::bed::{Bed, Kind, next_attempt};

/// No two tries of a deletion follow each other sooner.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);
/// No two tries of a deletion are further apart, whatever a provider asks for.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// The beds' `--outcome-window`.
const WINDOW: SignedDuration = SignedDuration::from_secs(3);
/// The operator waits by a monotonic clock and writes whole milliseconds; the wire log is dated by the wall clock.
const CLOCKS: SignedDuration = SignedDuration::from_millis(20);

/// From the end of one request to the arrival of another.
fn pause(first: &Entry, second: &Entry) -> SignedDuration {
    second.arrived.at.duration_since(first.ended.expect("it has ended").at)
}

#[tokio::test]
async fn a_provider_that_is_unavailable_is_asked_again_on_schedule_and_the_objects_go_when_it_is_back() {
    let bed = Bed::new("unavailable").await;
    let senders = [(Kind::PostPress, "postpress"), (Kind::Email, "email"), (Kind::Purge, "purge")];
    let senders = senders.map(|(kind, name)| bed.sender(kind, name));
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    let answers = [
        Fault::postpress_error("errors/service_unavailable"),
        Fault::html(503, "<h1>Service Unavailable</h1>"),
        Fault::status(503),
    ];
    for (sender, answer) in senders.iter().zip(answers) {
        bed.sim.fault(On::delete().account(&sender.account), answer);
    }

    bed.delete_all().await;
    let mut planned = Vec::new();
    for sender in &senders {
        let tried_twice = |object: &serde_json::Value| object["status"]["teardown"]["tries"].as_i64() >= Some(2);
        let object = bed.until(&sender.name, "waiting after its second try", tried_twice).await;
        let teardown = &object["status"]["teardown"];
        assert_eq!(teardown["reason"], "ProviderUnavailable");
        assert_eq!(teardown["attempt"], teardown["tries"], "one DELETE for each try: {teardown:#}");
        planned.push((teardown["attempt"].as_u64().expect("a count"), next_attempt(&object)));
    }
    bed.sim.clear_faults();
    bed.until_all_gone(&senders).await;

    let log = bed.sim.log();
    for (sender, (attempt, planned)) in senders.iter().zip(planned) {
        let name = &sender.name;
        let deletes = log.deletes(&sender.account);
        assert_eq!(operator.receipt(name)["attempts"], deletes.len(), "{name}: every DELETE is on the receipt");
        let next = deletes[usize::try_from(attempt).expect("a small count")];
        assert!(next.arrived.at >= planned - CLOCKS, "{name} was shown {planned} as its next attempt: {next:?}");
        for pair in deletes.windows(2).filter(|pair| pair[0].status == Some(503)) {
            assert!(pause(pair[0], pair[1]) >= SHORTEST - CLOCKS, "{name}: {pair:#?}");
        }
        let reads = log.reads(&sender.account).into_iter().filter(|read| read.arrived.order > deletes[0].arrived.order);
        let read_backs = usize::from(sender.kind != Kind::Purge);
        assert_eq!(reads.count(), read_backs, "{name}: what was seen alive is read once more, when it is gone");
    }
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_linkedin_sender_is_sent_again_only_after_the_outcome_window_and_a_read_that_shows_it_connected() {
    let bed = Bed::new("window").await;
    let (lost, applied) = (bed.sender(Kind::LinkedIn, "lost"), bed.sender(Kind::LinkedIn, "applied"));
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&[lost.clone(), applied.clone()]).await;
    bed.sim.fault(On::delete().account(&lost.account).times(1), Fault::status(503));
    bed.sim.fault(On::delete().account(&applied.account).times(1), Fault::status(503).applied());

    bed.delete_all().await;
    bed.until_all_gone(&[lost.clone(), applied.clone()]).await;

    let log = bed.sim.log();
    let deletes = log.deletes(&lost.account);
    let [first, second] = deletes[..] else { panic!("one DELETE failed, one took effect: {deletes:#?}") };
    assert!(pause(first, second) >= WINDOW - CLOCKS, "sent again within the window: {first:#?}\n{second:#?}");
    let showed_it_connected = log.reads(&lost.account).into_iter().any(|read| {
        let after_the_window = pause(first, read) >= WINDOW - CLOCKS;
        read.status == Some(200) && after_the_window && read.ended.is_some_and(|end| end.order < second.arrived.order)
    });
    assert!(showed_it_connected, "no read after the window and before the second DELETE:\n{log}");
    assert_eq!(bed.truth(&lost.account), (State::Disconnected, 2, 1));
    assert_eq!(operator.proof("lost"), "ReadBack");
    assert_eq!(bed.truth(&applied.account), (State::Disconnected, 1, 1), "a read shows what the 503 hid");
    assert_eq!(operator.proof("applied"), "AlreadySoft");
    bed.finish(operator).await;
}

#[tokio::test]
async fn nothing_is_sent_to_a_linkedin_sender_while_no_read_shows_it_connected() {
    let bed = Bed::new("unreadable").await;
    let sender = bed.sender(Kind::LinkedIn, "linkedin");
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(std::slice::from_ref(&sender)).await;
    let outage = bed.sim.fault(On::read().key(&sender.key), Fault::status(503));

    bed.delete("linkedin").await;
    bed.until("linkedin", "waiting after its second try", |o| o["status"]["teardown"]["tries"].as_i64() >= Some(2))
        .await;
    bed.until_waiting("linkedin", "ProviderUnavailable").await;
    assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0));
    outage.clear();
    bed.until_gone("linkedin").await;

    assert_eq!(bed.truth(&sender.account), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn what_the_provider_itself_refuses_was_not_applied_and_a_linkedin_sender_does_not_wait_for_the_window() {
    let bed = Bed::new("refused").await;
    let refusals = [
        (400, "bad_request", "RequestRefused"),
        (401, "unauthorized", "CredentialsInvalid"),
        (403, "forbidden", "CredentialsForbidden"),
        (429, "rate_limited", "Throttled"),
    ];
    let senders: Vec<_> =
        refusals.iter().map(|(_, code, _)| bed.sender(Kind::LinkedIn, &code.replace('_', "-"))).collect();
    let operator = bed.operator(&["--outcome-window", "24h"]).await;
    bed.adopt_connected(&senders).await;
    let faults: Vec<_> = senders
        .iter()
        .zip(refusals)
        .map(|(sender, (status, code, _))| {
            bed.sim.fault(On::delete().account(&sender.account), Fault::puffle_error(status, code, "Simulated."))
        })
        .collect();

    bed.delete_all().await;
    for (sender, (.., reason)) in senders.iter().zip(refusals) {
        bed.until_waiting(&sender.name, reason).await;
    }
    faults.iter().for_each(provider_simulator::FaultHandle::clear);
    bed.until_all_gone(&senders).await;

    bed.assert_ended(&senders);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_provider_that_says_when_to_come_back_is_not_called_before_that() {
    /// Longer than the beds' `--max-backoff`: without Retry-After every one of them would be called sooner.
    const ASKED: SignedDuration = SignedDuration::from_secs(4);
    let bed = Bed::new("retry-after").await;
    let kinds = [
        (Kind::PostPress, "seconds"),
        (Kind::Email, "date"),
        (Kind::LinkedIn, "linkedin"),
        (Kind::PostPress, "outage"),
    ];
    let senders = kinds.map(|(kind, name)| bed.sender(kind, name));
    // A date has whole seconds: the one after these four.
    let in_five_seconds = |status: u16, body: serde_json::Value| {
        let until = || http_date(Timestamp::now() + ASKED + SignedDuration::from_secs(1));
        Fault::rewrite(move |_| Answer::json(status, &body).header("retry-after", until())).not_applied()
    };
    let answers = [
        (Fault::postpress_undocumented(429, "errors/too_many_requests").retry_after("4"), "Throttled"),
        (in_five_seconds(429, json!({"error": {"code": "rate_limited", "message": "Slow down"}})), "Throttled"),
        (Fault::puffle_error(429, "rate_limited", "Slow down").retry_after("4"), "Throttled"),
        (in_five_seconds(503, json!({})), "ProviderUnavailable"),
    ];
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    let throttled: Vec<_> = senders
        .iter()
        .zip(&answers)
        .map(|(sender, (answer, _))| bed.sim.fault(On::delete().account(&sender.account), answer.clone()))
        .collect();

    bed.delete_all().await;
    for (sender, (_, reason)) in senders.iter().zip(&answers) {
        let object = bed.until_waiting(&sender.name, reason).await;
        let attempt = object["status"]["teardown"]["attempt"].as_u64().expect("a count");
        let (log, attempt) = (bed.sim.log(), usize::try_from(attempt).expect("a small count"));
        let counted = log.deletes(&sender.account).into_iter().take(attempt);
        let last = counted.filter_map(|delete| delete.ended).next_back().expect("a DELETE has ended");
        assert!(
            next_attempt(&object) >= last.at + ASKED - CLOCKS,
            "{}: {:#}",
            sender.name,
            object["status"]["teardown"]
        );
    }
    throttled.iter().for_each(provider_simulator::FaultHandle::clear);
    bed.until_all_gone(&senders).await;

    let log = bed.sim.log();
    for sender in &senders {
        let calls = log.with_key(&sender.key);
        for told in calls.iter().filter(|call| call.call == Call::Delete && call.fault.is_some()) {
            for later in calls.iter().filter(|call| call.arrived.order > told.arrived.order) {
                assert!(
                    pause(told, later) >= ASKED - CLOCKS,
                    "{}: called too soon: {told:#?}\n{later:#?}",
                    sender.name
                );
            }
        }
    }
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_absurd_retry_after_is_clamped_and_a_person_can_ask_for_a_try_at_once() {
    let bed = Bed::new("absurd").await;
    let (endless, nines) = ("31536000", "9".repeat(60));
    let clamped = [("year", endless), ("digits", nines.as_str()), ("century", "Fri, 31 Dec 2100 23:59:59 GMT")];
    let ignored = [("zero", "0"), ("negative", "-5"), ("word", "soon"), ("past", "Wed, 21 Oct 2015 07:28:00 GMT")];
    let senders_of =
        |rows: &[(&str, &str)]| rows.iter().map(|(name, _)| bed.sender(Kind::PostPress, name)).collect::<Vec<_>>();
    let (long, short) = (senders_of(&clamped), senders_of(&ignored));
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&[&long[..], &short[..]].concat()).await;
    let rows = long.iter().zip(clamped).chain(short.iter().zip(ignored));
    let throttled: Vec<_> = rows
        .map(|(sender, (_, value))| {
            let answer = Fault::postpress_undocumented(429, "errors/too_many_requests").retry_after(value);
            bed.sim.fault(On::delete().account(&sender.account), answer)
        })
        .collect();

    bed.delete_all().await;
    for sender in &long {
        let next = next_attempt(&bed.until_waiting(&sender.name, "Throttled").await);
        let told = bed.sim.log().deletes(&sender.account)[0].ended.expect("it has ended").at;
        assert!(
            next >= told + LONGEST - CLOCKS,
            "{}: {next} is sooner than the longest wait after {told}",
            sender.name
        );
    }
    for sender in &short {
        bed.until(&sender.name, "tried twice", |o| o["status"]["teardown"]["tries"].as_i64() >= Some(2)).await;
    }
    throttled.iter().for_each(provider_simulator::FaultHandle::clear);
    bed.until_all_gone(&short).await;
    for sender in &long {
        assert_eq!(
            bed.truth(&sender.account),
            (State::Connected, 1, 0),
            "{} waits as long as it may be told to",
            sender.name
        );
        bed.kubectl(&["annotate", "sacc", &sender.name, "reconcile.sender-operator.dev/requestedAt=now"]).await;
    }
    bed.until_all_gone(&long).await;

    bed.assert_ended(&[&short[..], &long].concat());
    let log = bed.sim.log();
    for deletes in short.iter().map(|sender| log.deletes(&sender.account)) {
        for pair in deletes.windows(2) {
            assert!(pause(pair[0], pair[1]) >= SHORTEST - CLOCKS, "{pair:#?}");
        }
    }
    bed.finish(operator).await;
}
