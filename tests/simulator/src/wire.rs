//! HTTP/1.1 on a stream the simulator owns, so that it can be cut at any byte.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;
/// What is read ahead of a client that keeps talking while its answer is withheld.
const LARGEST_READ_AHEAD: usize = 256 * 1024;

/// A stream to serve on: TCP, or a layer over it that can reach its socket.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the close that follows a reset (RST), which throws away what was not yet sent.
    fn reset_on_close(&self) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn reset_on_close(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

/// One request, body read and dropped.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body_bytes: u64,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn body_length(&self) -> Option<u64> {
        if self.header("transfer-encoding").is_some() {
            return None;
        }
        match self.header("content-length") {
            None => Some(0),
            Some(value) => std::str::from_utf8(value).ok()?.trim().parse().ok(),
        }
    }
}

/// What came next on a connection.
pub(crate) enum Incoming {
    Request(Request),
    /// Not HTTP/1.x, or a head or body the simulator does not read (chunked bodies, heads over 64 KiB).
    Malformed,
    Closed,
}

pub(crate) struct Connection<W> {
    wire: W,
    buffer: Vec<u8>,
    left: bool,
}

impl<W: Wire> Connection<W> {
    pub(crate) fn new(wire: W) -> Self {
        Self { wire, buffer: Vec::new(), left: false }
    }

    pub(crate) async fn request(&mut self) -> Incoming {
        loop {
            match parse_head(&self.buffer) {
                Ok(Some((mut request, length))) => {
                    self.buffer.drain(..length);
                    let Some(body) = request.body_length() else {
                        return Incoming::Malformed;
                    };
                    request.body_bytes = body;
                    return match self.skip(body).await {
                        true => Incoming::Request(request),
                        false => Incoming::Closed,
                    };
                }
                Ok(None) if self.buffer.len() > LARGEST_HEAD => return Incoming::Malformed,
                Err(_) => return Incoming::Malformed,
                Ok(None) => {}
            }
            if !matches!(self.wire.read_buf(&mut self.buffer).await, Ok(1..)) {
                return Incoming::Closed;
            }
        }
    }

    async fn skip(&mut self, mut bytes: u64) -> bool {
        loop {
            let ready = self.buffer.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.buffer.drain(..ready);
            bytes -= ready as u64;
            if bytes == 0 {
                return true;
            }
            if !matches!(self.wire.read_buf(&mut self.buffer).await, Ok(1..)) {
                return false;
            }
        }
    }

    /// Ends when the client has closed its side; what it still says before that is kept.
    pub(crate) async fn client_left(&mut self) {
        while self.buffer.len() < LARGEST_READ_AHEAD {
            if !matches!(self.wire.read_buf(&mut self.buffer).await, Ok(1..)) {
                self.left = true;
                return;
            }
        }
        std::future::pending().await
    }

    /// Whether [`Connection::client_left`] has ended.
    pub(crate) fn has_left(&self) -> bool {
        self.left
    }

    /// Whether all of it went into the socket.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.wire.write_all(bytes).await.is_ok() && self.wire.flush().await.is_ok()
    }

    /// Reads one piece of what the client sends and forgets it.
    pub(crate) async fn read_some(&mut self) {
        let _ = self.wire.read(&mut [0; 16]).await;
    }

    /// Closes in order, or with a reset.
    pub(crate) async fn end(mut self, reset: bool) {
        // A socket that is already dead needs neither.
        let _ = match reset {
            true => self.wire.reset_on_close(),
            false => self.wire.shutdown().await,
        };
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Request, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes)? else {
        return Ok(None);
    };
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec())).collect(),
        body_bytes: 0,
    };
    Ok(Some((request, length)))
}
