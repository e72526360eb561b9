//! The world behind its lock, the news that it changed, and the writing of the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::account::Provider;
use crate::fault::{Applied, Fault};
use crate::key::{fingerprint, redact};
use crate::log::{Call, Effect, Ending, Entry, Log};
use crate::matching::{self, Candidate, On, Slot, Taken};
use crate::provider::{self, Handled, Mode};
use crate::wire::Request;
use crate::world::World;

/// Headers whose values are keys.
const CREDENTIAL_HEADERS: [&str; 4] = ["x-api-key", "authorization", "proxy-authorization", "cookie"];

pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) changed: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { world: Mutex::new(World::new()), changed: watch::Sender::new(()) })
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere leaves the rows as they were: better a truthful log than a second panic.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    pub(crate) fn log(&self) -> Log {
        self.read(|world| Log {
            entries: world.entries.clone(),
            rows: world.rows.clone(),
            connections: world.connections,
        })
    }

    pub(crate) fn add_fault(&self, on: On, fault: Fault) -> u64 {
        self.update(|world| {
            let id = world.faults.len() as u64 + 1;
            world.faults.push(Slot::new(id, on, fault));
            id
        })
    }

    /// `None` if no fault of this number was ever set.
    pub(crate) fn with_fault<T>(&self, id: u64, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        self.update(|world| world.faults.iter_mut().find(|slot| slot.id == id).map(act))
    }

    /// Counts a connection; its number, and the fault that takes it before anything is read.
    pub(crate) fn connected(&self, provider: Provider) -> (u64, Option<Taken>) {
        self.update(|world| {
            let [postpress, puffle] = &mut world.connections;
            let count = match provider {
                Provider::PostPress => postpress,
                Provider::Puffle => puffle,
            };
            *count += 1;
            let number = *count;
            let candidate = Candidate { provider, call: None, account: None, key: None, lists: &|_| false };
            (number, matching::take(&mut world.faults, &candidate))
        })
    }

    /// Logs a request; its number, and the fault that takes it.
    pub(crate) fn arrived(&self, provider: Provider, connection: u64, request: &Request) -> (u64, Option<Taken>) {
        self.update(|world| {
            let mut entry = entry(world, provider, connection, request);
            let named = provider::account(provider, request.path());
            let (rows, workspace) = (&world.rows, entry.workspace);
            let candidate = Candidate {
                provider,
                call: Some(entry.call),
                account: named.as_deref(),
                key: entry.key.as_deref(),
                lists: &|id| rows.get(&(provider, id.to_owned())).is_some_and(|row| Some(row.workspace) == workspace),
            };
            let taken = matching::take(&mut world.faults, &candidate);
            let applied = taken.as_ref().map_or(Applied::BeforeAnswer, |taken| taken.fault.applied);
            entry.effect_pending = entry.call == Call::Delete && applied != Applied::Never;
            entry.fault = taken.as_ref().map(|taken| taken.id);
            let seq = entry.seq;
            world.entries.push(Arc::new(entry));
            (seq, taken)
        })
    }

    /// Logs bytes that are no request; they are answered with a 400.
    pub(crate) fn malformed(&self, provider: Provider, connection: u64) {
        let request = Request { method: "?".to_owned(), target: "?".to_owned(), headers: Vec::new(), body_bytes: 0 };
        let seq = self.update(|world| {
            let entry = entry(world, provider, connection, &request);
            let seq = entry.seq;
            world.entries.push(Arc::new(entry));
            seq
        });
        self.answering(seq, 400);
        self.ended(seq, Ending::Answered);
    }

    /// Asks the provider; with [`Mode::Apply`] its effect is recorded in the same step as it happens.
    pub(crate) fn handle(&self, seq: u64, provider: Provider, request: &Request, mode: Mode) -> Handled {
        self.update(|world| {
            let workspace = world.entry_mut(seq).and_then(|entry| entry.workspace);
            let handled = provider::handle(world, provider, request, workspace, mode);
            if mode == Mode::Apply {
                let moment = (handled.effect != Effect::None).then(|| world.moment());
                if let Some(entry) = world.entry_mut(seq) {
                    entry.effect = handled.effect;
                    entry.effect_at = moment;
                    entry.effect_pending = false;
                }
            }
            handled
        })
    }

    /// Notes the status that is about to be written.
    pub(crate) fn answering(&self, seq: u64, status: u16) {
        self.update(|world| {
            if let Some(entry) = world.entry_mut(seq) {
                entry.status = Some(status);
            }
        });
    }

    /// Notes that this one will not be answered while its connection stays open.
    pub(crate) fn hung(&self, seq: u64) {
        self.update(|world| {
            if let Some(entry) = world.entry_mut(seq) {
                entry.ending = Ending::Hung;
            }
        });
    }

    /// Ends an exchange, once: what is reported later no longer counts.
    pub(crate) fn ended(&self, seq: u64, ending: Ending) {
        self.update(|world| {
            let moment = world.moment();
            if let Some(entry) = world.entry_mut(seq)
                && entry.ended.is_none()
            {
                entry.ended = Some(moment);
                entry.seen = ending == Ending::Answered;
                if entry.ending != Ending::Hung {
                    entry.ending = ending;
                }
            }
        });
    }

    /// Ends an exchange whose client left before the last byte was sent.
    pub(crate) fn not_seen(&self, seq: u64) {
        self.update(|world| {
            if let Some(entry) = world.entry_mut(seq)
                && entry.ending == Ending::Answered
            {
                entry.ending = Ending::ClientLeft;
                entry.seen = false;
            }
        });
        self.ended(seq, Ending::ClientLeft);
    }
}

fn entry(world: &mut World, provider: Provider, connection: u64, request: &Request) -> Entry {
    let key = provider::key(provider, request);
    let known = world.keys.keys().map(|(_, key)| key.as_slice());
    let keys: Vec<&[u8]> = known.chain(key.as_deref()).collect();
    let shown = |text: &str| redact(text, &keys);
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| !CREDENTIAL_HEADERS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), shown(&String::from_utf8_lossy(value))))
        .collect();
    let path = shown(&request.target);
    let account = provider::account(provider, request.path()).map(|id| shown(&id));
    Entry {
        seq: world.entries.len() as u64 + 1,
        provider,
        method: request.method.clone(),
        path,
        call: match request.method.as_str() {
            "DELETE" => Call::Delete,
            "GET" => Call::Read,
            _ => Call::Other,
        },
        account,
        key: key.as_ref().map(fingerprint),
        workspace: world.opens(provider, request),
        connection,
        headers,
        body_bytes: request.body_bytes,
        fault: None,
        arrived: world.moment(),
        effect: Effect::None,
        effect_at: None,
        effect_pending: false,
        status: None,
        ending: Ending::Open,
        ended: None,
        seen: false,
    }
}
