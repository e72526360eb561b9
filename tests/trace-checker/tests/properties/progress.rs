//! L2, L3.

use jiff::SignedDuration;
use serde_json::json;
use trace_checker::Property;

use crate::story::Story;

#[test]
fn a_deletion_that_waits_with_reason_and_time_passes() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.ledger("acme", "Waiting", "TimedOut", 0);
    assert_eq!(story.judged(), []);
}

#[test]
fn a_deletion_that_waits_without_a_time_or_for_too_long_is_caught() {
    for minutes in [None, Some(16)] {
        let mut story = Story::disconnect();
        story.mark("acme");
        let until = minutes.map(|minutes| story.now() + SignedDuration::from_mins(minutes));
        story.write("acme", |object| {
            object["status"]["teardown"] =
                json!({"uid": "uid-acme", "phase": "Waiting", "reason": "TimedOut", "nextAttemptAt": until});
            object["status"]["conditions"] =
                json!([{"type": "Ready", "status": "False", "reason": "TimedOut", "message": "It is."}]);
        });
        assert_eq!(story.judged(), [Property::L2], "{minutes:?}");
    }
}

#[test]
fn a_deletion_of_which_a_running_operator_says_nothing_is_caught() {
    for (seconds, expected) in [(30, &[][..]), (60, &[Property::L2][..])] {
        let mut story = Story::disconnect();
        story.mark("acme");
        story.wait(seconds);
        story.say("still here");
        story.ledger("acme", "Waiting", "TimedOut", 0);
        assert_eq!(story.judged(), expected, "{seconds} s");
    }
}

#[test]
fn a_deletion_that_is_not_tried_again_when_it_is_due_is_caught() {
    for (called, expected) in [(true, &[][..]), (false, &[Property::L2][..])] {
        let mut story = Story::disconnect();
        story.mark("acme");
        story.ledger("acme", "Waiting", "TimedOut", 0);
        story.wait(12);
        if called {
            story.read(503);
            story.ledger("acme", "Waiting", "ProviderUnavailable", 0);
        }
        story.wait(48);
        story.say("still here");
        assert_eq!(story.judged(), expected, "{called}");
    }
}

#[test]
fn writes_and_deletes_in_a_hot_loop_are_caught_and_paced_ones_pass() {
    for (pause, expected) in [(1, &[][..]), (0, &[Property::L3][..])] {
        let mut story = Story::purge();
        story.mark("acme");
        for _ in 0..70 {
            story.ledger("acme", "Waiting", "TimedOut", 0);
            story.wait(pause);
        }
        assert_eq!(story.judged(), expected, "{pause} s between two writes");
        let mut story = Story::purge();
        story.mark("acme");
        for _ in 0..40 {
            story.delete("none");
            story.wait(pause);
        }
        assert_eq!(story.judged(), expected, "{pause} s between two DELETEs");
    }
}
