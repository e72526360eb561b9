//! etcd, as only its own API reaches it: compaction, a full disk, and a copy of its data.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use envtest::{ControlPlane, Program};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::bed::Bed;

/// The store of a control plane.
pub struct Store {
    plane: &'static ControlPlane,
    address: String,
}

impl Store {
    /// The store of this bed's control plane, which must be the bed's own.
    pub fn of(bed: &Bed) -> Self {
        let address = bed.plane.etcd_url().trim_start_matches("http://").to_owned();
        Self { plane: bed.plane, address }
    }

    /// Every write counts it up.
    pub fn revision(&self) -> u64 {
        let answer = self.ask("kv/range", &json!({"key": "AA=="}));
        answer["header"]["revision"].as_str().and_then(|revision| revision.parse().ok()).expect("a revision")
    }

    /// Forgets everything that was overwritten by now: who watches from before must list anew.
    pub fn compact(&self) {
        self.ask("kv/compaction", &json!({"revision": self.revision().to_string(), "physical": true}));
    }

    /// Counts the revision up to this one, as a restore must for all that have seen later ones than it brings back.
    pub fn bump(&self, revision: u64) {
        while self.revision() <= revision {
            self.ask("kv/put", &json!({"key": "YnVtcA==", "value": ""}));
        }
    }

    /// Whether every write is refused for want of space.
    pub fn full(&self, full: bool) {
        let action = if full { "ACTIVATE" } else { "DEACTIVATE" };
        self.ask("maintenance/alarm", &json!({"action": action, "memberID": "1", "alarm": "NOSPACE"}));
    }

    /// A copy of all data, for [`Store::restore`].
    pub async fn copy(&self, bed: &Bed) -> PathBuf {
        self.kill(bed, Program::Etcd).await;
        let copy = self.data().with_extension("copy");
        copied(&self.data(), &copy);
        self.plane.restart(Program::Etcd).await.expect("etcd starts again");
        bed.until_api_server_ready().await;
        copy
    }

    /// Puts a copy in place of the data, as the documentation of Kubernetes says: nothing runs meanwhile, and no revision
    /// comes a second time.
    pub async fn restore(&self, bed: &Bed, copy: &PathBuf) {
        let newest = self.revision();
        self.kill(bed, Program::ApiServer).await;
        self.kill(bed, Program::Etcd).await;
        std::fs::remove_dir_all(self.data()).expect("it was there");
        copied(copy, &self.data());
        self.plane.restart(Program::Etcd).await.expect("etcd starts again");
        self.bump(newest);
        self.compact();
        self.plane.restart(Program::ApiServer).await.expect("the API server starts again");
        bed.until_api_server_ready().await;
    }

    /// SIGKILL, and until it has ended.
    pub async fn kill(&self, bed: &Bed, program: Program) {
        signal(self.plane, program, Signal::KILL);
        bed.eventually("it has ended", async || self.plane.pid(program).is_none()).await;
    }

    fn data(&self) -> PathBuf {
        self.plane.dir().join("etcd")
    }

    /// etcd's API as JSON. By hand, and blocking: it is one request, also asked for while the API server is.
    fn ask(&self, what: &str, question: &Value) -> Value {
        let (question, host) = (question.to_string(), &self.address);
        let head = format!("POST /v3/{what} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n", question.len());
        let mut stream = TcpStream::connect(host).expect("etcd listens");
        stream.write_all(format!("{head}{question}").as_bytes()).expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        assert!(head.lines().next().is_some_and(|line| line.contains(" 200 ")), "{what}: {answer}");
        serde_json::from_str(body).expect("JSON")
    }
}

/// Sends a server of the control plane a signal.
pub fn signal(plane: &ControlPlane, program: Program, signal: Signal) {
    let server = plane.pid(program).and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("it runs");
    kill_process(server, signal).expect("it can be signalled");
}

fn copied(from: &PathBuf, to: &PathBuf) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().expect("cp runs");
    assert!(copied.success(), "no copy of {}", from.display());
}

impl Bed {
    /// Waits until the API server answers again.
    pub async fn until_api_server_ready(&self) {
        let ready = async || self.plane.kubectl(["get", "--raw", "/readyz"]).await.is_ok();
        self.eventually("the API server is back", ready).await;
    }
}
