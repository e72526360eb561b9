//! The watches' tap: events held back, dropped or cut short, as a slow or confused API server does.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::wire::{begin_chunks, write_chunk};

type Filter = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// What happens to the events of every watch, those that are open and those to come.
#[derive(Clone)]
pub struct Events {
    held: Arc<watch::Sender<bool>>,
    ended: Arc<watch::Sender<u64>>,
    dropped: Arc<Mutex<Option<Filter>>>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            held: Arc::new(watch::Sender::new(false)),
            ended: Arc::new(watch::Sender::new(0)),
            dropped: Arc::default(),
        }
    }
}

impl Events {
    /// Holds every event back from now on.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets go what is held back, in order.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Drops the events (`{"type", "object"}`) for which this holds, until [`Events::drop_none`].
    pub fn drop_if(&self, filter: impl Fn(&Value) -> bool + Send + Sync + 'static) {
        *self.dropped.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(filter));
    }

    /// Drops no further event.
    pub fn drop_none(&self) {
        *self.dropped.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Ends every open watch with a 410 in its stream.
    pub fn expire(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    fn drops(&self, line: &[u8]) -> bool {
        let filter = self.dropped.lock().unwrap_or_else(PoisonError::into_inner).clone();
        filter.is_some_and(|drops| serde_json::from_slice(line).is_ok_and(|event| drops(&event)))
    }
}

/// How a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// When one of its sides ends it.
    Own,
    /// At once, with a 410.
    Gone,
    /// At once, in the middle of an event.
    Cut,
    /// When the client leaves, to which nothing is passed on.
    Silent,
}

/// Passes a watch on, event by event, until either side ends it.
pub(crate) async fn pass_on<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mut body: Incoming,
    events: &Events,
    end: End,
) -> io::Result<()> {
    let (mut from, mut to): (ReadHalf<S>, WriteHalf<S>) = tokio::io::split(stream);
    begin_chunks(&mut to).await?;
    let (mut held, mut ended) = (events.held.subscribe(), events.ended.subscribe());
    let (mut buffer, mut byte) = (BytesMut::new(), [0]);
    match end {
        End::Gone => return expired(&mut to).await,
        End::Cut => return write_chunk(&mut to, b"{\"type\": \"MOD").await,
        End::Silent => return from.read(&mut byte).await.map(drop),
        End::Own => {}
    }
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            // A client that watches says nothing more: a byte or an end is its leaving.
            _ = from.read(&mut byte) => return Ok(()),
            _ = ended.changed() => return expired(&mut to).await,
        };
        let Some(frame) = frame else { return write_chunk(&mut to, b"").await };
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            buffer.extend_from_slice(&data);
        }
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line = buffer.split_to(end + 1);
            let free = async { held.wait_for(|held| !held).await.map(drop).map_err(io::Error::other) };
            tokio::select! {
                free = free => free?,
                _ = from.read(&mut byte) => return Ok(()),
                _ = ended.changed() => return expired(&mut to).await,
            }
            if !events.drops(&line) {
                write_chunk(&mut to, &line).await?;
            }
        }
    }
}

async fn expired(to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version: injected", "reason": "Expired", "code": 410});
    let mut line = json!({"type": "ERROR", "object": status}).to_string().into_bytes();
    line.push(b'\n');
    write_chunk(to, &line).await?;
    write_chunk(to, b"").await
}
