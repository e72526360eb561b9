//! A 404 is a proof only from the provider itself, about this account, to a key that saw it alive.

use provider_simulator::{Fault, On, State};
use serde_json::json;

use crate::bed::{Bed, Kind, Sender, message, reason, secret};

#[tokio::test]
async fn an_account_that_was_never_seen_alive_is_held_and_goes_when_a_person_says_that_not_found_is_enough() {
    let bed = Bed::new("never-seen").await;
    let kinds =
        [(Kind::PostPress, "postpress"), (Kind::Email, "email"), (Kind::LinkedIn, "linkedin"), (Kind::Purge, "purge")];
    let strangers = kinds.map(|(kind, name)| bed.stranger(kind, name));
    let operator = bed.operator(&[]).await;
    bed.adopt(&strangers).await;
    for sender in &strangers {
        bed.until_reason(&sender.name, "AccountMissing").await;
    }

    bed.delete_all().await;
    let mut held = Vec::new();
    for sender in &strangers {
        let object = bed.until_waiting(&sender.name, "UnprovenAbsence").await;
        assert_eq!(object["status"]["teardown"]["phase"], "Held");
        assert!(message(&object).contains("\"onNotFound\":\"Release\""), "it says what to type: {}", message(&object));
        held.push(bed.sim.log().with_key(&sender.key).len());
    }
    for (sender, calls) in strangers.iter().zip(&held) {
        bed.eventually("it goes on reading", async || bed.sim.log().with_key(&sender.key).len() >= calls + 2).await;
        let sent = usize::from(sender.kind != Kind::LinkedIn);
        assert_eq!(bed.truth(&sender.account), (State::NeverThere, sent, 0), "{}: held, it is only read", sender.name);
        assert!(bed.object(&sender.name).await.is_some(), "{} was let go without a proof", sender.name);
    }
    assert_eq!(operator.receipts(), Vec::<serde_json::Value>::new());

    for sender in &strangers {
        bed.patch_spec(&sender.name, &json!({"onNotFound": "Release"})).await;
    }
    bed.until_all_gone(&strangers).await;
    for sender in &strangers {
        assert_eq!(operator.proof(&sender.name), "ReleasedByPolicy");
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_account_that_a_person_removed_at_the_provider_is_proved_gone_by_the_key_that_saw_it_alive() {
    let bed = Bed::new("removed").await;
    let senders = bed.senders();
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    for sender in &senders {
        assert!(bed.sim.remove(&sender.account));
    }

    bed.delete_all().await;
    for sender in senders.iter().filter(|sender| sender.kind != Kind::LinkedIn) {
        bed.until_gone(&sender.name).await;
        assert_eq!(operator.proof(&sender.name), "NotFoundAfterSeenAlive");
        assert_eq!(bed.truth(&sender.account), (State::Gone, 1, 0));
    }
    // A sender that may be sent to only while a read shows it connected is never sent the DELETE whose 404 would prove it.
    bed.until_waiting("linkedin", "UnprovenAbsence").await;
    bed.patch_spec("linkedin", &json!({"onNotFound": "Release"})).await;
    bed.until_gone("linkedin").await;
    assert_eq!(operator.proof("linkedin"), "ReleasedByPolicy");
    let linkedin = senders.iter().find(|sender| sender.kind == Kind::LinkedIn).expect("one of each");
    assert_eq!(bed.truth(&linkedin.account), (State::Gone, 0, 0));
    bed.finish(operator).await;
}

#[tokio::test]
async fn of_fifty_objects_behind_a_wrong_base_path_none_is_released_and_all_go_when_it_is_right() {
    let bed = Bed::new("base-path").await;
    let named = |kind, prefix: &str, count: usize| {
        (0..count).map(|n| bed.sender(kind, &format!("{prefix}-{n}"))).collect::<Vec<_>>()
    };
    // Behind a base path that its provider does not serve: seen alive before that, or never.
    let (moved, astray) = (named(Kind::PostPress, "moved", 15), named(Kind::PostPress, "astray", 5));
    // Behind a gateway that lost its routes: endpoint and key are the ones that saw the account alive.
    let (gateway, portal) = (named(Kind::PostPress, "gateway", 10), named(Kind::Email, "portal", 10));
    let (senders, purges) = (named(Kind::LinkedIn, "sender", 5), named(Kind::Purge, "purge", 5));
    let seen = [&moved[..], &gateway, &portal, &senders, &purges].concat();
    let all = [&seen[..], &astray].concat();
    assert_eq!(all.len(), 50);
    let operator = bed.operator(&[]).await;
    let wrong = |sender: &Sender| {
        let base_url = bed.sim.postpress_url().replace("/v1", "/api/v1");
        secret(&sender.name, &json!({"api-key": sender.key, "base-url": base_url}))
    };
    bed.adopt_connected(&seen).await;
    let objects = astray.iter().map(|sender| bed.object_of(sender, &json!({"onNotFound": "Release"})));
    bed.apply_all(&moved.iter().chain(&astray).map(wrong).chain(objects).collect::<Vec<_>>()).await;
    let no_route = json!({"message": "no Route matched with those values"});
    let foreign: Vec<_> = [&gateway[..], &portal, &senders, &purges]
        .concat()
        .iter()
        .enumerate()
        .map(|(n, sender)| {
            let answer =
                if n % 2 == 0 { Fault::json(404, no_route.clone()) } else { Fault::html(404, "<h1>Not Found</h1>") };
            bed.sim.fault(On::any().key(&sender.key), answer)
        })
        .collect();

    bed.delete_all().await;
    let tried_twice = |object: &serde_json::Value| {
        object["status"]["teardown"]["tries"].as_i64() >= Some(2) && reason(object) == "UnexpectedAnswer"
    };
    for sender in &all {
        let object = bed.until(&sender.name, "tried twice, and saying why it waits", tried_twice).await;
        assert!(message(&object).contains(&format!("base-url in Secret {}", sender.name)), "{}", message(&object));
    }
    assert_eq!(bed.objects().await.len(), 50, "none is released");
    assert_eq!(operator.receipts(), Vec::<serde_json::Value>::new());
    assert!(senders.iter().all(|sender| bed.truth(&sender.account) == (State::Connected, 0, 0)), "they cannot be read");

    foreign.iter().for_each(provider_simulator::FaultHandle::clear);
    let right = moved.iter().chain(&astray).map(|sender| sender.secret(&bed.sim, &sender.key));
    bed.apply_all(&right.collect::<Vec<_>>()).await;
    bed.until_all_gone(&all).await;
    bed.assert_ended(&all);
    bed.finish(operator).await;
}
