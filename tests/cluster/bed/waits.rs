//! Waiting for conditions, never for time. The bound is far above what a loaded machine needs: only a failure meets it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use sender_operator::crd::{REQUESTED_AT, SenderAccount};
use sender_operator::kube_io::Unmanaged;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Bed, Operator, deleting, reason};

const BOUND: Duration = Duration::from_secs(90);
const BETWEEN: Duration = Duration::from_millis(60);
/// No deletion is left alone for longer.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

impl Bed {
    /// The objects, as somebody else than the operator reads and writes them.
    pub fn accounts(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &ApiResource::erase::<SenderAccount>(&()))
    }

    /// The same, whatever stands in their managed fields.
    fn unmanaged(&self) -> Api<Unmanaged<DynamicObject>> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &ApiResource::erase::<SenderAccount>(&()))
    }

    /// The object as the API server shows it, if it is there.
    pub async fn object(&self, name: &str) -> Option<Value> {
        let object = self.unmanaged().get_opt(name).await.expect("the API server answers");
        object.map(|object| serde_json::to_value(object.0).expect("an object is JSON"))
    }

    /// Waits until the object is there and as said.
    pub async fn until(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let object = self.object(name).await;
            match object {
                Some(object) if holds(&object) => return object,
                other if began.elapsed() > BOUND => {
                    panic!("{name} is not {what} after {BOUND:?}: {}", shown(other.as_ref()))
                }
                _ => sleep(BETWEEN).await,
            }
        }
    }

    /// Waits until the object shows this reason.
    pub async fn until_reason(&self, name: &str, expected: &str) -> Value {
        self.until(name, &format!("at reason {expected}"), |object| reason(object) == expected).await
    }

    /// Waits until the object was observed connected, so that evidence is on record.
    pub async fn until_connected(&self, name: &str) -> Value {
        self.until_reason(name, "AccountConnected").await
    }

    /// Asks for a pass over the object now, and waits until the status tells of it.
    pub async fn prompted(&self, name: &str) -> Value {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let asked = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let annotation = format!("{REQUESTED_AT}={asked}");
        self.kubectl(&["annotate", "sacc", name, "--overwrite", &annotation]).await;
        self.until(name, "passed over as asked", |object| object["status"]["lastHandledReconcileAt"] == asked).await
    }

    /// Waits until the object's deletion waits for this reason; then it says so, and when it will be tried again.
    pub async fn until_waiting(&self, name: &str, expected: &str) -> Value {
        let waits = |object: &Value| deleting(object) && object["status"]["teardown"]["reason"] == expected;
        let object = self.until(name, &format!("deleting and waiting: {expected}"), waits).await;
        assert_eq!(reason(&object), expected, "the condition says what the deletion waits for");
        assert!(super::next_attempt(&object) <= Timestamp::now() + LONGEST, "{}", shown(Some(&object)));
        object
    }

    /// Every object of the namespace.
    pub async fn objects(&self) -> Vec<Value> {
        let list = self.unmanaged().list(&ListParams::default()).await.expect("the API server answers");
        list.items.iter().map(|object| serde_json::to_value(&object.0).expect("an object is JSON")).collect()
    }

    /// Waits until the object is gone.
    pub async fn until_gone(&self, name: &str) {
        let began = Instant::now();
        while let Some(object) = self.object(name).await {
            assert!(began.elapsed() < BOUND, "{name} is still there after {BOUND:?}: {}", shown(Some(&object)));
            sleep(BETWEEN).await;
        }
    }

    /// Waits until something that is asked of the simulator or the operator holds.
    pub async fn eventually(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !holds().await {
            assert!(began.elapsed() < BOUND, "not after {BOUND:?}: {what}");
            sleep(BETWEEN).await;
        }
    }

    /// Waits until the operator has logged a line that holds all of these.
    pub async fn until_logged(&self, operator: &Operator, parts: &[&str]) {
        let logged = async || operator.log().lines().any(|line| parts.iter().all(|part| line.contains(part)));
        self.eventually(&format!("a log line with {parts:?}"), logged).await;
    }
}

fn shown(object: Option<&Value>) -> String {
    object.map_or("it is not there".to_owned(), |object| {
        format!("{}\n{:#}", object["metadata"]["finalizers"], object["status"])
    })
}
