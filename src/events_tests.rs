use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::crd::SenderAccount;
use crate::index::fixture::Fixture;

type Answer = Arc<dyn Fn() -> BoxFuture<'static, StatusCode> + Send + Sync>;

/// An API server that takes Events and answers as told, and what it was sent.
fn server(answer: Answer) -> (Client, Arc<Mutex<Vec<Value>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&taken);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
        async move {
            let path = request.uri().path().to_owned();
            let body = request.into_body().collect_bytes().await?;
            let event: Value = serde_json::from_slice(&body)?;
            log.lock().unwrap().push(json!({"path": path, "event": event}));
            let status = answer().await;
            let body = if status.is_success() {
                body.to_vec()
            } else {
                json!({"kind": "Status", "status": "Failure", "code": status.as_u16(), "message": "x", "reason": "x"})
                    .to_string()
                    .into_bytes()
            };
            Response::builder().status(status).body(Body::from(body)).map_err(tower::BoxError::from)
        }
    });
    (Client::new(service, "default"), taken)
}

fn always(status: StatusCode) -> Answer {
    Arc::new(move || Box::pin(std::future::ready(status)))
}

fn alice() -> SenderAccount {
    Fixture::postpress("alice", "1").account()
}

fn fates(metrics: &Metrics) -> String {
    let text = metrics.text((0, 0)).unwrap();
    text.lines().filter(|line| line.starts_with("sender_operator_events_total{")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn an_event_names_the_object_the_reason_and_what_to_do() {
    let (client, taken) = server(always(StatusCode::CREATED));
    let metrics = Metrics::default();
    let (events, written) = Events::new(client, metrics.clone());
    events.publish(&alice(), Reason::SecretMissing, EventType::Warning, "create it");
    drop(events);
    written.await;
    let taken = taken.lock().unwrap();
    assert_eq!(taken[0]["path"], "/apis/events.k8s.io/v1/namespaces/sales/events");
    let event = &taken[0]["event"];
    assert_eq!(
        (&event["reason"], &event["type"], &event["note"]),
        (&json!("SecretMissing"), &json!("Warning"), &json!("create it"))
    );
    assert_eq!(
        (&event["regarding"]["kind"], &event["regarding"]["name"], &event["regarding"]["uid"]),
        (&json!("SenderAccount"), &json!("alice"), &json!("uid-alice"))
    );
    assert_eq!(event["reportingController"], "sender-operator");
    assert_eq!(fates(&metrics), r#"sender_operator_events_total{fate="Written"} 1"#);
}

#[tokio::test]
async fn a_refused_event_is_counted_and_the_next_one_is_written() {
    let refusing = Arc::new(Mutex::new(true));
    let answer: Answer = Arc::new(move || {
        let refuse = std::mem::take(&mut *refusing.lock().unwrap());
        Box::pin(std::future::ready(if refuse { StatusCode::FORBIDDEN } else { StatusCode::CREATED }))
    });
    let (client, _) = server(answer);
    let metrics = Metrics::default();
    let (events, written) = Events::new(client, metrics.clone());
    events.publish(&alice(), Reason::Deleting, EventType::Normal, "");
    events.publish(&alice(), Reason::ReadBack, EventType::Normal, "");
    drop(events);
    written.await;
    assert!(fates(&metrics).contains(r#"{fate="Refused"} 1"#) && fates(&metrics).contains(r#"{fate="Written"} 1"#));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_never_answers_costs_five_seconds_and_not_the_queue() {
    let (client, _) = server(Arc::new(|| Box::pin(std::future::pending())));
    let metrics = Metrics::default();
    let (events, written) = Events::new(client, metrics.clone());
    events.publish(&alice(), Reason::Deleting, EventType::Normal, "");
    drop(events);
    let began = tokio::time::Instant::now();
    written.await;
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(fates(&metrics), r#"sender_operator_events_total{fate="Refused"} 1"#);
}

#[tokio::test]
async fn publishing_never_waits_and_what_does_not_fit_is_dropped_and_counted() {
    let (client, _) = server(always(StatusCode::CREATED));
    let metrics = Metrics::default();
    // Nobody writes.
    let (events, _written) = Events::new(client, metrics.clone());
    for _ in 0..10 * WAITING {
        events.clone().publish(&alice(), Reason::Deleting, EventType::Normal, "");
    }
    assert_eq!(fates(&metrics), format!(r#"sender_operator_events_total{{fate="Dropped"}} {}"#, 9 * WAITING));
}

#[tokio::test]
async fn a_repeat_is_counted_in_the_event_that_is_there() {
    let (client, taken) = server(always(StatusCode::OK));
    let metrics = Metrics::default();
    let (events, written) = Events::new(client, metrics.clone());
    let worker = tokio::spawn(written);
    for written in 1..=2 {
        events.publish(&alice(), Reason::Deleting, EventType::Normal, "");
        tokio::time::timeout(Duration::from_secs(60), async {
            while !fates(&metrics).ends_with(&format!("\"}} {written}")) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }
    drop(events);
    worker.await.unwrap();
    assert_eq!(taken.lock().unwrap()[1]["event"]["series"]["count"], 2);
}

#[test]
fn a_message_is_cut_to_what_the_api_server_takes_and_never_within_a_character() {
    assert_eq!(cut("short", LONGEST_NOTE), "short");
    assert_eq!(cut(&"x".repeat(2000), LONGEST_NOTE).len(), 1024);
    let cut = cut(&"ü".repeat(1000), 1023).to_owned();
    assert_eq!(cut, "ü".repeat(511));
}
