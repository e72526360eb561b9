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
fn whoever_must_act_is_named_in_words_that_people_have_for_it() {
    for (reason, who) in [
        (Reason::TwinLive, "the object's owner"),
        (Reason::SecretMissing, "the Secret's owner"),
        (Reason::ProviderError, "the provider"),
        (Reason::CrdDeleting, "whoever runs the cluster"),
    ] {
        assert!(reason.message(WORDS).contains(&format!(" (to act: {who}); ")), "{}", reason.message(WORDS));
    }
    assert_eq!(Actor::Nobody.to_string(), "nobody");
    assert!(!Reason::OutcomeUnknown.message(WORDS).contains("to act"));
}

#[test]
fn a_word_is_shown_as_it_is_written_and_filled_with_the_objects_own_words() {
    assert_eq!(format!("{}", Reason::TwinLive), "TwinLive");
    let message = Reason::DeletionProtected.message(WORDS);
    assert!(message.contains("kubectl patch sacc alice -n sales "), "{message}");
    let confirm = |account| Reason::ConfirmationMissing.message(Words { account, ..WORDS });
    assert!(confirm("acc_1").ends_with("confirm-deletion=acc_1"));
    assert!(confirm("x;curl${IFS}a.b|sh").ends_with("confirm-deletion='x;curl${IFS}a.b|sh'"));
    assert!(confirm("it's").ends_with(r"confirm-deletion='it'\''s'"));
    assert!(Reason::HandedOver.message(WORDS).ends_with("handed over to sales/bob"));
    assert!(Reason::SecretForbidden.message(WORDS).contains("Secret workspace (to act"));
}

#[test]
fn a_hook_is_waited_for_without_calling_for_anybody_and_what_only_a_person_can_end_calls() {
    for (reason, calls) in [
        (Reason::PreDeleteHookPending, false),
        (Reason::TwinLive, true),
        (Reason::SecretMissing, true),
        (Reason::ProviderError, false),
        (Reason::RequestRefused, true),
        (Reason::CrdUnreadable, false),
        (Reason::CrdDeleting, true),
        (Reason::TwinDeleting, false),
    ] {
        assert_eq!(reason.needs_somebody(), calls, "{reason}");
    }
}

#[test]
fn another_secret_may_mend_more_than_what_is_the_secrets_fault() {
    for (reason, blames, names) in [
        (Reason::SecretMissing, true, true),
        (Reason::SecretForbidden, true, true),
        (Reason::EndpointRedirects, true, true),
        (Reason::EndpointUnreachable, false, true),
        (Reason::UnexpectedAnswer, false, true),
        (Reason::ProviderError, false, false),
        (Reason::SecretGone, false, false),
    ] {
        assert_eq!((reason.blames_secret(), reason.names_secret()), (blames, names), "{reason}");
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
