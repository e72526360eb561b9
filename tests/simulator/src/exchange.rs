//! One connection, request by request: the fault, the effect, the answer.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::account::Provider;
use crate::answer::{Answer, Framing};
use crate::fault::{Applied, Delivery, Fault, Source};
use crate::log::Ending;
use crate::matching::Taken;
use crate::provider::Mode;
use crate::shared::Shared;
use crate::wire::{Connection, Incoming, Request, Wire};

/// Serves a connection until either side ends it.
pub(crate) async fn serve<W: Wire>(shared: Arc<Shared>, provider: Provider, wire: W) {
    let mut connection = Connection::new(wire);
    let (number, taken) = shared.connected(provider);
    if let Some(taken) = taken {
        return before_request(&shared, connection, taken).await;
    }
    loop {
        let request = match connection.request().await {
            Incoming::Request(request) => request,
            Incoming::Closed => return,
            Incoming::Malformed => {
                shared.malformed(provider, number);
                connection.send(&Answer::new(400).head(Framing::Length(0))).await;
                return connection.end(false).await;
            }
        };
        let (seq, taken) = shared.arrived(provider, number, &request);
        let (fault, gate) = match taken {
            Some(taken) => (Arc::clone(&taken.fault), Some(Gate::from(taken))),
            None => (Arc::new(Fault::own()), None),
        };
        let exchange = Arc::new(Exchange { shared: Arc::clone(&shared), provider, request, seq, fault, gate });
        match exchange.run(connection).await {
            Some(kept) => connection = kept,
            None => return,
        }
    }
}

/// A fault of the connection itself: there is no request to carry out, so only the delivery counts.
async fn before_request<W: Wire>(shared: &Shared, mut connection: Connection<W>, taken: Taken) {
    let fault = Arc::clone(&taken.fault);
    let gate = Gate::from(taken);
    sleep(fault.delay).await;
    if fault.hold || fault.delivery == Delivery::Hang {
        gate.released(shared).await;
    }
    match fault.delivery {
        Delivery::CutInRequest => connection.read_some().await,
        Delivery::Whole => {
            let answer = fault.shape(Answer::new(503));
            let bytes = match &fault.source {
                Source::Raw(bytes) => bytes.clone(),
                _ => answer.bytes(),
            };
            connection.send(&bytes).await;
        }
        _ => {}
    }
    connection.end(fault.reset).await;
}

/// What a test opens with [`FaultHandle::release`](crate::FaultHandle::release).
pub(crate) struct Gate {
    fault: u64,
    released: watch::Receiver<bool>,
}

impl From<Taken> for Gate {
    fn from(taken: Taken) -> Self {
        Self { fault: taken.id, released: taken.gate }
    }
}

impl Gate {
    async fn released(&self, shared: &Shared) {
        shared.with_fault(self.fault, |slot| slot.waiting += 1);
        let _waiting = Waiting { shared, fault: self.fault };
        // The sender lives as long as the simulator: an error means that everything ends.
        let _ = self.released.clone().wait_for(|released| *released).await;
    }
}

/// Counts down also where the wait is given up because the client left.
struct Waiting<'a> {
    shared: &'a Shared,
    fault: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.with_fault(self.fault, |slot| slot.waiting -= 1);
    }
}

/// One request on its way to its answer.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    provider: Provider,
    pub(crate) request: Request,
    pub(crate) seq: u64,
    pub(crate) fault: Arc<Fault>,
    gate: Option<Gate>,
}

impl Exchange {
    /// The connection, if it may carry another request.
    async fn run<W: Wire>(self: Arc<Self>, mut connection: Connection<W>) -> Option<Connection<W>> {
        if self.fault.delivery == Delivery::CutInRequest {
            return self.cut(connection).await;
        }
        if !self.fault.delay.is_zero() {
            self.meanwhile(&mut connection, sleep(self.fault.delay)).await;
        }
        let own = self.carry_out(&mut connection).await;
        if connection.has_left() {
            return None;
        }
        self.deliver(connection, self.fault.shape(own)).await
    }

    /// The provider's own answer; its effect happens here, or in a task that waits for the release.
    async fn carry_out<W: Wire>(self: &Arc<Self>, connection: &mut Connection<W>) -> Answer {
        let hangs = self.fault.delivery == Delivery::Hang;
        let withheld = self.fault.hold || hangs;
        if hangs {
            self.shared.hung(self.seq);
        }
        match self.fault.applied {
            Applied::WhenReleased if withheld => {
                self.meanwhile(connection, self.released()).await;
                self.ask(Mode::Apply)
            }
            Applied::WhenReleased => {
                let late = Arc::clone(self);
                tokio::spawn(async move {
                    late.released().await;
                    late.ask(Mode::Apply);
                });
                self.ask(Mode::Preview)
            }
            Applied::BeforeAnswer | Applied::Never => {
                let mode = match self.fault.applied {
                    Applied::Never => Mode::Preview,
                    _ => Mode::Apply,
                };
                let own = self.ask(mode);
                if withheld {
                    self.unless_client_leaves(connection, self.released()).await;
                }
                own
            }
        }
    }

    fn ask(&self, mode: Mode) -> Answer {
        self.shared.handle(self.seq, self.provider, &self.request, mode).answer
    }

    /// At once where no fault holds anything back.
    pub(crate) async fn released(&self) {
        if let Some(gate) = &self.gate {
            gate.released(&self.shared).await;
        }
    }

    /// Waits for `what` to its end, as a provider that does not notice that its client has gone.
    async fn meanwhile<W: Wire>(&self, connection: &mut Connection<W>, what: impl Future<Output = ()>) {
        tokio::pin!(what);
        if !connection.has_left() {
            tokio::select! {
                biased;
                () = &mut what => return,
                () = connection.client_left() => self.shared.ended(self.seq, Ending::ClientLeft),
            }
        }
        what.await;
    }

    /// Waits for `what`, or until nobody is there any more.
    pub(crate) async fn unless_client_leaves<W: Wire>(
        &self,
        connection: &mut Connection<W>,
        what: impl Future<Output = ()>,
    ) {
        if connection.has_left() {
            return;
        }
        tokio::select! {
            biased;
            () = what => {}
            () = connection.client_left() => self.shared.ended(self.seq, Ending::ClientLeft),
        }
    }

    pub(crate) async fn cut<W: Wire>(&self, connection: Connection<W>) -> Option<Connection<W>> {
        self.shared.ended(self.seq, Ending::Cut);
        connection.end(self.fault.reset).await;
        None
    }
}
