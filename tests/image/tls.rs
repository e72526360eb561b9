//! A provider behind TLS, whose certificate an authority of the test's own has signed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;

/// Speaks TLS to its clients and hands on what they say to a listener without TLS.
pub struct Front {
    /// Where it listens.
    pub address: SocketAddr,
    /// The authority, as PEM.
    pub authority: String,
}

impl Front {
    pub async fn new(behind: SocketAddr) -> Self {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("its address");
        let acceptor = TlsAcceptor::from(Arc::new(authority.server(Ipv4Addr::LOCALHOST, |_| {})));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(hand_on(acceptor.clone(), client, behind));
            }
        });
        let authority = authority.0.pem();
        Self { address, authority }
    }
}

async fn hand_on(acceptor: TlsAcceptor, client: TcpStream, behind: SocketAddr) {
    // Who does not trust the authority ends the handshake.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let Ok(mut server) = TcpStream::connect(behind).await else { return };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
