//! One connection of the operator: each call is recognised, meets its fault or goes on, and is recorded.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::call::{Call, recognise};
use crate::fault::{Callback, Fault, Kind, Moment};
use crate::proxy::Shared;
use crate::upstream::Link;
use crate::watch::{self, End};
use crate::wire::{Answer, Request, read_request};

type Stream = TlsStream<TcpStream>;

/// Serves one connection until either side ends it.
pub(crate) async fn serve(mut stream: Stream, shared: &Shared) -> io::Result<()> {
    let (mut buffer, mut link) = (BytesMut::new(), Link::default());
    while let Some(mut request) = read_request(&mut stream, &mut buffer).await? {
        let seen = recognise(&request.method, &request.target, &request.body);
        if seen.call == Call::ListAccounts {
            request.target = shared.in_pages(&request.target);
        }
        let fault = shared.rules.take(&seen);
        let name = fault.as_ref().map(|fault| fault.name.clone());
        let place = shared.trace.arrived(&seen, format!("{} {}", request.method, request.target), name);
        let one = One { shared, request, call: seen.call, place };
        if seen.call == Call::WatchAccounts {
            return one.watch(stream, &mut link, fault).await;
        }
        let Some(answer) = one.answer(&mut stream, &mut link, fault.as_ref()).await? else { return Ok(()) };
        let half = fault.as_ref().is_some_and(|fault| matches!(fault.kind, Kind::Truncate));
        answer.write(&mut stream, half.then_some(answer.body.len() / 2)).await?;
        shared.trace.answered(place, answer.status);
        if half || strikes(fault.as_ref(), Moment::AfterAnswer) {
            return Ok(());
        }
    }
    Ok(())
}

/// Has the fault's callback called if this is its moment; whether the caller is gone.
fn strikes(fault: Option<&Fault>, now: Moment) -> bool {
    match fault.map(|fault| &fault.kind) {
        Some(Kind::Kill(at, kill)) if *at == now => {
            called(kill);
            true
        }
        Some(Kind::Pause(at, act)) if *at == now => {
            called(act);
            false
        }
        _ => false,
    }
}

/// It may block; other connections of this runtime must go on.
fn called(callback: &Callback) {
    tokio::task::block_in_place(|| callback());
}

struct One<'a> {
    shared: &'a Shared,
    request: Request,
    call: Call,
    place: usize,
}

impl One<'_> {
    /// What the caller is to be answered; nothing where its connection ends instead.
    async fn answer(&self, stream: &mut Stream, link: &mut Link, fault: Option<&Fault>) -> io::Result<Option<Answer>> {
        if strikes(fault, Moment::Before) {
            return Ok(None);
        }
        if fault.is_some_and(|fault| fault.commits) {
            self.ask(link).await?;
        }
        let answer = match fault.map(|fault| &fault.kind) {
            Some(Kind::Answer { status, retry_after, body }) => {
                return Ok(Some(Answer { status: *status, retry_after: *retry_after, body: body.clone().into() }));
            }
            Some(Kind::Cut) => return Ok(None),
            Some(Kind::Swallow) => {
                swallow(stream).await?;
                return Ok(None);
            }
            Some(Kind::OldList(n)) => match self.shared.list(*n) {
                Some(old) => old,
                None => self.ask(link).await?,
            },
            Some(Kind::Delay(delay)) => {
                tokio::time::sleep(*delay).await;
                self.ask(link).await?
            }
            Some(Kind::Replay) => {
                self.ask(link).await?;
                self.ask(link).await?
            }
            _ => self.ask(link).await?,
        };
        Ok((!strikes(fault, Moment::AfterCommit)).then_some(answer))
    }

    async fn ask(&self, link: &mut Link) -> io::Result<Answer> {
        let answer = link.ask(&self.shared.upstream, &self.request).await?;
        self.shared.trace.committed(self.place, answer.status);
        self.shared.keep(self.call, &answer);
        Ok(answer)
    }

    async fn watch(self, mut stream: Stream, link: &mut Link, fault: Option<Fault>) -> io::Result<()> {
        let fault = fault.as_ref();
        match fault.map(|fault| &fault.kind) {
            // Nothing of these comes from the API server, whose answer to a watch has no end.
            Some(Kind::Answer { status, retry_after, body }) => {
                let answer = Answer { status: *status, retry_after: *retry_after, body: body.clone().into() };
                answer.write(&mut stream, None).await?;
                self.shared.trace.answered(self.place, answer.status);
                return stream.shutdown().await;
            }
            Some(Kind::Cut) => return Ok(()),
            Some(Kind::Swallow) => return swallow(&mut stream).await,
            Some(Kind::Delay(delay)) => tokio::time::sleep(*delay).await,
            _ => {}
        }
        if strikes(fault, Moment::Before) {
            return Ok(());
        }
        let response = link.send(&self.shared.upstream, &self.request).await?;
        let status = response.status().as_u16();
        self.shared.trace.committed(self.place, status);
        if strikes(fault, Moment::AfterCommit) {
            return Ok(());
        }
        self.shared.trace.answered(self.place, status);
        // A watch has its whole answer as soon as it has begun.
        if strikes(fault, Moment::AfterAnswer) {
            return Ok(());
        }
        if status != 200 {
            let body =
                http_body_util::BodyExt::collect(response.into_body()).await.map_err(io::Error::other)?.to_bytes();
            return Answer { status, retry_after: None, body }.write(&mut stream, None).await;
        }
        let end = match fault.map(|fault| &fault.kind) {
            Some(Kind::GoneInStream) => End::Gone,
            Some(Kind::Truncate) => End::Cut,
            Some(Kind::Silent) => End::Silent,
            _ => End::Own,
        };
        watch::pass_on(stream, response.into_body(), &self.shared.events, end).await
    }
}

/// Whatever the caller sends until it leaves is read and not answered.
async fn swallow(stream: &mut Stream) -> io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
