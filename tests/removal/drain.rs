//! Drain: the objects are deleted as a person would, and what cannot be deleted keeps the operator there.

use provider_simulator::State;
use serde_json::json;

use crate::bed::{Bed, Kind};
use crate::release::{Release, WITHOUT_POLICIES};

#[tokio::test]
async fn what_does_not_end_in_time_is_named_with_its_reason_and_nothing_is_removed() {
    let bed = Bed::new("drain-left").await;
    let senders = [bed.sender(Kind::PostPress, "goes"), bed.sender(Kind::LinkedIn, "stays")];
    let values = ["uninstall.mode=Drain", "uninstall.timeout=20s"];
    let (release, operator) = Release::holding(&bed, &values, &senders).await;
    bed.patch_spec("stays", &json!({"suspend": true})).await;

    let ended = release.uninstall(&[]).await;
    assert!(!ended.done, "{ended:?}");
    assert!(ended.said.contains("1 SenderAccount is left"), "{}", ended.said);
    assert!(ended.said.contains(&format!("{}/goes: gone", bed.namespace)), "{}", ended.said);
    let left = format!("  {}/stays: Suspended: ", bed.namespace);
    assert!(ended.said.lines().any(|line| line.starts_with(&left)), "{}", ended.said);
    bed.until_gone("goes").await;
    assert_eq!(bed.truth(&senders[1].account), (State::Connected, 0, 0));
    bed.kubectl(&["get", "deployment", "senders-sender-operator"]).await;

    bed.patch_spec("stays", &json!({"suspend": false})).await;
    release.obey(&ended.said, "to go on from here:").await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}

#[tokio::test]
async fn without_an_operator_nothing_is_drained_and_that_is_said() {
    let bed = Bed::new("drain-alone").await;
    // With the policies every object is born with the finalizer.
    let values = ["uninstall.mode=Drain", "uninstall.timeout=10s", WITHOUT_POLICIES];
    let senders = [bed.sender(Kind::PostPress, "postpress")];
    let (release, operator) = Release::holding(&bed, &values, &senders).await;
    // Never seen by an operator: deleted now it would be gone, and its account would not.
    operator.kill();
    let unseen = bed.sender(Kind::PostPress, "unseen");
    bed.adopt(std::slice::from_ref(&unseen)).await;

    let ended = release.uninstall(&[]).await;
    assert!(!ended.done && ended.said.contains("no operator has begun with it yet"), "{}", ended.said);
    assert!(ended.said.contains("the operator has not put its finalizer on it"), "{}", ended.said);
    assert!(bed.object("unseen").await.is_some(), "what no operator holds is not deleted");

    let operator = release.operator(&[]).await;
    release.obey(&ended.said, "to go on from here:").await;
    bed.assert_ended(&[senders[0].clone(), unseen]);
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}
