//! Records what a trace is judged by: every version of every object and Secret as a watch shows them, what was true of
//! the account at that moment, and the API server's audit log.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use envtest::ControlPlane;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, ResourceExt};
use provider_simulator::{Log, Simulator, fingerprint};
use sender_operator::crd::{API_KEY, SenderAccount};
use sender_operator::kube_io::Unmanaged;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use trace_checker::{Moment, Property, SecretVersion, Trace, Version, Violation, check};

/// Between two tries to watch.
const AGAIN: Duration = Duration::from_millis(50);

/// What is recorded of a test, in all of its namespaces.
pub struct Recorder {
    recorded: Mutex<Recorded>,
    client: Client,
    sim: Weak<Simulator>,
    audit_log: PathBuf,
    /// Where the audit log ended when the test began.
    audit_from: u64,
    /// They end with the recorder, and know it only as long as it lives.
    watches: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Recorded {
    namespaces: Vec<String>,
    versions: Vec<Version>,
    /// The object as it was last seen, by namespace and name.
    last: BTreeMap<(String, String), Value>,
    secrets: Vec<SecretVersion>,
    outcome_window: Option<SignedDuration>,
    max_backoff: SignedDuration,
    /// What `/proc/PID/status` said of operators while they ran.
    memory: Vec<String>,
    excuses: Vec<(Property, &'static str)>,
}

impl Recorder {
    /// A recorder of what happens on this control plane and these providers from now on.
    pub async fn new(plane: &ControlPlane, sim: &Arc<Simulator>) -> Arc<Self> {
        let audit_log = plane.audit_log().to_owned();
        let audit_from = std::fs::metadata(&audit_log).map_or(0, |file| file.len());
        let (client, sim) = (client(plane).await, Arc::downgrade(sim));
        Arc::new(Self { recorded: Mutex::default(), client, sim, audit_log, audit_from, watches: Mutex::default() })
    }

    /// Records this namespace from now on.
    pub async fn record(self: &Arc<Self>, namespace: &str) {
        let listed = self.begin_to_record(namespace);
        let both = listed.acquire_many(2).await;
        both.expect("the semaphore is never closed").forget();
    }

    /// The same, not waiting until the two watches run: each gives a permit when it does. Nothing, where they do already.
    pub fn begin_to_record(self: &Arc<Self>, namespace: &str) -> Arc<Semaphore> {
        let listed = Arc::new(Semaphore::new(0));
        let mut recorded = self.recorded.lock().unwrap();
        if !recorded.namespaces.iter().any(|known| known == namespace) {
            recorded.namespaces.push(namespace.to_owned());
            let (client, place) = (&self.client, namespace.to_owned());
            let objects = Api::namespaced_with(client.clone(), namespace, &kind());
            let secrets = Api::namespaced(client.clone(), namespace);
            let mut watches = self.watches.lock().unwrap();
            watches.spawn(record_objects(Arc::downgrade(self), objects, place.clone(), Arc::clone(&listed)));
            watches.spawn(record_secrets(Arc::downgrade(self), secrets, place, Arc::clone(&listed)));
        }
        listed
    }

    fn saw(&self, namespace: &str, object: &DynamicObject, gone: bool) {
        let shown = json!(object);
        let place = (namespace.to_owned(), object.name_any());
        let known = self.recorded.lock().unwrap().last.get(&place).is_some_and(|last| last == &shown);
        if !known || gone {
            self.push(place, shown, gone);
        }
    }

    /// Objects that a further list does not show any more.
    fn missed(&self, namespace: &str, names: &HashSet<String>) {
        let known = self.recorded.lock().unwrap().last.clone();
        for (place, last) in known.into_iter().filter(|((of, name), _)| of == namespace && !names.contains(name)) {
            self.push(place, last, true);
        }
    }

    fn push(&self, place: (String, String), object: Value, gone: bool) {
        let Some(log) = self.sim.upgrade().map(|sim| sim.log()) else { return };
        let account =
            ["postpress", "puffle"].iter().find_map(|of| object["spec"]["provider"][of]["accountId"].as_str());
        let state = serde_json::from_value(json!(log.state(account.unwrap_or_default())))
            .expect("a state that the checker knows");
        let seen = Moment { order: last_order(&log), at: Timestamp::now() };
        let version = Version::parse(seen, gone, state, &object).expect("an object of the API server");
        let mut recorded = self.recorded.lock().unwrap();
        recorded.versions.push(version);
        if gone {
            recorded.last.remove(&place);
        } else {
            recorded.last.insert(place, object);
        }
    }

    /// Notes an operator's `--outcome-window`.
    pub fn outcome_window(&self, window: &str) {
        let window: SignedDuration = window.parse().expect("a duration");
        let mut recorded = self.recorded.lock().unwrap();
        recorded.outcome_window = Some(recorded.outcome_window.map_or(window, |shortest| shortest.min(window)));
    }

    /// Notes an operator's `--max-backoff`.
    pub fn max_backoff(&self, backoff: &str) {
        let backoff: SignedDuration = backoff.parse().expect("a duration");
        let mut recorded = self.recorded.lock().unwrap();
        recorded.max_backoff = recorded.max_backoff.max(backoff);
    }

    /// Notes what `/proc/PID/status` says of an operator.
    pub fn memory(&self, status: String) {
        self.recorded.lock().unwrap().memory.push(status);
    }

    /// Whether this is not judged.
    pub fn is_excused(&self, property: Property) -> bool {
        self.recorded.lock().unwrap().excuses.iter().any(|(excused, _)| *excused == property)
    }

    /// Leaves a property unjudged.
    pub fn excuse(&self, property: Property, why: &'static str) {
        self.recorded.lock().unwrap().excuses.push((property, why));
    }

    /// Whether everything that the API server has committed by now was recorded.
    pub async fn is_complete(&self) -> bool {
        let namespaces = self.recorded.lock().unwrap().namespaces.clone();
        for namespace in namespaces {
            let objects: Api<Unmanaged<DynamicObject>> = Api::namespaced_with(self.client.clone(), &namespace, &kind());
            // Without the CRD there are no objects.
            let there = objects.list(&ListParams::default()).await.map_or(Vec::new(), |list| list.items);
            let there: BTreeMap<_, _> =
                there.into_iter().map(|object| (object.name_any(), object.resource_version())).collect();
            let recorded = self.recorded.lock().unwrap();
            let known = recorded.last.iter().filter(|((of, _), _)| *of == namespace);
            let known: BTreeMap<_, _> = known
                .map(|((_, name), object)| {
                    (name.clone(), object["metadata"]["resourceVersion"].as_str().map(str::to_owned))
                })
                .collect();
            if there != known {
                return false;
            }
        }
        true
    }

    /// What is wrong, but for what is excused. `operators` are what each operator process wrote.
    pub fn violations(&self, operators: &[String]) -> Vec<Violation> {
        let log = self.sim.upgrade().expect("the simulator is there").log();
        let mut trace = Trace::default();
        let namespaces = {
            let recorded = self.recorded.lock().unwrap();
            (trace.versions, trace.secrets) = (recorded.versions.clone(), recorded.secrets.clone());
            trace.outcome_window = recorded.outcome_window.unwrap_or_default();
            trace.max_backoff = recorded.max_backoff;
            recorded.memory.iter().for_each(|status| trace.read_memory(status));
            recorded.namespaces.clone()
        };
        trace.read_requests(&log.to_string()).expect("the simulator's own log");
        trace.read_audit(&self.audit(), &namespaces);
        operators.iter().for_each(|lines| trace.read_operator(lines));
        let mut found = check(&trace);
        found.retain(|violation| !self.is_excused(violation.property));
        found
    }

    fn audit(&self) -> String {
        let mut lines = Vec::new();
        let mut file = File::open(&self.audit_log).expect("the audit log is there");
        file.seek(SeekFrom::Start(self.audit_from)).expect("it only grows");
        file.read_to_end(&mut lines).expect("it can be read");
        String::from_utf8_lossy(&lines).into_owned()
    }
}

async fn record_objects(
    to: Weak<Recorder>,
    of: Api<Unmanaged<DynamicObject>>,
    namespace: String,
    listed: Arc<Semaphore>,
) {
    let mut events = pin!(watcher(of, Config::default()));
    let (mut names, mut lists) = (HashSet::new(), 0);
    while let (Some(event), Some(recorder)) = (events.next().await, to.upgrade()) {
        match event {
            Ok(Event::Init) => names.clear(),
            Ok(Event::InitApply(object)) => {
                names.insert(object.name_any());
                recorder.saw(&namespace, &object.0, false);
            }
            Ok(Event::Apply(object)) => recorder.saw(&namespace, &object.0, false),
            Ok(Event::Delete(object)) => recorder.saw(&namespace, &object.0, true),
            Ok(Event::InitDone) => {
                lists += 1;
                if lists == 1 {
                    listed.add_permits(1);
                } else {
                    // A watch that had to begin anew has missed versions.
                    recorder.excuse(Property::S7, "the watch began anew");
                    recorder.excuse(Property::S8, "the watch began anew");
                    recorder.missed(&namespace, &names);
                }
            }
            Err(_) => {
                drop(recorder);
                // The CRD is not there, or the API server is not: tried again, soon, to miss as little as can be.
                sleep(AGAIN).await;
            }
        }
    }
}

async fn record_secrets(to: Weak<Recorder>, of: Api<Secret>, namespace: String, listed: Arc<Semaphore>) {
    let mut events = pin!(watcher(of, Config::default()).default_backoff());
    while let (Some(event), Some(recorder)) = (events.next().await, to.upgrade()) {
        match event {
            Ok(Event::InitApply(secret) | Event::Apply(secret)) => {
                let key = secret.data.as_ref().and_then(|data| data.get(API_KEY));
                let key = key.map(|bytes| fingerprint(&bytes.0));
                let version = SecretVersion { namespace: namespace.clone(), name: secret.name_any(), key };
                recorder.recorded.lock().unwrap().secrets.push(version);
            }
            Ok(Event::InitDone) => listed.add_permits(1),
            Ok(Event::Init | Event::Delete(_)) | Err(_) => {}
        }
    }
}

fn kind() -> ApiResource {
    ApiResource::erase::<SenderAccount>(&())
}

/// The highest order that anything in the log has.
fn last_order(log: &Log) -> u64 {
    let moments = |entry: &provider_simulator::Entry| [Some(entry.arrived), entry.effect_at, entry.ended];
    log.entries().flat_map(moments).flatten().map(|moment| moment.order).max().unwrap_or_default()
}

/// A client of an administrator.
pub async fn client(plane: &ControlPlane) -> Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig()).expect("a kubeconfig");
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
    Client::try_from(config).expect("a client")
}
