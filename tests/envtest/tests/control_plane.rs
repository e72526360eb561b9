//! The harness against the real programs.

mod common;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use common::{signal, wait_until};
use envtest::{ControlPlane, Error, Leash, Namespace, Options, Program};

const CONFIG_MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}, data: {answer: '42'}}";

#[tokio::test]
async fn what_kubectl_applies_is_stored_and_audited() {
    let plane = envtest::shared().await;
    let namespace = Namespace::create(plane, "apply").await.unwrap();
    plane.kubectl_with_stdin(["-n", namespace.name(), "apply", "-f", "-"], CONFIG_MAP).await.unwrap();
    let read = ["-n", namespace.name(), "get", "configmap", "kept", "-o", "jsonpath={.data.answer}"];
    assert_eq!(plane.kubectl(read).await.unwrap(), "42");

    let created = |line: &&str| {
        [r#""verb":"create""#, r#""name":"kept""#, namespace.name()].iter().all(|part| line.contains(part))
    };
    wait_until("the request is in the audit log", || {
        fs::read_to_string(plane.audit_log()).unwrap().lines().filter(created).count() == 1
    });
}

#[tokio::test]
async fn a_refused_command_says_why() {
    let refused = envtest::shared().await.kubectl(["get", "configmap", "absent"]).await;
    let Err(Error::Kubectl { args, stderr }) = refused else { panic!("{refused:?}") };
    assert_eq!(args, "get configmap absent");
    assert!(stderr.contains("NotFound"), "{stderr}");
}

#[tokio::test]
async fn helm_is_the_pinned_one_and_keeps_its_files_beside_the_control_plane_s() {
    let plane = envtest::shared().await;
    let pinned = include_str!("../helm/go.mod").lines().find_map(|line| line.trim().strip_prefix("helm.sh/helm/v4 "));
    let pinned = pinned.unwrap().split(' ').next().unwrap();
    assert!(plane.helm(["version", "--short"]).await.unwrap().starts_with(pinned));
    let dir = plane.dir().display().to_string();
    let settings = plane.helm(["env"]).await.unwrap();
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_REPOSITORY_CONFIG"] {
        let of = |line: &&str| line.starts_with(&format!("{name}=\"{dir}"));
        assert!(settings.lines().any(|line| of(&line)), "{name}: {settings}");
    }
    let refused = plane.helm(["status", "absent"]).await;
    let Err(Error::Helm { args, stderr }) = refused else { panic!("{refused:?}") };
    assert_eq!(args, "status absent");
    assert!(stderr.contains("not found"), "{stderr}");
}

#[tokio::test]
async fn a_deleted_namespace_goes_with_its_content() {
    let plane = envtest::shared().await;
    let namespace = Namespace::create(plane, "gone").await.unwrap();
    plane.kubectl_with_stdin(["-n", namespace.name(), "apply", "-f", "-"], CONFIG_MAP).await.unwrap();
    plane.kubectl(["delete", "namespace", namespace.name(), "--timeout=300s"]).await.unwrap();
    let left = plane.kubectl(["get", "configmaps", "-A", "--field-selector=metadata.name=kept", "-o", "name"]);
    let gone = ["get", "namespace", namespace.name(), "--ignore-not-found"];
    assert_eq!(plane.kubectl(gone).await.unwrap(), "");
    assert!(!left.await.unwrap().contains(namespace.name()));
}

#[tokio::test]
async fn a_service_account_s_token_gives_its_rights_and_no_more() {
    let plane = envtest::shared().await;
    let namespace = Namespace::create(plane, "token").await.unwrap();
    plane.kubectl(["-n", namespace.name(), "create", "serviceaccount", "reader"]).await.unwrap();
    let token = plane.kubectl(["-n", namespace.name(), "create", "token", "reader"]).await.unwrap();
    let kubeconfig = plane.kubeconfig_for_token(&token).unwrap();
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let who = plane.kubectl([&kubeconfig, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).await;
    assert_eq!(who.unwrap(), format!("system:serviceaccount:{namespace}:reader"));
    let Err(Error::Kubectl { stderr, .. }) = plane.kubectl([&kubeconfig, "get", "secrets"]).await else {
        panic!("a ServiceAccount without a role reads Secrets")
    };
    assert!(stderr.contains("Forbidden"), "{stderr}");
}

#[tokio::test]
async fn a_killed_api_server_starts_again_with_what_was_stored() {
    let plane = ControlPlane::start(Options::default()).await.unwrap();
    plane.kubectl_with_stdin(["apply", "-f", "-"], CONFIG_MAP).await.unwrap();
    let killed = plane.pid(Program::ApiServer).unwrap();
    assert!(signal("KILL", killed));
    wait_until("the API server is gone", || plane.pid(Program::ApiServer).is_none());
    // Another one has its port for a while.
    let port = plane.url().rsplit(':').next().unwrap().parse().unwrap();
    let other = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).unwrap();
    let refused = plane.dir().join("kube-apiserver.log");
    let ends = std::thread::spawn(move || {
        let refused = || fs::read_to_string(&refused).is_ok_and(|log| log.contains("address already in use"));
        wait_until("the API server finds its port taken", refused);
        drop(other);
    });
    plane.restart(Program::ApiServer).await.unwrap();
    ends.join().unwrap();
    assert_ne!(plane.pid(Program::ApiServer), Some(killed));
    plane.kubectl(["get", "configmap", "kept"]).await.unwrap();

    let dir = plane.dir().to_owned();
    plane.stop().await.unwrap();
    assert!(!dir.exists());
}

/// The process that the next test kills: it tells what it started and then waits for its end.
#[tokio::test]
#[ignore = "run by the test below in a process of its own"]
async fn start_a_control_plane_and_wait() {
    let plane = ControlPlane::start(Options::default()).await.unwrap();
    let [etcd, api_server] = [Program::Etcd, Program::ApiServer].map(|program| plane.pid(program).unwrap());
    println!("\nstarted {etcd} {api_server} {}", plane.dir().display());
    std::future::pending().await
}

/// The process that the next test kills, with another one on its leash.
#[test]
#[ignore = "run by the test below in a process of its own"]
fn hold_a_process_and_wait() {
    let mut held = Command::new("sleep").arg("600").spawn().unwrap();
    let _leash = Leash::on(held.id()).unwrap();
    println!("\nstarted {}", held.id());
    held.wait().unwrap();
}

#[test]
fn a_process_on_a_leash_is_killed_with_its_holder_and_let_go_when_the_leash_is_dropped() {
    let (mut child, pid) = run_apart("hold_a_process_and_wait");
    let pid: u32 = pid.parse().unwrap();
    assert!(signal("0", pid));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("the held process is gone", || !signal("0", pid));

    let mut free = Command::new("sleep").arg("600").spawn().unwrap();
    drop(Leash::on(free.id()).unwrap());
    assert!(free.try_wait().unwrap().is_none());
    free.kill().unwrap();
    free.wait().unwrap();
}

/// Runs an ignored test in a process of its own, and returns what it says to have started.
fn run_apart(test: &str) -> (Child, String) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let started = lines.into_iter().find_map(|line| line.strip_prefix("started ").map(str::to_owned)).unwrap();
    (child, started)
}

#[test]
fn a_killed_process_leaves_no_server_and_no_folder_and_etcd_goes_last() {
    let (mut child, started) = run_apart("start_a_control_plane_and_wait");
    let [etcd, api_server, dir] = started.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let [etcd, api_server]: [u32; 2] = [etcd, api_server].map(|pid| pid.parse().unwrap());
    assert!(signal("0", etcd) && signal("0", api_server) && Path::new(dir).exists());

    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("both servers are gone", || {
        let etcd_runs = signal("0", etcd);
        let api_server_runs = signal("0", api_server);
        assert!(etcd_runs || !api_server_runs, "etcd went before the API server");
        !etcd_runs && !api_server_runs
    });
    wait_until("the folder is gone", || !Path::new(dir).exists());
}
