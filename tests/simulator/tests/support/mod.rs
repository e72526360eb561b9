//! A client that shows what really came over the socket.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io;
use std::net::SocketAddr;

use provider_simulator::{Effect, Ending, Fault, FaultHandle, Log, On, Provider, Simulator, Status, WAIT_BOUND};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const KEY: &str = "pk_live_key-of-this-test";
pub const OTHER_KEY: &str = "pk_live_key-of-another-workspace";
pub const LINKEDIN: &str = "0b4f7f3e-3c1d-4f5a-9b6e-2d1c0a9b8e7f";
pub const EMAIL: &str = "7d9a1c52-8f0e-4b3d-a1c2-5e6f7a8b9c0d";

/// What came back, as far as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// How many bytes of body were announced.
    pub announced: Option<usize>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(": ")?;
            n.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn is_whole(&self) -> bool {
        self.announced == Some(self.body.len())
    }
}

/// A connection to a provider.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap() }
    }

    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: simulator\r\naccept: application/json\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// The answer, or as much of it as came before the connection ended; an error where nothing came.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        let mut bytes = Vec::new();
        loop {
            if let Some(reply) = parse(&bytes)
                && reply.is_whole()
            {
                return Ok(reply);
            }
            match self.stream.read_buf(&mut bytes).await {
                Ok(1..) => {}
                Ok(0) if bytes.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(0) => return parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into()),
                Err(error) => return Err(error),
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut reply = Reply { status, head, body: bytes[end + 4..].to_vec(), announced: None };
    reply.announced = reply.header("content-length").and_then(|length| length.parse().ok());
    if reply.announced.is_none() && reply.header("transfer-encoding").is_none() {
        reply.announced = Some(0);
    }
    Some(reply)
}

pub async fn start() -> Simulator {
    Simulator::start().await.unwrap()
}

/// Sends one request on a connection of its own.
pub async fn ask(sim: &Simulator, provider: Provider, method: &str, path: &str, key: &str) -> Client {
    let mut client = Client::connect(sim.address(provider)).await;
    let bearer = format!("Bearer {key}");
    let header = match provider {
        Provider::PostPress => ("X-API-KEY", key),
        Provider::Puffle => ("Authorization", bearer.as_str()),
    };
    client.send(method, path, &[header]).await;
    client
}

pub async fn postpress(sim: &Simulator, method: &str, id: &str, key: &str) -> io::Result<Reply> {
    let path = format!("/v1/accounts/{id}");
    ask(sim, Provider::PostPress, method, &path, key).await.reply().await
}

pub async fn puffle_delete(sim: &Simulator, id: &str, key: &str) -> io::Result<Reply> {
    let path = format!("/api/accounts/{id}");
    ask(sim, Provider::Puffle, "DELETE", &path, key).await.reply().await
}

pub async fn puffle_list(sim: &Simulator, key: &str) -> io::Result<Reply> {
    ask(sim, Provider::Puffle, "GET", "/api/accounts", key).await.reply().await
}

/// The status Puffle's list shows for an account.
pub fn listed(list: &Reply, id: &str) -> Option<String> {
    let list = list.json();
    let rows = list["accounts"].as_array().unwrap().clone();
    let row = rows.into_iter().find(|row| row["id"] == id)?;
    row["status"].as_str().map(str::to_owned)
}

/// A simulator with one account of each kind, and this fault on DELETE.
pub async fn with_fault(fault: Fault) -> (Simulator, FaultHandle) {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::Connected).add_email(KEY, EMAIL);
    let handle = sim.fault(On::delete(), fault);
    (sim, handle)
}

/// Effect, status, ending and whether it was seen, of the last request.
pub fn last(log: &Log) -> (Effect, Option<u16>, Ending, bool) {
    let entry = log.entries().last().unwrap();
    (entry.effect, entry.status, entry.ending, entry.seen)
}

/// Asks again and again until `done`, no longer than the simulator itself would wait.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(WAIT_BOUND, asking).await.is_ok(), "waited {WAIT_BOUND:?} for {what}");
}
