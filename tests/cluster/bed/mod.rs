//! What every test stands on.

mod apart;
mod leaks;
mod objects;
mod operator;
mod policy;
mod recorder;
mod senders;
mod trace;
mod waits;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use envtest::ControlPlane;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use provider_simulator::{Simulator, State};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

pub use apart::CRD;
pub use objects::{EMAIL, LINKEDIN, PURGE, SOFT, deleting, message, next_attempt, reason, secret};
pub use operator::Operator;
use recorder::{Recorder, client};
pub use senders::{Kind, Sender};
pub use trace_checker::Property;

/// So many tests run at once, whatever the number of test threads: each has an operator process.
const AT_ONCE: usize = 4;
/// The same where thousands of short plans are run: one waits for little but its turn on a core.
const AT_ONCE_IN_TORTURE: usize = 8;

/// A namespace of the shared control plane, a provider simulator, and the operator processes started for it.
pub struct Bed {
    pub plane: &'static ControlPlane,
    pub sim: Arc<Simulator>,
    pub client: Client,
    pub namespace: String,
    /// Every key that was handed out: none of their bytes may show anywhere.
    keys: Arc<Mutex<Vec<String>>>,
    /// What every operator of this bed wrote.
    logs: Arc<Mutex<Vec<tempfile::TempPath>>>,
    /// Every operator of this bed.
    pids: Arc<Mutex<Vec<u32>>>,
    recorder: Arc<Recorder>,
    _permit: Option<SemaphorePermit<'static>>,
}

impl Bed {
    /// A bed on the shared control plane.
    pub async fn new(name: &str) -> Self {
        Self::apart(envtest::shared().await, name).await
    }

    /// A bed on a control plane of its own, for what would disturb the others.
    pub async fn apart(plane: &'static ControlPlane, name: &str) -> Self {
        install_crd(plane).await;
        Self::served(plane, name).await
    }

    /// A bed on a control plane on which somebody else has installed the CRD, such as the chart.
    pub async fn served(plane: &'static ControlPlane, name: &str) -> Self {
        let permit = running().acquire().await.expect("the semaphore is never closed");
        let client = client(plane).await;
        let namespace = create_namespace(&client, name).await;
        let sim = Arc::new(Simulator::start().await.expect("a simulator"));
        let recorder = Recorder::new(plane, &sim).await;
        recorder.record(&namespace).await;
        Self {
            client,
            plane,
            sim,
            namespace,
            keys: Arc::default(),
            logs: Arc::default(),
            pids: Arc::default(),
            recorder,
            _permit: Some(permit),
        }
    }

    /// A second namespace beside this one, as another tenant has it, with the same providers.
    pub async fn beside(&self, name: &str) -> Self {
        let namespace = create_namespace(&self.client, name).await;
        self.recorder.record(&namespace).await;
        Self {
            client: self.client.clone(),
            plane: self.plane,
            sim: Arc::clone(&self.sim),
            namespace,
            keys: Arc::clone(&self.keys),
            logs: Arc::clone(&self.logs),
            pids: Arc::clone(&self.pids),
            recorder: Arc::clone(&self.recorder),
            _permit: None,
        }
    }

    /// What is true of an account: its state, how many DELETEs named it, and how many of them changed it.
    pub fn truth(&self, account: &str) -> (State, usize, usize) {
        let log = self.sim.log();
        (log.state(account), log.deletes(account).len(), log.effective_deletes(account).len())
    }

    /// A new key with bytes of its own, that no output may show.
    pub fn key(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let seed = u64::from(std::process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03);
        let key = format!("canary-{seed:016x}-{:016x}", seed.rotate_left(31).wrapping_mul(0x94D0_49BB_1331_11EB));
        self.keys.lock().unwrap().push(key.clone());
        key
    }

    /// kubectl in this bed's namespace.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).await.unwrap_or_else(|error| panic!("kubectl {args:?}: {error}"))
    }

    /// kubectl in this bed's namespace, which may refuse.
    pub async fn try_kubectl(&self, args: &[&str]) -> Result<String, envtest::Error> {
        let mut all = vec!["-n", self.namespace.as_str()];
        all.extend_from_slice(args);
        self.plane.kubectl(all).await
    }

    /// `kubectl apply` of this manifest.
    pub async fn apply(&self, manifest: &serde_json::Value) {
        self.try_apply(manifest).await.unwrap_or_else(|error| panic!("kubectl apply: {error}"));
    }

    /// One `kubectl apply` of all of these.
    pub async fn apply_all(&self, manifests: &[serde_json::Value]) {
        self.apply(&serde_json::json!({"apiVersion": "v1", "kind": "List", "items": manifests})).await;
    }

    /// `kubectl apply` of this manifest, which may be refused.
    pub async fn try_apply(&self, manifest: &serde_json::Value) -> Result<String, envtest::Error> {
        self.plane.kubectl_with_stdin(["-n", &self.namespace, "apply", "-f", "-"], &manifest.to_string()).await
    }
}

/// A namespace whose name starts so. Through the client: no test is to spend its time on starting kubectl.
pub async fn create_namespace(client: &Client, prefix: &str) -> String {
    let generated = ObjectMeta { generate_name: Some(format!("{prefix}-")), ..ObjectMeta::default() };
    let namespace = Namespace { metadata: generated, ..Namespace::default() };
    let created = Api::all(client.clone()).create(&PostParams::default(), &namespace).await;
    created.expect("a namespace is created").name_any()
}

fn running() -> &'static Semaphore {
    static RUNNING: OnceLock<Semaphore> = OnceLock::new();
    RUNNING.get_or_init(|| Semaphore::new(at_once()))
}

/// So many beds there are at most.
pub fn at_once() -> usize {
    if is_torture() { AT_ONCE_IN_TORTURE } else { AT_ONCE }
}

/// Whether there are hours for it.
pub fn is_torture() -> bool {
    std::env::var_os("TORTURE").is_some()
}

async fn install_crd(plane: &ControlPlane) {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = async || {
        let crd = sender_operator::crd::manifest().to_string();
        plane
            .kubectl_with_stdin(["apply", "--server-side", "--force-conflicts", "-f", "-"], &crd)
            .await
            .expect("the CRD is accepted");
        let established =
            ["wait", "--for=condition=Established", "--timeout=60s", "crd/senderaccounts.sender-operator.dev"];
        plane.kubectl(established).await.expect("the CRD is established");
    };
    if std::ptr::eq(plane, envtest::shared().await) {
        INSTALLED.get_or_init(install).await;
    } else {
        install().await;
    }
}
