//! An API server with one Lease in it, for tests: it keeps it as a real one does, and each replica's way to it fails as
//! it is told.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, Response};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::leader::Leader;
use super::{Candidate, LeaseRef};
use crate::metrics::Metrics;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Served,
    /// Its answer comes only after so long.
    Slow(Duration),
    /// Carried out, and the answer is lost.
    Unanswered,
    /// Never there.
    Lost,
    Refused(u16),
}

/// An API server with one Lease in it. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<World>>);

#[derive(Default)]
struct World {
    lease: Option<Value>,
    version: u64,
    writes: usize,
}

/// The way from one replica to the server.
#[derive(Clone)]
pub(super) struct Way {
    server: Server,
    fate: Arc<Mutex<Fate>>,
}

impl Server {
    pub(super) fn way(&self) -> Way {
        Way { server: self.clone(), fate: Arc::new(Mutex::new(Fate::Served)) }
    }

    pub(super) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    pub(super) fn lease(&self) -> Option<Lease> {
        self.0.lock().unwrap().lease.clone().map(|lease| serde_json::from_value(lease).unwrap())
    }

    pub(super) fn holder(&self) -> Option<String> {
        self.lease()?.spec?.holder_identity
    }

    /// Somebody's hand.
    pub(super) fn edit(&self, edit: impl FnOnce(&mut Option<Value>)) {
        let mut world = self.0.lock().unwrap();
        world.version += 1;
        let version = world.version.to_string();
        edit(&mut world.lease);
        if let Some(lease) = &mut world.lease {
            lease["metadata"]["resourceVersion"] = json!(version);
        }
    }

    fn serve(&self, method: &Method, body: &[u8]) -> (u16, Value) {
        let mut world = self.0.lock().unwrap();
        if *method == Method::GET {
            return world.lease.clone().map_or_else(|| status(404), |lease| (200, lease));
        }
        let mut sent: Value = serde_json::from_slice(body).unwrap();
        match (&world.lease, *method == Method::POST) {
            (Some(_), true) => return status(409),
            (None, false) => return status(404),
            (Some(there), false) if there["metadata"]["resourceVersion"] != sent["metadata"]["resourceVersion"] => {
                return status(409);
            }
            _ => {}
        }
        world.version += 1;
        world.writes += 1;
        sent["metadata"]["resourceVersion"] = json!(world.version.to_string());
        world.lease = Some(sent.clone());
        (200, sent)
    }
}

fn status(code: u16) -> (u16, Value) {
    let (reason, details) =
        if code == 404 { ("NotFound", json!({"name": "sender-operator"})) } else { ("", json!({})) };
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "details": details});
    (code, status)
}

impl Way {
    pub(super) fn becomes(&self, fate: Fate) {
        *self.fate.lock().unwrap() = fate;
    }

    pub(super) fn client(&self) -> Client {
        let way = self.clone();
        let serve = move |request: Request<Body>| {
            let way = way.clone();
            async move {
                let fate = *way.fate.lock().unwrap();
                let method = request.method().clone();
                let body = request.into_body().collect_bytes().await.unwrap();
                let (code, answer) = match fate {
                    Fate::Lost => pending().await,
                    Fate::Refused(code) => status(code),
                    Fate::Served | Fate::Slow(_) | Fate::Unanswered => way.server.serve(&method, &body),
                };
                match fate {
                    Fate::Slow(delay) => sleep(delay).await,
                    Fate::Unanswered => pending().await,
                    _ => {}
                }
                let answer = Body::from(answer.to_string().into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(answer).unwrap())
            }
        };
        Client::new(service_fn(serve), "operators")
    }

    pub(super) fn candidate(&self, me: &str) -> Candidate {
        let lease = LeaseRef { namespace: "operators".to_owned(), name: "sender-operator".to_owned() };
        Candidate::new(self.client(), lease, me.to_owned(), Metrics::default())
    }

    pub(super) async fn leader(&self, me: &str) -> Leader {
        let never = CancellationToken::new();
        let acquired = timeout(Duration::from_secs(120), self.candidate(me).acquire(&never));
        acquired.await.expect("it leads by now").expect("nobody stops it")
    }
}
