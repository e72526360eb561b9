//! The operator is killed at every point of a teardown that a provider can see. The next one finishes, and no account
//! gets a DELETE too many.

use jiff::SignedDuration;
use provider_simulator::{Fault, FaultHandle, On, State, Status};
use serde_json::json;

use crate::bed::{Bed, EMAIL, Kind, LINKEDIN, SOFT};

/// As in [`Bed::operator`]'s flags.
const WINDOW: SignedDuration = SignedDuration::from_secs(3);
/// No reads but those of the teardowns.
const UNOBSERVED: [&str; 2] = ["--observe-interval", "1h"];

#[tokio::test]
async fn killed_while_a_disconnect_is_on_its_way_the_next_one_reads_and_sends_again_only_what_had_no_effect() {
    let bed = Bed::new("kill-linkedin").await;
    let key = bed.key();
    bed.puffle_secret("puffle", &key).await;
    for (name, account) in [("applied", LINKEDIN), ("unapplied", SOFT)] {
        bed.sim.puffle().add_linkedin(&key, account, Status::Connected);
        bed.linkedin(name, account, "puffle").await;
    }
    let applied = bed.sim.fault(On::delete().account(LINKEDIN).nth(1), Fault::own().hold());
    let unapplied = bed.sim.fault(On::delete().account(SOFT).nth(1), Fault::own().not_applied().hold());
    let operator = bed.operator(&[]).await;
    deleted(&bed, &["applied", "unapplied"]).await;
    held(&bed, &[&applied, &unapplied]).await;

    operator.kill();
    let operator = bed.operator(&[]).await;
    gone(&bed, &["applied", "unapplied"]).await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(operator.receipt("applied")["proof"], "AlreadySoft");
    assert_eq!(bed.truth(SOFT), (State::Disconnected, 2, 1));
    assert_eq!(operator.receipt("unapplied")["proof"], "ReadBack");
    let log = bed.sim.log();
    let [lost, resent] = log.deletes(SOFT)[..] else { panic!("two DELETEs: {log}") };
    let killed = lost.ended.expect("its client left").at;
    assert!(resent.arrived.at.duration_since(killed) >= WINDOW, "the next one waits for a window of its own: {log}");
    bed.finish(operator).await;
}

#[tokio::test]
async fn killed_while_a_disconnect_is_on_its_way_that_takes_effect_only_later_the_next_one_waits_for_it() {
    let bed = Bed::new("kill-late").await;
    linkedin(&bed).await;
    let delete = bed.sim.fault(On::delete().nth(1), Fault::own().applied_when_released().hold());
    let operator = bed.operator(&[]).await;
    deleted(&bed, &["linkedin"]).await;
    held(&bed, &[&delete]).await;

    operator.kill();
    // Longer than this test can take.
    let operator = bed.operator(&["--outcome-window", "10m"]).await;
    bed.until_reason("linkedin", "OutcomeUnknown").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0));
    delete.release();
    gone(&bed, &["linkedin"]).await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn with_after_unknown_outcome_hold_a_delete_that_arrives_after_its_window_is_the_only_one() {
    let bed = Bed::new("kill-later").await;
    linkedin(&bed).await;
    bed.patch_spec("linkedin", &json!({"afterUnknownOutcome": "Hold"})).await;
    // For the provider it is one and the same whether it waits on the way or its sender stood still.
    let delete = bed.sim.fault(On::delete().nth(1), Fault::own().applied_when_released().hold());
    let operator = bed.operator(&[]).await;
    deleted(&bed, &["linkedin"]).await;
    held(&bed, &[&delete]).await;

    operator.kill();
    let operator = bed.operator(&[]).await;
    bed.until_reason("linkedin", "OutcomeHeld").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0), "its window is over");
    delete.release();
    gone(&bed, &["linkedin"]).await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(operator.receipt("linkedin")["proof"], "AlreadySoft");
    bed.finish(operator).await;
}

#[tokio::test]
async fn killed_while_a_delete_that_may_be_repeated_is_on_its_way_the_next_one_repeats_it_until_the_account_is_proved_gone()
 {
    let bed = Bed::new("kill-permanent").await;
    // Which is killed at which of its DELETEs, and how many it takes where that one had its effect.
    let kills =
        [(Kind::PostPress, 1, 2), (Kind::Email, 1, 2), (Kind::Purge, 1, 3), (Kind::Purge, 2, 3), (Kind::Purge, 3, 4)];
    let (mut senders, mut faults, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, nth, sent) in kills {
        for applied in [true, false] {
            let sender = bed.sender(kind, &format!("{kind:?}-{nth}-{applied}").to_lowercase());
            let fault = if applied { Fault::own() } else { Fault::own().not_applied() };
            faults.push(bed.sim.fault(On::delete().account(&sender.account).nth(nth), fault.hold()));
            // Only the first two DELETEs of a purge are needed for their effect.
            let missing = usize::from(!applied && kind == Kind::Purge && nth < 3);
            ends.push((State::Gone, sent + missing, if kind == Kind::Purge { 2 } else { 1 }));
            senders.push(sender);
        }
    }
    let operator = bed.operator(&UNOBSERVED).await;
    bed.adopt_connected(&senders).await;
    bed.delete_all().await;
    held(&bed, &faults.iter().collect::<Vec<_>>()).await;

    operator.kill();
    let operator = bed.operator(&UNOBSERVED).await;
    bed.until_all_gone(&senders).await;

    for (sender, end) in senders.iter().zip(ends) {
        assert_eq!(bed.truth(&sender.account), end, "{}", sender.name);
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn killed_between_the_answer_and_the_release_the_next_one_releases_without_another_effective_delete() {
    let bed = Bed::new("kill-read-back").await;
    one_of_each(&bed).await;
    let delete = bed.sim.fault(On::delete(), Fault::own().hold());
    let operator = bed.operator(&UNOBSERVED).await;
    deleted(&bed, &["linkedin", "postpress", "email"]).await;
    until_waiting(&bed, &delete, 3).await;
    // Every read from here on is a read-back.
    let read_back = bed.sim.fault(On::read(), Fault::own().hold());
    delete.clear();
    delete.release();
    until_waiting(&bed, &read_back, 3).await;

    read_back.clear();
    operator.kill();
    let operator = bed.operator(&UNOBSERVED).await;
    gone(&bed, &["linkedin", "postpress", "email"]).await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(operator.receipt("linkedin")["proof"], "AlreadySoft");
    assert_eq!(bed.truth("acc_1"), (State::Gone, 2, 1), "what may be repeated is, and proves itself by its 404");
    assert_eq!(operator.receipt("postpress")["proof"], "NotFoundAfterSeenAlive");
    assert_eq!(bed.truth(EMAIL), (State::Gone, 2, 1));
    assert_eq!(operator.receipt("email")["proof"], "NotFoundAfterSeenAlive");
    bed.finish(operator).await;
}

#[tokio::test]
async fn killed_after_the_acknowledgement_was_recorded_the_next_one_only_reads() {
    let bed = Bed::new("kill-acked").await;
    one_of_each(&bed).await;
    let delete = bed.sim.fault(On::delete(), Fault::own().hold());
    let operator = bed.operator(&UNOBSERVED).await;
    deleted(&bed, &["linkedin", "postpress", "email"]).await;
    until_waiting(&bed, &delete, 3).await;
    let read_back = bed.sim.fault(On::read(), Fault::status(503));
    delete.release();
    for name in ["linkedin", "postpress", "email"] {
        bed.until_reason(name, "ReadingBack").await;
    }

    operator.kill();
    read_back.clear();
    let operator = bed.operator(&UNOBSERVED).await;
    gone(&bed, &["linkedin", "postpress", "email"]).await;

    for (name, account, state) in [
        ("linkedin", LINKEDIN, State::Disconnected),
        ("postpress", "acc_1", State::Gone),
        ("email", EMAIL, State::Gone),
    ] {
        assert_eq!(bed.truth(account), (state, 1, 1), "{name}");
        assert_eq!(operator.receipt(name)["proof"], "ReadBack", "{name}");
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn killed_after_an_acknowledgement_without_effect_the_next_one_does_not_send_again_either() {
    let bed = Bed::new("kill-acked-alive").await;
    linkedin(&bed).await;
    let delete = bed.sim.fault(On::delete(), Fault::own().applied_when_released());
    let operator = bed.operator(&[]).await;
    deleted(&bed, &["linkedin"]).await;
    bed.until_reason("linkedin", "ReadingBack").await;

    operator.kill();
    let operator = bed.operator(&[]).await;
    bed.until_reason("linkedin", "AckedButAlive").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Connected, 1, 0));
    delete.release();
    gone(&bed, &["linkedin"]).await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn killed_while_reading_before_anything_was_sent_the_next_one_starts_from_the_beginning() {
    let bed = Bed::new("kill-reading").await;
    linkedin(&bed).await;
    let operator = bed.operator(&UNOBSERVED).await;
    bed.until_connected("linkedin").await;
    let read = bed.sim.fault(On::read().nth(1), Fault::own().hold());
    bed.delete("linkedin").await;
    held(&bed, &[&read]).await;

    operator.kill();
    let operator = bed.operator(&UNOBSERVED).await;
    gone(&bed, &["linkedin"]).await;

    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(operator.receipt("linkedin")["attempts"], 1);
    bed.finish(operator).await;
}

/// A connected LinkedIn sender with its object.
async fn linkedin(bed: &Bed) {
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.puffle_secret("puffle", &key).await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
}

/// A LinkedIn sender, a PostPress account and a mailbox with their objects: what is read back after its DELETE.
async fn one_of_each(bed: &Bed) {
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected).add_email(&key, EMAIL);
    bed.sim.postpress().add(&key, "acc_1");
    bed.puffle_secret("puffle", &key).await;
    bed.postpress_secret("postpress", &key).await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    bed.postpress("postpress", "acc_1", "postpress").await;
    bed.email("email", EMAIL, "puffle").await;
}

async fn deleted(bed: &Bed, names: &[&str]) {
    for name in names {
        bed.until_connected(name).await;
    }
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
}

async fn gone(bed: &Bed, names: &[&str]) {
    for name in names {
        bed.until_gone(name).await;
    }
}

/// Waits until each fault holds one request back.
async fn held(bed: &Bed, faults: &[&FaultHandle]) {
    for fault in faults {
        until_waiting(bed, fault, 1).await;
    }
}

async fn until_waiting(bed: &Bed, fault: &FaultHandle, requests: u64) {
    let what = format!("fault {} holds {requests} back", fault.id());
    bed.eventually(&what, async || fault.waiting() == requests).await;
}
