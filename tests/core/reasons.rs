//! The vocabulary: closed, explained, and stable.

use sender_operator::reason::{Actor, Reason, Words};

const WORDS: Words<'_> =
    Words { namespace: "sales", name: "alice", secret: "workspace", account: "acc_1", subject: "sales/bob" };

#[test]
fn every_reason_says_what_happened_and_whoever_must_act_is_told_what_to_do() {
    for reason in Reason::ALL {
        let message = reason.message(WORDS);
        assert!(message.len() > 20 && message.len() < 1024, "{reason}: {message}");
        assert!(!message.contains('{') || message.contains("{\"spec\""), "{reason} leaves a word open: {message}");
        if reason.actor() != Actor::Nobody {
            assert!(message.contains("(to act: "), "{reason} does not say who: {message}");
            assert!(message.contains("); "), "{reason} does not say what to do: {message}");
        }
    }
}

#[test]
fn a_word_of_another_version_is_read_as_unrecognised_and_every_word_of_ours_survives_a_round_trip() {
    for reason in Reason::ALL {
        let written = serde_json::to_string(reason).unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&written).unwrap(), *reason);
    }
    assert_eq!(serde_json::from_str::<Reason>("\"InventedTomorrow\"").unwrap(), Reason::Unrecognised);
}
