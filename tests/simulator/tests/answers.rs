//! What a provider can be made to answer.

mod support;

use std::time::Duration;

use provider_simulator::{Answer, Effect, Ending, Fault, On, Provider, State};
use serde_json::json;
use support::{EMAIL, KEY, LINKEDIN, ask, last, postpress, puffle_delete, puffle_list, start, with_fault};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_fixed_answer_comes_without_the_effect() {
    let (sim, handle) = with_fault(Fault::status(503).retry_after("120")).await;

    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    assert_eq!((reply.status, reply.header("retry-after"), reply.body.len()), (503, Some("120"), 0));
    assert_eq!(sim.log().state("acc_1"), State::Connected);
    assert_eq!(last(&sim.log()), (Effect::None, Some(503), Ending::Answered, true));
    assert_eq!((handle.hits(), sim.log().entries().last().unwrap().fault), (1, Some(handle.id())));
}

#[tokio::test]
async fn a_fixed_answer_may_come_with_the_effect() {
    let (sim, _) = with_fault(Fault::status(502).applied()).await;

    assert_eq!(puffle_delete(&sim, LINKEDIN, KEY).await.unwrap().status, 502);

    assert_eq!(sim.log().state(LINKEDIN), State::Disconnected);
    assert_eq!(last(&sim.log()), (Effect::Disconnected, Some(502), Ending::Answered, true));
}

#[tokio::test]
async fn a_dripping_answer_arrives_whole_in_pieces() {
    let (sim, _) = with_fault(Fault::own().drip(20, Duration::from_millis(1))).await;

    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    assert_eq!(reply.json(), json!({"object": "AccountDeleted"}));
    assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::Answered, true));
}

#[tokio::test]
async fn a_huge_body_is_the_true_one_filled_up() {
    let (sim, _) = with_fault(Fault::own().huge_body(300_000)).await;

    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    assert_eq!((reply.body.len(), reply.announced), (300_000, Some(300_000)));
    assert_eq!(reply.json(), json!({"object": "AccountDeleted"}), "white space changes no JSON");
}

#[tokio::test]
async fn an_endless_body_ends_with_the_client() {
    let (sim, _) = with_fault(Fault::own().endless_body()).await;
    let mut client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
    let mut received = 0;
    while received < 1_000_000 {
        received += client.stream.read(&mut [0; 65536]).await.unwrap();
    }

    drop(client);

    sim.wait_for("the client to be missed", |log| log.in_flight() == 0).await.unwrap();
    assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::ClientLeft, false));
}

#[tokio::test]
async fn raw_bytes_are_sent_as_they_are() {
    let (sim, _) = with_fault(Fault::raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).await;
    let mut client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;

    let mut came = String::new();
    client.stream.read_to_string(&mut came).await.unwrap();

    assert_eq!(came, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(sim.log().state("acc_1"), State::Connected);
}

#[tokio::test]
async fn a_redirect_carries_its_location_and_does_nothing() {
    let (sim, _) = with_fault(Fault::redirect(307, "http://127.0.0.1:9/v1/accounts/acc_1")).await;

    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    assert_eq!((reply.status, reply.header("location")), (307, Some("http://127.0.0.1:9/v1/accounts/acc_1")));
    assert_eq!(sim.log().state("acc_1"), State::Connected);
}

#[tokio::test]
async fn any_status_and_body_can_be_answered() {
    let deleted = json!({"object": "AccountDeleted"});
    let cases = [
        (Fault::json(202, deleted.clone()), 202, deleted.to_string()),
        (Fault::html(404, "<h1>no</h1>"), 404, "<h1>no</h1>".to_owned()),
        (Fault::body(200, "text/plain", "{}"), 200, "{}".to_owned()),
        (Fault::status(204), 204, String::new()),
        (Fault::status(999), 999, String::new()),
        (Fault::puffle_short_error(404, "gone"), 404, json!({"error": "gone"}).to_string()),
        (Fault::answer(Answer::new(200).body("\u{feff}{}")), 200, "\u{feff}{}".to_owned()),
    ];
    for (fault, status, body) in cases {
        let (sim, _) = with_fault(fault).await;
        let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
        assert_eq!((reply.status, String::from_utf8(reply.body).unwrap()), (status, body));
    }
}

#[tokio::test]
async fn undocumented_postpress_errors_can_be_answered_in_both_envelopes() {
    let (sim, handle) = with_fault(Fault::postpress_undocumented(403, "errors/account_restricted")).await;
    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
    assert_eq!((reply.status, reply.json()["type"].clone()), (403, json!("errors/account_restricted")));
    handle.clear();

    sim.fault(On::delete(), Fault::postpress_quickstart_error(404, "resource_not_found"));
    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
    assert_eq!((reply.status, reply.json()["error"]["code"].clone()), (404, json!("resource_not_found")));
}

#[test]
#[should_panic(expected = "is no documented PostPress error")]
fn a_mistyped_documented_error_is_refused() {
    Fault::postpress_error("errors/no_such_thing");
}

#[tokio::test]
async fn the_true_answer_can_be_rewritten_and_its_headers_added_to() {
    let sim = start().await;
    sim.puffle().add_email(KEY, EMAIL);
    sim.fault(
        On::read(),
        Fault::rewrite(|answer| answer.body(r#"{"accounts":[],"next_cursor":"c"}"#)).header("x-added", "yes"),
    );

    let reply = puffle_list(&sim, KEY).await.unwrap();

    assert_eq!((reply.json()["next_cursor"].clone(), reply.header("x-added")), (json!("c"), Some("yes")));
}
