//! What a provider client may meet at the other end: peers that say exactly the bytes they are given, and remember every byte
//! they were sent.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

/// Longer than anything here takes; reached only when a test fails.
pub const GENEROUS: Duration = Duration::from_secs(120);

/// What a peer does with each connection.
#[derive(Clone)]
pub enum Talk {
    /// Reads a request, says this and closes its side.
    Say(Vec<u8>),
    /// Reads a request, says this, and then nothing more.
    Hold(Vec<u8>),
    /// Reads a request, says this, and then a piece, again and again, with a pause before each.
    Repeat(Vec<u8>, Vec<u8>, Duration),
    /// Says this at once, whatever it is asked.
    Greet(Vec<u8>),
    /// Closes without reading.
    Close,
    /// Reads so many bytes, then resets the connection.
    Reset(usize),
}

/// What a peer saw of one connection, once it was over.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Whether a TLS handshake was completed.
    pub tls: bool,
    /// The protocols that the client offered to speak inside TLS.
    pub alpn: Vec<Vec<u8>>,
    /// Every byte, decrypted.
    pub bytes: Vec<u8>,
}

impl Seen {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("a request is text")
    }
}

/// A listening peer.
pub struct Peer {
    pub address: SocketAddr,
    last: Arc<Mutex<Option<SocketAddr>>>,
    accepting: JoinHandle<Vec<Seen>>,
}

impl Peer {
    pub async fn new(talk: Talk) -> Self {
        Self::start(talk, None).await
    }

    pub async fn tls(talk: Talk, config: ServerConfig) -> Self {
        Self::start(talk, Some(Arc::new(config))).await
    }

    async fn start(talk: Talk, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("its address");
        let last = Arc::new(Mutex::new(None));
        let until = last.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, from) = listener.accept().await.expect("a connection");
                if *until.lock().expect("the lock") == Some(from) {
                    return connections.join_all().await;
                }
                connections.spawn(meet(stream, talk.clone(), tls.clone()));
            }
        });
        Self { address, last, accepting }
    }

    /// The base URL of this peer.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All connections there ever were, in no order, each seen to its end.
    pub async fn connections(self) -> Vec<Seen> {
        // Connections are accepted in order, so none that came before this last one is missed.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        *self.last.lock().expect("the lock") = Some(socket.local_addr().expect("its address"));
        let _last = socket.connect(self.address).await.expect("the peer listens");
        timeout(GENEROUS, self.accepting).await.expect("the client closes its connections").expect("no panic")
    }

    /// The one connection there was.
    pub async fn only_connection(self) -> Seen {
        let mut all = self.connections().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

async fn meet(stream: TcpStream, talk: Talk, tls: Option<Arc<ServerConfig>>) -> Seen {
    let mut seen = Seen::default();
    let Some(config) = tls else {
        if let Talk::Reset(_) = talk {
            stream.set_zero_linger().expect("a reset at the end");
        }
        converse(stream, talk, &mut seen).await;
        return seen;
    };
    let Ok(hello) = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await else { return seen };
    seen.alpn = hello.client_hello().alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
    if let Ok(stream) = hello.into_stream(config).await {
        seen.tls = true;
        converse(stream, talk, &mut seen).await;
    }
    seen
}

/// Errors end a conversation as an end of the stream does: what counts is what was said until then.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, talk: Talk, seen: &mut Seen) {
    let whole = |bytes: &[u8]| bytes.windows(4).any(|window| window == b"\r\n\r\n");
    match talk {
        Talk::Close => {}
        Talk::Greet(words) => {
            let _ = stream.write_all(&words).await;
            let _ = stream.shutdown().await;
            listen(&mut stream, seen, |_| false).await;
        }
        Talk::Reset(after) => listen(&mut stream, seen, |bytes| bytes.len() >= after).await,
        Talk::Say(words) => {
            listen(&mut stream, seen, whole).await;
            let _ = stream.write_all(&words).await;
            let _ = stream.shutdown().await;
            listen(&mut stream, seen, |_| false).await;
        }
        Talk::Hold(words) => {
            listen(&mut stream, seen, whole).await;
            let _ = stream.write_all(&words).await;
            listen(&mut stream, seen, |_| false).await;
        }
        Talk::Repeat(words, piece, pause) => {
            listen(&mut stream, seen, whole).await;
            let _ = stream.write_all(&words).await;
            while stream.write_all(&piece).await.is_ok() && stream.flush().await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

async fn listen(stream: &mut (impl AsyncRead + Unpin), seen: &mut Seen, enough: impl Fn(&[u8]) -> bool) {
    while !enough(&seen.bytes) {
        match stream.read_u8().await {
            Ok(byte) => seen.bytes.push(byte),
            Err(_) => return,
        }
    }
}

/// A place where nobody may knock.
pub struct Forbidden(StdListener);

impl Forbidden {
    pub fn new() -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a listener");
        listener.set_nonblocking(true).expect("a listener that does not block");
        Self(listener)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("its address")
    }

    /// A connection stands in the queue as soon as the client has it, so a client that is done cannot have one unseen.
    pub fn is_untouched(&self) -> bool {
        self.0.accept().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// An HTTP answer with a length.
pub fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The same, saying that it is JSON.
pub fn json(status: &str, body: &str) -> Vec<u8> {
    answer(status, "Content-Type: application/json\r\n", body)
}
