//! What another object of an account can do for it changes while the account is being deleted.

use provider_simulator::{Fault, On, State, Status};
use serde_json::json;

use crate::bed::{Bed, EMAIL, LINKEDIN, message};

#[tokio::test]
async fn a_live_twin_whose_key_begins_to_see_the_account_while_it_is_read_takes_it_over() {
    let bed = Bed::new("twin-sees").await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    for (name, account) in [("linkedin", LINKEDIN), ("email", EMAIL)] {
        let (key, same, other) = (bed.key(), bed.key(), bed.key());
        bed.sim.puffle().workspace(&other);
        let (leaving, staying) = (format!("{name}-leaving"), format!("{name}-staying"));
        bed.puffle_secret(&leaving, &key).await;
        bed.puffle_secret(&staying, &other).await;
        match name {
            "linkedin" => bed.sim.puffle().add_linkedin(&key, account, Status::Connected),
            _ => bed.sim.puffle().add_email(&key, account),
        };
        bed.sim.add_key(&key, &same);
        // Nothing proves that it ever was there: a mailbox is read again, too.
        let failing = bed.sim.fault(On::read().key(&key), Fault::status(503));
        for object in [&leaving, &staying] {
            match name {
                "linkedin" => bed.linkedin(object, account, object).await,
                _ => bed.email(object, account, object).await,
            }
        }
        bed.until_reason(&leaving, "ProviderUnavailable").await;
        bed.until_reason(&staying, "AccountMissing").await;
        failing.clear();
        let read = bed.sim.fault(On::read().key(&key), Fault::own().hold());
        bed.delete(&leaving).await;
        bed.eventually("the read is held back", async || read.waiting() == 1).await;

        bed.puffle_secret(&staying, &same).await;
        bed.prompted(&staying).await;
        bed.until_connected(&staying).await;
        read.clear();
        read.release();
        bed.until_gone(&leaving).await;
        assert_eq!(bed.truth(account), (State::Connected, 0, 0), "{name}");
        assert_eq!(operator.receipt(&leaving)["proof"], "HandedOver", "{name}");
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn fifty_live_twins_that_cannot_take_an_account_over_are_named_and_one_that_can_is_found_among_them() {
    let bed = Bed::new("twin-crowd").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    let provider = json!({"postpress": {"accountId": "acc_1"}});
    let suspended = (0..50)
        .map(|number| bed.manifest(&format!("suspended-{number}"), "postpress", &provider, &json!({"suspend": true})));
    bed.apply_all(&suspended.collect::<Vec<_>>()).await;
    bed.until_reason("suspended-49", "Suspended").await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_connected("acme").await;
    bed.delete("acme").await;
    let waits = bed.until_waiting("acme", "TwinLive").await;
    assert!(message(&waits).contains("/suspended-"), "{}", message(&waits));

    bed.patch_spec("suspended-49", &json!({"suspend": false})).await;
    bed.until_gone("acme").await;
    assert_eq!(bed.truth("acc_1"), (State::Connected, 0, 0));
    assert!(operator.receipt("acme")["subject"].as_str().is_some_and(|to| to.ends_with("/suspended-49")));
    bed.finish(operator).await;
}

#[tokio::test]
async fn beside_a_younger_twin_whose_delete_has_an_unknown_outcome_no_intent_is_written_or_counted() {
    let bed = Bed::new("twin-unsettled").await;
    let keys = [bed.key(), bed.key()];
    bed.sim.puffle().add_linkedin(&keys[0], LINKEDIN, Status::Connected);
    bed.sim.add_key(&keys[0], &keys[1]);
    bed.puffle_secret("older", &keys[0]).await;
    bed.puffle_secret("younger", &keys[1]).await;
    bed.linkedin("older", LINKEDIN, "older").await;
    let provider = json!({"puffle": {"accountId": LINKEDIN, "channel": "LinkedIn"}});
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    bed.until_connected("older").await;
    bed.apply(&bed.manifest("younger", "younger", &provider, &json!({"afterUnknownOutcome": "Hold"}))).await;
    bed.until_connected("younger").await;

    // The older one cannot go first.
    bed.patch_spec("older", &json!({"suspend": true})).await;
    bed.delete("older").await;
    bed.until_waiting("older", "Suspended").await;
    let lost = bed.sim.fault(On::delete(), Fault::cut_without_applying());
    bed.delete("younger").await;
    bed.until_waiting("younger", "OutcomeHeld").await;
    lost.clear();
    bed.patch_spec("older", &json!({"suspend": false})).await;
    let waits = bed.until_waiting("older", "TwinDeleting").await;
    assert!(message(&waits).ends_with("/younger"), "{}", message(&waits));
    bed.prompted("older").await;
    let waits = bed.until_waiting("older", "TwinDeleting").await;
    assert_eq!(waits["status"]["teardown"]["attempt"], 0, "nothing of it was sent");

    bed.patch_spec("younger", &json!({"afterUnknownOutcome": "Resend"})).await;
    bed.until_gone("younger").await;
    bed.until_gone("older").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 2, 1), "the first one had no effect");
    bed.finish(operator).await;
}
