//! What an outcome is called.

use super::Reason;
use crate::teardown::outcome::{NotSent, Outcome, Refusal, Unknown};

impl From<Outcome> for Reason {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Acked => Self::ReadingBack,
            Outcome::Gone => Self::AccountMissing,
            Outcome::SoftGone => Self::AccountDisconnected,
            Outcome::Alive => Self::AccountConnected,
            Outcome::Throttled => Self::Throttled,
            Outcome::NotSent(why) => why.into(),
            Outcome::Unknown(why) => why.into(),
            Outcome::Refused(why) => why.into(),
        }
    }
}

impl From<NotSent> for Reason {
    fn from(why: NotSent) -> Self {
        match why {
            NotSent::ViewChanged => Self::Deleting,
            NotSent::ViewTooOld => Self::ApiServerUnavailable,
            NotSent::DnsFailure | NotSent::ConnectFailure | NotSent::DeadlinePassed => Self::EndpointUnreachable,
            NotSent::AddressForbidden => Self::AddressForbidden,
            NotSent::TlsFailure => Self::TlsFailure,
        }
    }
}

impl From<Unknown> for Reason {
    fn from(why: Unknown) -> Self {
        match why {
            Unknown::ConnectionLost => Self::ConnectionLost,
            Unknown::TimedOut => Self::TimedOut,
            Unknown::UnexpectedBody
            | Unknown::BodyTooLarge
            | Unknown::NotOurEnvelope
            | Unknown::InconsistentStatus
            | Unknown::UndocumentedStatus => Self::UnexpectedAnswer,
            Unknown::ProviderFailure => Self::ProviderError,
            Unknown::Unavailable => Self::ProviderUnavailable,
        }
    }
}

impl From<Refusal> for Reason {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::Credentials => Self::CredentialsInvalid,
            Refusal::Forbidden => Self::CredentialsForbidden,
            Refusal::AccountLogin => Self::AccountLoginFailed,
            Refusal::InvalidAccountId => Self::InvalidAccountId,
            Refusal::Request => Self::RequestRefused,
            Refusal::Conflict => Self::AccountBusy,
            Refusal::Redirected => Self::EndpointRedirects,
            Refusal::WrongChannel => Self::WrongChannel,
            Refusal::UnrecognisedStatus => Self::AccountStatusUnrecognised,
            Refusal::KeyLostSight => Self::KeyLostSight,
        }
    }
}
