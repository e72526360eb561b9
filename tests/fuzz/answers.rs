//! A provider's answer: the first line is status and content type, the rest the body.

use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::credentials::Fingerprint;
use sender_operator::provider::answer::Answer;
use sender_operator::provider::postpress::ERROR_TYPES;
use sender_operator::provider::{postpress, puffle};
use sender_operator::reason::Reason;
use sender_operator::teardown::decide;
use sender_operator::teardown::ledger::{AccountRecord, AccountState, Ledger};
use sender_operator::teardown::outcome::{Exchange, Outcome, Refusal};
use sender_operator::teardown::target::Target;
use sender_operator::teardown::view::{Gates, Known, Pass, Rules, Step, View};
use serde_json::{Value, json};

use crate::run::fuzz;

const ID: &str = "0b4fc1a2-0000-4000-8000-0123456789ab";
const RULES: Rules = Rules { outcome_window: Duration::from_secs(900), max_backoff: Duration::from_secs(900) };

#[test]
fn whatever_a_provider_answers_means_something_and_only_what_it_documents_means_gone_or_deleted() {
    fuzz("answers", 100, answer(), promise);
}

fn answer() -> BoxedStrategy<Vec<u8>> {
    let statuses =
        vec![200_u16, 200, 200, 201, 204, 302, 400, 401, 403, 404, 404, 404, 409, 410, 423, 429, 500, 503, 504, 600];
    let types =
        vec!["application/json", "application/json; charset=utf-8", "application/problem+json", "text/html", ""];
    let text = || prop_oneof![Just(ID.to_owned()), "[ -~]{0,20}", any::<String>()];
    let known = select(ERROR_TYPES.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>());
    let body = prop_oneof![
        (option::of(text()), any::<bool>()).prop_map(|(more, deleted)| {
            let object = if deleted { "AccountDeleted" } else { "Account" };
            json!({"object": object, "id": ID, "more": more})
        }),
        option::of(text()).prop_map(|more| match more {
            None => json!({"success": true}),
            Some(more) => json!({"success": true, "message": more}),
        }),
        (known.clone(), text(), option::of(any::<u16>())).prop_map(|((status, kind), title, other)| {
            json!({"type": kind, "title": title, "status": other.unwrap_or(status), "detail": title})
        }),
        (known, text()).prop_map(
            |((_, kind), message)| json!({"error": {"code": kind.trim_start_matches("errors/"), "message": message}})
        ),
        (text(), text()).prop_map(|(code, message)| json!({"error": {"code": code, "message": message}})),
        text().prop_map(|error| json!({"error": error})),
        text().prop_map(Value::String),
    ];
    (select(statuses), select(types), body)
        .prop_map(|(status, content_type, body)| format!("{status} {content_type}\n{body}").into_bytes())
        .boxed()
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    let (line, body) = input.split_at(input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len()));
    let body = body.get(1..).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let (status, content_type) = line.split_once(' ').unwrap_or((&line, ""));
    let Ok(status) = status.parse::<u16>() else { return Ok(()) };
    let wait = Some(Duration::from_secs(7));
    let answer = Answer { status, content_type: Some(content_type), opaque: false, retry_after: wait, body };
    let said = Said::of(content_type, body);
    let no_type = Answer { content_type: None, ..answer };
    let opaque = Answer { opaque: true, ..answer };
    for unread in [&no_type, &opaque] {
        for exchange in [postpress::classify_delete(unread), puffle::classify_delete(unread)] {
            prop_assert!(
                !matches!(exchange.outcome, Outcome::Acked | Outcome::Gone | Outcome::Alive),
                "{:?}",
                exchange
            );
        }
    }

    let deleted = postpress::classify_delete(&answer);
    whole(&deleted, status)?;
    prop_assert!(deleted.outcome != Outcome::Acked || (status == 200 && said.is("/object", "AccountDeleted")));
    prop_assert!(deleted.outcome != Outcome::Gone || (status == 404 && said.names_missing_resource()));
    prop_assert!(!matches!(deleted.outcome, Outcome::Alive | Outcome::SoftGone), "{:?}", deleted);
    proves_only_what_it_says(&deleted, &Target::PostPress { account_id: ID.to_owned() })?;

    let read = postpress::classify_read(&answer, ID);
    whole(&read, status)?;
    prop_assert!(
        read.outcome != Outcome::Alive || (status == 200 && said.is("/object", "Account") && said.is("/id", ID))
    );
    prop_assert!(read.outcome != Outcome::Gone || (status == 404 && said.names_missing_resource()));
    prop_assert!(!matches!(read.outcome, Outcome::Acked | Outcome::SoftGone), "{:?}", read);

    let deleted = puffle::classify_delete(&answer);
    whole(&deleted, status)?;
    let success = status == 200 && said.0 == Some(json!({"success": true}));
    prop_assert!(deleted.outcome != Outcome::Acked || success, "{:?}", deleted);
    prop_assert!(deleted.outcome != Outcome::Gone || (status == 404 && said.is_puffles_envelope()));
    prop_assert!(!matches!(deleted.outcome, Outcome::Alive | Outcome::SoftGone), "{:?}", deleted);
    proves_only_what_it_says(&deleted, &Target::PuffleEmail { account_id: ID.to_owned() })?;

    let listed = puffle::classify_list_error(&answer);
    whole(&listed, status)?;
    let absent = matches!(listed.outcome, Outcome::Gone | Outcome::Acked | Outcome::Alive | Outcome::SoftGone);
    prop_assert!(!absent, "{:?}", listed);
    Ok(())
}

/// What a body says, read by another parser than the operator's.
struct Said(Option<Value>);

impl Said {
    fn of(content_type: &str, body: &[u8]) -> Self {
        let json = content_type.to_ascii_lowercase().contains("json");
        Self(serde_json::from_slice(body).ok().filter(|body: &Value| json && body.is_object()))
    }

    fn is(&self, member: &str, text: &str) -> bool {
        self.0.as_ref().and_then(|body| body.pointer(member)) == Some(&json!(text))
    }

    fn names_missing_resource(&self) -> bool {
        self.is("/type", "errors/resource_not_found")
            || self.is("/error/code", "resource_not_found")
            || self.is("/error/code", "errors/resource_not_found")
    }

    fn is_puffles_envelope(&self) -> bool {
        self.0.as_ref().and_then(Value::as_object).is_some_and(|body| body.len() == 1 && body.contains_key("error"))
    }
}

/// Bounded, printable, and without a claim that only the provider's own words support.
pub fn whole(exchange: &Exchange, status: u16) -> Result<(), TestCaseError> {
    prop_assert_eq!(exchange.http_status, Some(status));
    printable(exchange)?;
    prop_assert!(!matches!(exchange.outcome, Outcome::NotSent(_)), "{:?}", exchange);
    let not_applied = matches!(exchange.outcome, Outcome::Throttled | Outcome::Gone)
        || matches!(exchange.outcome, Outcome::Refused(why) if !matches!(why, Refusal::Redirected | Refusal::Conflict));
    prop_assert!(!not_applied || matches!(status, 400 | 401 | 403 | 404 | 429), "{:?}", exchange);
    Ok(())
}

/// An error type is short and printable, and a wait has its bounds.
pub fn printable(exchange: &Exchange) -> Result<(), TestCaseError> {
    if let Some(text) = &exchange.error_type {
        prop_assert!(text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", text);
    }
    let within = exchange.retry_after.is_none_or(|wait| (1..=900).contains(&wait.as_secs()));
    prop_assert!(within, "{:?}", exchange.retry_after);
    Ok(())
}

/// Nobody saw the account: no answer to a DELETE releases. Somebody did: only a 404 of the right kind does.
fn proves_only_what_it_says(answer: &Exchange, target: &Target) -> Result<(), TestCaseError> {
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
    let fingerprint = Fingerprint::from_stored("here".to_owned());
    let seen = AccountRecord {
        uid: "uid".to_owned(),
        provider: target.provider().as_str().to_owned(),
        state: AccountState::Connected,
        alive_at: Some(now),
        fingerprint: Some(fingerprint.clone()),
        endpoint: None,
        wrong_channel_since: None,
    };
    let known = Known { fingerprint, endpoint: "https://here".to_owned() };
    let pass = Pass { credential: Some(Ok(known)), answer: Some(answer.clone()), sends: 1, ..Pass::default() };
    for account in [None, Some(seen)] {
        let view = View {
            uid: "uid".to_owned(),
            target: target.clone(),
            deleting: true,
            ours: true,
            gates: Gates::default(),
            on_not_found: OnNotFound::Hold,
            after_unknown_outcome: AfterUnknownOutcome::Resend,
            ledger: Ledger { account: account.clone(), teardown: None },
        };
        if let Step::Release(proof) = decide(&view, &pass, &RULES, now) {
            prop_assert_eq!(proof.record().reason, Reason::NotFoundAfterSeenAlive);
            prop_assert!(account.is_some() && answer.outcome == Outcome::Gone, "{:?}", answer);
        }
    }
    Ok(())
}
