//! Which requests meet a fault, and how often.

use std::sync::Arc;

use tokio::sync::watch;

use crate::account::Provider;
use crate::fault::Fault;
use crate::key::fingerprint;
use crate::log::Call;
use crate::shared::Shared;

/// Which requests a fault is for. Every call narrows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    moment: At,
    provider: Option<Provider>,
    account: Option<String>,
    key: Option<String>,
    skip: u64,
    times: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Connection,
    Request(Option<Call>),
}

impl On {
    fn new(moment: At) -> Self {
        Self { moment, provider: None, account: None, key: None, skip: 0, times: None }
    }

    /// Every request.
    pub fn any() -> Self {
        Self::new(At::Request(None))
    }

    /// Requests of this kind.
    pub fn call(call: Call) -> Self {
        Self::new(At::Request(Some(call)))
    }

    /// Every `DELETE`.
    pub fn delete() -> Self {
        Self::call(Call::Delete)
    }

    /// Every `GET`.
    pub fn read() -> Self {
        Self::call(Call::Read)
    }

    /// Every new connection, before a byte of it is read. An account or key cannot be known then and never matches.
    ///
    /// What a fault can do there: be cut, hang, be cut in the request, or say its answer or raw bytes unasked and close.
    pub fn connection() -> Self {
        Self::new(At::Connection)
    }

    /// Only at this provider.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Only for this account. A list is for the accounts of the workspace its key opens, gone ones included.
    pub fn account(mut self, id: &str) -> Self {
        self.account = Some(id.to_owned());
        self
    }

    /// Only with this key.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(fingerprint(key));
        self
    }

    /// Only the `n`th (from 1) of the requests that match, counted from now, whatever answers the others.
    pub fn nth(self, n: u64) -> Self {
        self.skip(n.saturating_sub(1)).times(1)
    }

    /// Lets the first `n` requests that match pass by.
    pub fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// At most `n` times; without it, until it is cleared.
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }
}

/// What is known of a request, or of a connection, when its fault is looked up.
pub(crate) struct Candidate<'a> {
    pub(crate) provider: Provider,
    /// `None` for a connection.
    pub(crate) call: Option<Call>,
    pub(crate) account: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    /// Whether a list asked for with this key is one of the account's workspace.
    pub(crate) lists: &'a dyn Fn(&str) -> bool,
}

/// A fault that was set.
pub(crate) struct Slot {
    pub(crate) id: u64,
    pub(crate) on: On,
    pub(crate) fault: Arc<Fault>,
    pub(crate) gate: watch::Sender<bool>,
    pub(crate) hits: u64,
    pub(crate) waiting: u64,
    pub(crate) cleared: bool,
    sighted: u64,
}

impl Slot {
    pub(crate) fn new(id: u64, on: On, fault: Fault) -> Self {
        Self {
            id,
            on,
            fault: Arc::new(fault),
            gate: watch::Sender::new(false),
            hits: 0,
            waiting: 0,
            cleared: false,
            sighted: 0,
        }
    }

    /// Counts the request if it matches; whether this fault would take it.
    pub(crate) fn sights(&mut self, candidate: &Candidate<'_>) -> bool {
        if self.cleared || !self.matches(candidate) {
            return false;
        }
        self.sighted += 1;
        self.sighted > self.on.skip && self.on.times.is_none_or(|times| self.hits < times)
    }

    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let moment = match (self.on.moment, candidate.call) {
            (At::Connection, None) | (At::Request(None), Some(_)) => true,
            (At::Request(Some(wanted)), Some(call)) => wanted == call,
            _ => false,
        };
        let account = self.on.account.as_ref().is_none_or(|wanted| {
            let wanted = candidate.provider.canonical(wanted);
            match candidate.account {
                Some(named) => named == wanted,
                None => candidate.call == Some(Call::Read) && (candidate.lists)(&wanted),
            }
        });
        moment
            && account
            && self.on.provider.is_none_or(|wanted| wanted == candidate.provider)
            && self.on.key.as_deref().is_none_or(|wanted| candidate.key == Some(wanted))
    }
}

/// A fault that took a request.
pub(crate) struct Taken {
    pub(crate) id: u64,
    pub(crate) fault: Arc<Fault>,
    pub(crate) gate: watch::Receiver<bool>,
}

/// The first fault that takes this, in the order they were set; every fault that matches counts it.
pub(crate) fn take(faults: &mut [Slot], candidate: &Candidate<'_>) -> Option<Taken> {
    let mut taken = None;
    for slot in faults {
        if slot.sights(candidate) && taken.is_none() {
            slot.hits += 1;
            taken = Some(Taken { id: slot.id, fault: Arc::clone(&slot.fault), gate: slot.gate.subscribe() });
        }
    }
    taken
}

/// A fault that was set; dropping the handle changes nothing.
#[derive(Clone)]
pub struct FaultHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: u64,
}

impl FaultHandle {
    /// The number the wire log names this fault by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Lets go what this fault holds back, effects and answers, and holds nothing back from now on.
    pub fn release(&self) {
        self.shared.with_fault(self.id, |slot| slot.gate.send_replace(true));
    }

    /// No further request meets this fault. What it holds back stays so until [`FaultHandle::release`].
    pub fn clear(&self) {
        self.shared.with_fault(self.id, |slot| slot.cleared = true);
    }

    /// How many requests have met it.
    pub fn hits(&self) -> u64 {
        self.shared.with_fault(self.id, |slot| slot.hits).unwrap_or(0)
    }

    /// How many answers and effects it holds back now, hung connections included.
    pub fn waiting(&self) -> u64 {
        self.shared.with_fault(self.id, |slot| slot.waiting).unwrap_or(0)
    }
}
