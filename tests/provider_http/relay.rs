//! What stands on the way, passes all bytes on, and says each request twice.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::peer::{GENEROUS, Peer};

/// Type and length of a TLS record (RFC 8446, section 5.1).
const HEADER: usize = 5;
const APPLICATION_DATA: u8 = 23;

/// Takes one connection.
pub struct Relay {
    pub address: SocketAddr,
    passing: JoinHandle<Heard>,
}

/// What the client said.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    last: Option<Vec<u8>>,
    doubled: usize,
}

impl Heard {
    /// Says the last request again, when it was answered and the client says more or is done.
    async fn double(&mut self, to_peer: &mut OwnedWriteHalf) {
        if let Some(last) = self.last.take() {
            let _ = to_peer.write_all(&last).await;
            self.doubled += 1;
        }
    }
}

impl Relay {
    /// Before this peer; `tls`: what to tell requests from the handshake by.
    pub async fn to(peer: SocketAddr, tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("its address");
        Self { address, passing: tokio::spawn(async move { pass(listener, peer, tls).await }) }
    }

    /// Says all that it heard once more, over a connection of its own; how many DELETEs the peer has got then.
    pub async fn repeat_all(self, peer: Peer) -> usize {
        let heard = timeout(GENEROUS, self.passing).await.expect("the client closes its connection").expect("no panic");
        assert!(heard.doubled > 0, "no request came by");
        let mut stream = TcpStream::connect(peer.address).await.expect("the peer listens");
        // The peer may have had enough of it before its end.
        let _ = stream.write_all(&heard.bytes).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        drop(stream);
        peer.connections().await.iter().map(|seen| seen.text().matches("DELETE ").count()).sum()
    }
}

async fn pass(listener: TcpListener, peer: SocketAddr, tls: bool) -> Heard {
    let (client, _) = listener.accept().await.expect("the client comes");
    let peer = TcpStream::connect(peer).await.expect("the peer listens");
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_peer, mut to_peer) = peer.into_split();
    let back = tokio::spawn(async move {
        let _ = copy(&mut from_peer, &mut to_client).await;
        let _ = to_client.shutdown().await;
    });
    let (mut heard, mut rest, mut piece) = (Heard::default(), Vec::new(), vec![0; 16 * 1024]);
    // The first record that is encrypted ends the handshake.
    let mut encrypted = 0;
    while let Ok(length @ 1..) = from_client.read(&mut piece).await {
        rest.extend_from_slice(&piece[..length]);
        while let Some(length) = whole(&rest, tls) {
            let said: Vec<_> = rest.drain(..length).collect();
            encrypted += usize::from(tls && said[0] == APPLICATION_DATA);
            heard.double(&mut to_peer).await;
            let _ = to_peer.write_all(&said).await;
            heard.bytes.extend(&said);
            heard.last = Some(said).filter(|_| !tls || encrypted > 1);
        }
    }
    heard.double(&mut to_peer).await;
    let _ = to_peer.shutdown().await;
    back.await.expect("no panic");
    heard
}

/// How long the record, or without TLS the request, is that stands whole at the beginning of these bytes.
fn whole(bytes: &[u8], tls: bool) -> Option<usize> {
    let length = if tls {
        let header = bytes.first_chunk::<HEADER>()?;
        HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]))
    } else {
        bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4
    };
    (bytes.len() >= length).then_some(length)
}
