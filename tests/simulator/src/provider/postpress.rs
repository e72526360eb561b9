//! PostPress: base path `/v1`, header `X-API-KEY`, error envelope `title, detail, instance, type, status`.

use serde_json::json;

use super::{Handled, Mode, no_such_page, segment};
use crate::account::{Kind, Provider, Row};
use crate::answer::Answer;
use crate::log::Effect;
use crate::wire::Request;
use crate::world::World;

/// The only base path this simulated PostPress serves. Its page also shows `/api/v1`, which answers an HTML 404 here.
pub const BASE_PATH: &str = "/v1";

/// One error type of the delete page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentedError {
    /// The HTTP status it comes with.
    pub status: u16,
    /// The envelope's `type`.
    pub error_type: &'static str,
    /// The envelope's `detail`.
    pub detail: &'static str,
}

const fn error(status: u16, error_type: &'static str, detail: &'static str) -> DocumentedError {
    DocumentedError { status, error_type, detail }
}

/// Every error type PostPress' delete page lists, in its order.
#[rustfmt::skip]
pub const ERRORS: [DocumentedError; 32] = [
    error(400, "errors/invalid_parameters", "One or more request parameters are invalid or missing."),
    error(400, "errors/missing_parameters", "One or more request parameters are missing."),
    error(400, "errors/malformed_request", "The given request has been rejected by the provider."),
    error(400, "errors/content_too_large", "The request payload is too large for the provider."),
    error(400, "errors/invalid_url", "The provided URL is not valid."),
    error(400, "errors/too_many_characters", "The provided content exceeds the character limit."),
    error(400, "errors/unescaped_characters", "The request path contains unescaped characters."),
    error(400, "errors/limit_too_high", "Pagination limit too high. See API reference for details."),
    error(401, "errors/missing_credentials", "Some credentials are necessary to perform the request."),
    error(401, "errors/multiple_sessions", "LinkedIn limits multiple sessions on certain Recruiter accounts. Use the cookie connection method to avoid this."),
    error(401, "errors/invalid_checkpoint_solution", "The checkpoint resolution did not pass successfully. Retry."),
    error(401, "errors/invalid_proxy_credentials", "The provided proxy credentials are invalid."),
    error(401, "errors/checkpoint_error", "The checkpoint does not appear to be resolvable. Contact support if it persists."),
    error(401, "errors/invalid_credentials", "The provided credentials are invalid."),
    error(401, "errors/expired_credentials", "Credentials have expired. Reconnect the account."),
    error(401, "errors/insufficient_privileges", "This resource is out of your API-key scopes."),
    error(401, "errors/disconnected_account", "The account is disconnected from the provider service."),
    error(401, "errors/disconnected_feature", "The service you're trying to reach is disconnected."),
    error(401, "errors/invalid_credentials_but_valid_account_imap", "IMAP/SMTP credentials are invalid but the account is otherwise valid."),
    error(401, "errors/expired_link", "This link has expired. Generate a new one."),
    error(401, "errors/wrong_account", "The provided credentials do not match the correct account."),
    error(404, "errors/resource_not_found", "The requested resource was not found."),
    error(404, "errors/invalid_resource_identifier", "The provided resource identifier is invalid."),
    error(500, "errors/unexpected_error", "Something went wrong."),
    error(500, "errors/provider_error", "The provider is experiencing operational problems. Retry later."),
    error(500, "errors/authentication_intent_error", "The current authentication intent was killed after failure. Start again from the beginning."),
    error(503, "errors/no_client_session", "No client session is currently running."),
    error(503, "errors/no_channel", "No channel to client session."),
    error(503, "errors/no_handler", "Handler missing for that request."),
    error(503, "errors/network_down", "Network is down on the server side. Retry shortly."),
    error(503, "errors/service_unavailable", "Service temporarily unavailable. Retry later."),
    error(504, "errors/request_timeout", "Request timed out. Retry, and contact support if it persists."),
];

/// The documented error of this `type` in its envelope; `None` for a type the page does not list.
pub(crate) fn documented(error_type: &str) -> Option<Answer> {
    let error = ERRORS.iter().find(|error| error.error_type == error_type)?;
    Some(envelope(error.status, error.error_type, error.detail))
}

/// An error in envelope A, of any type and status.
pub(crate) fn envelope(status: u16, error_type: &str, detail: &str) -> Answer {
    let title = error_type.trim_start_matches("errors/").replace('_', " ");
    Answer::json(
        status,
        &json!({
            "title": title,
            "detail": detail,
            "instance": "req_simulated",
            "type": error_type,
            "status": status,
        }),
    )
}

fn refusal(error_type: &'static str) -> Answer {
    documented(error_type).unwrap_or_else(|| Answer::new(500))
}

pub(super) fn handle(world: &mut World, request: &Request, workspace: Option<u64>, mode: Mode) -> Handled {
    let Some(id) = segment(request.path(), &format!("{BASE_PATH}/accounts/")) else {
        return Handled::without_effect(no_such_page(request));
    };
    if !matches!(request.method.as_str(), "GET" | "DELETE") {
        return Handled::without_effect(no_such_page(request));
    }
    let Some(workspace) = workspace else {
        return Handled::without_effect(refusal("errors/missing_credentials"));
    };
    let row = world.row_mut(Provider::PostPress, &id, workspace);
    match (request.method.as_str(), row) {
        ("GET", Some(row)) => Handled::without_effect(Answer::json(200, &account_json(row))),
        ("GET", None) => Handled::without_effect(refusal("errors/resource_not_found")),
        (_, None) => Handled { answer: refusal("errors/resource_not_found"), effect: Effect::NotFound },
        (_, Some(row)) => {
            if mode == Mode::Apply {
                row.gone = true;
            }
            Handled { answer: Answer::json(200, &json!({"object": "AccountDeleted"})), effect: Effect::Deleted }
        }
    }
}

fn account_json(row: &Row) -> serde_json::Value {
    json!({
        "object": "Account",
        "type": "LINKEDIN",
        "connection_params": {"im": {"id": "sim", "username": "sim", "publicIdentifier": "sim"}},
        "last_fetched_at": "2026-05-01T08:00:00.000Z",
        "id": row.id,
        "name": format!("Simulated {}", row.id),
        "created_at": "2026-01-01T08:00:00.000Z",
        "signatures": [],
        "groups": [],
        "sources": [{"id": format!("{}_MESSAGING", row.id), "status": row.status.shown(Kind::PostPress)}],
    })
}
