use proptest::prelude::*;

use super::*;
use crate::provider::answer::tests::json;

const ID: &str = "acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR";

fn a(status: u16, r#type: &str) -> String {
    format!(r#"{{"title":"t","detail":"d","instance":"i","type":"{type}","status":{status}}}"#)
}

fn b(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"m","request_id":"r"}}}}"#)
}

fn delete(status: u16, body: &str) -> Outcome {
    classify_delete(&json(status, body)).outcome
}

#[test]
fn the_table_is_the_providers_own_list_row_by_row() {
    let page = include_str!("../../tests/fixtures/postpress-errors.txt");
    let table: Vec<String> = ERROR_TYPES.iter().map(|(status, r#type, _)| format!("{status} {type}")).collect();
    assert_eq!(table, page.lines().collect::<Vec<_>>());
}

#[test]
fn each_documented_type_means_what_its_row_says_in_both_envelopes_to_a_delete_and_to_a_read() {
    for (status, r#type, outcome) in ERROR_TYPES {
        let code = r#type.strip_prefix("errors/").expect("the prefix");
        for body in [a(status, r#type), b(code), b(r#type)] {
            let expected =
                Exchange { outcome, http_status: Some(status), error_type: Some(r#type.to_owned()), retry_after: None };
            assert_eq!(classify_delete(&json(status, &body)), expected);
            assert_eq!(classify_read(&json(status, &body), ID), expected);
        }
    }
}

#[test]
fn only_a_missing_resource_is_gone_and_a_disconnected_account_is_not() {
    let gone: Vec<&str> = ERROR_TYPES.iter().filter(|row| row.2 == Gone).map(|row| row.1).collect();
    assert_eq!(gone, ["errors/resource_not_found"]);
    assert_eq!(delete(401, &a(401, "errors/disconnected_account")), Refused(AccountLogin));
    assert_eq!(delete(404, &a(404, "errors/invalid_resource_identifier")), Refused(InvalidAccountId));
}

#[test]
fn a_deleted_account_is_acknowledged_also_when_the_answer_has_new_members() {
    assert_eq!(delete(200, r#"{"object":"AccountDeleted"}"#), Outcome::Acked);
    assert_eq!(delete(200, r#"{"object":"AccountDeleted","id":"x","at":{"y":[]}}"#), Outcome::Acked);
}

#[test]
fn a_200_with_any_other_body_is_no_success() {
    let deep = format!(r#"{{"object":"AccountDeleted","x":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        "",
        "{}",
        "null",
        "true",
        "[]",
        "<html></html>",
        r#""AccountDeleted""#,
        r#"{"object":"Account"}"#,
        r#"{"object":"accountdeleted"}"#,
        r#"{"object":["AccountDeleted"]}"#,
        r#"{"object":null}"#,
        r#"{"success":true}"#,
        r#"[{"object":"AccountDeleted"}]"#,
        r#"{"object":"AccountDeleted"}x"#,
        r#"{"object":"AccountDeleted"}{"object":"AccountDeleted"}"#,
        r#"{"object":"AccountDeleted","object":"x"}"#,
        r#"{"object":"AccountDeleted","object":"AccountDeleted"}"#,
        "\u{feff}{\"object\":\"AccountDeleted\"}",
        r#"{"object":"AccountDeleted""#,
        &deep,
    ] {
        assert_eq!(delete(200, body), Outcome::Unknown(Unknown::UnexpectedBody), "{body:.60}");
    }
}

#[test]
fn the_right_body_under_another_content_type_is_no_success() {
    for content_type in [None, Some("text/html"), Some("text/plain")] {
        let answer = Answer { content_type, ..json(200, r#"{"object":"AccountDeleted"}"#) };
        assert_eq!(classify_delete(&answer).outcome, Outcome::Unknown(Unknown::UnexpectedBody));
    }
}

#[test]
fn the_right_body_under_another_2xx_is_no_success() {
    for status in [201, 202, 203, 204, 205, 206, 207, 226, 299] {
        let outcome = delete(status, r#"{"object":"AccountDeleted"}"#);
        assert_eq!(outcome, Outcome::Unknown(Unknown::UndocumentedStatus), "{status}");
    }
}

#[test]
fn a_redirect_is_refused_whatever_it_says() {
    for status in [300, 301, 302, 303, 304, 307, 308, 399] {
        assert_eq!(delete(status, &a(status, "errors/resource_not_found")), Refused(Refusal::Redirected), "{status}");
        assert_eq!(delete(status, ""), Refused(Refusal::Redirected), "{status}");
    }
}

#[test]
fn a_404_outside_the_providers_own_envelope_is_not_gone() {
    for body in [
        "",
        "<html>404</html>",
        "{}",
        r#"{"error":"Not Found"}"#,
        r#"{"message":"no Route matched with those values"}"#,
        r#"{"type":"errors/resource_not_found"}"#,
        r#"{"type":"errors/resource_not_found","title":"t"}"#,
        r#"{"type":"errors/resource_not_found","status":404}"#,
        r#"{"type":"about:blank","title":"Not Found","status":404}"#,
        r#"{"type":"errors/","title":"t","status":404}"#,
        r#"{"type":"errors/resource_not_found","title":"t","status":"404"}"#,
        r#"{"error":{"code":"resource_not_found"}}"#,
        r#"{"error":{"code":"","message":"m"}}"#,
        r#"[{"type":"errors/resource_not_found","title":"t","status":404}]"#,
    ] {
        assert_eq!(delete(404, body), Outcome::Unknown(Unknown::NotOurEnvelope), "{body}");
    }
    let portal = a(404, "errors/resource_not_found");
    let portal = Answer { content_type: Some("text/html"), ..json(404, &portal) };
    assert_eq!(classify_delete(&portal).outcome, Outcome::Unknown(Unknown::NotOurEnvelope));
}

#[test]
fn an_envelope_whose_status_is_not_the_http_status_is_not_believed() {
    for (http, inside) in
        [("404", "400"), ("404", "404.5"), ("404", "-404"), ("401", "404"), ("500", "404"), ("503", "404")]
    {
        let body = format!(r#"{{"title":"t","type":"errors/resource_not_found","status":{inside}}}"#);
        let outcome = delete(http.parse().expect("a status"), &body);
        assert_eq!(outcome, Outcome::Unknown(Unknown::InconsistentStatus), "{http} {inside}");
    }
}

#[test]
fn an_unknown_type_is_judged_by_its_http_class_and_a_404_of_it_is_not_gone() {
    for (status, outcome) in [
        (400, Refused(Request)),
        (401, Refused(Credentials)),
        (402, Outcome::Unknown(Unknown::UndocumentedStatus)),
        (403, Refused(Forbidden)),
        (404, Outcome::Unknown(Unknown::NotOurEnvelope)),
        (409, Refused(Refusal::Conflict)),
        (410, Outcome::Unknown(Unknown::UndocumentedStatus)),
        (423, Refused(Refusal::Conflict)),
        (425, Refused(Refusal::Conflict)),
        (429, Outcome::Throttled),
        (500, Outcome::Unknown(ProviderFailure)),
        (501, Outcome::Unknown(Unknown::UndocumentedStatus)),
        (502, Outcome::Unknown(Unavailable)),
        (503, Outcome::Unknown(Unavailable)),
        (504, Outcome::Unknown(Unavailable)),
    ] {
        assert_eq!(delete(status, &a(status, "errors/not_written_yet")), outcome, "{status}");
        assert_eq!(delete(status, &b("key_missing")), outcome, "{status}");
    }
    // A known type under another status than its own is as good as unknown.
    assert_eq!(delete(410, &a(410, "errors/resource_not_found")), Outcome::Unknown(Unknown::UndocumentedStatus));
}

#[test]
fn a_foreign_answer_never_says_that_nothing_was_applied() {
    for status in (400..500).chain([500]) {
        let blank = a(status, "about:blank");
        let elsewhere = a(status, "https://gateway.example/errors/unauthorized");
        let nothing = a(status, "errors/");
        for body in ["<html></html>", r#"{"error":"no"}"#, "", &blank, &elsewhere, &nothing] {
            assert!(matches!(delete(status, body), Outcome::Unknown(_)), "{status} {body}");
        }
    }
}

#[test]
fn only_the_account_itself_shows_it_alive() {
    let read = |body: &str| classify_read(&json(200, body), ID).outcome;
    assert_eq!(read(&format!(r#"{{"object":"Account","id":"{ID}","type":"MAIL","sources":[]}}"#)), Outcome::Alive);
    for body in [
        r#"{"object":"Account"}"#.to_owned(),
        format!(r#"{{"id":"{ID}"}}"#),
        format!(r#"{{"object":"AccountDeleted","id":"{ID}"}}"#),
        r#"{"object":"Account","id":"acc_another"}"#.to_owned(),
        format!(r#"{{"object":"AccountList","items":[{{"object":"Account","id":"{ID}"}}]}}"#),
    ] {
        assert_eq!(read(&body), Outcome::Unknown(Unknown::UnexpectedBody), "{body}");
    }
}

proptest! {
    #[test]
    fn every_answer_means_something_and_only_the_documented_ones_mean_success_or_gone(
        status in 0u16..1000,
        body in prop_oneof![
            any::<Vec<u8>>(),
            "\\PC*".prop_map(String::into_bytes),
            (0..ERROR_TYPES.len(), 0u16..1000).prop_map(|(row, status)| a(status, ERROR_TYPES[row].1).into_bytes()),
            (0..ERROR_TYPES.len()).prop_map(|row| b(ERROR_TYPES[row].1).into_bytes()),
            Just(br#"{"object":"AccountDeleted"}"#.to_vec()),
        ],
        opaque: bool,
    ) {
        let answer = Answer { opaque, body: &body, ..json(status, "") };
        let outcome = classify_delete(&answer).outcome;
        prop_assert!(outcome != Outcome::Alive && outcome != Outcome::SoftGone);
        if outcome == Outcome::Acked {
            prop_assert_eq!(status, 200);
            prop_assert_eq!(&body[..], br#"{"object":"AccountDeleted"}"#);
        }
        if outcome == Gone {
            prop_assert_eq!(status, 404);
            prop_assert!(String::from_utf8_lossy(&body).contains("errors/resource_not_found"));
        }
    }
}
