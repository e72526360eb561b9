//! What each server is started with, and the files its flags name.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Loopback ports that were free a moment ago.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) etcd_client: u16,
    pub(crate) etcd_peer: u16,
    pub(crate) api_server: u16,
}

impl Ports {
    pub(crate) fn free() -> io::Result<Self> {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        // All three are held until each has its number, so that they differ.
        let listeners = [bind()?, bind()?, bind()?];
        let [etcd_client, etcd_peer, api_server] = listeners.each_ref().map(|l| l.local_addr().map(|addr| addr.port()));
        Ok(Self { etcd_client: etcd_client?, etcd_peer: etcd_peer?, api_server: api_server? })
    }
}

/// The API server signs its own serving certificate when it first starts, and its key signs ServiceAccount tokens too:
/// the harness needs no tool that makes keys.
pub(crate) const CA: &str = "certs/apiserver.crt";
const KEY: &str = "certs/apiserver.key";

pub(crate) const KUBECONFIG: &str = "kubeconfig";
pub(crate) const AUDIT_LOG: &str = "audit.log";
const AUDIT_POLICY: &str = "audit-policy.yaml";
const TOKENS: &str = "tokens.csv";

pub(crate) fn url(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api_server)
}

pub(crate) fn etcd_url(ports: Ports) -> String {
    format!("http://127.0.0.1:{}", ports.etcd_client)
}

/// A kubeconfig for whoever `token` names.
pub(crate) fn kubeconfig(dir: &Path, ports: Ports, token: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: envtest
contexts: [{{name: envtest, context: {{cluster: envtest, user: envtest}}}}]
clusters: [{{name: envtest, cluster: {{server: '{url}', certificate-authority: '{ca}'}}}}]
users: [{{name: envtest, user: {{token: '{token}'}}}}]
",
        url = url(ports),
        ca = dir.join(CA).display(),
    )
}

/// Writes the files the servers read: an administrator's token and kubeconfig, and what to audit.
pub(crate) fn write_files(dir: &Path, ports: Ports) -> io::Result<()> {
    let mut random = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    write_secret(&dir.join(TOKENS), &format!("{token},admin,admin,\"system:masters\"\n"))?;
    write_secret(&dir.join(KUBECONFIG), &kubeconfig(dir, ports, &token))?;
    // One line for each request, once its answer is known.
    fs::write(
        dir.join(AUDIT_POLICY),
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n",
    )
}

/// Writes a file for its owner alone: clients warn of a kubeconfig that others can read.
pub(crate) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

pub(crate) fn etcd(dir: &Path, ports: Ports) -> Vec<String> {
    let client = etcd_url(ports);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
    vec![
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".to_owned(),
    ]
}

pub(crate) fn api_server(dir: &Path, ports: Ports) -> Vec<String> {
    let file = |name: &str| dir.join(name).display().to_string();
    vec![
        format!("--etcd-servers={}", etcd_url(ports)),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", ports.api_server),
        format!("--cert-dir={}", file("certs")),
        format!("--token-auth-file={}", file(TOKENS)),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file(KEY)),
        format!("--service-account-signing-key-file={}", file(KEY)),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--audit-policy-file={}", file(AUDIT_POLICY)),
        format!("--audit-log-path={}", file(AUDIT_LOG)),
        // Written as each answer ends, and never dropped under load.
        "--audit-log-mode=blocking".to_owned(),
        // Above any test's needs: a rotated log would lose lines to its reader.
        "--audit-log-maxsize=100000".to_owned(),
    ]
}

pub(crate) fn controller_manager(dir: &Path) -> Vec<String> {
    let file = |name: &str| dir.join(name).display().to_string();
    vec![
        format!("--kubeconfig={}", file(KUBECONFIG)),
        format!("--service-account-private-key-file={}", file(KEY)),
        format!("--root-ca-file={}", file(CA)),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        // There are no nodes.
        "--controllers=*,-nodeipam,-nodelifecycle".to_owned(),
        "--secure-port=0".to_owned(),
    ]
}
