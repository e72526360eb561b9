//! Keys: a deletion that cannot go on without another one says so, and goes on by itself when its Secret is mended.

use std::time::{Duration, Instant};

use provider_simulator::{Fault, FaultHandle, On, Simulator, State};
use serde_json::json;

use crate::bed::{Bed, Kind, Sender, message};

/// How soon a mended Secret is found: what the messages promise.
const PROMISED: Duration = Duration::from_secs(60);
/// A changed Secret is found soon while the objects live.
const OBSERVE_OFTEN: [&str; 2] = ["--observe-interval", "1s"];

#[tokio::test]
async fn a_refused_key_is_named_with_its_secret_and_mending_the_secret_alone_ends_the_deletion_within_a_minute() {
    let bed = Bed::new("refused-key").await;
    let (wrong, mut senders) = (bed.sender(Kind::PostPress, "wrong"), bed.senders());
    let (scope, forbidden) = (bed.sender(Kind::PostPress, "scope"), bed.sender(Kind::Email, "forbidden"));
    // Nothing but the Secret can be what wakes a deletion here: its own schedule is quarters of an hour.
    let operator = bed.operator(&["--max-backoff", "15m"]).await;
    bed.apply_all(&[wrong.secret(&bed.sim, &bed.key()), bed.object_of(&wrong, &json!({}))]).await;
    senders.extend([scope.clone(), forbidden.clone()]);
    bed.adopt_connected(&senders).await;
    let (refused, lacking) = senders.split_at(4);
    let successors: Vec<_> = senders
        .iter()
        .chain([&wrong])
        .map(|sender| {
            let successor = bed.key();
            assert!(bed.sim.add_key(&sender.key, &successor));
            sender.secret(&bed.sim, &successor)
        })
        .collect();
    refused.iter().for_each(|sender| bed.sim.revoke_key(&sender.key));
    bed.sim.fault(On::delete().key(&scope.key), Fault::postpress_error("errors/insufficient_privileges"));
    bed.sim
        .fault(On::delete().key(&forbidden.key), Fault::puffle_error(403, "forbidden", "Not in the scope of this key"));

    bed.delete_all().await;
    for (of, reason) in [
        (refused, "CredentialsInvalid"),
        (std::slice::from_ref(&wrong), "CredentialsInvalid"),
        (lacking, "CredentialsForbidden"),
    ] {
        for sender in of {
            let object = bed.until_waiting(&sender.name, reason).await;
            let named = format!("the key api-key in Secret {}", sender.name);
            assert!(message(&object).contains(&named), "{}", message(&object));
        }
    }
    let calls = |of: &[Sender]| of.iter().map(|sender| bed.sim.log().with_key(&sender.key).len()).collect::<Vec<_>>();
    let before = calls(&senders);
    let mended = Instant::now();
    bed.apply_all(&successors).await;
    bed.until_all_gone(&senders).await;
    bed.until_gone("wrong").await;
    assert!(mended.elapsed() < PROMISED, "it took {:?}", mended.elapsed());

    assert_eq!(calls(&senders), before, "what was refused is not tried again with the same key");
    bed.assert_ended(&[&senders[..], &[wrong]].concat());
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_key_that_is_revoked_and_restored_is_used_again_as_it_stands() {
    let bed = Bed::new("restored-key").await;
    let (key, other) = (bed.key(), bed.key());
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.add_key(&key, &other);
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    bed.sim.revoke_key(&key);
    bed.delete("acme").await;
    bed.until_waiting("acme", "CredentialsInvalid").await;
    assert!(bed.sim.add_key(&other, &key));
    bed.until_gone("acme").await;
    assert_eq!(bed.truth("acc_1").0, State::Gone);
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_endpoint_that_redirects_holds_the_deletion_until_its_secret_names_the_final_one_and_a_minute_is_enough() {
    let bed = Bed::new("redirected-key").await;
    let senders = bed.senders();
    let new_home = Simulator::start().await.expect("a second simulator");
    let operator = bed.operator(&["--max-backoff", "15m"]).await;
    bed.adopt_connected(&senders).await;
    for sender in &senders {
        let location = format!("{}/accounts/{}", sender.url(&new_home), sender.account);
        bed.sim.fault(On::any().key(&sender.key), Fault::redirect(308, &location));
    }

    bed.delete_all().await;
    for sender in &senders {
        let object = bed.until_waiting(&sender.name, "EndpointRedirects").await;
        assert!(message(&object).contains(&format!("base-url in Secret {}", sender.name)), "{}", message(&object));
        sender.connect(&new_home, &sender.key);
        assert!(bed.sim.remove(&sender.account));
    }
    let mended = Instant::now();
    bed.apply_all(&senders.iter().map(|sender| sender.secret(&new_home, &sender.key)).collect::<Vec<_>>()).await;
    bed.until_all_gone(&senders).await;
    assert!(mended.elapsed() < PROMISED, "it took {:?}", mended.elapsed());
    for sender in &senders {
        let ended = if sender.kind == Kind::LinkedIn { State::Disconnected } else { State::Gone };
        assert_eq!(new_home.log().state(&sender.account), ended, "{}", sender.name);
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_key_of_another_workspace_proves_nothing_of_an_account_that_its_predecessor_saw_alive() {
    let bed = Bed::new("swapped-key").await;
    let policy = bed.sender(Kind::PostPress, "policy");
    let senders = [bed.senders(), vec![policy.clone()]].concat();
    let operator = bed.operator(&OBSERVE_OFTEN).await;
    bed.adopt_connected(&senders).await;
    bed.patch_spec("policy", &json!({"onNotFound": "Release"})).await;
    let others: Vec<_> = senders.iter().map(|_| bed.key()).collect();
    let swapped = senders.iter().zip(&others).map(|(sender, other)| {
        sender.open_workspace(&bed.sim, other);
        sender.secret(&bed.sim, other)
    });
    bed.apply_all(&swapped.collect::<Vec<_>>()).await;

    are_held_until_the_right_secret_is_back(&bed, &senders, async || {
        for (sender, other) in senders.iter().zip(&others) {
            let calls = bed.sim.log().with_key(other).len();
            bed.eventually("it goes on reading", async || bed.sim.log().with_key(other).len() >= calls + 2).await;
            let sent = bed.sim.log().deletes(&sender.account).len();
            assert!(
                sender.kind != Kind::LinkedIn || sent == 0,
                "nothing is sent to a sender that is not seen connected"
            );
        }
        assert!(operator.receipts().is_empty(), "{:?}", operator.receipts());
    })
    .await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_404_counts_under_the_key_that_asked_also_when_the_right_one_is_back_before_it_comes() {
    let bed = Bed::new("key-swapped-back").await;
    let (sender, other) = (bed.sender(Kind::PostPress, "sender"), bed.key());
    let senders = [sender.clone()];
    let operator = bed.operator(&OBSERVE_OFTEN).await;
    bed.adopt_connected(&senders).await;
    sender.open_workspace(&bed.sim, &other);
    bed.apply(&sender.secret(&bed.sim, &other)).await;
    bed.until_reason("sender", "CredentialsChanged").await;

    let delete = bed.sim.fault(On::delete().key(&other), Fault::own().hold());
    bed.delete_all().await;
    bed.eventually("its DELETE is on its way", async || delete.waiting() == 1).await;
    bed.apply(&sender.secret(&bed.sim, &sender.key)).await;
    delete.release();
    bed.until_gone("sender").await;
    assert_eq!(bed.truth(&sender.account), (State::Gone, 2, 1), "one without effect, and one with the right key");
    assert_eq!(operator.proof("sender"), "ReadBack");
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_404_of_another_allowed_endpoint_proves_nothing_under_the_same_key() {
    let bed = Bed::new("moved-secret").await;
    let senders = bed.senders();
    let elsewhere = Simulator::start().await.expect("a second simulator");
    let operator = bed.operator(&OBSERVE_OFTEN).await;
    bed.adopt_connected(&senders).await;
    senders.iter().for_each(|sender| sender.open_workspace(&elsewhere, &sender.key));
    bed.apply_all(&senders.iter().map(|sender| sender.secret(&elsewhere, &sender.key)).collect::<Vec<_>>()).await;

    are_held_until_the_right_secret_is_back(&bed, &senders, async || {
        for sender in &senders {
            let calls = elsewhere.log().with_key(&sender.key).len();
            bed.eventually("it goes on reading", async || elsewhere.log().with_key(&sender.key).len() >= calls + 2)
                .await;
            assert_eq!(
                bed.truth(&sender.account),
                (State::Connected, 0, 0),
                "nothing goes where the Secret no longer points"
            );
        }
        assert!(operator.receipts().is_empty(), "{:?}", operator.receipts());
    })
    .await;
    bed.finish(operator).await;
}

async fn are_held_until_the_right_secret_is_back(bed: &Bed, senders: &[Sender], meanwhile: impl AsyncFnOnce()) {
    // One read of a Secret serves for seconds: a deletion may still be done with what it held before.
    for sender in senders {
        bed.until_reason(&sender.name, "CredentialsChanged").await;
    }
    bed.delete_all().await;
    for sender in senders {
        let object = bed.until_waiting(&sender.name, "CredentialsChanged").await;
        assert_eq!(object["status"]["teardown"]["phase"], "Held");
        assert!(message(&object).contains(&format!("Secret {}", sender.name)), "{}", message(&object));
    }
    meanwhile().await;
    for sender in senders {
        let object = bed.until_waiting(&sender.name, "CredentialsChanged").await;
        assert_eq!(object["status"]["teardown"].get("proof"), None);
        assert_eq!(bed.truth(&sender.account).0, State::Connected);
    }
    bed.apply_all(&senders.iter().map(|sender| sender.secret(&bed.sim, &sender.key)).collect::<Vec<_>>()).await;
    bed.until_all_gone(senders).await;
    bed.assert_ended(senders);
}

#[tokio::test]
async fn of_two_senders_that_vanish_together_from_the_list_of_one_key_none_is_taken_for_gone() {
    let bed = Bed::new("lost-sight").await;
    let sender = bed.sender(Kind::LinkedIn, "sender");
    let other = Sender { key: sender.key.clone(), ..bed.stranger(Kind::LinkedIn, "other") };
    other.connect(&bed.sim, &sender.key);
    let operator = bed.operator(&OBSERVE_OFTEN).await;
    let senders = [sender.clone(), other.clone()];
    bed.adopt(&senders).await;
    let shared = json!({"credentialsRef": {"name": "sender"}});
    bed.patch_spec("other", &shared).await;
    for sender in &senders {
        bed.until_connected(&sender.name).await;
    }
    // The key's bytes stay as they are; the provider lets it open another workspace.
    let backup = bed.key();
    assert!(bed.sim.add_key(&sender.key, &backup));
    bed.sim.revoke_key(&sender.key);
    sender.open_workspace(&bed.sim, &sender.key);

    // Objects of one version of a Secret share a list for half a minute; another version asks anew.
    bed.kubectl(&["label", "secret", "sender", "version=2"]).await;
    for sender in &senders {
        bed.until_reason(&sender.name, "KeyLostSight").await;
    }

    bed.patch_spec("sender", &json!({"onNotFound": "Release"})).await;
    bed.delete("sender").await;
    let object = bed.until_waiting("sender", "KeyLostSight").await;
    assert!(message(&object).contains("the key in Secret sender"), "{}", message(&object));
    let calls = bed.sim.log().with_key(&sender.key).len();
    bed.eventually("it goes on reading", async || bed.sim.log().with_key(&sender.key).len() >= calls + 2).await;
    bed.until_waiting("sender", "KeyLostSight").await;
    assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0));

    bed.sim.revoke_key(&sender.key);
    assert!(bed.sim.add_key(&backup, &sender.key));
    bed.until_gone("sender").await;
    assert_eq!(bed.truth(&sender.account), (State::Disconnected, 1, 1));
    assert_eq!(bed.truth(&other.account), (State::Connected, 0, 0));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_key_that_is_rotated_while_a_request_is_out_does_not_make_its_404_a_proof_under_the_new_one() {
    let bed = Bed::new("rotated-key").await;
    let senders: Vec<_> = bed.senders().into_iter().filter(|sender| sender.kind != Kind::LinkedIn).collect();
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.adopt_connected(&senders).await;
    // Of the key that saw the account alive nothing may come through until it is back.
    let refused = senders.iter().map(|sender| bed.sim.fault(On::any().key(&sender.key), Fault::status(503)));
    let refused: Vec<_> = refused.collect();
    let strangers: Vec<_> = senders.iter().map(|_| bed.key()).collect();
    let held = senders.iter().zip(&strangers).map(|(sender, stranger)| {
        sender.open_workspace(&bed.sim, stranger);
        bed.sim.fault(On::any().key(stranger).times(1), Fault::own().hold())
    });
    let held: Vec<_> = held.collect();
    let swapped = senders.iter().zip(&strangers).map(|(sender, stranger)| sender.secret(&bed.sim, stranger));
    bed.apply_all(&swapped.collect::<Vec<_>>()).await;
    bed.delete_all().await;
    for (sender, held) in senders.iter().zip(&held) {
        bed.eventually(&format!("{} asks with the other key", sender.name), async || held.waiting() == 1).await;
    }
    bed.apply_all(&senders.iter().map(|sender| sender.secret(&bed.sim, &sender.key)).collect::<Vec<_>>()).await;
    held.iter().for_each(FaultHandle::release);
    for (sender, held) in senders.iter().zip(&held) {
        bed.eventually(&format!("{} is answered", sender.name), async || held.waiting() == 0).await;
    }
    refused.iter().for_each(FaultHandle::clear);
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}
