//! The simulator's own HTTP interface, for a process that is no Rust test: seed, break, look.
//!
//! | request | does |
//! |---|---|
//! | `POST /rows` | puts a [`Seed`] in |
//! | `POST /faults` | sets a fault (see [`FaultRequest`]); answers `{"fault":1}` |
//! | `GET /faults` | how often each was met, what it holds back |
//! | `POST /faults/1/release` | lets go what it holds back |
//! | `DELETE /faults/1`, `DELETE /faults` | no further request meets it, or any |
//! | `GET /log` | the wire log, one JSON object per line; `?after=7` from the eighth request on |
//! | `GET /state` | what is true of every account, and the counts |

mod request;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use self::request::{FaultRequest, FaultRequestError, OnRequest};

use crate::account::Provider;
use crate::log::Log;
use crate::matching::FaultHandle;
use crate::seed::Seed;
use crate::simulator::Simulator;

type Served = State<Arc<Simulator>>;

/// Serves the control interface on this loopback port (0: a free one); its address.
///
/// It ends with the task's runtime, not with the simulator, which it keeps alive.
///
/// # Errors
/// The port is taken.
pub async fn serve(simulator: Arc<Simulator>, port: u16) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on port {port} for control: {error}")))?;
    let address = listener.local_addr()?;
    let routes = Router::new()
        .route("/rows", post(rows))
        .route("/faults", post(set_fault).get(faults).delete(clear_faults))
        .route("/faults/{id}", delete(clear_fault))
        .route("/faults/{id}/release", post(release_fault))
        .route("/log", get(log))
        .route("/state", get(state))
        .with_state(simulator);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn rows(State(simulator): Served, body: String) -> Response {
    match Seed::parse(&body).and_then(|seed| simulator.seed(&seed)) {
        Ok(()) => state(State(simulator)).await.into_response(),
        Err(error) => refused(&error),
    }
}

async fn set_fault(State(simulator): Served, body: String) -> Response {
    match FaultRequest::parse(&body).and_then(FaultRequest::build) {
        Ok((on, fault)) => Json(json!({"fault": simulator.fault(on, fault).id()})).into_response(),
        Err(error) => refused(&error),
    }
}

async fn faults(State(simulator): Served) -> Json<Value> {
    let faults: Vec<Value> = simulator.shared.read(|world| {
        let shown = world
            .faults
            .iter()
            .map(|slot| json!({"fault": slot.id, "hits": slot.hits, "waiting": slot.waiting, "cleared": slot.cleared}));
        shown.collect()
    });
    Json(json!({"faults": faults}))
}

async fn clear_faults(State(simulator): Served) -> StatusCode {
    simulator.clear_faults();
    StatusCode::NO_CONTENT
}

async fn clear_fault(State(simulator): Served, Path(id): Path<u64>) -> Response {
    with_fault(&simulator, id, FaultHandle::clear)
}

async fn release_fault(State(simulator): Served, Path(id): Path<u64>) -> Response {
    with_fault(&simulator, id, FaultHandle::release)
}

fn with_fault(simulator: &Simulator, id: u64, act: impl FnOnce(&FaultHandle)) -> Response {
    match simulator.shared.with_fault(id, |slot| slot.id) {
        Some(id) => {
            let shared = Arc::clone(&simulator.shared);
            act(&FaultHandle { shared, id });
            StatusCode::NO_CONTENT.into_response()
        }
        None => {
            let error = format!("no fault {id} was ever set: GET /faults lists them");
            (StatusCode::NOT_FOUND, Json(json!({"error": error}))).into_response()
        }
    }
}

#[derive(Deserialize)]
struct LogQuery {
    #[serde(default)]
    after: u64,
}

async fn log(State(simulator): Served, Query(query): Query<LogQuery>) -> Response {
    let mut log = simulator.log();
    log.entries.retain(|entry| entry.seq > query.after);
    ([(header::CONTENT_TYPE, "application/x-ndjson")], log.to_string()).into_response()
}

async fn state(State(simulator): Served) -> Json<Value> {
    let log = simulator.log();
    let accounts: Vec<Value> = log.rows.values().map(|row| account(&log, &row.id)).collect();
    Json(json!({
        "accounts": accounts,
        "requests": log.entries.len(),
        "in_flight": log.in_flight(),
        "pending_effects": log.pending_effects(),
        "connections": {
            "postpress": log.connections(Provider::PostPress),
            "puffle": log.connections(Provider::Puffle),
        },
    }))
}

fn account(log: &Log, id: &str) -> Value {
    let Some(row) = log.row(id) else {
        return Value::Null;
    };
    json!({
        "provider": row.provider,
        "id": row.id,
        "type": row.kind,
        "workspace": row.workspace,
        "state": row.state(),
        "status": row.status.shown(row.kind),
        "deletes": log.deletes(id).len(),
        "effective_deletes": log.effective_deletes(id).len(),
        "reads": log.reads(id).len(),
    })
}

fn refused(error: &dyn std::error::Error) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response()
}
