//! What one HTTP exchange with a provider means. Every exchange has exactly one meaning, also the ones nobody documented.

use std::time::Duration;

/// The meaning of an exchange, for a read and for a DELETE alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// A DELETE was answered with the provider's documented success body. Not yet a proof: read back.
    Acked,
    /// The account is not there: a 404 of the provider's own envelope and type, or a complete list without the row.
    Gone,
    /// A read shows the row, disconnected.
    SoftGone,
    /// A read shows the account, of the declared type and with a documented status.
    Alive,
    /// Not one byte of the request left this process.
    NotSent(NotSent),
    /// The request may or may not have been applied.
    Unknown(Unknown),
    /// 429 in the provider's own envelope: not applied.
    Throttled,
    /// The provider (or what a read showed) refuses: not applied, and trying again alone does not help.
    Refused(Refusal),
}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotSent {
    /// The host's name did not resolve.
    DnsFailure,
    /// The name resolved to an address no provider can have: loopback, private, link-local, metadata.
    AddressForbidden,
    /// No TCP connection within its deadline.
    ConnectFailure,
    /// The TLS handshake failed: certificate, name, version.
    TlsFailure,
    /// The permission to send ran out before the connection was ready.
    DeadlinePassed,
    /// The API server took so long to show the object fresh that little of the permission to send was left.
    ViewTooOld,
    /// Something was seen, just before the bytes went, that forbids the call (a twin, an unsettled intent).
    ViewChanged,
}

/// Why nobody can say whether the request was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unknown {
    /// The connection ended before a complete answer.
    ConnectionLost,
    /// No complete answer within the total deadline.
    TimedOut,
    /// A 2xx whose body is not the documented one.
    UnexpectedBody,
    /// The body is over its cap, or a list is not complete.
    BodyTooLarge,
    /// An answer that is not in the provider's own envelope: a wrong base path, a gateway, a portal.
    NotOurEnvelope,
    /// The envelope's `status` is not the HTTP status.
    InconsistentStatus,
    /// A status code the provider does not document.
    UndocumentedStatus,
    /// 500: the provider says that it failed.
    ProviderFailure,
    /// 502, 503 or 504: the provider, or what stands before it, is not available.
    Unavailable,
}

/// Why trying again alone does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// 401: the key is missing, wrong, expired or revoked.
    Credentials,
    /// 403, or a scope that the key lacks.
    Forbidden,
    /// 401 about the connected account's own login (`disconnected_account`, a checkpoint): the account still exists.
    AccountLogin,
    /// The provider says that this cannot be an id of an account.
    InvalidAccountId,
    /// 400 and its like: the request itself is refused.
    Request,
    /// 409, 423 and their like: the account is busy or in use.
    Conflict,
    /// 3xx. Never followed.
    Redirected,
    /// The row's type is not the channel that the object declares.
    WrongChannel,
    /// The row has a status that is neither connected nor disconnected.
    UnrecognisedStatus,
    /// Several accounts of one key vanished from one list at once: the key lost sight, not the accounts their life.
    KeyLostSight,
}

/// An exchange as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// What it means.
    pub outcome: Outcome,
    /// The HTTP status, when one was received.
    pub http_status: Option<u16>,
    /// The provider's own error type or code, printable ASCII of at most 64 characters.
    pub error_type: Option<String>,
    /// How long the provider asks to wait (RFC 9110 §10.2.3), clamped to 1 s - 15 min.
    pub retry_after: Option<Duration>,
}

impl From<Outcome> for Exchange {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, http_status: None, error_type: None, retry_after: None }
    }
}

impl Outcome {
    /// Whether a DELETE that ended so may have been applied all the same. Only the provider's own 400, 401, 403, 404 and
    /// 429 say that it was not.
    pub fn may_have_been_applied(self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Refused(Refusal::Redirected | Refusal::Conflict))
    }

    /// Whether a read that ended so shows the row under the channel that the object declares, in whatever state.
    pub fn shows_declared_channel(self) -> bool {
        matches!(self, Self::Alive | Self::SoftGone | Self::Refused(Refusal::UnrecognisedStatus))
    }

    /// Whether a read that ended so shows that the account is still there, in whatever state.
    pub fn shows_the_account(self) -> bool {
        matches!(self, Self::Alive | Self::Refused(Refusal::WrongChannel | Refusal::UnrecognisedStatus))
    }
}
