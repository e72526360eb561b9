//! A provider's listener.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::account::Provider;
use crate::background::Background;
use crate::exchange;
use crate::shared::Shared;
use crate::wire::Wire;

pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    provider: Provider,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Door {
    /// Binds on the simulator's own runtime, so that the listener ends with it.
    pub(crate) async fn open(
        background: &Background,
        shared: &Arc<Shared>,
        provider: Provider,
        port: u16,
    ) -> io::Result<Self> {
        let shared = Arc::clone(shared);
        let bound = background.handle().spawn(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let address = listener.local_addr()?;
            let plain = |stream| std::future::ready(Ok(stream));
            Ok((address, tokio::spawn(accept(shared, provider, listener, plain))))
        });
        let bound = bound.await.map_err(io::Error::other)?;
        let (address, accepting) = bound.map_err(|error: io::Error| {
            let told = format!("cannot listen on port {port} for {provider}: {error}");
            io::Error::new(error.kind(), told)
        })?;
        Ok(Self { address, provider, accepting: Mutex::new(Some(accepting)) })
    }

    pub(crate) async fn close(&self) {
        let accepting = self.swap(None);
        if let Some(accepting) = accepting {
            accepting.abort();
            // An aborted task always ends with an error.
            let _ = accepting.await;
        }
    }

    pub(crate) async fn open_again(&self, background: &Background, shared: &Arc<Shared>) -> io::Result<()> {
        self.close().await;
        let again = Self::open(background, shared, self.provider, self.address.port()).await?;
        self.swap(again.swap(None));
        Ok(())
    }

    fn swap(&self, accepting: Option<JoinHandle<()>>) -> Option<JoinHandle<()>> {
        let mut now = self.accepting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut now, accepting)
    }
}

/// Accepts for ever; `upgrade` makes the stream that is served of the one that was accepted.
async fn accept<W, F, U>(shared: Arc<Shared>, provider: Provider, listener: TcpListener, upgrade: U)
where
    W: Wire,
    F: Future<Output = io::Result<W>> + Send + 'static,
    U: Fn(TcpStream) -> F + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Every piece of a dripped or cut answer goes out as it is written; a dead socket fails later.
                let _ = stream.set_nodelay(true);
                let (shared, upgraded) = (Arc::clone(&shared), upgrade(stream));
                tokio::spawn(async move {
                    if let Ok(wire) = upgraded.await {
                        exchange::serve(shared, provider, wire).await;
                    }
                });
            }
            // Out of file descriptors: the next try may find one.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
