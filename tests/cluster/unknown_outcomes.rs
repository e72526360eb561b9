//! A LinkedIn sender whose DELETE ended unclearly: only reads settle it, for a second effective DELETE would destroy it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use provider_simulator::{Entry, Fault, Log, On, State, Status};
use serde_json::json;

use crate::bed::{Bed, LINKEDIN, Property, deleting, message};

/// As in [`Bed::operator`]'s flags.
const WINDOW: SignedDuration = SignedDuration::from_secs(3);

#[tokio::test]
async fn however_the_answer_to_an_applied_delete_is_lost_a_read_that_shows_the_sender_disconnected_releases_it() {
    let bed = Bed::new("lost-applied").await;
    let senders = senders(&bed, Fault::applied).await;
    let operator = bed.operator(&[]).await;
    delete_all(&bed, &senders).await;

    for (name, account) in &senders {
        assert_eq!(bed.truth(account), (State::Disconnected, 1, 1), "{name}: no second DELETE");
        assert_eq!(operator.receipt(name)["proof"], "AlreadySoft", "{name}");
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn however_the_answer_to_a_delete_without_effect_is_lost_one_more_follows_the_window_and_a_read_that_shows_it_connected()
 {
    let bed = Bed::new("lost-unapplied").await;
    let senders = senders(&bed, Fault::not_applied).await;
    let operator = bed.operator(&[]).await;
    delete_all(&bed, &senders).await;

    let log = bed.sim.log();
    for (name, account) in &senders {
        assert_eq!(bed.truth(account), (State::Disconnected, 2, 1), "{name}");
        let [lost, resent] = log.deletes(account)[..] else { panic!("{name}: two DELETEs") };
        let read = log.reads(account).into_iter().rfind(|read| read.arrived.order < resent.arrived.order);
        let read = read.unwrap_or_else(|| panic!("{name}: no read before the second DELETE"));
        assert!(after(lost, read) >= WINDOW, "{name}: the read came within the window: {log}");
        assert_eq!(operator.receipt(name)["proof"], "ReadBack", "{name}");
        assert_eq!(operator.receipt(name)["attempts"], 2, "{name}");
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_delete_whose_answer_is_lost_and_that_takes_effect_late_is_waited_for_and_not_repeated() {
    let bed = Bed::new("lost-late").await;
    sender(&bed, "late", json!({})).await;
    let delete = bed.sim.fault(On::delete(), Fault::own().applied_when_released().cut());
    // Longer than this test can take.
    let operator = bed.operator(&["--outcome-window", "10m"]).await;
    bed.until_connected("late").await;

    bed.delete("late").await;
    bed.until_reason("late", "OutcomeUnknown").await;
    until_read_again(&bed, SignedDuration::ZERO).await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0));
    delete.release();
    bed.until_gone("late").await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(operator.receipt("late")["proof"], "AlreadySoft");
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_status_that_somebody_wipes_while_a_lost_delete_may_be_alive_lets_no_second_one_out() {
    let bed = Bed::new("lost-wiped").await;
    bed.excuse(Property::S8, "the test wipes the ledger");
    sender(&bed, "wiped", json!({})).await;
    let delete = bed.sim.fault(On::delete(), Fault::own().applied_when_released().cut());
    let operator = bed.operator(&["--outcome-window", "10m"]).await;
    bed.until_connected("wiped").await;

    bed.delete("wiped").await;
    bed.until_waiting("wiped", "OutcomeUnknown").await;
    let wipe = json!([{"op": "remove", "path": "/status/teardown"}]).to_string();
    bed.kubectl(&["patch", "sacc", "wiped", "--subresource=status", "--type=json", "-p", &wipe]).await;
    let waits = bed.until_waiting("wiped", "OutcomeUnknown").await;
    assert_eq!(waits["status"]["teardown"]["attempt"], 0, "the ledger knows of none");
    until_read_again(&bed, SignedDuration::ZERO).await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0));
    delete.release();
    bed.until_gone("wiped").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn with_two_answers_lost_a_read_that_shows_the_sender_disconnected_counts_only_after_the_second_window() {
    let bed = Bed::new("lost-twice").await;
    sender(&bed, "twice", json!({})).await;
    bed.sim.fault(On::delete().nth(1), Fault::cut_without_applying());
    bed.sim.fault(On::delete().nth(2), Fault::cut_after_applying());
    let operator = bed.operator(&[]).await;
    bed.until_connected("twice").await;

    bed.delete("twice").await;
    bed.until_gone("twice").await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 2, 1));
    let log = bed.sim.log();
    let last = log.reads(LINKEDIN).pop().expect("a read");
    assert!(after(log.deletes(LINKEDIN)[1], last) >= WINDOW, "the first DELETE may have been outstanding: {log}");
    bed.finish(operator).await;
}

#[tokio::test]
async fn with_after_unknown_outcome_hold_nothing_is_sent_again_and_it_goes_when_a_person_disconnects_the_sender() {
    let bed = Bed::new("lost-hold").await;
    sender(&bed, "held", json!({"afterUnknownOutcome": "Hold"})).await;
    bed.sim.fault(On::delete(), Fault::cut_without_applying());
    let operator = bed.operator(&[]).await;
    bed.until_connected("held").await;

    bed.delete("held").await;
    bed.until_reason("held", "OutcomeUnknown").await;
    until_read_again(&bed, WINDOW).await;
    let held = bed.until_reason("held", "OutcomeHeld").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0), "after the window and a read, too");
    assert!(deleting(&held) && message(&held).contains("disconnect the account at the provider"), "{}", message(&held));
    assert!(held["status"]["teardown"]["nextAttemptAt"].is_string());

    bed.sim.set_status(LINKEDIN, Status::Disconnected);
    bed.until_gone("held").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 0));
    assert_eq!(operator.receipt("held")["proof"], "AlreadySoft");
    bed.finish(operator).await;
}

#[tokio::test]
async fn what_is_held_after_a_lost_answer_is_sent_once_more_when_a_person_writes_resend() {
    let bed = Bed::new("lost-resend").await;
    sender(&bed, "held", json!({"afterUnknownOutcome": "Hold"})).await;
    bed.sim.fault(On::delete().nth(1), Fault::cut_without_applying());
    let operator = bed.operator(&[]).await;
    bed.until_connected("held").await;
    bed.delete("held").await;
    until_read_again(&bed, WINDOW).await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0));

    bed.patch_spec("held", &json!({"afterUnknownOutcome": "Resend"})).await;
    bed.until_gone("held").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 2, 1));
    assert_eq!(operator.receipt("held")["proof"], "ReadBack");
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_acknowledged_delete_that_takes_effect_late_is_never_repeated_and_ends_with_the_read_that_shows_it() {
    let bed = Bed::new("acked-late").await;
    sender(&bed, "acked", json!({})).await;
    let delete = bed.sim.fault(On::delete(), Fault::own().applied_when_released());
    let operator = bed.operator(&["--outcome-window", "10m"]).await;
    bed.until_connected("acked").await;

    bed.delete("acked").await;
    let acked = bed.until_reason("acked", "ReadingBack").await;
    assert_eq!(acked["status"]["teardown"]["phase"], "Acked");
    until_read_again(&bed, SignedDuration::ZERO).await;
    delete.release();
    bed.until_gone("acked").await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(operator.receipt("acked")["proof"], "ReadBack");
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_acknowledged_delete_without_effect_is_held_after_the_window_until_a_person_disconnects_the_sender() {
    let bed = Bed::new("acked-never").await;
    sender(&bed, "acked", json!({})).await;
    bed.sim.fault(On::delete(), Fault::own().not_applied());
    let operator = bed.operator(&[]).await;
    bed.until_connected("acked").await;

    bed.delete("acked").await;
    let held = bed.until_reason("acked", "AckedButAlive").await;
    let stalled = held["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Stalled");
    assert_eq!(stalled.map(|c| &c["status"]), Some(&json!("True")), "somebody must act: {held:#}");
    let since: Timestamp =
        stalled.and_then(|c| c["lastTransitionTime"].as_str()).unwrap_or("").parse().expect("a time");
    let ended = bed.sim.log().deletes(LINKEDIN)[0].ended.expect("it was answered").at;
    // A condition tells its time in whole seconds.
    assert!(since.duration_since(ended) >= WINDOW - SignedDuration::from_secs(1), "held within the window: {held:#}");
    assert!(message(&held).contains("disconnect the account at the provider"), "{}", message(&held));
    until_read_again(&bed, WINDOW + WINDOW).await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0), "it is never sent again by itself");

    bed.sim.set_status(LINKEDIN, Status::Disconnected);
    bed.until_gone("acked").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 0));
    assert_eq!(operator.receipt("acked")["proof"], "ReadBack");
    bed.finish(operator).await;
}

/// One sender for each way to lose an answer; `effect` says what the lost request did.
async fn senders(bed: &Bed, effect: fn(Fault) -> Fault) -> Vec<(&'static str, String)> {
    let ways = [
        ("cut", Fault::own().cut()),
        ("reset", Fault::own().cut().reset()),
        ("cut-in-head", Fault::own().cut_in_head()),
        ("cut-in-body", Fault::own().cut_in_body(4)),
        ("foreign-success", Fault::json(200, json!({"success": true, "data": {}}))),
        ("no-body", Fault::status(204)),
        ("not-found-page", Fault::html(404, "<h1>Not Found</h1>")),
        ("own-failure", Fault::puffle_db_failure()),
        ("bad-gateway", Fault::html(502, "<h1>Bad Gateway</h1>")),
        ("unavailable", Fault::status(503)),
        ("gateway-timeout", Fault::status(504)),
    ];
    let key = bed.key();
    bed.puffle_secret("puffle", &key).await;
    let mut senders = Vec::new();
    for (number, (name, lost)) in ways.into_iter().enumerate() {
        let account = format!("0b4f6f0e-8c1d-4c39-9c53-{number:012x}");
        bed.sim.puffle().add_linkedin(&key, &account, Status::Connected);
        bed.sim.fault(On::delete().account(&account).nth(1), effect(lost));
        bed.linkedin(name, &account, "puffle").await;
        senders.push((name, account));
    }
    senders
}

async fn delete_all(bed: &Bed, senders: &[(&str, String)]) {
    for (name, _) in senders {
        bed.until_connected(name).await;
    }
    bed.kubectl(&["delete", "sacc", "--all", "--timeout=90s"]).await;
}

/// A connected sender, its key, its Secret and its object.
async fn sender(bed: &Bed, name: &str, more: serde_json::Value) {
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.puffle_secret("puffle", &key).await;
    let provider = json!({"puffle": {"accountId": LINKEDIN, "channel": "LinkedIn"}});
    bed.apply(&bed.manifest(name, "puffle", &provider, &more)).await;
}

/// Waits until the operator has acted on two reads that came so long after the first DELETE ended: the second is made
/// only when the first was taken in.
async fn until_read_again(bed: &Bed, later: SignedDuration) {
    let read = |log: &Log| {
        let Some(delete) = log.deletes(LINKEDIN).first().copied().filter(|delete| delete.ended.is_some()) else {
            return false;
        };
        log.reads(LINKEDIN).into_iter().filter(|read| after(delete, read) > later).count() > 2
    };
    bed.sim.wait_for_within(Duration::from_secs(90), "further reads after the DELETE", read).await.unwrap();
}

/// How long after the end of `first` the other one arrived.
fn after(first: &Entry, then: &Entry) -> SignedDuration {
    let ended = first.ended.expect("the first one has ended");
    then.arrived.at.duration_since(ended.at)
}
