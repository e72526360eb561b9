//! The wire log and the rows tell what happened, and nothing secret.

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use provider_simulator::{Call, Effect, Fault, Listener, On, Provider, State, Status, fingerprint};
use support::{Client, EMAIL, KEY, LINKEDIN, OTHER_KEY, ask, postpress, puffle_delete, puffle_list, start, until};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn the_log_tells_of_every_request_in_order() {
    let sim = start().await;
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::Connected);
    puffle_list(&sim, KEY).await.unwrap();
    puffle_delete(&sim, LINKEDIN, KEY).await.unwrap();
    puffle_delete(&sim, LINKEDIN, OTHER_KEY).await.unwrap();
    puffle_delete(&sim, EMAIL, KEY).await.unwrap();

    let log = sim.log();
    let told: Vec<_> = log
        .entries()
        .map(|entry| (entry.seq, entry.call, entry.account.as_deref(), entry.effect, entry.status))
        .collect();
    assert_eq!(
        told,
        [
            (1, Call::Read, None, Effect::None, Some(200)),
            (2, Call::Delete, Some(LINKEDIN), Effect::Disconnected, Some(200)),
            (3, Call::Delete, Some(LINKEDIN), Effect::None, Some(401)),
            (4, Call::Delete, Some(EMAIL), Effect::NotFound, Some(404)),
        ]
    );
    let first = log.entries().next().unwrap();
    assert_eq!(
        (first.provider, first.method.as_str(), first.path.as_str()),
        (Provider::Puffle, "GET", "/api/accounts")
    );
    assert_eq!(first.key, Some(fingerprint(KEY)));
    assert_eq!(first.headers.get("accept").map(String::as_str), Some("application/json"));
    let orders: Vec<_> = log.entries().map(|entry| (entry.arrived.order, entry.ended.unwrap().order)).collect();
    assert!(orders.is_sorted() && orders.iter().all(|(arrived, ended)| arrived < ended), "{orders:?}");
}

#[tokio::test]
async fn asked_and_effective_deletes_are_told_apart() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    sim.fault(On::delete().times(2), Fault::status(503));
    for _ in 0..4 {
        postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
    }

    let log = sim.log();

    assert_eq!((log.deletes("acc_1").len(), log.effective_deletes("acc_1").len()), (4, 1));
    assert_eq!(log.effective_deletes("acc_1")[0].seq, 3);
    assert_eq!(log.deletes("acc_2").len(), 0);
}

#[tokio::test]
async fn reads_of_an_account_are_by_its_id_or_a_list_of_its_workspace() {
    let sim = start().await;
    sim.puffle().add_email(KEY, EMAIL).add_linkedin(OTHER_KEY, LINKEDIN, Status::Connected);
    sim.postpress().add(KEY, "acc_1");
    puffle_list(&sim, KEY).await.unwrap();
    puffle_list(&sim, KEY).await.unwrap();
    puffle_list(&sim, OTHER_KEY).await.unwrap();
    postpress(&sim, "GET", "acc_1", KEY).await.unwrap();

    let log = sim.log();

    assert_eq!((log.reads(EMAIL).len(), log.reads(LINKEDIN).len(), log.reads("acc_1").len()), (2, 1, 1));
    assert_eq!((log.with_key(KEY).len(), log.with_key(OTHER_KEY).len()), (3, 1));
}

#[tokio::test]
async fn the_state_is_true_whatever_was_answered() {
    let sim = start().await;
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::Connected).add_email(KEY, EMAIL);
    sim.fault(On::delete(), Fault::json(200, serde_json::json!({"success": true})));

    puffle_delete(&sim, EMAIL, KEY).await.unwrap();

    assert_eq!(sim.log().state(EMAIL), State::Connected, "the success was a lie");
    assert_eq!(sim.log().state("acc_never"), State::NeverThere);
    assert!(sim.set_status(LINKEDIN, Status::Disconnected));
    assert_eq!(sim.log().state(LINKEDIN), State::Disconnected);
    assert!(sim.remove(LINKEDIN) && !sim.remove(LINKEDIN));
    assert_eq!(sim.log().state(LINKEDIN), State::Gone);
}

#[tokio::test]
async fn a_row_can_come_back_under_its_id() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    sim.postpress().add(KEY, "acc_1");

    assert_eq!(sim.log().state("acc_1"), State::Connected);
    assert_eq!(sim.log().effective_deletes("acc_1").len(), 1);
}

#[tokio::test]
async fn a_reused_connection_shows_in_the_log() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    let mut client = Client::connect(sim.address(Provider::PostPress)).await;
    for method in ["GET", "DELETE"] {
        client.send(method, "/v1/accounts/acc_1", &[("x-api-key", KEY)]).await;
        client.reply().await.unwrap();
    }
    postpress(&sim, "GET", "acc_1", KEY).await.unwrap();

    let log = sim.log();

    let connections: Vec<_> = log.entries().map(|entry| entry.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
    assert_eq!((log.connections(Provider::PostPress), log.connections(Provider::Puffle)), (2, 0));
}

#[tokio::test]
async fn a_connection_is_closed_where_the_client_asks_for_it() {
    let sim = start().await;
    let mut client = Client::connect(sim.address(Provider::PostPress)).await;
    client.send("GET", "/v1/accounts/acc_1", &[("connection", "close")]).await;
    client.reply().await.unwrap();

    assert!(client.reply().await.is_err());
}

#[tokio::test]
async fn a_request_body_is_read_and_counted() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    let mut client = Client::connect(sim.address(Provider::PostPress)).await;
    client.send("DELETE", "/v1/accounts/acc_1", &[("x-api-key", KEY), ("content-length", "5")]).await;
    client.stream.write_all(b"hello").await.unwrap();

    assert_eq!(client.reply().await.unwrap().status, 200);
    assert_eq!(sim.log().entries().last().unwrap().body_bytes, 5);
}

#[tokio::test]
async fn bytes_that_are_no_request_are_answered_and_logged() {
    let sim = start().await;
    let mut client = Client::connect(sim.address(Provider::Puffle)).await;
    client.stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").await.unwrap();

    assert_eq!(client.reply().await.unwrap().status, 400);
    let log = sim.log();
    let entry = log.entries().last().unwrap();
    assert_eq!((entry.method.as_str(), entry.call, entry.status), ("?", Call::Other, Some(400)));
}

#[tokio::test]
async fn the_bytes_of_a_key_are_nowhere_in_the_log() {
    let sim = start().await;
    let secret = "pk_live_0123456789abcdef-secret";
    let unknown = "pk_live_fedcba9876543210-unknown";
    sim.postpress().add(secret, "acc_1");
    sim.puffle().add_email(secret, EMAIL);
    for key in [secret, unknown] {
        postpress(&sim, "DELETE", "acc_1", key).await.unwrap();
        puffle_delete(&sim, EMAIL, key).await.unwrap();
        puffle_list(&sim, key).await.unwrap();
        // A client that puts its key where it does not belong.
        postpress(&sim, "GET", &format!("{key}?api_key={key}"), key).await.unwrap();
        let mut client = Client::connect(sim.address(Provider::PostPress)).await;
        let bearer = format!("Bearer {key}");
        let headers = [("x-api-key", key), ("authorization", bearer.as_str()), ("x-debug", key), ("cookie", key)];
        client.send("GET", "/v1/accounts/acc_1", &headers).await;
        client.reply().await.unwrap();
    }

    let lines = sim.log().to_string();

    assert_eq!(lines.lines().count(), 10);
    for line in lines.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let log = sim.log();
    let mut names = log.entries().flat_map(|entry| entry.headers.keys());
    assert!(names.all(|name| !["x-api-key", "authorization", "cookie"].contains(&name.as_str())));
    assert!(lines.contains(&fingerprint(secret)) && lines.contains(&fingerprint(unknown)));
    for key in [secret, unknown] {
        assert!(!lines.contains(key) && !lines.contains(&key[8..]), "{lines}");
    }
}

#[tokio::test]
async fn a_wait_ends_in_time_and_shows_the_log() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    postpress(&sim, "GET", "acc_1", KEY).await.unwrap();

    let bound = Duration::from_millis(20);
    let waited = sim.wait_for_within(bound, "a DELETE", |log| !log.deletes("acc_1").is_empty()).await;

    let told = format!("{:?}", waited.unwrap_err());
    assert!(told.contains("a DELETE") && told.contains("/v1/accounts/acc_1"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn paused_time_neither_hurries_the_simulator_nor_the_bound_of_a_wait() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    sim.fault(On::read(), Fault::own().delay(Duration::from_millis(50)));
    let client = ask(&sim, Provider::PostPress, "GET", "/v1/accounts/acc_1", KEY).await;

    sim.wait_for("the answer", |log| log.entries().any(|entry| entry.seen)).await.unwrap();

    let log = sim.log();
    let entry = log.entries().next().unwrap();
    let took = entry.ended.unwrap().at.duration_since(entry.arrived.at);
    assert!(took.as_millis() >= 50, "{took:?}");
    drop(client);
}

#[test]
fn the_simulator_serves_while_the_test_blocks_its_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sim = runtime.block_on(start());
    drop(runtime);

    let stream = std::net::TcpStream::connect(sim.address(Provider::PostPress)).unwrap();
    std::io::Write::write_all(&mut &stream, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    let answer = std::io::read_to_string(stream).unwrap();

    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_listeners_and_connections() {
    let sim = start().await;
    let address = sim.address(Provider::PostPress);
    let hanging = sim.fault(On::any(), Fault::own().hang());
    let mut client = ask(&sim, Provider::PostPress, "GET", "/v1/accounts/acc_1", KEY).await;
    sim.wait_for("the request to hang", |_| hanging.waiting() == 1).await.unwrap();

    drop(sim);

    assert!(client.reply().await.is_err());
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_second_listener_counts_what_reaches_it() {
    let listener = Listener::start().await.unwrap();
    assert_eq!((listener.connections(), listener.bytes()), (0, 0));

    let mut client = Client::connect(listener.address()).await;
    client.stream.write_all(b"hello").await.unwrap();
    // It never answers: the only end of this read is the listener's own.
    let listened = tokio::spawn(async move { client.reply().await });
    until("the bytes", async || listener.bytes() == 5).await;

    assert_eq!((listener.connections(), listener.bytes()), (1, 5));
    drop(listener);
    assert!(listened.await.unwrap().is_err());
}
