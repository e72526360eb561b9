use axum::body::to_bytes;
use axum::http::Request;
use kube::runtime::watcher::Event;
use tower::ServiceExt;

use super::*;
use crate::index::Scope;

fn admin() -> Admin {
    standing(Standing::Acts)
}

fn standing(standing: Standing) -> Admin {
    Admin {
        index: Arc::new(Index::new([Scope::Namespace("sales".into())])),
        metrics: Metrics::default(),
        served: Arc::default(),
        standing: watch::channel(standing).1,
        stopping: CancellationToken::new(),
    }
}

async fn get(admin: &Admin, path: &str) -> (u16, String) {
    let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
    let response = router(admin.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn it_is_ready_once_the_crd_is_served_and_every_list_complete_and_else_says_what_is_missing() {
    let admin = admin();
    let (status, body) = get(&admin, "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("the CRD senderaccounts.sender-operator.dev") && body.contains("namespace sales"), "{body}");
    admin.served.store(true, Ordering::Relaxed);
    let sales = Scope::Namespace("sales".into());
    admin.index.apply(&sales, &Event::Init);
    let (status, body) = get(&admin, "/readyz").await;
    assert_eq!((status, body.as_str()), (503, "the list of objects in namespace sales is not complete\n"));
    admin.index.note_failure(&sales, "grant it".to_owned());
    assert!(get(&admin, "/readyz").await.1.contains("in namespace sales is not complete: grant it\n"));
    admin.index.apply(&sales, &Event::InitDone);
    assert_eq!(get(&admin, "/readyz").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn one_that_stands_by_is_ready_without_having_listed_anything_and_says_who_leads() {
    let stands_by = standing(Standing::StandsBy("pod-1_0a".to_owned()));
    assert_eq!(get(&stands_by, "/readyz").await, (200, "ok: standing by, pod-1_0a leads\n".to_owned()));
    stands_by.stopping.cancel();
    assert_eq!(get(&stands_by, "/readyz").await, (503, "it is stopping\n".to_owned()));
}

#[tokio::test]
async fn one_that_does_not_know_who_leads_is_not_ready_and_says_why() {
    let unknown = standing(Standing::Unknown("the Lease may not be read".to_owned()));
    assert_eq!(get(&unknown, "/readyz").await, (503, "the Lease may not be read\n".to_owned()));
    assert_eq!(get(&unknown, "/livez").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn a_stopping_process_is_live_and_not_ready() {
    let admin = admin();
    admin.stopping.cancel();
    assert!(get(&admin, "/readyz").await.1.contains("it is stopping"));
    assert_eq!(get(&admin, "/livez").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn metrics_are_there_and_nothing_else_is() {
    let admin = admin();
    let (status, body) = get(&admin, "/metrics").await;
    assert!(status == 200 && body.contains("sender_operator_objects 0") && body.ends_with("# EOF\n"), "{body}");
    assert_eq!(get(&admin, "/").await.0, 404);
}
