use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::fake::Fake;
use super::*;
use crate::index::fixture::Fixture;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it should have happened by now")
}

type Doing = Box<dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync>;

struct Script {
    passes: mpsc::UnboundedSender<String>,
    released: mpsc::UnboundedSender<SecretRef>,
    doing: Doing,
}

impl Work for Script {
    async fn reconcile(&self, object: &DeserializeGuard<SenderAccount>) -> Duration {
        let readable = if object.0.is_ok() { "" } else { " (unreadable)" };
        let _ = self.passes.send(format!("{}{readable}", object.name_any()));
        (self.doing)(object.name_any()).await;
        Duration::from_secs(3600)
    }

    async fn release_secret(&self, secret: &SecretRef) {
        let _ = self.released.send(secret.clone());
        (self.doing)(secret.name.clone()).await;
    }
}

struct Running {
    passes: mpsc::UnboundedReceiver<String>,
    released: mpsc::UnboundedReceiver<SecretRef>,
    index: Arc<Index>,
    metrics: Metrics,
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(client: &Client, namespaces: &[&str], concurrency: u16, doing: Doing) -> Self {
        let scopes: BTreeSet<_> = match namespaces {
            [] => [Scope::Cluster].into(),
            named => named.iter().map(|&name| Scope::Namespace(name.to_owned())).collect(),
        };
        let index = Arc::new(Index::new(scopes.clone()));
        let (metrics, stopping) = (Metrics::default(), CancellationToken::new());
        let (sender, passes) = mpsc::unbounded_channel();
        let (release_sender, released) = mpsc::unbounded_channel();
        let work = Arc::new(Script { passes: sender, released: release_sender, doing });
        let parts = Parts {
            client: client.clone(),
            scopes,
            index: Arc::clone(&index),
            concurrency,
            stopping: stopping.clone(),
            metrics: metrics.clone(),
        };
        let task = tokio::spawn(run(parts, work));
        Self { passes, released, index, metrics, stopping, task }
    }

    async fn next(&mut self) -> String {
        soon(self.passes.recv()).await.unwrap()
    }

    async fn next_of(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.next().await);
        }
        names.sort();
        names
    }

    async fn stop(self) {
        self.stopping.cancel();
        soon(self.task).await.unwrap();
    }
}

/// The same, and somebody asks for a try.
fn asked(object: &Fixture, time: u32) -> Fixture {
    object.clone().annotated(crate::crd::REQUESTED_AT, &time.to_string())
}

fn nothing() -> Doing {
    Box::new(|_| Box::pin(async {}))
}

#[tokio::test]
async fn objects_of_every_watched_namespace_are_worked_on_and_of_no_other() {
    let (fake, client) = Fake::start().await;
    fake.put(&Fixture::postpress("a", "1"));
    fake.put(&Fixture::postpress("b", "2").namespace("hr"));
    fake.put(&Fixture::postpress("unwatched", "3").namespace("other"));
    let mut running = Running::start(&client, &["sales", "hr"], 8, nothing());
    assert_eq!(running.next_of(2).await, ["a", "b"]);
    soon(running.index.settled()).await;
    fake.put(&Fixture::postpress("unwatched-too", "4").namespace("other"));
    fake.put(&Fixture::postpress("c", "5").namespace("hr"));
    assert_eq!(running.next().await, "c");
    assert_eq!(running.index.count(), (3, 0));
    running.stop().await;
}

#[tokio::test]
async fn a_namespace_that_cannot_be_listed_stops_no_other_and_is_named() {
    let (fake, client) = Fake::start().await;
    fake.change(|world| world.forbidden = Some("hr".to_owned()));
    fake.put(&Fixture::postpress("a", "1"));
    let mut running = Running::start(&client, &["sales", "hr"], 8, nothing());
    assert_eq!(running.next().await, "a");
    assert_eq!(running.index.unsettled(), BTreeSet::from([Scope::Namespace("hr".to_owned())]));
    fake.put(&Fixture::postpress("b", "2").namespace("hr"));
    fake.change(|world| world.forbidden = None);
    assert_eq!(running.next().await, "b");
    soon(running.index.settled()).await;
    running.stop().await;
}

#[tokio::test]
async fn an_object_that_cannot_be_read_stops_neither_the_list_nor_the_watch() {
    let broken = |name: &str| Fixture::postpress(name, "1").set("/spec", "credentialsRef", json!(7));
    let (fake, client) = Fake::start().await;
    fake.put(&broken("broken"));
    fake.put(&Fixture::postpress("fine", "2"));
    let mut running = Running::start(&client, &[], 8, nothing());
    assert_eq!(running.next_of(2).await, ["broken (unreadable)", "fine"]);
    fake.put(&broken("broken-too"));
    fake.put(&Fixture::postpress("fine-too", "3"));
    assert_eq!(running.next_of(2).await, ["broken-too (unreadable)", "fine-too"]);
    running.stop().await;
}

#[tokio::test]
async fn a_panic_ends_nothing_but_its_own_pass_and_is_counted() {
    let (fake, client) = Fake::start().await;
    let doing: Doing = Box::new(|name| Box::pin(async move { assert_ne!(name, "bad", "a bug") }));
    let mut running = Running::start(&client, &[], 8, doing);
    fake.put(&Fixture::postpress("bad", "1"));
    assert_eq!(running.next().await, "bad");
    fake.put(&Fixture::postpress("good", "2"));
    assert_eq!(running.next().await, "good");
    fake.put(&asked(&Fixture::postpress("bad", "1"), 1));
    assert_eq!(running.next().await, "bad");
    let metrics = running.metrics.clone();
    running.stop().await;
    assert!(metrics.text((0, 0)).unwrap().contains("sender_operator_panics_total 2\n"));
}

#[tokio::test]
async fn a_pass_that_panics_is_tried_again_later_and_not_at_once() {
    let (passes, _) = mpsc::unbounded_channel();
    let (released, _) = mpsc::unbounded_channel();
    let work = Arc::new(Script { passes, released, doing: Box::new(|_| Box::pin(async { panic!("a bug") })) });
    let context = Context { work, stopping: CancellationToken::new(), metrics: Metrics::default() };
    let object = Arc::new(Fixture::postpress("a", "1").cached());
    assert_eq!(pass(object, Arc::new(context)).await, Ok(Action::requeue(AFTER_PANIC)));
}

#[tokio::test]
async fn a_panic_while_a_secret_is_let_go_is_counted_and_the_next_one_is_let_go() {
    let (passes, _) = mpsc::unbounded_channel();
    let (released, mut let_go) = mpsc::unbounded_channel();
    let doing: Doing = Box::new(|name| Box::pin(async move { assert_ne!(name, "bad", "a bug") }));
    let work = Arc::new(Script { passes, released, doing });
    let context = Context { work, stopping: CancellationToken::new(), metrics: Metrics::default() };
    let (unused, unused_secrets) = unbounded();
    for name in ["bad", "good"] {
        unused.unbounded_send(SecretRef { namespace: "sales".to_owned(), name: name.to_owned() }).unwrap();
    }
    drop(unused);
    let metrics = context.metrics.clone();
    release_secrets(unused_secrets, Arc::new(context)).await;
    assert_eq!([let_go.recv().await, let_go.recv().await].map(|secret| secret.unwrap().name), ["bad", "good"]);
    assert!(metrics.text((0, 0)).unwrap().contains("sender_operator_panics_total 1\n"));
}

#[tokio::test]
async fn an_object_is_never_passed_over_twice_at_once_and_a_change_in_between_is_not_lost() {
    let (fake, client) = Fake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let at_once = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let (gate_within, counts) = (Arc::clone(&gate), Arc::clone(&at_once));
    let doing: Doing = Box::new(move |name| {
        let (gate, counts) = (Arc::clone(&gate_within), Arc::clone(&counts));
        Box::pin(async move {
            if name == "gated" {
                counts.1.fetch_max(counts.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                counts.0.fetch_sub(1, Ordering::SeqCst);
            }
        })
    });
    let gated = Fixture::postpress("gated", "1");
    fake.put(&gated);
    let mut running = Running::start(&client, &[], 8, doing);
    assert_eq!(running.next().await, "gated");
    for time in 1..4 {
        fake.put(&asked(&gated, time));
    }
    // What comes after the changes shows that they have been taken in.
    fake.put(&Fixture::postpress("other", "2"));
    assert_eq!(running.next().await, "other");
    gate.add_permits(2);
    assert_eq!(running.next().await, "gated");
    running.stop().await;
    assert_eq!(at_once.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_more_passes_run_at_once_than_allowed_and_every_object_gets_its_turn() {
    let (fake, client) = Fake::start().await;
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let within = Arc::clone(&counts);
    let doing: Doing = Box::new(move |_| {
        let counts = Arc::clone(&within);
        Box::pin(async move {
            counts.1.fetch_max(counts.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            counts.0.fetch_sub(1, Ordering::SeqCst);
        })
    });
    for n in 0..20 {
        fake.put(&Fixture::postpress(&format!("a{n}"), "1"));
    }
    let mut running = Running::start(&client, &[], 2, doing);
    running.next_of(20).await;
    running.stop().await;
    assert_eq!(counts.1.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_stop_awaits_the_pass_that_runs_and_begins_no_other() {
    let (fake, client) = Fake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let within = Arc::clone(&gate);
    let doing: Doing = Box::new(move |_| {
        let gate = Arc::clone(&within);
        Box::pin(async move { gate.acquire().await.unwrap().forget() })
    });
    fake.put(&Fixture::postpress("a", "1"));
    fake.put(&Fixture::postpress("b", "2"));
    let mut running = Running::start(&client, &[], 1, doing);
    let first = running.next().await;
    running.stopping.cancel();
    fake.put(&asked(&Fixture::postpress(&first, "1"), 1));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!running.task.is_finished());
    gate.add_permits(10);
    soon(&mut running.task).await.unwrap();
    assert_eq!(running.passes.recv().await, None, "neither the other object nor the change got a pass");
}

#[tokio::test]
async fn after_a_watch_was_lost_the_objects_that_went_meanwhile_are_known_to_be_gone() {
    let (fake, client) = Fake::start().await;
    let (a, b) = (Fixture::postpress("a", "1"), Fixture::postpress("b", "2").secret("other"));
    fake.put(&a);
    fake.put(&b);
    let mut running = Running::start(&client, &[], 8, nothing());
    running.next_of(2).await;
    fake.lose(&b);
    assert_eq!(
        soon(running.released.recv()).await,
        Some(SecretRef { namespace: "sales".into(), name: "other".into() })
    );
    assert_eq!(running.index.count(), (1, 0));
    assert!(running.metrics.text((0, 0)).unwrap().contains("sender_operator_watch_failures_total 1\n"));
    fake.put(&a.deleting());
    assert_eq!(running.next().await, "a");
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_watched_before_the_crd_is_served() {
    let (fake, client) = Fake::start().await;
    let waiting = tokio::spawn(async move { until_served(&client).await });
    // Without its status nothing could be written down: that is not served, either.
    for served in [None, Some(&["others-of-the-group"][..]), Some(&["senderaccounts"])] {
        fake.change(|world| (world.served, world.asked_what_is_served) = (served, 0));
        soon(async {
            // The second question shows that the answer to the first was not enough.
            while fake.world.lock().unwrap().asked_what_is_served < 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(!waiting.is_finished());
    }
    fake.change(|world| world.served = Some(&["senderaccounts", "senderaccounts/status"]));
    soon(waiting).await.unwrap();
}

#[test]
fn what_a_failed_watch_needs_is_said() {
    let hr = Scope::Namespace("hr".to_owned());
    let failed = |scope: &Scope, code| {
        let status = kube::core::Status { code, ..kube::core::Status::failure("x", "x") };
        remedy(scope, &watcher::Error::InitialListFailed(kube::Error::Api(status.boxed())))
    };
    assert!(failed(&hr, 404).contains("sender-operator crd | kubectl apply -f -"));
    assert!(failed(&hr, 403).contains("list and watch") && failed(&hr, 403).contains("namespace hr"));
    // Only a namespace takes the operator's rights along.
    assert!(failed(&hr, 403).contains("--set rbac.clusterWide=true"));
    assert!(!failed(&Scope::Cluster, 403).contains("rbac.clusterWide"));
}
