//! For tests: the part of an API server that a watch needs.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::index::fixture::Fixture;
use crate::kube_io::PAGE;

#[derive(Default)]
pub(super) struct World {
    objects: BTreeMap<(String, String), Value>,
    /// What happened, in order; a resourceVersion is a length of it.
    log: Vec<(String, Value)>,
    /// The namespace that nobody may list.
    pub(super) forbidden: Option<String>,
    /// What the group serves, once it is there.
    pub(super) served: Option<&'static [&'static str]>,
    pub(super) asked_what_is_served: usize,
}

/// An API server over a real socket.
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) world: Arc<Mutex<World>>,
    grown: watch::Sender<()>,
}

impl Fake {
    pub(super) async fn start() -> (Self, Client) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = Self { world: Arc::default(), grown: watch::Sender::new(()) };
        const GROUP: &str = "/apis/sender-operator.dev/v1alpha1";
        let router = Router::new()
            .route(GROUP, get(discovery))
            .route(&format!("{GROUP}/senderaccounts"), get(async |s, q| answer(s, None, q).await))
            .route(
                &format!("{GROUP}/namespaces/{{ns}}/senderaccounts"),
                get(async |s, Path(ns), q| answer(s, Some(ns), q).await),
            )
            .with_state(fake.clone());
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = kube::Config::new(url.parse().unwrap());
        (fake, Client::try_from(config).unwrap())
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
        self.grown.send_replace(());
    }

    pub(super) fn put(&self, object: &Fixture) {
        let mut object = object.0.clone();
        self.change(|world| {
            object["metadata"]["resourceVersion"] = json!((world.log.len() + 1).to_string());
            let key = key(&object);
            let kind = if world.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
            world.log.push((key.0.clone(), json!({"type": kind, "object": object})));
            world.objects.insert(key, object);
        });
    }

    /// Takes an object away so that no watch tells of it, and ends all watches as too old.
    pub(super) fn lose(&self, object: &Fixture) {
        self.change(|world| {
            world.objects.remove(&key(&object.0));
            let gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
            world.log.push((String::new(), json!({"type": "ERROR", "object": gone})));
        });
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |member: &str| object["metadata"][member].as_str().unwrap().to_owned();
    (text("namespace"), text("name"))
}

fn status(code: StatusCode) -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(), "reason": "x", "message": "x"});
    (code, axum::Json(body)).into_response()
}

async fn discovery(State(fake): State<Fake>) -> Response {
    let mut world = fake.world.lock().unwrap();
    world.asked_what_is_served += 1;
    let Some(names) = world.served else { return (StatusCode::NOT_FOUND, "404 page not found\n").into_response() };
    let resource = |name| json!({"name": name, "singularName": "", "namespaced": true, "kind": "X", "verbs": []});
    let resources: Vec<_> = names.iter().map(resource).collect();
    axum::Json(
        json!({"kind": "APIResourceList", "groupVersion": "sender-operator.dev/v1alpha1", "resources": resources}),
    )
    .into_response()
}

async fn answer(
    State(fake): State<Fake>,
    namespace: Option<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let within = move |of: &str| namespace.as_deref().is_none_or(|namespace| of.is_empty() || of == namespace);
    let world = fake.world.lock().unwrap();
    if world.forbidden.as_deref().is_some_and(&within) {
        return status(StatusCode::FORBIDDEN);
    }
    if query.get("watch").map(String::as_str) != Some("true") {
        assert_eq!(query.get("limit"), Some(&PAGE.to_string()), "a list in pages");
        let items: Vec<_> = world.objects.iter().filter(|((of, _), _)| within(of)).map(|(_, object)| object).collect();
        let version = world.log.len().to_string();
        return axum::Json(json!({"kind": "SenderAccountList", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items})).into_response();
    }
    let seen: usize = query.get("resourceVersion").unwrap().parse().unwrap();
    drop(world);
    let lines = stream::unfold(
        (fake.clone(), fake.grown.subscribe(), seen, within),
        async |(fake, mut grown, seen, within)| {
            loop {
                let next = fake.world.lock().unwrap().log.get(seen).cloned();
                match next {
                    Some((of, event)) if within(&of) => {
                        let line = Bytes::from(format!("{event}\n"));
                        return Some((Ok::<_, Infallible>(line), (fake, grown, seen + 1, within)));
                    }
                    Some(_) => return Some((Ok(Bytes::new()), (fake, grown, seen + 1, within))),
                    None => grown.changed().await.ok()?,
                }
            }
        },
    );
    Body::from_stream(lines).into_response()
}
