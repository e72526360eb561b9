//! What stands on the way, passes all bytes on, and says each of ours twice.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::peer::{GENEROUS, Peer};

/// Takes one connection.
pub struct Relay {
    pub address: SocketAddr,
    passing: JoinHandle<Vec<u8>>,
}

impl Relay {
    /// Before this peer.
    pub async fn to(peer: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("its address");
        Self { address, passing: tokio::spawn(async move { pass(listener, peer).await }) }
    }

    /// Says all that it heard again, over a connection of its own; how many DELETEs the peer has got then.
    pub async fn repeat_all(self, peer: Peer) -> usize {
        let heard = timeout(GENEROUS, self.passing).await.expect("the client closes its connection").expect("no panic");
        assert!(!heard.is_empty());
        let mut stream = TcpStream::connect(peer.address).await.expect("the peer listens");
        // The peer may have had enough of it before its end.
        let _ = stream.write_all(&heard).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        drop(stream);
        peer.connections().await.iter().map(|seen| seen.text().matches("DELETE ").count()).sum()
    }
}

/// Of TLS 1.3 the client's handshake is two pieces.
const HANDSHAKE: usize = 2;

/// Every byte that the client said. Of each piece behind the handshake the peer gets two copies.
async fn pass(listener: TcpListener, peer: SocketAddr) -> Vec<u8> {
    let (client, _) = listener.accept().await.expect("the client comes");
    let peer = TcpStream::connect(peer).await.expect("the peer listens");
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_peer, mut to_peer) = peer.into_split();
    let back = tokio::spawn(async move {
        let _ = copy(&mut from_peer, &mut to_client).await;
        let _ = to_client.shutdown().await;
    });
    let (mut heard, mut piece) = (Vec::new(), vec![0; 16 * 1024]);
    let mut pieces = 0;
    while let Ok(length @ 1..) = from_client.read(&mut piece).await {
        pieces += 1;
        heard.extend_from_slice(&piece[..length]);
        let _ = to_peer.write_all(&piece[..length]).await;
        if pieces > HANDSHAKE {
            let _ = to_peer.write_all(&piece[..length]).await;
        }
    }
    let _ = to_peer.shutdown().await;
    back.await.expect("no panic");
    heard
}
