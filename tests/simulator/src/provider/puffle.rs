//! Puffle: paths under `/api`, `Authorization: Bearer`, errors as `{"error":{"code","message"}}`.

use serde_json::{Value, json};

use super::{Handled, Mode, campaigns, no_such_page, segment};
use crate::account::{Kind, Provider, Row, Status};
use crate::answer::Answer;
use crate::log::Effect;
use crate::wire::Request;
use crate::world::World;

const LIST: &str = "/api/accounts";
const ONE: &str = "/api/accounts/";

/// An error in Puffle's envelope.
pub(crate) fn envelope(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}

pub(super) fn handle(world: &mut World, request: &Request, workspace: Option<u64>, mode: Mode) -> Handled {
    if let Some(answer) = campaigns::handle(world, request, workspace, mode) {
        return Handled::without_effect(answer);
    }
    let path = request.path();
    let asked = (request.method.as_str(), segment(path, ONE));
    if path != LIST && asked.1.is_none() {
        return Handled::without_effect(no_such_page(request));
    }
    if !matches!(asked, ("GET", None) | ("DELETE", Some(_))) {
        return Handled::without_effect(envelope(405, "method_not_allowed", "Method not allowed"));
    }
    let Some(workspace) = workspace else {
        return Handled::without_effect(envelope(401, "unauthorized", "Missing, malformed or revoked API key"));
    };
    match asked.1 {
        None => {
            let rows: Vec<Value> = world.rows_of(Provider::Puffle, workspace).map(account_json).collect();
            Handled::without_effect(Answer::json(200, &json!({"accounts": rows})))
        }
        Some(id) => match world.row_mut(Provider::Puffle, &id, workspace) {
            None => Handled { answer: envelope(404, "not_found", "Account not found"), effect: Effect::NotFound },
            Some(row) => Handled { effect: delete(row, mode), answer: Answer::json(200, &json!({"success": true})) },
        },
    }
}

/// LinkedIn still connected is only disconnected; everything else loses its row.
fn delete(row: &mut Row, mode: Mode) -> Effect {
    let effect = match (row.kind, &row.status) {
        (Kind::LinkedIn, Status::Disconnected) | (Kind::Email | Kind::PostPress, _) => Effect::Deleted,
        (Kind::LinkedIn, _) => Effect::Disconnected,
    };
    if mode == Mode::Apply {
        match effect {
            Effect::Disconnected => row.status = Status::Disconnected,
            _ => row.gone = true,
        }
    }
    effect
}

fn account_json(row: &Row) -> Value {
    let mut account = json!({
        "id": row.id,
        "user_id": format!("user_{}", row.workspace),
        "type": row.kind,
        "display_name": format!("Simulated {}", row.id),
        "status": row.status.shown(row.kind),
        "created_at": "2026-01-01T08:00:00.000Z",
        "updated_at": "2026-01-01T08:00:00.000Z",
    });
    let particulars = match row.kind {
        Kind::Email => json!({
            "email_address": "sim@example.com",
            "warmup_status": "completed",
            "daily_limit": 30,
            "email_domains": {"id": "sim", "domain": "example.com", "status": "active"},
        }),
        _ => json!({
            "provider_account_id": "sim",
            "profile_url": "https://www.linkedin.com/in/sim",
            "is_premium": false,
            "has_sales_navigator": false,
            "weekly_connection_limit": 80,
            "weekly_message_limit": 100,
        }),
    };
    if let (Some(account), Value::Object(particulars)) = (account.as_object_mut(), particulars) {
        account.extend(particulars);
    }
    account
}
