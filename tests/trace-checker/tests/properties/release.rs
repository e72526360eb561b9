//! S1, S4, S5.

use serde_json::json;
use trace_checker::{Property, State};

use crate::story::Story;

#[test]
fn a_disconnect_that_is_proved_and_released_passes() {
    let mut story = Story::disconnect();
    story.disconnected();
    story.released("ReadBack");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_release_while_the_account_is_there_is_caught() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.released("ReadBack");
    assert_eq!(story.judged(), [Property::S1]);
}

#[test]
fn a_purge_that_was_only_disconnected_is_caught_and_one_that_was_destroyed_passes() {
    for (effects, expected) in [(&["disconnected"][..], &[Property::S1][..]), (&["disconnected", "deleted"], &[])] {
        let mut story = Story::purge();
        story.mark("acme");
        effects.iter().for_each(|effect| story.delete(effect));
        story.released("NotFoundAfterAck");
        assert_eq!(story.judged(), expected);
    }
}

#[test]
fn an_account_that_ended_in_its_objects_life_and_came_back_by_a_person_passes() {
    let mut story = Story::disconnect();
    story.disconnected();
    story.state(State::Connected);
    story.released("ReadBack");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_release_without_a_receipt_or_with_a_later_one_is_caught() {
    let mut story = Story::disconnect();
    story.disconnected();
    story.gone("acme");
    story.receipt("acme", "ReadBack", None);
    assert_eq!(story.judged(), [Property::S1]);
}

#[test]
fn a_persons_decision_counts_only_where_it_was_taken() {
    for (proof, field, value) in
        [("Orphaned", "deletionPolicy", "Orphan"), ("ReleasedByPolicy", "onNotFound", "Release")]
    {
        for (taken, expected) in [(true, &[][..]), (false, &[Property::S1][..])] {
            let mut story = Story::disconnect();
            if taken {
                story.spec("acme", field, json!(value));
            }
            story.mark("acme");
            story.released(proof);
            assert_eq!(story.judged(), expected, "{proof}");
        }
    }
}

#[test]
fn a_hand_over_counts_only_to_a_live_object_of_the_same_account() {
    for (live, expected) in [(true, &[][..]), (false, &[Property::S1][..])] {
        let mut story = Story::disconnect();
        if live {
            story.twin("heir");
        }
        story.mark("acme");
        story.receipt("acme", "HandedOver", Some("ns/heir"));
        story.gone("acme");
        assert_eq!(story.judged(), expected);
    }
}

#[test]
fn a_finalizer_that_somebody_takes_off_is_a_release_unless_the_object_is_live_or_never_had_it() {
    for (marked, expected) in [(true, &[Property::S1][..]), (false, &[])] {
        let mut story = Story::disconnect();
        if marked {
            story.mark("acme");
        }
        story.write("acme", |object| object["metadata"]["finalizers"] = json!(["another"]));
        assert_eq!(story.judged(), expected);
    }
    let mut story = Story::disconnect();
    story.object("bare", |object| object["metadata"]["finalizers"] = json!(["another"]));
    story.gone("bare");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_delete_after_the_release_is_caught() {
    let mut story = Story::purge();
    story.mark("acme");
    story.delete("disconnected");
    story.delete("deleted");
    story.released("NotFoundAfterAck");
    story.delete("not_found");
    assert_eq!(story.judged(), [Property::S4]);
}

#[test]
fn a_delete_for_another_object_of_the_account_after_the_release_passes() {
    let mut story = Story::purge();
    story.twin("twin");
    story.mark("acme");
    story.mark("twin");
    story.delete("disconnected");
    story.delete("deleted");
    story.released("NotFoundAfterAck");
    story.delete("not_found");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_delete_in_flight_at_the_release_is_caught() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.ledger("acme", "Intent", "Deleting", 1);
    story.delete_arrives();
    story.delete_takes("disconnected");
    story.released("ReadBack");
    story.delete_ends();
    assert_eq!(story.judged(), [Property::S5]);
}

#[test]
fn a_request_that_is_older_than_the_outcome_window_is_no_longer_in_flight() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.ledger("acme", "Intent", "Deleting", 1);
    story.delete_arrives();
    story.delete_takes("disconnected");
    story.wait(4);
    story.released("AlreadySoft");
    assert_eq!(story.judged(), []);
}
