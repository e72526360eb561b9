//! What a person decided stands before any call: Orphan, suspend, protection, hooks, confirmation.

use provider_simulator::{Fault, On, State, Status};
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, message};

/// Every call that ever reached a provider.
fn calls(bed: &Bed) -> usize {
    bed.sim.log().entries().count()
}

#[tokio::test]
async fn an_orphaned_account_lives_on_and_its_receipt_says_why() {
    let bed = Bed::new("orphan").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("told", "acc_1", "postpress").await;
    bed.linkedin("untold", LINKEDIN, "puffle").await;
    for name in ["told", "untold"] {
        bed.until_connected(name).await;
        bed.patch_spec(name, &json!({"deletionPolicy": "Orphan"})).await;
    }
    bed.kubectl(&["annotate", "sacc", "told", "sender-operator.dev/orphan-reason=sold to Initech"]).await;
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;

    for account in ["acc_1", LINKEDIN] {
        assert_eq!(bed.sim.log().state(account), State::Connected);
        assert!(bed.sim.log().deletes(account).is_empty());
    }
    let receipt = operator.receipt("told");
    assert_eq!((&receipt["proof"], &receipt["orphanReason"]), (&json!("Orphaned"), &json!("sold to Initech")));
    let receipt = operator.receipt("untold");
    assert_eq!((&receipt["proof"], &receipt["orphanReason"]), (&json!("Orphaned"), &Value::Null));
    let held = bed.kubectl(&["get", "secrets", "-o", "jsonpath={.items[*].metadata.finalizers}"]).await;
    assert_eq!(held, "", "no hold is left on a Secret that nobody uses");
    bed.finish(operator).await;
}

#[tokio::test]
async fn orphan_lets_a_deletion_go_that_waits_for_a_dead_key() {
    let bed = Bed::new("orphan-waiting").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    bed.sim.revoke_key(&key);
    bed.delete("acme").await;
    bed.until_reason("acme", "CredentialsInvalid").await;
    bed.patch_spec("acme", &json!({"deletionPolicy": "Orphan"})).await;
    bed.until_gone("acme").await;
    assert_eq!(bed.sim.log().state("acc_1"), State::Connected);
    assert_eq!(operator.receipt("acme")["proof"], "Orphaned");
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_suspended_object_makes_no_provider_call_at_all_until_it_is_resumed() {
    let bed = Bed::new("suspend").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&[]).await;
    bed.sim.postpress().add(&postpress, "acc_2");
    let providers = [
        ("born", "postpress", json!({"postpress": {"accountId": "acc_1"}})),
        ("orphaned", "postpress", json!({"postpress": {"accountId": "acc_2"}})),
        ("linkedin", "puffle", json!({"puffle": {"accountId": LINKEDIN, "channel": "LinkedIn"}})),
    ];
    for (name, secret, provider) in &providers {
        bed.apply(&bed.manifest(name, secret, provider, &json!({"suspend": true}))).await;
        bed.until_reason(name, "Suspended").await;
        bed.prompted(name).await;
        bed.delete(name).await;
        bed.until(name, "waiting, marked", |object| object["status"]["teardown"]["reason"] == "Suspended").await;
        bed.prompted(name).await;
    }
    bed.patch_spec("orphaned", &json!({"deletionPolicy": "Orphan"})).await;
    bed.until_gone("orphaned").await;
    assert_eq!(calls(&bed), 0, "not one call, reads included:\n{}", bed.sim.log());

    for (name, account, end) in [("born", "acc_1", State::Gone), ("linkedin", LINKEDIN, State::Disconnected)] {
        let waiting = bed.until_reason(name, "Suspended").await;
        bed.obey(&waiting).await;
        bed.until_gone(name).await;
        assert_eq!((bed.sim.log().state(account), bed.sim.log().effective_deletes(account).len()), (end, 1));
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn suspending_stops_observation_and_a_failing_deletion_alike() {
    let bed = Bed::new("suspend-later").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&["--observe-interval", "1s"]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    let suspended = async |suspend: bool| bed.patch_spec("acme", &json!({"suspend": suspend})).await;
    let quiet = async || {
        bed.until_reason("acme", "Suspended").await;
        let before = calls(&bed);
        bed.prompted("acme").await;
        bed.prompted("acme").await;
        assert_eq!(calls(&bed), before, "{}", bed.sim.log());
    };
    suspended(true).await;
    quiet().await;
    suspended(false).await;
    bed.until_connected("acme").await;

    let failing = bed.sim.fault(On::delete(), Fault::status(503));
    bed.delete("acme").await;
    bed.until_reason("acme", "ProviderUnavailable").await;
    suspended(true).await;
    quiet().await;
    failing.clear();
    suspended(false).await;
    bed.until_gone("acme").await;
    assert_eq!(bed.sim.log().effective_deletes("acc_1").len(), 1);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_protected_account_is_not_touched_until_its_protection_is_taken_away() {
    let bed = Bed::new("protected").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    for name in ["acme", "linkedin"] {
        bed.until_connected(name).await;
        bed.patch_spec(name, &json!({"deletionProtection": true})).await;
        bed.until(name, "observed as protected", |object| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await;
        bed.delete(name).await;
        bed.until_reason(name, "DeletionProtected").await;
        bed.prompted(name).await;
    }
    assert!(bed.sim.log().deletes("acc_1").is_empty() && bed.sim.log().deletes(LINKEDIN).is_empty());
    for (name, account, end) in [("acme", "acc_1", State::Gone), ("linkedin", LINKEDIN, State::Disconnected)] {
        let waiting = bed.until_reason(name, "DeletionProtected").await;
        bed.obey(&waiting).await;
        bed.until_gone(name).await;
        assert_eq!((bed.sim.log().state(account), bed.sim.log().effective_deletes(account).len()), (end, 1));
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_deletion_waits_for_its_pre_delete_hooks_and_names_them() {
    const HOOK: &str = "pre-delete.hook.sender-operator.dev";
    let bed = Bed::new("hooks").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    for hook in ["campaigns=ops", "crm=sales"] {
        bed.kubectl(&["annotate", "sacc", "acme", &format!("{HOOK}/{hook}")]).await;
    }
    bed.delete("acme").await;
    let waiting = bed.until_reason("acme", "PreDeleteHookPending").await;
    assert!(message(&waiting).contains("campaigns, crm"), "{}", message(&waiting));
    bed.kubectl(&["annotate", "sacc", "acme", &format!("{HOOK}/campaigns-")]).await;
    bed.until("acme", "waiting for the other hook alone", |object| {
        object["status"]["teardown"]["subject"] == "crm" && !message(object).contains("campaigns")
    })
    .await;
    assert!(bed.sim.log().deletes("acc_1").is_empty());
    bed.kubectl(&["annotate", "sacc", "acme", &format!("{HOOK}/crm-")]).await;
    bed.until_gone("acme").await;
    assert_eq!((bed.sim.log().state("acc_1"), bed.sim.log().deletes("acc_1").len()), (State::Gone, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn where_the_operator_asks_for_it_a_deletion_waits_for_the_accounts_id_as_its_confirmation() {
    let bed = Bed::new("confirm").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.sim.puffle().add_linkedin(&puffle, PURGE, Status::Connected);
    bed.sim.puffle().add_email(&puffle, EMAIL);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&["--require-confirmation", "Email,Purge"]).await;
    bed.postpress("postpress", "acc_1", "postpress").await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    let as_people_spell_it = EMAIL.to_ascii_uppercase();
    bed.email("email", &as_people_spell_it, "puffle").await;
    bed.purge("purge", PURGE, "puffle").await;
    for name in ["postpress", "linkedin", "email", "purge"] {
        bed.until_connected(name).await;
    }
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
    bed.until_gone("postpress").await;
    bed.until_gone("linkedin").await;
    bed.kubectl(&["annotate", "sacc", "email", &format!("sender-operator.dev/confirm-deletion={PURGE}")]).await;
    for (name, account) in [("email", EMAIL), ("purge", PURGE)] {
        bed.until_reason(name, "ConfirmationMissing").await;
        let waiting = bed.prompted(name).await;
        assert!(bed.sim.log().deletes(account).is_empty());
        let typed = message(&waiting).to_owned();
        assert!(typed.ends_with(&format!("sender-operator.dev/confirm-deletion={account}")), "{typed}");
        if name == "email" {
            // Over the wrong one that is there.
            bed.obey(&waiting).await;
        } else {
            let spelt = format!("sender-operator.dev/confirm-deletion={}", account.to_ascii_uppercase());
            bed.kubectl(&["annotate", "sacc", name, &spelt]).await;
        }
        bed.until_gone(name).await;
        assert_eq!(bed.sim.log().state(account), State::Gone);
    }
    bed.finish(operator).await;
}
