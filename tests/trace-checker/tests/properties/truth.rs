//! S11.

use serde_json::json;
use trace_checker::Property;

use crate::story::Story;

#[test]
fn ready_without_any_read_is_caught() {
    let mut story = Story::disconnect();
    story.object("unread", |object| object["spec"]["credentialsRef"]["name"] = json!("another"));
    story.ready("unread", "AccountConnected");
    assert_eq!(story.judged(), [Property::S11]);
}

#[test]
fn a_confirmation_of_what_did_not_happen_is_caught_and_one_of_what_did_passes() {
    for (done, expected) in [(true, &[][..]), (false, &[Property::S11][..])] {
        let mut story = Story::disconnect();
        story.mark("acme");
        if done {
            story.ledger("acme", "Intent", "Deleting", 1);
            story.delete("disconnected");
        }
        story.confirmed("acme", "ReadBack");
        assert_eq!(story.judged(), expected);
    }
}

#[test]
fn conditions_that_contradict_each_other_or_say_nothing_are_caught() {
    let lies = [
        json!([{"type": "Ready", "status": "True", "reason": "AccountMissing", "message": "It is."}]),
        json!([{"type": "Ready", "status": "False", "reason": "AccountConnected", "message": "It is."}]),
        json!([{"type": "Ready", "status": "False", "reason": "TimedOut", "message": ""}]),
        json!([{"type": "Ready", "status": "False", "reason": "TimedOut", "message": "It is.", "observedGeneration": 7}]),
        json!([{"type": "Ready", "status": "True", "reason": "AccountConnected", "message": "It is."},
            {"type": "Stalled", "status": "True", "reason": "AccountConnected", "message": "It is."}]),
        json!([{"type": "Ready", "status": "False", "reason": "ReadBack", "message": "It is."},
            {"type": "Deleted", "status": "True", "reason": "ReadBack", "message": "It is."}]),
    ];
    for lie in lies {
        let mut story = Story::disconnect();
        story.write("acme", |object| object["status"]["conditions"] = lie.clone());
        assert_eq!(story.judged(), [Property::S11], "{lie}");
    }
}

#[test]
fn a_deletion_that_shows_another_reason_than_it_waits_for_or_ready_is_caught() {
    for reason in ["ProviderUnavailable", "AccountConnected"] {
        let mut story = Story::disconnect();
        story.mark("acme");
        story.ledger("acme", "Waiting", "TimedOut", 0);
        story.ready("acme", reason);
        assert_eq!(story.judged(), [Property::S11], "{reason}");
    }
}
