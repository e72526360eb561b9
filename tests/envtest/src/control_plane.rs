use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tokio::{process::Command, sync::OnceCell, task};

use crate::{
    Assets, Error, Program,
    flags::{self, Ports},
    helm::Helm,
    kubectl::Kubectl,
    supervisor::Supervisor,
};

/// How long a server may take to become ready: seconds on an idle machine, far more on a loaded one.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// How often a start is tried on new ports when another process takes one between choosing and binding it.
const STARTS: usize = 5;

/// What a control plane has beside etcd and the API server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Run kube-controller-manager: namespaces are then really deleted, owned objects collected and each namespace
    /// has its default ServiceAccount.
    pub controller_manager: bool,
}

/// A running control plane. It is stopped when this is dropped or the process ends; [`ControlPlane::stop`] also waits.
pub struct ControlPlane {
    supervisor: Supervisor,
    assets: Assets,
    ports: Ports,
    kubectl: Kubectl,
    helm: OnceCell<Helm>,
    audit_log: PathBuf,
    ca: PathBuf,
}

impl ControlPlane {
    /// Starts a control plane on free ports and returns once it is ready, building its programs first where needed.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let mut programs = vec![Program::ApiServer, Program::Etcd, Program::Kubectl];
        if options.controller_manager {
            programs.push(Program::ControllerManager);
        }
        let assets = task::spawn_blocking(move || Assets::locate(&programs)).await.map_err(io::Error::other)??;
        Self::start_on(Ports::free, &assets, options).await
    }

    async fn start_on(
        mut choose: impl FnMut() -> io::Result<Ports>,
        assets: &Assets,
        options: Options,
    ) -> Result<Self, Error> {
        for _ in 1..STARTS {
            match Self::start_once(choose()?, assets, options).await {
                Err(Error::PortTaken { .. }) => {}
                outcome => return outcome,
            }
        }
        Self::start_once(choose()?, assets, options).await
    }

    async fn start_once(ports: Ports, assets: &Assets, options: Options) -> Result<Self, Error> {
        let supervisor = Supervisor::new()?;
        let dir = supervisor.dir();
        flags::write_files(dir, ports)?;
        let plane = Self {
            audit_log: dir.join(flags::AUDIT_LOG),
            ca: dir.join(flags::CA),
            kubectl: Kubectl {
                program: assets.path(Program::Kubectl),
                kubeconfig: dir.join(flags::KUBECONFIG),
                cache: dir.join("kubectl-cache"),
            },
            helm: OnceCell::new(),
            assets: assets.clone(),
            ports,
            supervisor,
        };
        plane.start_etcd().await?;
        plane.start_api_server().await?;
        if options.controller_manager {
            plane.start_controller_manager().await?;
        }
        Ok(plane)
    }

    /// Starts a server again that a test has killed, on the same port and data, and waits until it serves. Another
    /// connection may have been given the port meanwhile: it is tried again until that one ends.
    pub async fn restart(&self, program: Program) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let started = match program {
                Program::Etcd => self.start_etcd().await,
                Program::ApiServer => self.start_api_server().await,
                other => panic!("{} is not started again", other.name()),
            };
            match started {
                Err(Error::PortTaken { .. }) if began.elapsed() < READY_WITHIN => {}
                outcome => return outcome,
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn start_etcd(&self) -> Result<(), Error> {
        self.launch(Program::Etcd, &flags::etcd(self.dir(), self.ports))?;
        // Its own log and no request: a request could be answered by another etcd that was faster to bind the port.
        let serves = async || self.supervisor.log(Program::Etcd.name()).contains("ready to serve client requests");
        self.wait_until_ready(Program::Etcd, serves).await
    }

    async fn start_api_server(&self) -> Result<(), Error> {
        self.launch(Program::ApiServer, &flags::api_server(self.dir(), self.ports))?;
        let ready = async || self.kubectl(["get", "--raw", "/readyz"]).await.is_ok();
        self.wait_until_ready(Program::ApiServer, ready).await
    }

    async fn start_controller_manager(&self) -> Result<(), Error> {
        self.launch(Program::ControllerManager, &flags::controller_manager(self.dir()))?;
        let at_work = async || self.kubectl(["-n", "default", "get", "serviceaccount", "default"]).await.is_ok();
        self.wait_until_ready(Program::ControllerManager, at_work).await
    }

    fn launch(&self, program: Program, flags: &[String]) -> io::Result<()> {
        self.supervisor.start(program.name(), &self.assets.path(program), flags).map(drop)
    }

    async fn wait_until_ready(&self, program: Program, ready: impl AsyncFn() -> bool) -> Result<(), Error> {
        let server = program.name();
        let began = Instant::now();
        loop {
            if ready().await && !self.supervisor.has_ended(server) {
                return Ok(());
            }
            // Asked before the log is read, so that the log of a server that ended is whole.
            let ended = self.supervisor.has_ended(server);
            let log = self.supervisor.log(server);
            if ended && log.contains("address already in use") {
                return Err(Error::PortTaken { server });
            }
            if ended {
                return Err(Error::Ended { server, log: tail(&log) });
            }
            if began.elapsed() > READY_WITHIN {
                return Err(Error::NotReady { server, seconds: READY_WITHIN.as_secs(), log: tail(&log) });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the API server, then etcd, and returns once they and their folder are gone.
    pub async fn stop(self) -> Result<(), Error> {
        let supervisor = self.supervisor;
        task::spawn_blocking(|| supervisor.stop()).await.map_err(io::Error::other)?.map_err(Error::from)
    }

    /// Runs kubectl as an administrator and returns what it prints on stdout.
    pub async fn kubectl(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String, Error> {
        self.kubectl.run(args, None).await
    }

    /// [`ControlPlane::kubectl`] with `input` on its stdin, as for `apply -f -`.
    pub async fn kubectl_with_stdin(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &str,
    ) -> Result<String, Error> {
        self.kubectl.run(args, Some(input)).await
    }

    /// A kubectl command of an administrator to add arguments to, such as a watch; killed when it is dropped.
    pub fn kubectl_command(&self) -> Command {
        self.kubectl.command()
    }

    /// Runs Helm as an administrator and returns what it prints on stdout. The first call builds it where needed.
    pub async fn helm(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String, Error> {
        let locate = || async {
            let assets =
                task::spawn_blocking(|| Assets::locate(&[Program::Helm])).await.map_err(io::Error::other)??;
            Ok::<_, Error>(Helm::new(assets.path(Program::Helm), self.kubeconfig().to_owned(), self.dir()))
        };
        self.helm.get_or_try_init(locate).await?.run(args).await
    }

    /// The kubectl program.
    pub fn kubectl_path(&self) -> &Path {
        &self.kubectl.program
    }

    /// The kubeconfig of an administrator (group `system:masters`).
    pub fn kubeconfig(&self) -> &Path {
        &self.kubectl.kubeconfig
    }

    /// Writes a kubeconfig for whoever `token` names, such as a ServiceAccount (`kubectl create token`), into the folder
    /// and returns its path.
    pub fn kubeconfig_for_token(&self, token: &str) -> Result<PathBuf, Error> {
        static WRITTEN: AtomicUsize = AtomicUsize::new(1);
        let path = self.dir().join(format!("{}-{}", flags::KUBECONFIG, WRITTEN.fetch_add(1, Ordering::Relaxed)));
        flags::write_secret(&path, &flags::kubeconfig(self.dir(), self.ports, token))?;
        Ok(path)
    }

    /// The folder of the control plane, deleted with it: certificates, logs, data.
    pub fn dir(&self) -> &Path {
        self.supervisor.dir()
    }

    /// One JSON event (level `Metadata`) a line for each request, written as its answer ends: wait for a line there.
    pub fn audit_log(&self) -> &Path {
        &self.audit_log
    }

    /// The API server's address.
    pub fn url(&self) -> String {
        flags::url(self.ports)
    }

    /// etcd's address, for what only the store itself can do: compaction, alarms.
    pub fn etcd_url(&self) -> String {
        flags::etcd_url(self.ports)
    }

    /// The certificates that sign the API server's own.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// The process id of a server started last, or `None` where it does not run.
    pub fn pid(&self, program: Program) -> Option<u32> {
        self.supervisor.pid(program.name())
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_leads_to_a_start_on_others() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = (taken.local_addr().unwrap().port(), taken);
        let free = Ports::free().unwrap();
        let mut choices = [Ports { etcd_client: taken.0, ..free }, Ports { api_server: taken.0, ..free }].into_iter();
        let assets = Assets::locate(&[Program::ApiServer, Program::Etcd, Program::Kubectl]).unwrap();
        let choose = || choices.next().map_or_else(Ports::free, Ok);
        let plane = ControlPlane::start_on(choose, &assets, Options::default()).await.unwrap();
        assert_eq!(choices.next().map(|ports| ports.etcd_client), None);
        assert!(!plane.url().ends_with(&taken.0.to_string()));
        plane.stop().await.unwrap();
    }
}
