use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use kube::client::Body;
use tokio::time::Instant;

use super::*;
use crate::crd::SECRET_FINALIZER;
use crate::finalizer;
use crate::index::fixture::{Fixture, config};
use crate::teardown::view::{Pass, Rules, Step};

type Answer = Arc<dyn Fn() -> BoxFuture<'static, (StatusCode, Value)> + Send + Sync>;

/// What an API server was sent: method, path and query, and the body.
type Taken = Arc<Mutex<Vec<(String, Value)>>>;

/// An API server that answers every request the same.
fn server(answer: Answer) -> (KubeIo, Taken) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&taken);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            let body = request.into_body().collect_bytes().await?;
            log.lock().unwrap().push((line, serde_json::from_slice(&body).unwrap_or(Value::Null)));
            let (status, body) = answer().await;
            Response::builder()
                .status(status)
                .body(Body::from(body.to_string().into_bytes()))
                .map_err(tower::BoxError::from)
        }
    });
    (KubeIo::new(Client::new(service, "default"), Arc::new(config())), taken)
}

fn says(status: u16, body: Value) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Arc::new(move || Box::pin(std::future::ready((status, body.clone()))))
}

fn alice() -> Fixture {
    Fixture::postpress("alice", "acc_1").deleting().set("/metadata", "resourceVersion", json!("17"))
}

/// What a failed `test` of a JSON patch, a refusal and the rest look like.
fn status(code: u16, causes: &[&str]) -> Value {
    let causes: Vec<_> = causes.iter().map(|field| json!({"reason": "x", "message": "m", "field": field})).collect();
    let details = match code {
        // The API server names the object that it does not find.
        404 => json!({"name": "alice"}),
        _ if causes.is_empty() => json!({}),
        _ => json!({"causes": causes}),
    };
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": "Why", "message": "what\u{1b}[31m", "details": details})
}

/// `Orphan` lets go with nothing else in hand.
fn proof(account: &Account) -> crate::teardown::proof::Proof {
    let mut view = account.view.clone();
    (view.ours, view.gates.orphan) = (true, Some(None));
    let rules = Rules { outcome_window: Duration::from_secs(900), max_backoff: Duration::from_secs(900) };
    match crate::teardown::decide(&view, &Pass::default(), &rules, jiff::Timestamp::now()) {
        Step::Release(proof) => proof,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_write_tests_first_that_it_is_the_same_object_unchanged() {
    let (fixture, mut bare) = (alice(), alice());
    bare.0["metadata"]["finalizers"] = json!([]);
    let (io, taken) = server(says(200, fixture.0.clone()));
    let account = fixture.parsed();
    io.write_status(&account, &SenderAccountStatus::default()).await.unwrap();
    finalizer::add(&io, &account).await.unwrap();
    // What comes back still carries the finalizer, so that it is no release.
    assert!(is_unknown(&finalizer::release(&io, &account, &proof(&account)).await));
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert_eq!(taken.len(), 3);
    for (line, patch) in taken {
        assert!(line.starts_with("PATCH /apis/sender-operator.dev/v1alpha1/namespaces/sales/senderaccounts/alice"));
        assert_eq!(patch[0], json!({"op": "test", "path": "/metadata/uid", "value": "uid-alice"}), "{line}");
        assert_eq!(patch[1], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "17"}), "{line}");
        assert!(patch.as_array().unwrap().len() > 2, "{patch}");
    }
}

#[tokio::test]
async fn a_secret_is_written_only_if_it_is_the_same_one_unchanged() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "sales", "uid": "u", "resourceVersion": "5"}});
    let (io, taken) = server(says(200, secret.clone()));
    let secret: Secret = serde_json::from_value(secret).unwrap();
    io.patch_secret(&secret, vec![json!({"op": "remove", "path": "/metadata/finalizers/0"})]).await.unwrap();
    let taken = taken.lock().unwrap();
    let (line, patch) = taken.first().unwrap();
    assert!(line.starts_with("PATCH /api/v1/namespaces/sales/secrets/key?"), "{line}");
    let guard = [
        json!({"op": "test", "path": "/metadata/uid", "value": "u"}),
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": "5"}),
    ];
    assert_eq!(patch.as_array().unwrap()[..2], guard);
}

#[tokio::test]
async fn an_object_is_asked_for_by_a_quorum_read() {
    let (io, taken) = server(says(200, alice().0));
    let fresh = io.get("sales", "alice").await.unwrap();
    assert_eq!(fresh.account().resource_version, "17");
    // Any resourceVersion in the query would be answered from a cache.
    let expected = "GET /apis/sender-operator.dev/v1alpha1/namespaces/sales/senderaccounts/alice";
    assert_eq!(taken.lock().unwrap()[0].0.trim_end_matches('?'), expected);
}

#[tokio::test]
async fn each_answer_of_the_api_server_says_whether_to_look_again_to_wait_or_that_it_was_refused() {
    let printable = "what?[31m".to_owned();
    for (code, causes, expected) in [
        (404, &[][..], ApiFault::NotFound),
        (409, &[], ApiFault::Conflict),
        (422, &[], ApiFault::Conflict),
        (422, &["spec"], ApiFault::Refused(printable.clone())),
        (400, &[], ApiFault::Refused(printable.clone())),
        (413, &[], ApiFault::Refused(printable.clone())),
        (401, &[], ApiFault::Forbidden(printable.clone())),
        (403, &[], ApiFault::Forbidden(printable)),
        (429, &[], ApiFault::Unavailable("429 Why".to_owned())),
        (500, &[], ApiFault::Unavailable("500 Why".to_owned())),
        (504, &[], ApiFault::Unavailable("504 Why".to_owned())),
    ] {
        let (io, _) = server(says(code, status(code, causes)));
        let account = alice().parsed();
        assert_eq!(io.write_status(&account, &SenderAccountStatus::default()).await.unwrap_err(), expected, "{code}");
        let released = finalizer::release(&io, &account, &proof(&account)).await;
        assert_eq!(released, if expected == ApiFault::NotFound { Ok(()) } else { Err(expected) }, "{code}");
    }
}

#[tokio::test]
async fn what_a_webhook_refuses_is_no_conflict_whatever_code_it_chooses() {
    for code in [409, 422] {
        let mut refusal = status(code, &[]);
        refusal["message"] = json!("admission webhook \"a.b\" denied the request: no");
        let (io, _) = server(says(code, refusal));
        let account = alice().parsed();
        let refused = ApiFault::Refused("admission webhook \"a.b\" denied the request: no".to_owned());
        assert_eq!(finalizer::release(&io, &account, &proof(&account)).await, Err(refused), "{code}");
    }
}

/// Whether the finalizer may be off or on.
fn is_unknown(ended: &Result<(), ApiFault>) -> bool {
    matches!(ended, Err(ApiFault::Unavailable(_) | ApiFault::Incomprehensible(_)))
}

#[tokio::test]
async fn only_our_own_object_without_our_finalizer_is_a_release() {
    let left = |uid: &str, finalizers: Value| json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": "alice", "namespace": "sales", "uid": uid, "finalizers": finalizers}});
    for (shown, released) in [
        (left("uid-alice", json!(null)), true),
        (left("uid-alice", json!(["a/b"])), true),
        (left("uid-alice", json!([FINALIZER])), false),
        (left("uid-bob", json!(null)), false),
        (json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}), false),
    ] {
        let (io, _) = server(says(200, shown.clone()));
        let account = alice().parsed();
        let ended = finalizer::release(&io, &account, &proof(&account)).await;
        assert!(if released { ended.is_ok() } else { is_unknown(&ended) }, "{shown}: {ended:?}");
    }
}

#[tokio::test]
async fn an_object_without_our_finalizer_is_released_already_and_not_written() {
    let mut bare = alice();
    bare.0["metadata"]["finalizers"] = json!(["a/b"]);
    let (io, taken) = server(says(500, status(500, &[])));
    let account = bare.parsed();
    assert_eq!(finalizer::release(&io, &account, &proof(&account)).await, Ok(()));
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn our_finalizer_is_put_behind_those_of_others_or_begins_the_list() {
    for (finalizers, operation) in [
        (json!(["a/b"]), json!({"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER})),
        (json!([]), json!({"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]})),
    ] {
        let mut fixture = alice();
        fixture.0["metadata"]["finalizers"] = finalizers;
        let (io, taken) = server(says(200, fixture.0.clone()));
        finalizer::add(&io, &fixture.parsed()).await.unwrap();
        assert_eq!(taken.lock().unwrap()[0].1[2], operation);
    }
}

#[tokio::test]
async fn our_hold_is_taken_off_a_secret_where_it_stands_and_a_secret_without_it_is_not_written() {
    let secret = |finalizers: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "sales", "uid": "u", "resourceVersion": "5", "finalizers": finalizers}});
    let (io, taken) = server(says(200, secret(json!(["a/b", SECRET_FINALIZER]))));
    finalizer::let_secret_go(&io, "sales", "key").await.unwrap();
    let patch = taken.lock().unwrap()[1].1.as_array().unwrap()[2..].to_vec();
    let place = "/metadata/finalizers/1";
    let expected =
        [json!({"op": "test", "path": place, "value": SECRET_FINALIZER}), json!({"op": "remove", "path": place})];
    assert_eq!(patch, expected);
    for without in [json!(["a/b"]), json!(null)] {
        let (io, taken) = server(says(200, secret(without)));
        finalizer::let_secret_go(&io, "sales", "key").await.unwrap();
        assert_eq!(taken.lock().unwrap().len(), 1, "it is only read");
    }
    let (gone, _) = server(says(404, status(404, &[])));
    assert_eq!(finalizer::let_secret_go(&gone, "sales", "key").await, Ok(()));
    let (refusing, _) = server(says(403, status(403, &[])));
    assert!(matches!(finalizer::let_secret_go(&refusing, "sales", "key").await, Err(ApiFault::Forbidden(_))));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_answered_ends_after_ten_seconds() {
    let (io, _) = server(Arc::new(|| Box::pin(std::future::pending())));
    let began = Instant::now();
    let fault = io.get("sales", "alice").await.unwrap_err();
    assert_eq!((fault, began.elapsed().as_secs()), (ApiFault::Unavailable("no answer within 10 s".to_owned()), 10));
}

#[tokio::test]
async fn a_404_that_names_no_object_says_nothing_of_it() {
    let mut gateway = status(404, &[]);
    gateway["details"] = json!({});
    let (io, _) = server(says(404, gateway));
    let account = alice().parsed();
    assert!(matches!(io.get("sales", "alice").await, Err(ApiFault::Unavailable(_))));
    assert!(is_unknown(&finalizer::release(&io, &account, &proof(&account)).await));
}
