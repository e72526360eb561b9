//! A mistake in Git deletes everything: `--deletion-budget` admits some, and asks a person for the others.

use provider_simulator::State;
use serde_json::json;

use crate::bed::{Bed, Kind, Sender, reason};

const BUDGET: usize = 3;

#[tokio::test]
async fn of_many_that_are_deleted_at_once_the_budget_admits_some_and_the_command_that_it_names_all_others() {
    let bed = Bed::new("budget").await;
    let mut operator = bed.operator(&["--deletion-budget", "3"]).await;
    let senders: Vec<_> = (0..8).map(|number| bed.sender(Kind::PostPress, &format!("acme-{number}"))).collect();
    bed.adopt_connected(&senders).await;
    bed.delete_all().await;
    let waiting = until_the_budget_is_spent(&bed, &senders).await;
    assert_eq!(waiting.len(), senders.len() - BUDGET);
    assert_eq!(sent(&bed, &senders), BUDGET);

    let (orphan, others) = waiting.split_first().expect("some wait");
    bed.patch_spec(orphan, &json!({"deletionPolicy": "Orphan"})).await;
    bed.until_gone(orphan).await;

    // The next process knows nothing of those that went, and one of those that wait shows something else.
    bed.patch_spec(&others[1], &json!({"suspend": true})).await;
    bed.until_reason(&others[1], "Suspended").await;
    operator.terminate();
    operator.ended().await;
    let operator = bed.operator(&["--deletion-budget", "3"]).await;
    bed.patch_spec(&others[1], &json!({"suspend": false})).await;
    for name in others {
        assert_eq!(reason(&bed.prompted(name).await), "DeletionBudgetSpent");
    }
    assert_eq!(sent(&bed, &senders), BUDGET);
    let told = bed.until_reason(&others[0], "DeletionBudgetSpent").await;
    bed.obey(&told).await;
    for name in others {
        bed.until_gone(name).await;
    }
    for sender in &senders {
        let lives_on = sender.name == *orphan;
        let truth = if lives_on { (State::Connected, 0, 0) } else { (State::Gone, 1, 1) };
        assert_eq!(bed.truth(&sender.account), truth, "{}", sender.name);
    }
    bed.finish(operator).await;
}

/// Waits until each is gone or waits for a person; the names of those that wait.
async fn until_the_budget_is_spent(bed: &Bed, senders: &[Sender]) -> Vec<String> {
    let mut waiting = Vec::new();
    bed.eventually("the rest says that the budget is spent", async || {
        let listed = bed.kubectl(&["get", "sacc", "-o", "json"]).await;
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("a list");
        let objects = listed["items"].as_array().expect("objects");
        waiting = objects.iter().map(|o| o["metadata"]["name"].as_str().expect("a name").to_owned()).collect();
        let gone = senders.len() - objects.len();
        gone >= BUDGET && objects.iter().all(|object| reason(object) == "DeletionBudgetSpent")
    })
    .await;
    waiting
}

fn sent(bed: &Bed, senders: &[Sender]) -> usize {
    senders.iter().map(|sender| bed.truth(&sender.account).1).sum()
}
