//! Health and metrics over HTTP: `/livez`, `/readyz`, `/metrics`. Nothing secret, nothing that changes anything.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::crd::{CRD_NAME, INSTALL_CRD};
use crate::index::Index;
use crate::lease::Standing;
use crate::metrics::Metrics;

/// What readiness and metrics are read from.
#[derive(Clone)]
pub struct Admin {
    /// What the watches have shown.
    pub index: Arc<Index>,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether the CRD was seen served.
    pub served: Arc<AtomicBool>,
    /// Whether it acts.
    pub standing: watch::Receiver<Standing>,
    /// Whether the process is about to end.
    pub stopping: CancellationToken,
}

/// So many visitors at most: each takes a descriptor from those that deletions need. One more, and the one who came first
/// is shown out: a probe never waits behind visitors who never finish.
const VISITORS: usize = 32;
/// A visit takes no longer, however slowly its request comes.
const VISIT: Duration = Duration::from_secs(10);

/// Serves until the process ends.
pub async fn serve(mut listener: TcpListener, admin: Admin) -> Infallible {
    let service = TowerToHyperService::new(router(admin));
    let mut visits = VecDeque::new();
    loop {
        // It waits where there is no descriptor left.
        let (stream, _) = Listener::accept(&mut listener).await;
        let visit = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        // How it ends is the visitor's affair.
        visits.push_back(tokio::spawn(tokio::time::timeout(VISIT, visit)).abort_handle());
        if visits.len() > VISITORS
            && let Some(first) = visits.pop_front()
        {
            first.abort();
        }
    }
}

fn router(admin: Admin) -> Router {
    Router::new()
        // That this is answered is all there is to say: the process ends by itself when the controller does.
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

impl Admin {
    /// What it is ready for.
    ///
    /// # Errors
    /// What is not there yet, one thing a line. A provider that is down does not make the operator less ready.
    fn readiness(&self) -> Result<String, Vec<String>> {
        let mut missing = Vec::new();
        if self.stopping.is_cancelled() {
            missing.push("it is stopping".to_owned());
        }
        match &*self.standing.borrow() {
            Standing::Acts => {}
            Standing::StandsBy(holder) if missing.is_empty() => {
                return Ok(format!("ok: standing by, {holder} leads\n"));
            }
            Standing::StandsBy(_) => return Err(missing),
            Standing::Unknown(why) => {
                missing.push(why.clone());
                return Err(missing);
            }
        }
        if !self.served.load(Ordering::Relaxed) {
            missing.push(format!("the CRD {CRD_NAME} was not seen served; install it: {INSTALL_CRD}"));
        }
        missing.extend(self.index.unsettled().iter().map(|scope| {
            let remedy = self.index.remedy(scope).map_or_else(String::new, |remedy| format!(": {remedy}"));
            format!("the list of objects in {scope} is not complete{remedy}")
        }));
        if missing.is_empty() { Ok("ok\n".to_owned()) } else { Err(missing) }
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    match admin.readiness() {
        Ok(ready) => ready.into_response(),
        Err(missing) => (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n").into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match admin.metrics.text(admin.index.count()) {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
