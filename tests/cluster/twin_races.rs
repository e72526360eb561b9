//! Twins of a LinkedIn sender that meet at the worst moment: one has seen it connected, and another one disconnects it
//! before the first has written its intent.

use provider_simulator::{Fault, FaultHandle, On, State, Status};
use serde_json::json;

use crate::bed::{Bed, LINKEDIN, Operator, Property};

#[tokio::test]
async fn a_twin_that_has_proved_its_disconnect_but_cannot_go_yet_makes_an_older_read_of_the_sender_worthless() {
    let bed = Bed::new("twin-proved").await;
    let (operator, slow_key) = two_that_see_the_sender(&bed).await;
    // Nobody takes our finalizer off it.
    let fast = "object.metadata.name != 'fast'";
    let keeps = format!("{fast} || !has(oldObject.metadata.finalizers) || has(object.metadata.finalizers)");
    bed.object_to("UPDATE", "senderaccounts", &keeps).await;
    let strip = r#"{"metadata": {"finalizers": null}}"#;
    bed.until_objected(&["patch", "sacc", "fast", "--type=merge", "-p", strip, "--dry-run=server"]).await;
    let slow = the_fast_one_ends_while_the_slow_one_reads(&bed, &slow_key).await;
    bed.until_reason("fast", "PatchRefused").await;

    slow.release();
    bed.until_gone("slow").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1), "a second DELETE destroys it");
    bed.object_no_more().await;
    bed.until_gone("fast").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_twin_that_has_disconnected_the_sender_and_gone_makes_an_older_read_of_it_worthless() {
    let bed = Bed::new("twin-gone").await;
    let (operator, slow_key) = two_that_see_the_sender(&bed).await;
    let slow = the_fast_one_ends_while_the_slow_one_reads(&bed, &slow_key).await;
    bed.until_gone("fast").await;

    slow.release();
    bed.until_gone("slow").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1), "a second DELETE destroys it");
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_twin_that_came_disconnected_the_sender_and_went_while_it_was_read_makes_that_read_worthless() {
    let bed = Bed::new("twin-came").await;
    let (slow_key, late_key) = (bed.key(), bed.key());
    bed.sim.puffle().add_linkedin(&slow_key, LINKEDIN, Status::Connected);
    bed.sim.add_key(&slow_key, &late_key);
    bed.puffle_secret("slow", &slow_key).await;
    bed.linkedin("slow", LINKEDIN, "slow").await;
    let operator = bed.operator(&["--observe-interval", "1h", "--max-backoff", "1s"]).await;
    bed.until_connected("slow").await;
    // What has failed once is not waited for by age.
    bed.sim.fault(On::read().key(&slow_key).nth(1), Fault::status(503));
    let read = bed.sim.fault(On::read().key(&slow_key).nth(2), Fault::own().hold());
    bed.delete("slow").await;
    bed.eventually("the read is held back", async || read.waiting() == 1).await;

    bed.puffle_secret("late", &late_key).await;
    bed.linkedin("late", LINKEDIN, "late").await;
    bed.until_connected("late").await;
    bed.delete("late").await;
    bed.until_gone("late").await;
    read.release();
    bed.until_gone("slow").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1), "a second DELETE destroys it");
    bed.finish(operator).await;
}

#[tokio::test]
async fn twins_whose_deletes_both_ended_unknown_do_not_wait_for_each_other_for_ever() {
    let bed = Bed::new("twins-unknown").await;
    bed.excuse(Property::S11, "the test writes a ledger without its conditions");
    let keys = [bed.key(), bed.key()];
    bed.sim.puffle().add_linkedin(&keys[0], LINKEDIN, Status::Connected);
    bed.sim.add_key(&keys[0], &keys[1]);
    for (name, key) in ["one", "two"].into_iter().zip(&keys) {
        bed.puffle_secret(name, key).await;
        bed.linkedin(name, LINKEDIN, name).await;
    }
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.until_connected("one").await;
    bed.until_connected("two").await;
    operator.kill();

    // As a crash of each leaves it between its intent and the answer. Neither DELETE had its effect.
    for name in ["one", "two"] {
        bed.delete(name).await;
        let object = bed.object(name).await.unwrap();
        let intent = json!({"uid": object["metadata"]["uid"], "phase": "Intent", "reason": "Deleting", "attempt": 1,
            "unknownOutcomes": 0, "tries": 0, "nonce": format!("of-{name}"), "startedAt": jiff::Timestamp::now()});
        let patch = json!({"status": {"teardown": intent}}).to_string();
        bed.kubectl(&["patch", "sacc", name, "--subresource=status", "--type=merge", "-p", &patch]).await;
    }
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.until_gone("one").await;
    bed.until_gone("two").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1), "one of them sends it again, once");
    bed.finish(operator).await;
}

/// Two live twins, and the slow one's key.
async fn two_that_see_the_sender(bed: &Bed) -> (Operator, String) {
    let (slow_key, fast_key) = (bed.key(), bed.key());
    bed.sim.puffle().add_linkedin(&slow_key, LINKEDIN, Status::Connected);
    bed.sim.add_key(&slow_key, &fast_key);
    for (name, key) in [("slow", &slow_key), ("fast", &fast_key)] {
        bed.puffle_secret(name, key).await;
        bed.linkedin(name, LINKEDIN, name).await;
    }
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.until_connected("slow").await;
    bed.until_connected("fast").await;
    (operator, slow_key)
}

/// Both are deleted: a read of the slow one, which saw the sender connected, is held back, and the fast one sends its
/// DELETE meanwhile. The slow one's intent must follow its read within seconds: on a machine that is too slow for that it
/// reads again, and nothing is shown.
async fn the_fast_one_ends_while_the_slow_one_reads(bed: &Bed, slow_key: &str) -> FaultHandle {
    // Neither waits for the other by age: what stands for another reason is not waited for.
    bed.patch_spec("fast", &json!({"suspend": true})).await;
    bed.until_reason("fast", "Suspended").await;
    bed.delete("slow").await;
    bed.until_reason("slow", "TwinLive").await;
    let read = bed.sim.fault(On::read().key(slow_key).nth(1), Fault::own().hold());
    bed.delete("fast").await;
    bed.eventually("the slow one's read is held back", async || read.waiting() == 1).await;
    bed.patch_spec("fast", &json!({"suspend": false})).await;
    bed.sim.wait_for("the fast one's DELETE", |log| log.effective_deletes(LINKEDIN).len() == 1).await.unwrap();
    read
}
