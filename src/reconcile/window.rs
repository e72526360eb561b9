//! How long this process has seen an unsettled attempt as it is. Its own monotonic clock: no wall clock, no other
//! process's clock and no restart can shorten the wait.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::kube_io::Fresh;
use crate::teardown::view::View;

/// Attempts that are not settled, and since when each was seen so.
#[derive(Default)]
pub struct Window {
    seen: Mutex<HashMap<String, (Attempt, Instant)>>,
}

type Attempt = (i32, Option<String>);

/// Whether the ledger has this attempt, or a later one: attempts are only ever counted up.
fn knows(view: &View, attempt: &Attempt) -> bool {
    view.ledger.teardown.as_ref().is_some_and(|teardown| teardown.attempt >= attempt.0)
}

impl Window {
    /// How long the attempt of this view is unchanged; zero when it is seen for the first time or nothing is unsettled.
    pub fn unchanged_for(&self, view: &View) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(teardown) = view.ledger.teardown.as_ref().filter(|_| view.is_unsettled()) else {
            return Duration::ZERO;
        };
        let attempt = (teardown.attempt, teardown.nonce.clone());
        match seen.get(&view.uid) {
            Some((known, since)) if *known == attempt => since.elapsed(),
            _ => {
                seen.insert(view.uid.clone(), (attempt, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// The API server has just shown that nothing is unsettled any more. What the watch shows is not enough: it may be from
    /// before the attempt, of a status that was wiped since and counts anew.
    pub fn settled(&self, fresh: &Fresh) {
        let view = &fresh.account().view;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !view.is_unsettled() && seen.get(&view.uid).is_some_and(|(known, _)| knows(view, known)) {
            seen.remove(&view.uid);
        }
    }

    /// How long ago an attempt was seen first that was unsettled, and that the view does not know any more.
    pub fn forgotten_for(&self, view: &View) -> Option<Duration> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&view.uid).filter(|(known, _)| !knows(view, known)).map(|(_, since)| since.elapsed())
    }

    /// Begins anew: a request of this attempt was alive until now, or the object is gone.
    pub fn forget(&self, uid: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;
    use crate::index::fixture::{Fixture, config};
    use crate::kube_io::KubeIo;

    /// After so many attempts, with the last one's nonce where it is not settled.
    fn after(attempt: i32, nonce: Option<&str>) -> Fixture {
        let teardown = json!({"uid": "uid-bob", "phase": "Intent", "reason": "Deleting", "attempt": attempt,
            "nonce": nonce, "startedAt": "2026-01-02T00:00:00Z", "tries": 0, "unknownOutcomes": 0});
        let teardown = if attempt == 0 { Value::Null } else { teardown };
        Fixture::linkedin("bob", "3f0c6c1e-2b51-4f0f-9d0a-0d0e4b6a7c11")
            .deleting()
            .status(json!({"teardown": teardown}))
    }

    /// As the watch shows it.
    fn watched(fixture: &Fixture) -> View {
        fixture.parsed().view
    }

    /// As the API server shows it now.
    async fn fresh(fixture: Fixture) -> Fresh {
        let service = tower::service_fn(move |_: Request<Body>| {
            let body = Body::from(fixture.0.to_string().into_bytes());
            std::future::ready(Response::builder().body(body).map_err(tower::BoxError::from))
        });
        KubeIo::new(kube::Client::new(service, "sales"), Arc::new(config())).get("sales", "bob").await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_is_remembered_until_the_api_server_itself_shows_it_settled() {
        let (window, minute) = (Window::default(), Duration::from_mins(1));
        let (wiped, settled) = (after(0, None), after(1, None));
        assert!(watched(&after(1, Some("a"))).is_unsettled() && !watched(&settled).is_unsettled());
        window.unchanged_for(&watched(&after(1, Some("a"))));
        tokio::time::advance(minute).await;
        // From before the status was wiped for the first time: it counts one attempt, too.
        assert_eq!(window.unchanged_for(&watched(&settled)), Duration::ZERO);
        assert_eq!(window.forgotten_for(&watched(&settled)), None);
        window.settled(&fresh(wiped.clone()).await);
        window.settled(&fresh(after(1, Some("a"))).await);
        assert_eq!(window.forgotten_for(&watched(&wiped)), Some(minute));
        window.settled(&fresh(settled).await);
        assert_eq!(window.forgotten_for(&watched(&wiped)), None);
    }
}
