//! PostPress: what its answers mean. Source: its pages "Delete an account" and "Retrieve an account". Pure.

use serde_json::{Map, Value};

use super::answer::{Answer, error_type};
use crate::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};

use Outcome::{Gone, Refused};
use Refusal::{AccountLogin, Credentials, Forbidden, InvalidAccountId, Request};
use Unknown::{ProviderFailure, Unavailable};

/// What every `type` of its own begins with.
const OWN: &str = "errors/";

/// Every documented error: HTTP status, type, meaning. The 401s are of two kinds: about our key, and about the login of the
/// connected account, which then still exists. A 504 may have been applied.
#[rustfmt::skip]
pub const ERROR_TYPES: [(u16, &str, Outcome); 32] = [
    (400, "errors/invalid_parameters",     Refused(Request)),
    (400, "errors/missing_parameters",     Refused(Request)),
    (400, "errors/malformed_request",      Refused(Request)),
    (400, "errors/content_too_large",      Refused(Request)),
    (400, "errors/invalid_url",            Refused(Request)),
    (400, "errors/too_many_characters",    Refused(Request)),
    (400, "errors/unescaped_characters",   Refused(Request)),
    (400, "errors/limit_too_high",         Refused(Request)),
    (401, "errors/missing_credentials",    Refused(Credentials)),
    (401, "errors/multiple_sessions",      Refused(AccountLogin)),
    (401, "errors/invalid_checkpoint_solution", Refused(AccountLogin)),
    (401, "errors/invalid_proxy_credentials", Refused(AccountLogin)),
    (401, "errors/checkpoint_error",       Refused(AccountLogin)),
    (401, "errors/invalid_credentials",    Refused(Credentials)),
    (401, "errors/expired_credentials",    Refused(Credentials)),
    (401, "errors/insufficient_privileges", Refused(Forbidden)),
    (401, "errors/disconnected_account",   Refused(AccountLogin)),
    (401, "errors/disconnected_feature",   Refused(AccountLogin)),
    (401, "errors/invalid_credentials_but_valid_account_imap", Refused(AccountLogin)),
    (401, "errors/expired_link",           Refused(AccountLogin)),
    (401, "errors/wrong_account",          Refused(AccountLogin)),
    (404, "errors/resource_not_found",     Gone),
    (404, "errors/invalid_resource_identifier", Refused(InvalidAccountId)),
    (500, "errors/unexpected_error",       Outcome::Unknown(ProviderFailure)),
    (500, "errors/provider_error",         Outcome::Unknown(ProviderFailure)),
    (500, "errors/authentication_intent_error", Outcome::Unknown(ProviderFailure)),
    (503, "errors/no_client_session",      Outcome::Unknown(Unavailable)),
    (503, "errors/no_channel",             Outcome::Unknown(Unavailable)),
    (503, "errors/no_handler",             Outcome::Unknown(Unavailable)),
    (503, "errors/network_down",           Outcome::Unknown(Unavailable)),
    (503, "errors/service_unavailable",    Outcome::Unknown(Unavailable)),
    (504, "errors/request_timeout",        Outcome::Unknown(Unavailable)),
];

/// What the answer to `DELETE /accounts/{id}` means. Success is a 200 with `"object": "AccountDeleted"`; further members,
/// which the page neither promises nor excludes, change nothing.
pub fn classify_delete(answer: &Answer<'_>) -> Exchange {
    match answer.status {
        200 => answer.means(match answer.json() {
            Some(body) if is(&body, "object", "AccountDeleted") => Outcome::Acked,
            _ => Outcome::Unknown(Unknown::UnexpectedBody),
        }),
        _ => classify_error(answer),
    }
}

/// What the answer to `GET /accounts/{id}` means. Only a 200 with `"object": "Account"` and this very id shows it alive.
pub fn classify_read(answer: &Answer<'_>, account_id: &str) -> Exchange {
    match answer.status {
        200 => answer.means(match answer.json() {
            Some(body) if is(&body, "object", "Account") && is(&body, "id", account_id) => Outcome::Alive,
            _ => Outcome::Unknown(Unknown::UnexpectedBody),
        }),
        _ => classify_error(answer),
    }
}

fn classify_error(answer: &Answer<'_>) -> Exchange {
    let envelope = answer.json().and_then(|body| Envelope::of(&body));
    let documented = envelope.as_ref().and_then(|envelope| known(answer.status, &envelope.r#type));
    let outcome = match (&envelope, answer.by_status()) {
        (_, Some(redirected @ Refused(_))) => redirected,
        (Some(envelope), _) if envelope.status.is_some_and(|status| status != u64::from(answer.status)) => {
            Outcome::Unknown(Unknown::InconsistentStatus)
        }
        (Some(_), by_status) => documented.or(by_status).unwrap_or_else(|| answer.by_class()),
        (None, by_status) => by_status.unwrap_or(Outcome::Unknown(Unknown::NotOurEnvelope)),
    };
    Exchange { error_type: envelope.map(|envelope| error_type(&envelope.r#type)), ..answer.means(outcome) }
}

fn known(status: u16, r#type: &str) -> Option<Outcome> {
    ERROR_TYPES.iter().find(|row| (row.0, row.1) == (status, r#type)).map(|row| row.2)
}

/// PostPress documents two envelopes. A, on its reference pages: `{"type", "title", "status"}`. B, in its quickstart:
/// `{"error": {"code", "message"}}`, whose code is A's type without `errors/`.
struct Envelope {
    r#type: String,
    status: Option<u64>,
}

impl Envelope {
    fn of(body: &Map<String, Value>) -> Option<Self> {
        Self::a(body).or_else(|| Self::b(body))
    }

    fn a(body: &Map<String, Value>) -> Option<Self> {
        let r#type = body.get("type")?.as_str().filter(|text| text.len() > OWN.len() && text.starts_with(OWN))?;
        body.get("title")?.as_str()?;
        let status = body.get("status").filter(|status| status.is_number())?;
        // A number that is no whole number is no HTTP status either.
        Some(Self { r#type: r#type.to_owned(), status: Some(status.as_u64().unwrap_or(0)) })
    }

    fn b(body: &Map<String, Value>) -> Option<Self> {
        let error = body.get("error")?.as_object()?;
        let code = error.get("code")?.as_str().filter(|code| !code.is_empty())?;
        error.get("message")?.as_str()?;
        Some(Self { r#type: format!("{OWN}{}", code.strip_prefix(OWN).unwrap_or(code)), status: None })
    }
}

fn is(body: &Map<String, Value>, member: &str, text: &str) -> bool {
    body.get(member).and_then(Value::as_str) == Some(text)
}

#[cfg(test)]
#[path = "postpress_tests.rs"]
mod tests;
