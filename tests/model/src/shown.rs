//! What the API server and the providers show, in their own form, and what the operator's own code makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::ByteString;
use sender_operator::account::Account;
use sender_operator::args::{Command, Config, TargetKind, parse_from};
use sender_operator::crd::{API_KEY, BASE_URL};
use sender_operator::crd::{FINALIZER, SenderAccount};
use sender_operator::credentials::Credential;
use sender_operator::provider::answer::Answer as Http;
use sender_operator::provider::list::AccountList;
use sender_operator::provider::{postpress, puffle};
use sender_operator::teardown::ledger::Ledger;
use sender_operator::teardown::outcome::{Exchange, NotSent, Outcome, Unknown};
use sender_operator::teardown::target::{Provider, Target};
use sender_operator::teardown::view::Known;
use serde_json::{Value, json};

use crate::guard::Guard;
use crate::product::Setting;
use crate::state::{Answer, Key, Object, Sight, Stage};

const ID: &str = "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";

/// The operator's settings, all that a teardown depends on at their defaults.
pub fn config() -> Config {
    match parse_from(["sender-operator", "run", "--leader-election=false"].map(Into::into)) {
        Ok(Command::Run(config)) => *config,
        other => panic!("{other:?}"),
    }
}

/// The uid of the first or second object, or of the one that took the first one's name.
pub fn uid(object: u8, reborn: bool) -> String {
    format!("uid-{object}{}", if reborn { "-reborn" } else { "" })
}

/// The object as a GET shows it, read as the operator reads it.
pub fn account(setting: &Setting, config: &Config, at: u8, object: Object, ledger: &Ledger) -> Account {
    let provider = match setting.kind {
        TargetKind::PostPress => json!({"postpress": {"accountId": ID}}),
        TargetKind::Email => json!({"puffle": {"accountId": ID, "channel": "Email"}}),
        TargetKind::Disconnect => json!({"puffle": {"accountId": ID, "channel": "LinkedIn", "teardown": "Disconnect"}}),
        TargetKind::Purge => json!({"puffle": {"accountId": ID, "channel": "LinkedIn", "teardown": "Purge"}}),
    };
    // The second may sort first: created in the same second, its uid decides.
    let created = if at == 0 && setting.second_is_older { "2026-01-01T00:00:01Z" } else { "2026-01-01T00:00:00Z" };
    let mut metadata = json!({
        "name": format!("object-{at}"), "namespace": "sales", "uid": uid(at, object.reborn), "resourceVersion": "1",
        "creationTimestamp": created, "finalizers": [FINALIZER],
    });
    if object.stage == Stage::Deleting {
        metadata["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
    }
    let raw = json!({
        "apiVersion": "sender-operator.dev/v1alpha1",
        "kind": "SenderAccount",
        "metadata": metadata,
        "spec": {
            "provider": provider,
            "credentialsRef": {"name": "key"},
            "deletionPolicy": if object.orphan { "Orphan" } else { "Delete" },
            "suspend": object.suspended,
            "onNotFound": setting.on_not_found,
            "afterUnknownOutcome": setting.after_unknown_outcome,
        },
        "status": {"account": ledger.account, "teardown": ledger.teardown},
    });
    let raw: SenderAccount = serde_json::from_value(raw).expect("an object as the API server stores it");
    Account::parse(Arc::new(raw), config).expect("an object that can be understood")
}

/// What the operator makes of the Secret. `None`: there is none.
pub fn known(setting: &Setting, config: &Config, uid: &str, target: &Target, key: Key) -> Option<Known> {
    let unlike = |guard| setting.without != Some(guard);
    let bytes = match key {
        Key::Missing => return None,
        Key::Other if unlike(Guard::FingerprintOverKey) => "a-key-of-another-workspace",
        _ => "the-key-of-the-workspace",
    };
    let provider = target.provider();
    let mut data = BTreeMap::from([(API_KEY.to_owned(), ByteString(bytes.into()))]);
    if key == Key::Elsewhere && unlike(Guard::FingerprintOverEndpoint) {
        let host = if provider == Provider::PostPress { "api.postpress.ai" } else { "app.puffle.ai" };
        data.insert(BASE_URL.to_owned(), ByteString(format!("https://{host}/elsewhere").into_bytes()));
    }
    let credential =
        Credential::from_secret(&data, provider, uid, &config.hosts).unwrap_or_else(|fault| panic!("{fault}"));
    Some(Known { fingerprint: credential.fingerprint, endpoint: credential.endpoint.to_string() })
}

/// What a DELETE's answer means to the operator.
pub fn answered(target: &Target, answer: Answer) -> Option<Exchange> {
    let postpress = target.provider() == Provider::PostPress;
    let (status, body) = match answer {
        Answer::None => return None,
        Answer::Unknown => return Some(Outcome::Unknown(Unknown::ConnectionLost).into()),
        Answer::NotSent => return Some(Outcome::NotSent(NotSent::DeadlinePassed).into()),
        Answer::Acked if postpress => (200, json!({"object": "AccountDeleted"})),
        Answer::Acked => (200, json!({"success": true})),
        Answer::NotFound => (404, error(postpress, 404, "errors/resource_not_found", "not_found")),
        Answer::Unauthorized => (401, error(postpress, 401, "errors/expired_credentials", "unauthorized")),
        Answer::Throttled => (429, error(postpress, 429, "errors/too_many_requests", "rate_limited")),
    };
    let body = body.to_string();
    let http = http(status, &body);
    Some(if postpress { postpress::classify_delete(&http) } else { puffle::classify_delete(&http) })
}

/// What a read's answer means to the operator.
pub fn read(target: &Target, sight: Sight) -> Option<Exchange> {
    let row = |status: &str| json!([{"id": ID, "type": channel(target), "status": status}]);
    let (status, body) = match (target.provider(), sight) {
        (_, Sight::None) => return None,
        (Provider::PostPress, Sight::Connected | Sight::Disconnected) => (200, json!({"object": "Account", "id": ID})),
        (Provider::PostPress, Sight::Absent) => (404, error(true, 404, "errors/resource_not_found", "")),
        (Provider::Puffle, Sight::Connected) if channel(target) == "email" => (200, json!({"accounts": row("active")})),
        (Provider::Puffle, Sight::Connected) => (200, json!({"accounts": row("connected")})),
        (Provider::Puffle, Sight::Disconnected) => (200, json!({"accounts": row("disconnected")})),
        (Provider::Puffle, Sight::Absent) => (200, json!({"accounts": []})),
        (provider, Sight::Failed) => {
            (503, error(provider == Provider::PostPress, 503, "errors/no_handler", "unavailable"))
        }
        (provider, Sight::Unauthorized) => {
            (401, error(provider == Provider::PostPress, 401, "errors/expired_credentials", "unauthorized"))
        }
    };
    let body = body.to_string();
    let http = http(status, &body);
    Some(match (target.provider(), status) {
        (Provider::PostPress, _) => postpress::classify_read(&http, ID),
        (Provider::Puffle, 200) => AccountList::read(body.as_bytes()).expect("a list").sight(target),
        (Provider::Puffle, _) => puffle::classify_list_error(&http),
    })
}

fn channel(target: &Target) -> &'static str {
    if matches!(target, Target::PuffleEmail { .. }) { "email" } else { "linkedin" }
}

fn error(postpress: bool, status: u16, kind: &str, code: &str) -> Value {
    if postpress {
        json!({"title": "An error", "type": kind, "status": status})
    } else {
        json!({"error": {"code": code, "message": "An error"}})
    }
}

fn http(status: u16, body: &str) -> Http<'_> {
    Http { status, content_type: Some("application/json"), opaque: false, retry_after: None, body: body.as_bytes() }
}
