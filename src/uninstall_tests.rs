use http::{Method, Request, Response};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::index::fixture::{Fixture, config};
use crate::teardown::decide;
use crate::teardown::view::{Pass, Step};

/// An object that is let go, as a list showed it.
fn alice() -> Fixture {
    Fixture::postpress("alice", "acc_1").deleting().set("/spec", "deletionPolicy", json!("Orphan")).set(
        "/metadata",
        "resourceVersion",
        json!("17"),
    )
}

/// Lets it go where a GET is answered so; how that ended, and the receipts.
async fn let_go_where(now: (u16, Value)) -> (Result<(), ApiFault>, String) {
    let released = alice().set("/metadata", "finalizers", json!([])).0;
    let service = tower::service_fn(move |request: Request<Body>| {
        let get = request.method() == Method::GET;
        let (status, body) = if get { now.clone() } else { (200, released.clone()) };
        let body = Body::from(body.to_string().into_bytes());
        std::future::ready(Response::builder().status(status).body(body).map_err(tower::BoxError::from))
    });
    let io = KubeIo::new(kube::Client::new(service, "default"), Arc::new(config()));
    let listed = serde_json::from_value(alice().0).unwrap();
    let [found] = &Found::all(vec![listed], &config())[..] else { panic!("it must not be left behind") };
    let account = found.account.as_ref().unwrap();
    let Step::Release(proof) = decide(&account.view, &Pass::default(), &config().rules, Timestamp::now()) else {
        panic!("it is orphaned")
    };
    let paper = tempfile::NamedTempFile::new().unwrap();
    let receipts = Receipts::to(paper.reopen().unwrap());
    let ended = let_go(&io, &receipts, found, account, &proof, false).await;
    (ended, std::fs::read_to_string(paper.path()).unwrap())
}

#[tokio::test]
async fn what_an_operator_has_let_go_since_it_was_listed_gets_no_second_receipt() {
    let gone =
        json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "details": {"name": "alice"}});
    assert_eq!(let_go_where((404, gone)).await, (Err(ApiFault::NotFound), String::new()));
    let changed = alice().set("/metadata", "resourceVersion", json!("18")).0;
    assert_eq!(let_go_where((200, changed)).await, (Err(ApiFault::Conflict), String::new()));

    let (ended, receipts) = let_go_where((200, alice().0)).await;
    assert_eq!(ended, Ok(()));
    let receipt: Value = serde_json::from_str(&receipts).expect("one line");
    assert_eq!([&receipt["name"], &receipt["proof"]], ["alice", "Orphaned"]);
}
