//! A trace told step by step: each step comes 10 ms after the one before it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use trace_checker::{Moment, Property, SecretVersion, State, Trace, Version, check};

pub const ACCOUNT: &str = "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";
pub const KEY: &str = "0123456789abcdef";

pub struct Story {
    trace: Trace,
    requests: Vec<Value>,
    log: String,
    objects: BTreeMap<String, Value>,
    state: State,
    now: Moment,
    audit: String,
}

impl Story {
    /// A connected LinkedIn sender with its Secret and its object, adopted and Ready.
    pub fn disconnect() -> Self {
        Self::of(json!({"puffle": {"accountId": ACCOUNT, "channel": "LinkedIn"}}))
    }

    /// The same, to be destroyed.
    pub fn purge() -> Self {
        Self::of(json!({"puffle": {"accountId": ACCOUNT, "channel": "LinkedIn", "teardown": "Purge"}}))
    }

    /// An account of this provider, as the spec has it.
    pub fn of(provider: Value) -> Self {
        let mut story = Self {
            trace: Trace {
                outcome_window: SignedDuration::from_secs(3),
                max_backoff: SignedDuration::from_secs(10),
                ..Trace::default()
            },
            requests: Vec::new(),
            log: String::new(),
            objects: BTreeMap::new(),
            state: State::Connected,
            now: Moment { order: 0, at: "2026-01-01T00:00:00Z".parse().unwrap() },
            audit: String::new(),
        };
        story.say("starting");
        story.secret("puffle", KEY);
        story.object("acme", |object| object["spec"]["provider"] = provider);
        story.read(200);
        story.ready("acme", "AccountConnected");
        story
    }

    pub fn secret(&mut self, name: &str, key: &str) {
        self.trace.secrets.push(SecretVersion { namespace: "ns".into(), name: name.into(), key: Some(key.into()) });
    }

    /// An object that is created and adopted, with the Secret, and what `change` makes of it.
    pub fn object(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = json!({
            "metadata": {"namespace": "ns", "name": name, "uid": format!("uid-{name}"), "generation": 1,
                "finalizers": ["sender-operator.dev/teardown"]},
            "spec": {"provider": {"puffle": {"accountId": ACCOUNT, "channel": "LinkedIn"}}, "credentialsRef": {"name": "puffle"}},
        });
        change(&mut object);
        let finalizers = object["metadata"]["finalizers"].take();
        self.objects.insert(name.to_owned(), object);
        self.version(name, false);
        self.write(name, |object| object["metadata"]["finalizers"] = finalizers);
    }

    /// Another object of the same account.
    pub fn twin(&mut self, name: &str) {
        let provider = self.objects["acme"]["spec"]["provider"].clone();
        self.object(name, |object| object["spec"]["provider"] = provider);
    }

    pub fn ready(&mut self, name: &str, reason: &str) {
        let status = if reason == "AccountConnected" { "True" } else { "False" };
        self.write(name, |object| object["status"]["conditions"] = conditions(status, reason));
    }

    /// A write of anybody's.
    pub fn write(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        change(self.objects.get_mut(name).unwrap());
        self.version(name, false);
    }

    pub fn spec(&mut self, name: &str, field: &str, value: Value) {
        self.write(name, |object| object["spec"][field] = value);
    }

    /// `kubectl delete`
    pub fn mark(&mut self, name: &str) {
        self.write(name, |object| object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
    }

    /// The API server receives a write that the watch shows only later.
    pub fn received(&mut self, name: &str) {
        let now = self.step();
        let line = json!({"verb": "patch", "objectRef": {"resource": "senderaccounts", "namespace": "ns", "name": name},
            "requestReceivedTimestamp": now.at, "responseStatus": {"code": 200}, "userAgent": "sender-operator"});
        self.audit.push_str(&format!("{line}\n"));
    }

    /// The API server receives a request to delete every object of the namespace.
    pub fn all_deleted(&mut self, status: u64) {
        let now = self.step();
        let line = json!({"verb": "deletecollection", "objectRef": {"resource": "senderaccounts", "namespace": "ns"},
            "requestReceivedTimestamp": now.at, "responseStatus": {"code": status}, "userAgent": "kube-controller-manager"});
        self.audit.push_str(&format!("{line}\n"));
    }

    /// The watch shows a mark that was received before.
    pub fn mark_seen(&mut self, name: &str) {
        self.objects.get_mut(name).unwrap()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        self.seen(name, false);
    }

    /// The operator writes its ledger, due in 10 s.
    pub fn ledger(&mut self, name: &str, phase: &str, reason: &str, attempt: u64) {
        let due = self.now.at + SignedDuration::from_secs(10);
        let nonce = (phase == "Intent").then(|| format!("nonce-{attempt}"));
        self.write(name, |object| {
            object["status"]["conditions"] = conditions("False", reason);
            object["status"]["teardown"] = json!({"uid": object["metadata"]["uid"], "phase": phase, "reason": reason,
                "attempt": attempt, "nonce": nonce, "nextAttemptAt": due});
        });
    }

    pub fn confirmed(&mut self, name: &str, proof: &str) {
        self.write(name, |object| {
            object["status"]["conditions"] = conditions("False", proof);
            object["status"]["conditions"][1] =
                json!({"type": "Deleted", "status": "True", "reason": proof, "message": "It is."});
            object["status"]["teardown"] = json!({"uid": object["metadata"]["uid"], "phase": "Confirmed",
                "reason": proof, "attempt": 1, "proof": {"reason": proof}});
        });
    }

    /// A DELETE that arrives, has this effect and is answered.
    pub fn delete(&mut self, effect: &str) {
        self.delete_arrives();
        self.delete_takes(effect);
        self.delete_ends();
    }

    pub fn delete_arrives(&mut self) {
        self.request("delete", KEY);
    }

    pub fn delete_with(&mut self, key: &str) {
        self.request("delete", key);
        self.delete_ends();
    }

    pub fn delete_takes(&mut self, effect: &str) {
        let now = self.step();
        self.state = match effect {
            "disconnected" => State::Disconnected,
            "deleted" => State::Gone,
            _ => self.state,
        };
        let request = self.requests.last_mut().unwrap();
        (request["effect"], request["effect_at"]) = (json!(effect), json!({"order": now.order, "at": now.at}));
    }

    pub fn delete_ends(&mut self) {
        let now = self.step();
        let request =
            self.requests.iter_mut().rfind(|request| request["call"] == "delete" && request["ended"].is_null());
        let request = request.unwrap();
        (request["status"], request["ended"]) = (json!(200), json!({"order": now.order, "at": now.at}));
    }

    /// The last request met a fault on purpose.
    pub fn faulty(&mut self) {
        self.requests.last_mut().unwrap()["fault"] = json!(1);
    }

    /// A request of another provider's, which is not answered yet.
    pub fn hangs_elsewhere(&mut self) {
        self.request("delete", "another-key");
        let request = self.requests.last_mut().unwrap();
        (request["provider"], request["account"]) = (json!("postpress"), json!("acc_elsewhere"));
    }

    /// What `/proc` says of the operator.
    pub fn memory(&mut self, status: &str) {
        self.trace.read_memory(status);
    }

    pub fn read(&mut self, status: u16) {
        self.request("read", KEY);
        let now = self.step();
        let request = self.requests.last_mut().unwrap();
        (request["status"], request["ended"]) = (json!(status), json!({"order": now.order, "at": now.at}));
    }

    fn request(&mut self, call: &str, key: &str) {
        let now = self.step();
        let account = (call == "delete").then_some(ACCOUNT);
        self.requests.push(json!({"provider": "puffle", "call": call, "path": "/api/accounts", "account": account,
            "key": key, "headers": {"user-agent": "sender-operator/0.1.0"}, "arrived": {"order": now.order, "at": now.at},
            "effect": "none", "effect_at": null, "status": null, "ended": null}));
    }

    pub fn receipt(&mut self, name: &str, proof: &str, subject: Option<&str>) {
        let now = self.step();
        let receipt = json!({"receipt": true, "time": now.at, "uid": format!("uid-{name}"), "name": name,
            "proof": proof, "subject": subject});
        self.log.push_str(&format!("{receipt}\n"));
    }

    pub fn say(&mut self, message: &str) {
        let now = self.step();
        self.log.push_str(&format!("{}\n", json!({"timestamp": now.at, "message": message})));
    }

    pub fn gone(&mut self, name: &str) {
        self.version(name, true);
    }

    pub fn state(&mut self, state: State) {
        self.state = state;
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now.at += SignedDuration::from_secs(seconds);
    }

    pub fn now(&self) -> Timestamp {
        self.now.at
    }

    fn version(&mut self, name: &str, gone: bool) {
        self.received(name);
        self.seen(name, gone);
    }

    fn seen(&mut self, name: &str, gone: bool) {
        let seen = self.step();
        self.trace.versions.push(Version::parse(seen, gone, self.state, &self.objects[name]).unwrap());
    }

    fn step(&mut self) -> Moment {
        self.now = Moment { order: self.now.order + 1, at: self.now.at + SignedDuration::from_millis(10) };
        self.now
    }

    /// What the checker finds, each as its property.
    pub fn judged(mut self) -> Vec<Property> {
        self.say("stopped");
        let lines: Vec<_> = self.requests.iter().map(Value::to_string).collect();
        self.trace.read_requests(&lines.join("\n")).unwrap();
        self.trace.read_audit(&self.audit, &["ns".to_owned()]);
        self.trace.read_operator(&self.log);
        let found = check(&self.trace);
        found.iter().for_each(|violation| println!("{violation}"));
        let mut properties: Vec<_> = found.iter().map(|violation| violation.property).collect();
        properties.dedup();
        properties
    }

    /// From the deletion to the acknowledged DELETE.
    pub fn disconnected(&mut self) {
        self.mark("acme");
        self.read(200);
        self.ledger("acme", "Intent", "Deleting", 1);
        self.delete("disconnected");
        self.read(200);
    }

    /// The normal end.
    pub fn released(&mut self, proof: &str) {
        self.receipt("acme", proof, None);
        self.gone("acme");
    }
}

fn conditions(ready: &str, reason: &str) -> Value {
    json!([{"type": "Ready", "status": ready, "reason": reason, "message": "It is.", "observedGeneration": 1},
        {"type": "Deleted", "status": "False", "reason": reason, "message": "It is.", "observedGeneration": 1}])
}
