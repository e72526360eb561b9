//! Several objects that name one account.

use std::time::Duration;

use provider_simulator::{Fault, On, State, Status};
use serde_json::json;

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, message, reason};

/// An account of each kind, by the name of its kind.
const KINDS: [(&str, &str); 4] = [("postpress", "acc_1"), ("linkedin", LINKEDIN), ("email", EMAIL), ("purge", PURGE)];
/// No reads but those of the teardowns.
const UNOBSERVED: [&str; 2] = ["--observe-interval", "1h"];

#[tokio::test]
async fn a_live_twin_whose_key_sees_the_account_takes_it_over_untouched_and_deletes_it_when_it_is_deleted_itself() {
    let bed = Bed::new("handed-over").await;
    let key = four_accounts(&bed);
    secrets(&bed, &key).await;
    four_objects(&bed, "old").await;
    four_objects(&bed, "new").await;
    let operator = bed.operator(&[]).await;
    for (kind, _) in KINDS {
        bed.until_connected(&format!("old-{kind}")).await;
        bed.until_connected(&format!("new-{kind}")).await;
    }

    for (kind, account) in KINDS {
        let (old, new) = (format!("old-{kind}"), format!("new-{kind}"));
        bed.delete(&old).await;
        bed.until_gone(&old).await;
        assert_eq!(bed.truth(account), (State::Connected, 0, 0), "{kind}: the account is untouched");
        assert_eq!(operator.receipt(&old)["proof"], "HandedOver", "{kind}");
        assert_eq!(operator.receipt(&old)["subject"], format!("{}/{new}", bed.namespace), "{kind}");
        assert_eq!(bed.object(&new).await.as_ref().map(reason), Some("AccountConnected"), "{kind}");
    }
    bed.kubectl(&["delete", "sacc", "--all", "--timeout=90s"]).await;
    assert_all_ended_once(&bed);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_live_twin_that_proved_nothing_is_waited_for_by_name_until_it_can_take_over_or_goes_too() {
    let bed = Bed::new("unproven").await;
    let tenant = bed.beside("unproven-tenant").await;
    let key = bed.key();
    secrets(&bed, &key).await;
    tenant.postpress_secret("postpress", &tenant.key()).await;
    bed.secret_with("keyless", &json!({"base-url": bed.sim.postpress_url()})).await;
    let postpress = |account: &str| json!({"postpress": {"accountId": account}});
    for name in ["no-secret", "no-key", "suspended", "orphaned", "tenant"] {
        bed.sim.postpress().add(&key, name);
        bed.postpress(name, name, "postpress").await;
    }
    bed.sim.puffle().add_linkedin(&key, PURGE, Status::Connected);
    bed.purge("weaker", PURGE, "puffle").await;
    bed.postpress("no-secret-twin", "no-secret", "absent").await;
    bed.postpress("no-key-twin", "no-key", "keyless").await;
    bed.apply(&bed.manifest("suspended-twin", "postpress", &postpress("suspended"), &json!({"suspend": true}))).await;
    bed.apply(&bed.manifest(
        "orphaned-twin",
        "postpress",
        &postpress("orphaned"),
        &json!({"deletionPolicy": "Orphan"}),
    ))
    .await;
    tenant.postpress("tenant-twin", "tenant", "postpress").await;
    bed.linkedin("weaker-twin", PURGE, "puffle").await;
    let operator = bed.operator_for(&[&bed.namespace, &tenant.namespace], &[]).await;
    let cases = [
        ("no-secret", "no-secret", "SecretMissing"),
        ("no-key", "no-key", "ApiKeyMissing"),
        ("suspended", "suspended", "Suspended"),
        ("orphaned", "orphaned", "AccountConnected"),
        ("tenant", "tenant", "CredentialsInvalid"),
        ("weaker", PURGE, "AccountConnected"),
    ];
    for (name, _, shown) in cases {
        let home = if name == "tenant" { &tenant } else { &bed };
        home.until_reason(&format!("{name}-twin"), shown).await;
        bed.until_connected(name).await;
    }

    for (name, account, _) in cases {
        bed.delete(name).await;
        let waiting = bed.until_reason(name, "TwinLive").await;
        let home = if name == "tenant" { &tenant } else { &bed };
        let twin = format!("{}/{name}-twin", home.namespace);
        assert!(message(&waiting).contains(&twin), "{name} names {twin}: {}", message(&waiting));
        assert_eq!(bed.truth(account), (State::Connected, 0, 0), "{name}");
    }

    bed.postpress_secret("absent", &key).await;
    bed.postpress_secret("keyless", &key).await;
    bed.patch_spec("suspended-twin", &json!({"suspend": false})).await;
    bed.patch_spec("weaker-twin", &json!({"provider": {"puffle": {"teardown": "Purge"}}})).await;
    for (name, account) in
        [("no-secret", "no-secret"), ("no-key", "no-key"), ("suspended", "suspended"), ("weaker", PURGE)]
    {
        bed.until_gone(name).await;
        assert_eq!(operator.receipt(name)["proof"], "HandedOver", "{name}");
        assert_eq!(bed.truth(account), (State::Connected, 0, 0), "{name}");
    }
    bed.delete("orphaned-twin").await;
    tenant.delete("tenant-twin").await;
    for name in ["orphaned", "tenant"] {
        bed.until_gone(name).await;
        assert_eq!(bed.truth(name), (State::Gone, 1, 1), "{name}");
    }
    tenant.assert_no_key_shows().await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_live_twin_of_another_tenant_whose_own_key_does_not_see_the_account_stands_in_nobodys_way() {
    let bed = Bed::new("blind").await;
    let tenant = bed.beside("blind-tenant").await;
    let (key, other) = (bed.key(), tenant.key());
    for (home, key) in [(&bed, &key), (&tenant, &other)] {
        home.sim.postpress().workspace(key);
        home.sim.puffle().workspace(key);
        secrets(home, key).await;
    }
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.postpress("postpress", "acc_1", "postpress").await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    tenant.postpress("tenant-postpress", "acc_1", "postpress").await;
    tenant.linkedin("tenant-linkedin", LINKEDIN, "puffle").await;
    let operator = bed.operator_for(&[&bed.namespace, &tenant.namespace], &[]).await;
    for name in ["postpress", "linkedin"] {
        bed.until_connected(name).await;
        tenant.until_reason(&format!("tenant-{name}"), "AccountMissing").await;
    }

    for name in ["postpress", "linkedin"] {
        bed.delete(name).await;
        bed.until_gone(name).await;
        assert_eq!(operator.receipt(name)["proof"], "ReadBack");
    }
    assert_eq!(bed.truth("acc_1"), (State::Gone, 1, 1));
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert!(bed.sim.log().with_key(&other).iter().all(|entry| entry.method == "GET"));
    tenant.assert_no_key_shows().await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn two_deleting_twins_in_two_namespaces_end_each_account_once_and_both_go() {
    let bed = Bed::new("two-deleting").await;
    let beside = bed.beside("two-deleting-too").await;
    let key = four_accounts(&bed);
    for (home, prefix) in [(&bed, "one"), (&beside, "two")] {
        secrets(home, &key).await;
        four_objects(home, prefix).await;
    }
    let namespaces = [bed.namespace.as_str(), beside.namespace.as_str()];
    let mut first = bed.operator_for(&namespaces, &UNOBSERVED).await;
    for (kind, _) in KINDS {
        bed.until_connected(&format!("one-{kind}")).await;
        beside.until_connected(&format!("two-{kind}")).await;
    }
    // Marked while nobody looks, so that none of them can be handed over.
    first.terminate();
    first.ended().await;
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
    beside.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;

    let operator = bed.operator_for(&namespaces, &UNOBSERVED).await;
    for (kind, _) in KINDS {
        bed.until_gone(&format!("one-{kind}")).await;
        beside.until_gone(&format!("two-{kind}")).await;
    }
    assert_all_ended_once(&bed);
    assert_eq!(bed.sim.log().deletes(LINKEDIN).len(), 1, "the second of the two sends nothing");
    beside.assert_no_key_shows().await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn of_two_operators_that_do_not_see_each_others_objects_the_later_one_reads_first_and_disconnects_nothing_again()
{
    let bed = Bed::new("cluster-one").await;
    let (beside, key) = (bed.beside("cluster-two").await, bed.key());
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    let one = bed.operator(&UNOBSERVED).await;
    let two = bed.operator_for(&[&beside.namespace], &UNOBSERVED).await;
    for home in [&bed, &beside] {
        secrets(home, &key).await;
        home.postpress("postpress", "acc_1", "postpress").await;
        home.linkedin("linkedin", LINKEDIN, "puffle").await;
        for name in ["postpress", "linkedin"] {
            home.until_connected(name).await;
        }
    }
    for home in [&bed, &beside] {
        home.kubectl(&["delete", "sacc", "--all", "--timeout=90s"]).await;
        assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
        assert_eq!((bed.truth("acc_1").0, bed.truth("acc_1").2), (State::Gone, 1));
    }
    assert_eq!((one.proof("linkedin"), two.proof("linkedin")), ("ReadBack".to_owned(), "AlreadySoft".to_owned()));
    assert_eq!(two.proof("postpress"), "NotFoundAfterSeenAlive", "by its 404");
    two.kill();
    bed.finish(one).await;
}

#[tokio::test]
async fn two_deleting_twins_of_a_sender_whose_provider_takes_six_seconds_for_each_read_disconnect_it_once() {
    let bed = Bed::new("slow-twins").await;
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.puffle_secret("key", &key).await;
    let mut first = bed.operator(&UNOBSERVED).await;
    for name in ["one", "two"] {
        bed.linkedin(name, LINKEDIN, "key").await;
        bed.until_connected(name).await;
    }
    first.terminate();
    first.ended().await;
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;

    bed.sim.fault(On::read().times(u64::MAX), Fault::own().delay(Duration::from_secs(6)));
    let operator = bed.operator(&UNOBSERVED).await;
    bed.until_gone("one").await;
    bed.until_gone("two").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn three_twins_of_a_linkedin_sender_that_are_deleted_at_once_disconnect_it_once() {
    let bed = Bed::new("three").await;
    let accounts = five_senders(&bed).await;
    let operator = bed.operator(&UNOBSERVED).await;
    for (round, account) in accounts.iter().enumerate() {
        triplets(&bed, account, round).await;
        bed.kubectl(&["delete", "sacc", "--all", "--timeout=90s"]).await;
        assert_eq!(bed.truth(account), (State::Disconnected, 1, 1), "round {round}");
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn three_twins_of_a_linkedin_sender_that_were_marked_while_no_operator_ran_disconnect_it_once() {
    let bed = Bed::new("three-marked").await;
    let accounts = five_senders(&bed).await;
    let mut first = bed.operator(&UNOBSERVED).await;
    for (round, account) in accounts.iter().enumerate() {
        triplets(&bed, account, round).await;
    }
    first.terminate();
    first.ended().await;
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;

    let operator = bed.operator(&UNOBSERVED).await;
    for (round, account) in accounts.iter().enumerate() {
        for twin in TRIPLETS {
            bed.until_gone(&format!("{twin}-{round}")).await;
        }
        assert_eq!(bed.truth(account), (State::Disconnected, 1, 1), "round {round}");
    }
    bed.finish(operator).await;
}

/// The accounts of [`KINDS`], and the key that opens them.
fn four_accounts(bed: &Bed) -> String {
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.puffle().add_email(&key, EMAIL);
    for account in [LINKEDIN, PURGE] {
        bed.sim.puffle().add_linkedin(&key, account, Status::Connected);
    }
    key
}

/// An object for each of [`KINDS`].
async fn four_objects(bed: &Bed, prefix: &str) {
    bed.postpress(&format!("{prefix}-postpress"), "acc_1", "postpress").await;
    bed.linkedin(&format!("{prefix}-linkedin"), LINKEDIN, "puffle").await;
    bed.email(&format!("{prefix}-email"), EMAIL, "puffle").await;
    bed.purge(&format!("{prefix}-purge"), PURGE, "puffle").await;
}

async fn secrets(bed: &Bed, key: &str) {
    bed.postpress_secret("postpress", key).await;
    bed.puffle_secret("puffle", key).await;
}

/// Each of [`KINDS`] had exactly the DELETEs with effect that end it.
fn assert_all_ended_once(bed: &Bed) {
    let ends = [(State::Gone, 1), (State::Disconnected, 1), (State::Gone, 1), (State::Gone, 2)];
    for ((kind, account), end) in KINDS.into_iter().zip(ends) {
        let (state, _, effective) = bed.truth(account);
        assert_eq!((state, effective), end, "{kind}");
    }
}

const TRIPLETS: [&str; 3] = ["first", "second", "third"];

/// Five connected LinkedIn senders of one key, and its Secret.
async fn five_senders(bed: &Bed) -> Vec<String> {
    let key = bed.key();
    secrets(bed, &key).await;
    let accounts: Vec<_> = (0..5).map(|round| format!("0b4f6f0e-8c1d-4c39-9c53-{round:012x}")).collect();
    for account in &accounts {
        bed.sim.puffle().add_linkedin(&key, account, Status::Connected);
    }
    accounts
}

/// Three objects for this sender, which have seen it connected.
async fn triplets(bed: &Bed, account: &str, round: usize) {
    for twin in TRIPLETS {
        bed.linkedin(&format!("{twin}-{round}"), account, "puffle").await;
    }
    for twin in TRIPLETS {
        bed.until_connected(&format!("{twin}-{round}")).await;
    }
}
