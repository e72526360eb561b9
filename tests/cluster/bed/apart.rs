//! A second control plane, for what would disturb every other test: a CRD that is deleted, missing or without its rules.

use envtest::{ControlPlane, Options};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::{Bed, install_crd};

/// `kubectl` names it so.
pub const CRD: &str = "crd/senderaccounts.sender-operator.dev";

/// Nobody else uses the second control plane while this lives.
pub struct Alone(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

impl Bed {
    /// A bed whose CRD is the test's own; the CRD is installed.
    pub async fn alone(name: &str) -> (Self, Alone) {
        static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
        static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
        let alone = Alone(ONE_AT_A_TIME.lock().await);
        let start = || async { ControlPlane::start(Options::default()).await.expect("a second control plane") };
        (Self::apart(PLANE.get_or_init(start).await, name).await, alone)
    }

    /// Installs the CRD, in place of what is there.
    pub async fn install_crd(&self) {
        install_crd(self.plane).await;
    }

    /// Waits until the CRD is gone.
    pub async fn until_crd_gone(&self) {
        self.kubectl(&["wait", "--for=delete", CRD, "--timeout=90s"]).await;
    }
}
