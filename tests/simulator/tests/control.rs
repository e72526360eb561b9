//! The binary, as a person or a script uses it.

mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use support::{Client, EMAIL, KEY, LINKEDIN, Reply, until};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running binary; killed with the test.
struct Running {
    child: Child,
    stdin: ChildStdin,
    _stdout: Lines<BufReader<ChildStdout>>,
    urls: Value,
}

impl Running {
    async fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_provider-simulator"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = stdout.next_line().await.unwrap().expect("it says when it is ready");
        Self { child, stdin, _stdout: stdout, urls: serde_json::from_str(&ready).unwrap() }
    }

    fn address(&self, name: &str) -> SocketAddr {
        let url = self.urls[name].as_str().unwrap();
        let host = url.trim_start_matches("http://").split('/').next().unwrap();
        host.parse().unwrap()
    }

    async fn control(&self, method: &str, path: &str, body: &str) -> Reply {
        let mut client = Client::connect(self.address("control")).await;
        let length = body.len().to_string();
        client.send(method, path, &[("content-length", &length)]).await;
        client.stream.write_all(body.as_bytes()).await.unwrap();
        client.reply().await.unwrap()
    }

    async fn delete_at_postpress(&self, id: &str) -> Reply {
        let mut client = Client::connect(self.address("postpress")).await;
        let path = format!("/v1/accounts/{id}");
        client.send("DELETE", &path, &[("x-api-key", KEY)]).await;
        client.reply().await.unwrap()
    }

    async fn state_of(&self, id: &str) -> Value {
        let state = self.control("GET", "/state", "").await.json();
        let accounts = state["accounts"].as_array().unwrap();
        accounts.iter().find(|row| row["id"] == id).unwrap().clone()
    }
}

async fn ended_early(args: &[&str]) -> (ExitStatus, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_provider-simulator")).args(args).output().await.unwrap();
    (output.status, String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn it_serves_the_accounts_named_by_flags() {
    let flags = ["--key", KEY, "--postpress-account", "acc_1", "--puffle-linkedin", LINKEDIN, "--puffle-email", EMAIL];
    let running = Running::start(&flags).await;
    assert!(running.urls["postpress"].as_str().unwrap().ends_with("/v1"));

    assert_eq!(running.delete_at_postpress("acc_1").await.json(), json!({"object": "AccountDeleted"}));

    let gone = running.state_of("acc_1").await;
    assert_eq!((&gone["state"], &gone["deletes"], &gone["effective_deletes"]), (&json!("gone"), &json!(1), &json!(1)));
    let linkedin = running.state_of(LINKEDIN).await;
    assert_eq!((&linkedin["type"], &linkedin["status"]), (&json!("linkedin"), &json!("connected")));
    assert_eq!(running.state_of(EMAIL).await["type"], "email");
}

#[tokio::test]
async fn rows_can_be_added_from_outside() {
    let running = Running::start(&[]).await;
    let seed = json!({"workspaces": [{"provider": "postpress", "keys": [KEY], "accounts": [{"id": "acc_2"}]}]});

    assert_eq!(running.control("POST", "/rows", &seed.to_string()).await.status, 200);

    assert_eq!(running.state_of("acc_2").await["state"], "connected");
    assert_eq!(running.delete_at_postpress("acc_2").await.status, 200);
}

#[tokio::test]
async fn faults_can_be_set_released_and_cleared_from_outside() {
    let running = Running::start(&["--key", KEY, "--postpress-account", "acc_1"]).await;
    let fault = json!({
        "on": {"provider": "postpress", "call": "delete", "account": "acc_1", "key": KEY},
        "status": 503,
        "json": {"busy": true},
        "headers": {"retry-after": "2"},
        "effect": "when_released",
    });
    let set = running.control("POST", "/faults", &fault.to_string()).await;
    assert_eq!(set.json(), json!({"fault": 1}));

    let reply = running.delete_at_postpress("acc_1").await;
    assert_eq!((reply.status, reply.header("retry-after"), reply.json()), (503, Some("2"), json!({"busy": true})));
    assert_eq!(running.state_of("acc_1").await["state"], "connected");
    let faults = running.control("GET", "/faults", "").await.json();
    assert_eq!((&faults["faults"][0]["hits"], &faults["faults"][0]["waiting"]), (&json!(1), &json!(1)));

    assert_eq!(running.control("POST", "/faults/1/release", "").await.status, 204);
    until("the effect", async || running.state_of("acc_1").await["state"] == "gone").await;
    assert_eq!(running.control("DELETE", "/faults", "").await.status, 204);
    assert_eq!(running.delete_at_postpress("acc_1").await.status, 404);
}

#[tokio::test]
async fn the_log_is_one_json_object_per_request_without_the_key() {
    let running = Running::start(&["--key", KEY, "--postpress-account", "acc_1"]).await;
    running.delete_at_postpress("acc_1").await;
    running.delete_at_postpress("acc_1").await;

    let whole = String::from_utf8(running.control("GET", "/log", "").await.body).unwrap();
    let tail = String::from_utf8(running.control("GET", "/log?after=1", "").await.body).unwrap();

    let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), tail.lines().count()), (2, 1));
    assert_eq!((&lines[0]["effect"], &lines[1]["effect"]), (&json!("deleted"), &json!("not_found")));
    assert_eq!((&lines[0]["status"], &lines[0]["ending"]), (&json!(200), &json!("answered")));
    assert!(!whole.contains(KEY));
}

#[tokio::test]
async fn a_mistaken_document_is_refused_with_what_to_write() {
    let running = Running::start(&[]).await;
    let cases = [
        ("/faults", r#"{"staus":503}"#, "A fault looks like"),
        ("/faults", r#"{"postpress_error":"errors/nope"}"#, "errors/no_channel"),
        ("/faults", r#"{"json":{}}"#, "needs a \"status\""),
        ("/faults", r#"{"status":500,"json":{},"html":""}"#, "only one of"),
        ("/rows", r#"{"rows":[]}"#, "A seed looks like"),
        ("/rows", r#"{"workspaces":[{"provider":"puffle","keys":[]}]}"#, "at least one"),
        (
            "/rows",
            r#"{"workspaces":[{"provider":"puffle","keys":["k"],"accounts":[{"id":"i"}]}]}"#,
            "\"linkedin\" or \"email\"",
        ),
    ];
    for (path, body, told) in cases {
        let reply = running.control("POST", path, body).await;
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(reply.status, 400, "{body}");
        assert!(error.contains(told), "{body}: {error}");
    }
    assert_eq!(running.control("DELETE", "/faults/9", "").await.status, 404);
}

#[tokio::test]
async fn a_seed_file_may_be_yaml_or_json() {
    let yaml =
        format!("workspaces:\n- provider: puffle\n  keys: [{KEY}]\n  accounts:\n  - {{id: {EMAIL}, type: email}}\n");
    let json = json!({"workspaces": [{"provider": "puffle", "keys": [KEY],
        "accounts": [{"id": EMAIL, "type": "email"}]}]});
    for text in [yaml, json.to_string()] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();

        let running = Running::start(&["--seed", file.path().to_str().unwrap()]).await;

        assert_eq!(running.state_of(EMAIL).await["state"], "connected");
    }
}

#[tokio::test]
async fn a_missing_seed_file_or_a_taken_port_ends_it_with_a_reason() {
    let (status, told) = ended_early(&["--seed", "no-such-file.yaml"]).await;
    assert!(!status.success() && told.contains("no-such-file.yaml"), "{told}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (flag, name) in [("--postpress-port", "PostPress"), ("--control-port", "control")] {
        let (status, told) = ended_early(&[flag, &port]).await;
        assert!(!status.success() && told.contains(&port) && told.contains(name), "{told}");
    }
}

#[tokio::test]
async fn it_ends_with_its_standard_input_where_that_is_asked_for() {
    let Running { mut child, stdin, .. } = Running::start(&["--until-stdin-closes"]).await;

    drop(stdin);

    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn it_ends_in_order_when_it_is_terminated_or_interrupted() {
    for name in ["TERM", "INT"] {
        let mut running = Running::start(&[]).await;
        let pid = running.child.id().unwrap().to_string();

        assert!(Command::new("kill").args(["-s", name, &pid]).status().await.unwrap().success());

        assert!(running.child.wait().await.unwrap().success(), "SIG{name}");
        drop(running.stdin);
    }
}

#[tokio::test]
async fn its_help_says_how_to_rehearse() {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_provider-simulator")).arg("--help").stdout(Stdio::piped()).spawn().unwrap();
    let mut help = String::new();
    child.stdout.take().unwrap().read_to_string(&mut help).await.unwrap();

    assert!(child.wait().await.unwrap().success());
    for word in ["HOW TO REHEARSE", "--allow-insecure-loopback", "/faults", "--postpress-account", "kubectl"] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}
