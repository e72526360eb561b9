//! One request over one connection: opened for it, closed after it, never used again. HTTP/1.1, no proxy, no redirect, no
//! retry, no compression. Nothing here has a pool, reads the environment, or knows what an answer means.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::endpoint::{Endpoint, Host};
use crate::teardown::outcome::{NotSent, Outcome, Unknown};

/// An answer's headers, and what is read ahead of its body, in bytes.
const READ_BUFFER: usize = 64 * 1024;

/// Turns a host name into addresses. What it answers is not trusted: see [`is_public`].
pub trait Resolve: Send + Sync {
    /// The addresses of this name.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// How connections are opened.
pub(super) struct Wire {
    pub(super) tls: Arc<ClientConfig>,
    pub(super) resolver: Arc<dyn Resolve>,
    /// For each of name resolution, TCP and TLS.
    pub(super) step: Duration,
}

/// The head of an answer, and the connection that still brings its body. Dropped, it closes the connection.
pub(super) struct Reply {
    pub(super) head: http::response::Parts,
    body: Incoming,
    connection: Driver,
    deadline: Instant,
    /// How much of a body is still accepted, in bytes.
    pub(super) left: usize,
}

type Stream = Box<dyn Duplex>;
type Connection = http1::Connection<TokioIo<Stream>, Empty<Bytes>>;

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Wire {
    /// Sends one request. `guard` is asked when everything is ready to send, and the next thing that happens is the write:
    /// up to its consent every failure is `NotSent`, after it every failure is `Unknown`.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        request: http::Request<Empty<Bytes>>,
        deadline: Instant,
        body_cap: usize,
        guard: impl FnOnce() -> Result<(), NotSent>,
    ) -> Result<Reply, Outcome> {
        let connected = timeout_at(deadline, self.connect(endpoint)).await;
        let stream = connected.unwrap_or(Err(NotSent::ConnectFailure)).map_err(Outcome::NotSent)?;
        let handshake = http1::Builder::new().max_buf_size(READ_BUFFER).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|_| Outcome::NotSent(NotSent::ConnectFailure))?;
        let mut connection = Driver(Some(Box::pin(connection)));

        guard().map_err(Outcome::NotSent)?;
        let answered = timeout_at(deadline, connection.drive(sender.send_request(request))).await;
        let response =
            answered.map_err(|_| Outcome::Unknown(Unknown::TimedOut))?.map_err(|e| Outcome::Unknown(lost(&e)))?;
        let (head, body) = response.into_parts();
        Ok(Reply { head, body, connection, deadline, left: body_cap })
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<Stream, NotSent> {
        let addresses = match endpoint.host() {
            Host::Loopback(address) => vec![*address],
            Host::Name(name) => self.public_addresses(name).await?,
        };
        let tcp = self.dial(&addresses, endpoint.port()).await.ok_or(NotSent::ConnectFailure)?;
        if !endpoint.tls() {
            return Ok(Box::new(tcp));
        }
        let name = match endpoint.host() {
            Host::Loopback(address) => ServerName::from(*address),
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| NotSent::TlsFailure)?,
        };
        match timeout(self.step, TlsConnector::from(self.tls.clone()).connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => {
                let why: String = error.to_string().escape_default().take(256).collect();
                tracing::debug!(host = %endpoint.host(), why, "TLS handshake failed");
                Err(NotSent::TlsFailure)
            }
            Err(_) => Err(NotSent::TlsFailure),
        }
    }

    /// What is checked here is what is connected to: the name is not resolved a second time.
    async fn public_addresses(&self, name: &str) -> Result<Vec<IpAddr>, NotSent> {
        let resolved = timeout(self.step, self.resolver.resolve(name)).await;
        let mut addresses =
            resolved.ok().and_then(Result::ok).filter(|all| !all.is_empty()).ok_or(NotSent::DnsFailure)?;
        addresses.retain(|address| is_public(*address));
        if addresses.is_empty() { Err(NotSent::AddressForbidden) } else { Ok(addresses) }
    }

    /// One address after the other, each with its share of the time, so that a dead one leaves time for the next.
    async fn dial(&self, addresses: &[IpAddr], port: u16) -> Option<TcpStream> {
        let deadline = Instant::now() + self.step;
        for (tried, address) in (0u32..).zip(addresses) {
            let untried = u32::try_from(addresses.len()).ok()?.saturating_sub(tried).max(1);
            let share = deadline.saturating_duration_since(Instant::now()) / untried;
            if let Ok(Ok(tcp)) = timeout(share, TcpStream::connect(SocketAddr::new(*address, port))).await {
                tcp.set_nodelay(true).ok();
                return Some(tcp);
            }
        }
        None
    }
}

impl Reply {
    /// The next piece of the body; `None` at its end, if it ended as its length or its last chunk said it would.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Unknown> {
        loop {
            let frame = timeout_at(self.deadline, self.connection.drive(self.body.frame())).await;
            let Some(frame) = frame.map_err(|_| Unknown::TimedOut)? else { return Ok(None) };
            // A trailer has no data, and says nothing that anybody asked for.
            let Ok(data) = frame.map_err(|e| lost(&e))?.into_data() else { continue };
            self.left = self.left.checked_sub(data.len()).ok_or(Unknown::BodyTooLarge)?;
            return Ok(Some(data));
        }
    }

    /// The whole body.
    pub(super) async fn collect(&mut self) -> Result<Vec<u8>, Unknown> {
        let mut body = Vec::new();
        while let Some(data) = self.next().await? {
            body.extend_from_slice(&data);
        }
        Ok(body)
    }
}

/// The connection's own work, done only while somebody waits for what it brings: nothing is left running afterwards.
struct Driver(Option<Pin<Box<Connection>>>);

impl Driver {
    async fn drive<F: Future>(&mut self, wanted: F) -> F::Output {
        tokio::pin!(wanted);
        if let Some(connection) = &mut self.0 {
            tokio::select! {
                output = &mut wanted => return output,
                _ = connection => self.0 = None,
            }
        }
        wanted.await
    }
}

fn lost(error: &hyper::Error) -> Unknown {
    if error.is_parse() { Unknown::NotOurEnvelope } else { Unknown::ConnectionLost }
}

// Elsewhere than on Linux a queue that is full refuses, and 127.0.0.2 is nobody's.
#[cfg(all(test, target_os = "linux"))]
#[path = "wire_tests.rs"]
mod tests;
