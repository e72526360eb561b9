//! Puffle: what its answers mean. Source: its page "Delete a connected account" and its list of accounts. Pure.

use serde_json::Value;

use super::answer::{Answer, error_type};
use crate::teardown::outcome::{Exchange, Outcome, Unknown};

/// What the answer to `DELETE /api/accounts/{id}` means. Success is a 200 with exactly `{"success": true}`: the page says
/// that there is no other member, so a body with one was written by somebody else or says more than we understand.
pub fn classify_delete(answer: &Answer<'_>) -> Exchange {
    match answer.status {
        200 => answer.means(match answer.json() {
            Some(body) if body.len() == 1 && body.get("success") == Some(&Value::Bool(true)) => Outcome::Acked,
            _ => Outcome::Unknown(Unknown::UnexpectedBody),
        }),
        // "404 means the account was never yours": it is not there. Whether it ever was is not for this page to say.
        _ => classify_error(answer, Outcome::Gone),
    }
}

/// What an answer other than 200 to `GET /api/accounts` means. A 404 is about the list, so it says nothing of any account.
pub fn classify_list_error(answer: &Answer<'_>) -> Exchange {
    classify_error(answer, Outcome::Unknown(Unknown::NotOurEnvelope))
}

fn classify_error(answer: &Answer<'_>, not_found: Outcome) -> Exchange {
    let envelope = Envelope::of(answer);
    let outcome = match (&envelope, answer.by_status()) {
        (_, Some(outcome)) => outcome,
        (None, None) => Outcome::Unknown(Unknown::NotOurEnvelope),
        (Some(_), None) if answer.status == 404 => not_found,
        (Some(_), None) => answer.by_class(),
    };
    let code = envelope.and_then(|envelope| envelope.code);
    Exchange { error_type: code.map(|code| error_type(&code)), ..answer.means(outcome) }
}

/// Exactly `{"error": {"code": …, "message": …}}` or `{"error": "…"}`.
struct Envelope {
    code: Option<String>,
}

impl Envelope {
    fn of(answer: &Answer<'_>) -> Option<Self> {
        let body = answer.json().filter(|body| body.len() == 1)?;
        match body.get("error")? {
            Value::String(text) if !text.is_empty() => Some(Self { code: None }),
            Value::Object(error) if error.len() == 2 => {
                error.get("message")?.as_str()?;
                let code = error.get("code")?.as_str().filter(|code| !code.is_empty())?;
                Some(Self { code: Some(code.to_owned()) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "puffle_tests.rs"]
mod tests;
