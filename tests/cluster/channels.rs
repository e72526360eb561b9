//! An account that the provider lists under another channel than its object declares.

use provider_simulator::{Fault, On, State, Status};
use serde_json::json;

use crate::bed::{Bed, LINKEDIN};

#[tokio::test]
async fn a_sender_that_was_listed_under_another_channel_is_not_touched_whatever_comes_between() {
    let bed = Bed::new("channel").await;
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.puffle_secret("puffle", &key).await;
    let operator = bed.operator(&[]).await;
    bed.email("acme", LINKEDIN, "puffle").await;
    let marked = |object: &serde_json::Value| object["status"]["account"]["wrongChannelSince"].is_string();
    bed.until("acme", "seen under another channel", marked).await;

    // Nothing that a read could show is at hand when it is deleted.
    let down = bed.sim.fault(On::read(), Fault::puffle_error(500, "internal_error", "down"));
    bed.delete("acme").await;
    bed.until_waiting("acme", "ProviderError").await;
    for (suspend, reason) in [(true, "Suspended"), (false, "ProviderError")] {
        bed.patch_spec("acme", &json!({"suspend": suspend})).await;
        assert!(marked(&bed.until_waiting("acme", reason).await), "{reason}");
    }
    down.clear();
    bed.until_waiting("acme", "WrongChannel").await;
    assert_eq!((bed.sim.log().state(LINKEDIN), bed.sim.log().deletes(LINKEDIN).len()), (State::Connected, 0));

    bed.patch_spec("acme", &json!({"deletionPolicy": "Orphan"})).await;
    bed.until_gone("acme").await;
    assert_eq!((bed.sim.log().state(LINKEDIN), bed.sim.log().deletes(LINKEDIN).len()), (State::Connected, 0));
    bed.finish(operator).await;
}
