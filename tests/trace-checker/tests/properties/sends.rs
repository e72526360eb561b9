//! S2, S3, S6, S7, S8.

use serde_json::json;
use trace_checker::{Property, State};

use crate::story::{KEY, Story};

#[test]
fn a_second_delete_that_destroys_what_was_to_be_disconnected_is_caught() {
    let mut story = Story::disconnect();
    story.disconnected();
    story.ledger("acme", "Intent", "Deleting", 2);
    story.delete("deleted");
    story.released("ReadBack");
    assert_eq!(story.judged(), [Property::S2]);
}

#[test]
fn a_second_effective_delete_for_one_object_is_caught_also_where_a_person_had_reconnected_the_account() {
    let mut story = Story::disconnect();
    story.disconnected();
    story.state(State::Connected);
    story.ledger("acme", "Intent", "Deleting", 2);
    story.delete("disconnected");
    story.released("ReadBack");
    assert_eq!(story.judged(), [Property::S2]);
}

#[test]
fn a_purge_may_send_as_often_as_it_takes() {
    let mut story = Story::purge();
    story.mark("acme");
    story.delete("disconnected");
    story.delete("deleted");
    story.delete("not_found");
    story.released("NotFoundAfterAck");
    assert_eq!(story.judged(), []);
}

#[test]
fn two_deletes_alive_at_once_are_caught() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.ledger("acme", "Intent", "Deleting", 1);
    story.delete_arrives();
    story.ledger("acme", "Intent", "Deleting", 2);
    story.delete_arrives();
    story.delete_takes("disconnected");
    story.delete_ends();
    story.delete_ends();
    story.released("AlreadySoft");
    assert_eq!(story.judged(), [Property::S3]);
}

#[test]
fn a_further_delete_after_the_outcome_window_passes() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.ledger("acme", "Intent", "Deleting", 1);
    story.delete_arrives();
    story.wait(4);
    story.ledger("acme", "Intent", "Deleting", 2);
    story.delete("disconnected");
    story.wait(4);
    story.released("AlreadySoft");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_delete_with_a_key_from_elsewhere_is_caught_and_one_with_an_earlier_key_of_the_own_secret_passes() {
    for (secret, expected) in [("puffle", &[][..]), ("others", &[Property::S6][..])] {
        let mut story = Story::purge();
        story.secret(secret, "fedcba9876543210");
        story.mark("acme");
        story.delete_with("fedcba9876543210");
        assert_eq!(story.judged(), expected, "{secret}");
    }
}

#[test]
fn a_delete_of_an_account_that_no_object_names_is_caught() {
    let mut story = Story::of(json!({"puffle": {"accountId": "another", "channel": "Email"}}));
    story.mark("acme");
    story.delete("disconnected");
    assert_eq!(story.judged(), [Property::S6]);
}

#[test]
fn a_delete_for_a_live_object_is_caught() {
    let mut story = Story::purge();
    story.delete("disconnected");
    story.mark("acme");
    assert_eq!(story.judged(), [Property::S7]);
}

#[test]
fn a_delete_for_an_object_whose_deletion_the_api_server_received_only_later_is_caught_and_one_that_was_seen_later_passes()
 {
    for (received_before, expected) in [(true, &[][..]), (false, &[Property::S7][..])] {
        let mut story = Story::purge();
        if received_before {
            story.received("acme");
        }
        story.delete("disconnected");
        if !received_before {
            story.received("acme");
        }
        story.mark_seen("acme");
        assert_eq!(story.judged(), expected);
    }
}

#[test]
fn a_delete_for_an_object_that_was_marked_with_others_of_which_one_was_refused_passes() {
    let mut story = Story::purge();
    story.all_deleted(403);
    story.delete("disconnected");
    story.all_deleted(200);
    story.mark_seen("acme");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_delete_against_a_decision_is_caught_once_the_view_is_too_old_or_the_operator_had_seen_it() {
    let decisions = [
        ("suspend", json!(true), "Suspended"),
        ("deletionProtection", json!(true), "DeletionProtected"),
        ("deletionPolicy", json!("Orphan"), "Orphaned"),
    ];
    for (field, value, reason) in decisions {
        for (seconds, seen, expected) in
            [(1, false, &[][..]), (8, false, &[Property::S7][..]), (1, true, &[Property::S7][..])]
        {
            let mut story = Story::purge();
            story.mark("acme");
            story.ledger("acme", "Waiting", "TimedOut", 0);
            story.spec("acme", field, value.clone());
            if seen {
                story.ledger("acme", "Waiting", reason, 0);
            }
            story.wait(seconds);
            story.delete("disconnected");
            assert_eq!(story.judged(), expected, "{field} {seconds} s, {seen}");
        }
    }
}

#[test]
fn a_delete_after_a_decision_was_taken_back_passes() {
    let mut story = Story::purge();
    story.mark("acme");
    story.spec("acme", "suspend", json!(true));
    story.ledger("acme", "Waiting", "Suspended", 0);
    story.spec("acme", "suspend", json!(false));
    story.delete("disconnected");
    assert_eq!(story.judged(), []);
}

#[test]
fn a_delete_that_no_intent_announced_is_caught() {
    for announced in [0, 1] {
        let mut story = Story::disconnect();
        story.mark("acme");
        (0..announced).for_each(|_| {
            story.ledger("acme", "Intent", "Deleting", 1);
            story.delete_with(KEY);
        });
        story.delete("disconnected");
        story.released("ReadBack");
        assert_eq!(story.judged(), [Property::S8], "{announced}");
    }
}

#[test]
fn an_intent_that_is_written_after_its_delete_is_caught() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.delete_arrives();
    story.ledger("acme", "Intent", "Deleting", 1);
    story.delete_takes("disconnected");
    story.delete_ends();
    story.released("ReadBack");
    assert_eq!(story.judged(), [Property::S8]);
}

#[test]
fn a_delete_after_the_proof_was_written_is_caught() {
    let mut story = Story::purge();
    story.mark("acme");
    story.delete("deleted");
    story.confirmed("acme", "NotFoundAfterAck");
    story.delete("not_found");
    story.released("NotFoundAfterAck");
    assert_eq!(story.judged(), [Property::S8]);
}

#[test]
fn a_ledger_that_goes_back_is_caught() {
    let mut story = Story::disconnect();
    story.mark("acme");
    story.ledger("acme", "Waiting", "TimedOut", 2);
    story.ledger("acme", "Waiting", "TimedOut", 1);
    assert_eq!(story.judged(), [Property::S8]);
}
