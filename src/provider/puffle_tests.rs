use proptest::prelude::*;

use super::*;
use crate::provider::answer::tests::json;
use crate::teardown::outcome::Refusal;

const OBJECT: &str = r#"{"error":{"code":"not_found","message":"Account not found"}}"#;
const TEXT: &str = r#"{"error":"Account not found"}"#;

fn delete(status: u16, body: &str) -> Outcome {
    classify_delete(&json(status, body)).outcome
}

#[test]
fn success_is_exactly_the_documented_body() {
    assert_eq!(delete(200, r#"{"success":true}"#), Outcome::Acked);
    assert_eq!(delete(200, " { \"success\" : true }\n"), Outcome::Acked);
    for body in [
        "",
        "{}",
        "null",
        "true",
        "<html></html>",
        r#"{"success":false}"#,
        r#"{"success":"true"}"#,
        r#"{"success":1}"#,
        r#"{"success":null}"#,
        r#"{"success":true,"queued":true}"#,
        r#"{"success":true,"success":true}"#,
        r#"{"success":false,"success":true}"#,
        r#"{"success":true}x"#,
        r#"[{"success":true}]"#,
        "\u{feff}{\"success\":true}",
        r#"{"object":"AccountDeleted"}"#,
        r#"{"success":true"#,
        r#"{"Success":true}"#,
    ] {
        assert_eq!(delete(200, body), Outcome::Unknown(Unknown::UnexpectedBody), "{body}");
    }
    for status in [201, 202, 204, 206, 226] {
        assert_eq!(delete(status, r#"{"success":true}"#), Outcome::Unknown(Unknown::UndocumentedStatus), "{status}");
    }
}

#[test]
fn each_status_means_what_it_says_in_either_of_the_providers_own_envelopes() {
    for (status, outcome) in [
        (400, Outcome::Refused(Refusal::Request)),
        (401, Outcome::Refused(Refusal::Credentials)),
        (403, Outcome::Refused(Refusal::Forbidden)),
        (404, Outcome::Gone),
        (409, Outcome::Refused(Refusal::Conflict)),
        (410, Outcome::Unknown(Unknown::UndocumentedStatus)),
        (422, Outcome::Unknown(Unknown::UndocumentedStatus)),
        (423, Outcome::Refused(Refusal::Conflict)),
        (429, Outcome::Throttled),
        (500, Outcome::Unknown(Unknown::ProviderFailure)),
        (502, Outcome::Unknown(Unknown::Unavailable)),
        (503, Outcome::Unknown(Unknown::Unavailable)),
        (504, Outcome::Unknown(Unknown::Unavailable)),
    ] {
        for body in [OBJECT, TEXT] {
            assert_eq!(delete(status, body), outcome, "{status} {body}");
        }
    }
}

#[test]
fn a_404_or_500_in_anything_but_exactly_the_providers_own_envelope_is_somebody_elses() {
    for body in [
        "",
        "<html></html>",
        "{}",
        r#"{"error":""}"#,
        r#"{"error":null}"#,
        r#"{"error":{}}"#,
        r#"{"error":["x"]}"#,
        r#"{"error":"Not Found","path":"/api/accounts"}"#,
        r#"{"error":{"code":"x"}}"#,
        r#"{"error":{"message":"x"}}"#,
        r#"{"error":{"code":404,"message":"x"}}"#,
        r#"{"error":{"code":"x","message":"x","request_id":"x"}}"#,
        r#"{"statusCode":404,"error":"Not Found","message":"x"}"#,
        r#"{"error":"x","error":"x"}"#,
        r#"{"message":"x"}"#,
        r#"{"type":"errors/resource_not_found","title":"t","status":404}"#,
    ] {
        for status in [404, 500] {
            assert_eq!(delete(status, body), Outcome::Unknown(Unknown::NotOurEnvelope), "{status} {body}");
        }
    }
}

#[test]
fn a_redirect_is_refused_whatever_it_says() {
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(delete(status, OBJECT), Outcome::Refused(Refusal::Redirected), "{status}");
    }
}

#[test]
fn a_404_to_the_list_says_nothing_of_any_account() {
    for body in [OBJECT, TEXT, ""] {
        let outcome = classify_list_error(&json(404, body)).outcome;
        assert_eq!(outcome, Outcome::Unknown(Unknown::NotOurEnvelope), "{body}");
    }
    assert_eq!(classify_list_error(&json(401, OBJECT)).outcome, Outcome::Refused(Refusal::Credentials));
}

#[test]
fn the_code_is_kept_and_the_text_is_not() {
    assert_eq!(classify_delete(&json(404, OBJECT)).error_type.as_deref(), Some("not_found"));
    assert_eq!(classify_delete(&json(404, TEXT)).error_type, None);
    let hostile = json(500, r#"{"error":{"code":"\u001b]0;x\u0007 https://u:p@h/?k=v","message":"m"}}"#);
    assert_eq!(classify_delete(&hostile).error_type.as_deref(), Some("?]0;x??https://u:p@h/?k=v"));
}

proptest! {
    #[test]
    fn every_answer_means_something_and_only_the_documented_ones_mean_success_or_gone(
        status in 0u16..1000,
        body in prop_oneof![
            any::<Vec<u8>>(),
            "\\{\"(error|success)\":(\"x?\"|true|false|\\{\"code\":\"x\",\"message\":\"m\"\\})\\}".prop_map(String::into_bytes),
        ],
        json_typed: bool,
    ) {
        let content_type = json_typed.then_some("application/json");
        let answer = Answer { content_type, body: &body, ..json(status, "") };
        let outcome = classify_delete(&answer).outcome;
        prop_assert!(outcome != Outcome::Alive && outcome != Outcome::SoftGone);
        if outcome == Outcome::Acked {
            let documented = body == br#"{"success":true}"#;
            prop_assert!(status == 200 && json_typed && documented);
        }
        if outcome == Outcome::Gone {
            let documented = body.starts_with(br#"{"error":"#);
            prop_assert!(status == 404 && json_typed && documented);
        }
    }
}
