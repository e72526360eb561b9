//! A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver, kubectl and, when asked for,
//! kube-controller-manager and Helm, built from pinned Go modules, on free loopback ports, in a folder of its own.
//!
//! Nothing is left behind, also when the process that started it panics or is killed: a small supervisor holds the
//! servers, watches a pipe for this process's end, stops them in order and deletes the folder.
//!
//! ```no_run
//! # async fn example() -> Result<(), envtest::Error> {
//! let plane = envtest::shared().await;
//! let namespace = envtest::Namespace::create(plane, "teardown").await?;
//! plane.kubectl(["-n", namespace.name(), "get", "configmaps"]).await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod assets;
mod control_plane;
mod error;
mod flags;
mod helm;
mod kubectl;
mod leash;
mod namespace;
mod supervisor;

pub use assets::{Assets, Program};
pub use control_plane::{ControlPlane, Options};
pub use error::Error;
pub use leash::Leash;
pub use namespace::Namespace;

use tokio::sync::OnceCell;

/// The control plane that all tests of this process share, with a controller manager; the first call starts it.
///
/// # Panics
///
/// With the reason, in every test alike, when it could not be started.
pub async fn shared() -> &'static ControlPlane {
    static SHARED: OnceCell<Result<ControlPlane, Error>> = OnceCell::const_new();
    match SHARED.get_or_init(|| ControlPlane::start(Options { controller_manager: true })).await {
        Ok(plane) => plane,
        Err(error) => panic!("{error}"),
    }
}
