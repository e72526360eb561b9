//! What goes over the wire, and when.

use std::sync::atomic::{AtomicUsize, Ordering};

use sender_operator::teardown::outcome::{NotSent, Outcome, Refusal, Unknown};

use super::*;
use crate::peer::{Forbidden, answer, json};

const AGENT: &str = concat!("user-agent: sender-operator/", env!("CARGO_PKG_VERSION"));

#[tokio::test]
async fn a_delete_is_one_request_with_the_key_in_its_own_header_and_nothing_unasked() {
    for (target, base, line, key) in [
        (postpress(), "/v1", "DELETE /v1/accounts/acc_1 HTTP/1.1".to_owned(), format!("x-api-key: {KEY}")),
        (
            puffle(),
            "",
            format!("DELETE /api/accounts/{} HTTP/1.1", puffle().account_id()),
            format!("authorization: Bearer {KEY}"),
        ),
    ] {
        let peer = Peer::new(Talk::Say(json("200 OK", ACKED))).await;
        let host = format!("host: {}", peer.address);
        let credential = credential(target.provider(), &format!("{}{base}", peer.base()));
        client(PATIENT).delete(&target, &credential, || Ok(())).await;
        let seen = peer.only_connection().await;
        let expected =
            [&line, &host, AGENT, "accept: application/json", "connection: close", &key, "", ""].join("\r\n");
        assert_eq!(seen.text(), expected);
    }
}

#[tokio::test]
async fn a_documented_answer_is_understood() {
    let acked = delete(Talk::Say(json("200 OK", ACKED)), PATIENT).await;
    assert_eq!((acked.outcome, acked.http_status), (Outcome::Acked, Some(200)));
    let gone = delete(Talk::Say(json("404 Not Found", GONE)), PATIENT).await;
    assert_eq!(gone.outcome, Outcome::Gone);
    assert_eq!(gone.error_type.as_deref(), Some("errors/resource_not_found"));

    let peer = Peer::new(Talk::Say(json("200 OK", r#"{"success":true}"#))).await;
    let exchange = client(PATIENT).delete(&puffle(), &credential(Provider::Puffle, &peer.base()), || Ok(())).await;
    assert_eq!(exchange.outcome, Outcome::Acked);
    peer.only_connection().await;
}

#[tokio::test]
async fn an_account_is_read_by_its_id_where_the_provider_has_such_a_read() {
    let peer = Peer::new(Talk::Say(json("200 OK", r#"{"object":"Account","id":"acc_1"}"#))).await;
    let credential = credential(Provider::PostPress, &format!("{}/api/v1", peer.base()));
    assert_eq!(client(PATIENT).read_account(&postpress(), &credential).await.outcome, Outcome::Alive);
    assert!(peer.only_connection().await.text().starts_with("GET /api/v1/accounts/acc_1 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn every_call_has_a_connection_of_its_own_also_when_the_peer_would_keep_it() {
    let kept = answer("200 OK", "Content-Type: application/json\r\nConnection: keep-alive\r\n", ACKED);
    let peer = Peer::new(Talk::Hold(kept)).await;
    let client = client(PATIENT);
    let credential = credential(Provider::PostPress, &peer.base());
    for _ in 0..3 {
        assert_eq!(client.delete(&postpress(), &credential, || Ok(())).await.outcome, Outcome::Acked);
    }
    let seen = peer.connections().await;
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.text().matches("DELETE ").count() == 1), "{seen:?}");
}

#[tokio::test]
async fn a_guard_that_refuses_leaves_the_peer_without_a_byte() {
    for why in [NotSent::DeadlinePassed, NotSent::ViewChanged] {
        let peer = Peer::new(Talk::Say(json("200 OK", ACKED))).await;
        let credential = credential(Provider::PostPress, &peer.base());
        let exchange = client(PATIENT).delete(&postpress(), &credential, || Err(why)).await;
        assert_eq!(exchange.outcome, Outcome::NotSent(why));
        assert_eq!(peer.only_connection().await.text(), "");
    }
}

#[tokio::test]
async fn the_guard_is_asked_once_and_only_when_a_connection_is_there() {
    let asked = AtomicUsize::new(0);
    let guard = || {
        asked.fetch_add(1, Ordering::SeqCst);
        Ok(())
    };
    let peer = Peer::new(Talk::Say(json("200 OK", ACKED))).await;
    client(PATIENT).delete(&postpress(), &credential(Provider::PostPress, &peer.base()), guard).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    peer.only_connection().await;

    let name = credential(Provider::PostPress, "https://api.postpress.ai");
    client(PATIENT).delete(&postpress(), &name, || unreachable!("there is no address to connect to")).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_connection() {
    let peer = Peer::new(Talk::Hold(Vec::new())).await;
    let credential = credential(Provider::PostPress, &peer.base());
    let client = client(PATIENT);
    let (sent, was_sent) = tokio::sync::oneshot::channel();
    let target = postpress();
    let call = client.delete(&target, &credential, move || {
        sent.send(()).expect("somebody waits");
        Ok(())
    });
    tokio::select! {
        exchange = call => unreachable!("nobody answers: {exchange:?}"),
        sent = was_sent => sent.expect("the guard is asked"),
    }
    peer.only_connection().await;
}

#[tokio::test]
async fn an_id_that_is_no_path_segment_is_refused_without_a_connection() {
    let forbidden = Forbidden::new();
    let credential = credential(Provider::PostPress, &format!("http://{}", forbidden.address()));
    for id in ["", ".", ".."] {
        let target = Target::PostPress { account_id: id.to_owned() };
        let exchange = client(PATIENT).delete(&target, &credential, || Ok(())).await;
        assert_eq!(exchange.outcome, Outcome::Refused(Refusal::InvalidAccountId), "{id:?}");
    }
    assert!(forbidden.is_untouched());
}

#[tokio::test]
async fn an_id_is_sent_as_one_segment() {
    let peer = Peer::new(Talk::Say(json("200 OK", ACKED))).await;
    let target = Target::PostPress { account_id: "../a?b#c%2f".to_owned() };
    client(PATIENT).delete(&target, &credential(Provider::PostPress, &peer.base()), || Ok(())).await;
    let seen = peer.only_connection().await;
    assert!(seen.text().starts_with("DELETE /accounts/..%2Fa%3Fb%23c%252f HTTP/1.1\r\n"), "{}", seen.text());
}

#[tokio::test]
async fn how_long_the_provider_asks_to_wait_is_passed_on_clamped() {
    let throttled = |wait: &str| {
        let body = r#"{"title":"t","type":"errors/too_many_requests","status":429}"#;
        answer("429 Too Many Requests", &format!("Content-Type: application/json\r\n{wait}"), body)
    };
    for (header, seconds) in [
        ("Retry-After: 7\r\n", Some(7)),
        ("Retry-After: 0\r\n", Some(1)),
        ("Retry-After: 100000\r\n", Some(900)),
        ("Retry-After: 5\r\nRetry-After: 60\r\n", Some(60)),
        ("Retry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n", Some(900)),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: \u{fe}\r\n", None),
        ("", None),
    ] {
        let exchange = delete(Talk::Say(throttled(header)), PATIENT).await;
        assert_eq!(exchange.outcome, Outcome::Throttled, "{header}");
        assert_eq!(exchange.retry_after.map(|wait| wait.as_secs()), seconds, "{header}");
    }
    let portal = answer("503 Busy", "Retry-After: 9\r\n", "<html>");
    let exchange = delete(Talk::Say(portal), PATIENT).await;
    assert_eq!(exchange.outcome, Outcome::Unknown(Unknown::Unavailable));
    assert_eq!(exchange.retry_after.map(|wait| wait.as_secs()), Some(9));
}

#[tokio::test]
async fn an_error_type_that_shows_a_piece_of_the_key_is_not_passed_on() {
    for leak in
        [KEY.to_owned(), KEY.to_uppercase(), format!("bad_key_{}", &KEY[8..20]), format!("{}{KEY}", "x".repeat(40))]
    {
        let body = format!(r#"{{"title":"{KEY}","detail":"{KEY}","type":"errors/{leak}","status":401}}"#);
        let exchange = delete(Talk::Say(json("401 Unauthorized", &body)), PATIENT).await;
        assert_eq!(exchange.outcome, Outcome::Refused(Refusal::Credentials), "{leak}");
        assert_eq!(exchange.error_type, None, "{leak}");
    }
}
