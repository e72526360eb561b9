//! A listener that must not be reached.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::background::Background;

/// Accepts, counts, and never answers: what stands behind a redirect or a proxy setting, to prove that nothing came.
///
/// Dropping it closes its sockets.
pub struct Listener {
    address: SocketAddr,
    counts: Arc<Counts>,
    _background: Background,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    bytes: AtomicU64,
}

impl Listener {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// No thread or no port was to be had.
    pub async fn start() -> io::Result<Self> {
        let background = Background::start("listener")?;
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        let bound = background.handle().spawn(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            tokio::spawn(accept(listener, counting));
            io::Result::Ok(address)
        });
        Ok(Self { address: bound.await.map_err(io::Error::other)??, counts, _background: background })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections came.
    pub fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many bytes came.
    pub fn bytes(&self) -> u64 {
        self.counts.bytes.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, counts: Arc<Counts>) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        counts.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(count(stream, Arc::clone(&counts)));
    }
}

async fn count(mut stream: TcpStream, counts: Arc<Counts>) {
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        counts.bytes.fetch_add(read as u64, Ordering::SeqCst);
    }
}
