//! Orphan without an operator: the hook lets go itself, by the operator's own rules.

use provider_simulator::{Fault, On, State};

use crate::bed::{Bed, Kind};
use crate::release::{Release, receipts};

#[tokio::test]
async fn without_an_operator_the_hook_lets_go_with_receipts_and_no_finalizer_is_left() {
    let bed = Bed::new("orphan-alone").await;
    let senders = bed.senders();
    let values = ["uninstall.mode=Orphan", "uninstall.timeout=95s"];
    let (release, operator) = Release::holding(&bed, &values, &senders).await;
    operator.kill();
    // Nobody has put a finalizer on this one yet.
    let unseen = bed.sender(Kind::Email, "unseen");
    bed.adopt(std::slice::from_ref(&unseen)).await;

    let ended = release.uninstall(&[]).await;
    assert!(ended.done, "{}", ended.said);
    let written = receipts(&ended.said);
    assert_eq!(written.len(), senders.len() + 1, "a receipt for each: {}", ended.said);
    assert!(written.iter().all(|receipt| receipt["proof"] == "Orphaned"), "{written:?}");
    for sender in senders.iter().chain([&unseen]) {
        assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0), "{}", sender.name);
    }
    release.until_nothing_is_left().await;
    bed.assert_no_key_shows().await;
    bed.assert_properties_hold().await;
}

#[tokio::test]
async fn a_disconnect_that_may_still_take_effect_is_outlasted_before_its_object_is_let_go() {
    let bed = Bed::new("orphan-window").await;
    let values = ["uninstall.mode=Orphan", "uninstall.timeout=20s", "outcomeWindow=60s"];
    let release = Release::install(&bed, &values).await;
    let operator = release.operator(&["--outcome-window", "60s"]).await;
    let sender = bed.sender(Kind::LinkedIn, "linkedin");
    bed.adopt_connected(std::slice::from_ref(&sender)).await;
    let delete = bed.sim.fault(On::delete().nth(1), Fault::own().applied_when_released().hold());
    bed.delete("linkedin").await;
    bed.eventually("the DELETE is on its way", async || delete.waiting() == 1).await;
    operator.kill();

    let ended = release.uninstall(&[]).await;
    assert!(!ended.done && ended.said.contains("a DELETE of it may still take effect"), "{}", ended.said);
    assert!(bed.object("linkedin").await.is_some() && receipts(&ended.said).is_empty());

    // An operator that comes back reads, and settles it before the window is over.
    delete.release();
    let operator = release.operator(&["--outcome-window", "60s"]).await;
    release.obey(&ended.said, "to go on from here:").await;
    assert_eq!(bed.truth(&sender.account), (State::Disconnected, 1, 1));
    assert_eq!(operator.proof("linkedin"), "AlreadySoft");
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}

#[tokio::test]
async fn what_cannot_be_orphaned_is_named_and_keeps_the_operator_there() {
    let bed = Bed::new("orphan-held").await;
    let release = Release::install(&bed, &["uninstall.mode=Orphan", "uninstall.timeout=10s"]).await;
    let sender = bed.sender(Kind::PostPress, "protected");
    bed.adopt(std::slice::from_ref(&sender)).await;
    bed.object_to("DELETE", "senderaccounts", "false").await;
    bed.until_objected(&["delete", "sacc", "protected", "--dry-run=server"]).await;

    let ended = release.uninstall(&[]).await;
    assert!(!ended.done && ended.said.contains(Bed::OBJECTION), "{}", ended.said);
    bed.kubectl(&["get", "deployment", "senders-sender-operator"]).await;
    bed.object_no_more().await;
    let operator = release.operator(&[]).await;
    let ended = release.uninstall(&[]).await;
    assert!(ended.done, "{}", ended.said);
    bed.finish(operator).await;
}
