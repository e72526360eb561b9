use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use kube::runtime::reflector::{self, Store};
use serde_json::{Value, json};

use super::*;
use crate::crd::FINALIZER;
use crate::index::fixture::Fixture;

const ID: &str = "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";

struct Fed {
    feed: Feed,
    store: Store<Cached>,
    unused: UnboundedReceiver<SecretRef>,
}

/// A feed of one watch over everything that has listed these.
fn fed(objects: &[&Fixture]) -> Fed {
    let (store, writer) = reflector::store();
    let (sender, unused) = unbounded();
    let mut fed = Fed { feed: Feed::new(Arc::new(Index::new([Scope::Cluster])), writer, sender), store, unused };
    fed.list(objects);
    fed
}

impl Fed {
    fn take(&mut self, event: &Event<Cached>) -> Vec<String> {
        let woken = self.feed.take(&Scope::Cluster, event);
        let mut names: Vec<_> = woken.into_iter().map(|object| object.name).collect();
        names.sort();
        names.dedup();
        names
    }

    fn list(&mut self, objects: &[&Fixture]) -> Vec<String> {
        assert!(self.take(&Event::Init).is_empty());
        for object in objects {
            assert!(
                self.take(&Event::InitApply(object.cached())).is_empty(),
                "a list in pages wakes nobody before its end"
            );
        }
        self.take(&Event::InitDone)
    }

    fn show(&mut self, object: &Fixture) -> Vec<String> {
        self.take(&Event::Apply(object.cached()))
    }

    fn remove(&mut self, object: &Fixture) -> Vec<String> {
        self.take(&Event::Delete(object.cached()))
    }

    fn unused(mut self) -> Vec<String> {
        drop(self.feed);
        let mut names = Vec::new();
        while let Some(Some(secret)) = futures::FutureExt::now_or_never(self.unused.next()) {
            names.push(format!("{}/{}", secret.namespace, secret.name));
        }
        names
    }
}

fn teardown(phase: &str, attempt: u32) -> Value {
    json!({"teardown": {
        "uid": "x", "phase": phase, "reason": "Deleting", "attempt": attempt, "tries": attempt,
        "startedAt": "2026-01-02T00:00:00Z", "nextAttemptAt": format!("2026-01-02T00:00:{attempt:02}Z"),
    }})
}

#[test]
fn a_status_write_wakes_nobody_else_every_try_would_cause_the_next() {
    let object = Fixture::postpress("a", "1").deleting();
    let mut fed = fed(&[&object]);
    for attempt in 1..4 {
        assert_eq!(fed.show(&object.clone().status(teardown("Waiting", attempt))), [""; 0]);
    }
}

#[test]
fn our_finalizer_is_put_on_by_a_pass_that_goes_on_and_asks_for_no_other() {
    let ours = Fixture::postpress("a", "1");
    let mut fed = fed(&[&ours.clone().set("/metadata", "finalizers", json!(["example.com/other"]))]);
    assert_eq!(
        fed.show(&ours.clone().set("/metadata", "finalizers", json!(["example.com/other", FINALIZER]))),
        [""; 0]
    );
    assert_eq!(fed.show(&ours), ["a"], "another one's is a gate");
    assert_eq!(fed.show(&ours.clone().set("/metadata", "finalizers", json!([]))), ["a"], "it is put on again");
}

#[test]
fn what_people_and_controllers_ask_for_wakes_the_object() {
    let object = Fixture::postpress("a", "1");
    for asked in [
        object.clone().set("/metadata", "generation", json!(2)),
        object.clone().set("/metadata", "finalizers", json!([])),
        object.clone().set("/metadata", "deletionTimestamp", json!("2026-01-02T00:00:00Z")),
        object.clone().annotated("reconcile.sender-operator.dev/requestedAt", "now"),
        object.clone().annotated("pre-delete.hook.sender-operator.dev/pause", "me"),
        object.clone().annotated("sender-operator.dev/confirm-deletion", "1"),
        object.clone().uid("another"),
    ] {
        let mut fed = fed(&[&object]);
        assert_eq!(fed.show(&asked), ["a"], "{}", asked.0);
        assert_eq!(fed.show(&asked), [""; 0], "the second time it is nothing new: {}", asked.0);
    }
}

#[test]
fn what_others_write_for_themselves_wakes_nobody() {
    let object = Fixture::postpress("a", "1");
    let mut fed = fed(&[&object]);
    for other in ["example.com/note", "notsender-operator.dev/x", "requestedAt", "sender-operator.dev.evil.example/x"] {
        assert_eq!(fed.show(&object.clone().annotated(other, "x")), [""; 0], "{other}");
    }
    assert_eq!(fed.show(&object.clone().set("/metadata", "labels", json!({"a": "b"}))), [""; 0]);
}

#[test]
fn a_new_list_wakes_only_what_changed_while_nobody_watched() {
    let (same, changed, fresh) =
        (Fixture::postpress("same", "1"), Fixture::postpress("changed", "2"), Fixture::postpress("fresh", "3"));
    let mut fed = fed(&[&same, &changed]);
    assert_eq!(fed.list(&[&same, &changed.deleting(), &fresh]), ["changed", "fresh"]);
}

#[test]
fn the_scheduler_finds_what_it_is_woken_for_also_when_a_list_brought_it() {
    let mut fed = fed(&[]);
    let event = [Event::Init, Event::InitApply(Fixture::postpress("a", "1").cached()), Event::InitDone];
    let woken: Vec<_> = event.iter().flat_map(|event| fed.feed.take(&Scope::Cluster, event)).collect();
    assert_eq!(woken.len(), 1);
    assert!(fed.store.get(&woken[0]).is_some());
    fed.list(&[]);
    assert!(fed.store.get(&woken[0]).is_none());
}

#[test]
fn a_same_named_successor_is_woken_and_what_the_scheduler_finds_is_the_successor() {
    let first = Fixture::postpress("a", "1").uid("first");
    let second = Fixture::postpress("a", "1").uid("second");
    let mut fed = fed(&[&first]);
    assert_eq!(fed.list(&[&second]), ["a"]);
    assert_eq!(
        fed.store.get(&second.cached().object_ref()).map(|object| object.uid().to_owned()).as_deref(),
        Some("second")
    );
}

#[test]
fn a_deletion_hears_of_its_twins_coming_marking_proving_and_going() {
    let waiting = Fixture::linkedin("waiting", ID).deleting();
    let twin = Fixture::linkedin("twin", ID);
    let mut fed = fed(&[&waiting]);
    assert_eq!(fed.show(&twin), ["twin", "waiting"]);
    let alive = json!({"account": {"uid": "uid-twin", "provider": "Puffle", "state": "Connected", "aliveAt": "2026-01-01T00:00:00Z"}});
    assert_eq!(fed.show(&twin.clone().status(alive)), ["waiting"]);
    let marked = twin.clone().deleting();
    assert_eq!(fed.show(&marked), ["twin", "waiting"]);
    assert_eq!(fed.show(&marked.clone().status(teardown("Acked", 1))), ["waiting"]);
    assert_eq!(fed.remove(&marked), ["waiting"]);
}

#[test]
fn a_twin_that_only_counts_its_tries_wakes_nobody() {
    let twin = Fixture::linkedin("twin", ID).deleting();
    let mut fed = fed(&[&Fixture::linkedin("waiting", ID).deleting(), &twin.clone().status(teardown("Waiting", 1))]);
    assert_eq!(fed.show(&twin.clone().status(teardown("Waiting", 2))), [""; 0]);
    assert_eq!(fed.show(&twin.status(teardown("Held", 3))), ["waiting"]);
}

#[test]
fn twins_that_both_changed_while_nobody_watched_are_both_woken() {
    let (a, b) = (Fixture::linkedin("a", ID).deleting(), Fixture::linkedin("b", ID).deleting());
    let mut fed = fed(&[&a, &b]);
    assert_eq!(fed.list(&[&a.status(teardown("Acked", 1)), &b.status(teardown("Acked", 1))]), ["a", "b"]);
}

#[test]
fn a_live_object_waits_for_no_twin() {
    let mut fed = fed(&[&Fixture::linkedin("live", ID)]);
    assert_eq!(fed.show(&Fixture::linkedin("twin", ID).deleting()), ["twin"]);
}

#[test]
fn of_a_thousand_twins_the_oldest_few_are_woken() {
    let twins: Vec<_> = (0..1000).map(|n| Fixture::linkedin(&format!("twin-{n:04}"), ID).deleting()).collect();
    let mut fed = fed(&twins.iter().collect::<Vec<_>>());
    let woken = fed.remove(&twins[0]);
    assert_eq!(woken.len(), MOST_TWINS_WOKEN);
    assert_eq!(woken[0], "twin-0001");
}

#[test]
fn a_secret_that_loses_its_last_user_is_named_once_and_one_with_users_is_not() {
    let (a, b) = (Fixture::postpress("a", "1"), Fixture::postpress("b", "2"));
    let mut fed = fed(&[&a, &b]);
    fed.remove(&a);
    fed.remove(&b);
    assert_eq!(fed.unused(), ["sales/key"]);
}

#[test]
fn a_secret_whose_last_user_went_while_nobody_watched_is_named_too() {
    let mut fed = fed(&[&Fixture::postpress("a", "1").status(json!({"heldSecret": "former"}))]);
    fed.list(&[]);
    assert_eq!(fed.unused(), ["sales/key", "sales/former"]);
}

#[test]
fn when_a_keeper_is_gone_the_oldest_other_user_is_woken() {
    let keeper = Fixture::postpress("keeper", "1").status(json!({"heldSecret": "key"}));
    let (old, young) =
        (Fixture::postpress("old", "2").created_in_minute(1), Fixture::postpress("young", "3").created_in_minute(2));
    let mut fed = fed(&[&keeper, &old, &young]);
    assert_eq!(fed.remove(&young), [""; 0]);
    assert_eq!(fed.remove(&keeper), ["old"]);
    assert_eq!(fed.unused(), [""; 0]);
}

#[test]
fn an_object_that_cannot_be_read_is_woken_like_any_other() {
    let broken = Fixture::postpress("broken", "1").set("/spec", "credentialsRef", json!("a text"));
    let mut fed = fed(&[]);
    assert_eq!(fed.list(&[&broken]), ["broken"]);
    assert_eq!(fed.show(&broken.deleting()), ["broken"]);
}
