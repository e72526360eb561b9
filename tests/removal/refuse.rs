//! Refuse: while there are objects, the operator stays, and every command that it prints ends that.

use provider_simulator::State;

use crate::bed::{Bed, Kind};
use crate::release::{Release, receipts};

#[tokio::test]
async fn refused_with_the_cluster_and_a_list_and_what_is_printed_for_deleting_works_as_it_stands() {
    let bed = Bed::new("refuse").await;
    let senders = bed.senders();
    let (release, operator) = Release::holding(&bed, &[], &senders).await;

    let refused = release.uninstall(&[]).await;
    assert!(!refused.done, "{refused:?}");
    let cluster = format!("on the cluster at {}, with --mode=Refuse:\n", bed.plane.url());
    assert!(refused.said.starts_with(&cluster), "{}", refused.said);
    assert!(refused.said.contains("4 SenderAccounts exist"), "{}", refused.said);
    for sender in &senders {
        let line = format!("  {}/{}: AccountConnected", bed.namespace, sender.name);
        assert!(refused.said.lines().any(|said| said == line), "{line} is not in:\n{}", refused.said);
    }
    bed.kubectl(&["get", "deployment", "senders-sender-operator"]).await;
    assert!(senders.iter().all(|sender| bed.truth(&sender.account).1 == 0), "nothing was deleted");

    release.obey(&refused.said, "to delete these accounts at their providers:").await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}

#[tokio::test]
async fn what_a_refusal_prints_for_keeping_the_operator_or_for_another_mode_works_as_it_stands() {
    let bed = Bed::new("refuse-drain").await;
    let senders = [bed.sender(Kind::LinkedIn, "linkedin"), bed.sender(Kind::Email, "email")];
    let (release, operator) = Release::holding(&bed, &[], &senders).await;
    let refused = release.uninstall(&[]).await;
    assert!(!refused.done && release.status().await == "uninstalling", "{refused:?}");

    release.obey(&refused.said, "to keep the operator after all:").await;
    assert_eq!(release.status().await, "deployed");
    let refused = release.uninstall(&[]).await;
    release.obey(&refused.said, "to let the removal do that:").await;

    bed.assert_ended(&senders);
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}

#[tokio::test]
async fn what_a_refusal_prints_for_letting_the_accounts_live_on_works_as_it_stands() {
    let bed = Bed::new("refuse-orphan").await;
    let senders = bed.senders();
    let (release, operator) = Release::holding(&bed, &[], &senders).await;
    let refused = release.uninstall(&[]).await;

    release.obey(&refused.said, "to let the accounts live on, without their objects:").await;

    for sender in &senders {
        assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0), "{}", sender.name);
    }
    let written = receipts(&operator.log());
    assert_eq!(written.len(), senders.len(), "the operator that runs writes the receipts: {written:?}");
    let why = format!("sender-operator was uninstalled with mode Orphan (release {}/senders)", bed.namespace);
    assert!(written.iter().all(|it| it["proof"] == "Orphaned" && it["orphanReason"] == why), "{written:?}");
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}
