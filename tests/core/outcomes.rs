//! What an outcome says of the request and of the account, whoever it came from.

use proptest::prelude::*;
use sender_operator::teardown::outcome::{NotSent, Outcome, Refusal, Unknown};

use crate::any::outcome;

#[test]
fn only_what_was_not_sent_or_what_the_provider_itself_refused_was_certainly_not_applied() {
    for outcome in [
        Outcome::Unknown(Unknown::ConnectionLost),
        Outcome::Unknown(Unknown::TimedOut),
        Outcome::Unknown(Unknown::UnexpectedBody),
        Outcome::Unknown(Unknown::NotOurEnvelope),
        Outcome::Unknown(Unknown::ProviderFailure),
        Outcome::Unknown(Unknown::Unavailable),
        Outcome::Refused(Refusal::Redirected),
        Outcome::Refused(Refusal::Conflict),
    ] {
        assert!(outcome.may_have_been_applied(), "{outcome:?}");
    }
    for outcome in [
        Outcome::NotSent(NotSent::DeadlinePassed),
        Outcome::NotSent(NotSent::ViewTooOld),
        Outcome::Throttled,
        Outcome::Gone,
        Outcome::Refused(Refusal::Request),
        Outcome::Refused(Refusal::Credentials),
        Outcome::Refused(Refusal::Forbidden),
        Outcome::Refused(Refusal::InvalidAccountId),
    ] {
        assert!(!outcome.may_have_been_applied(), "{outcome:?}");
    }
}

proptest! {
    #[test]
    fn an_account_shows_in_a_row_of_whatever_state_and_in_nothing_else(outcome in outcome()) {
        let row = matches!(outcome, Outcome::Alive | Outcome::Refused(Refusal::WrongChannel | Refusal::UnrecognisedStatus));
        prop_assert_eq!(outcome.shows_the_account(), row);
    }
}
