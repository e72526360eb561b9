//! The two listeners, and what a test does with them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::account::{Provider, Status};
use crate::background::Background;
use crate::door::Door;
use crate::fault::Fault;
use crate::log::Log;
use crate::matching::{FaultHandle, On};
use crate::provider::postpress::BASE_PATH;
use crate::rows::{PostPress, Puffle};
use crate::shared::Shared;

/// How long [`Simulator::wait_for`] waits: long enough for a busy machine, short enough to see a failure.
pub const WAIT_BOUND: Duration = Duration::from_secs(60);

/// Both providers, each on a loopback port of its own.
///
/// It runs on a thread and runtime of its own: a blocked or paused test runtime changes nothing for it. Dropping it
/// closes every socket before the drop returns.
pub struct Simulator {
    pub(crate) shared: Arc<Shared>,
    doors: [Door; 2],
    // Last: its drop waits for everything that runs on it.
    pub(crate) background: Background,
}

/// Ports to listen on; 0 takes a free one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// PostPress' port.
    pub postpress: u16,
    /// Puffle's port.
    pub puffle: u16,
}

impl Simulator {
    /// Starts both providers on free ports, without keys or rows.
    ///
    /// # Errors
    /// No thread or no port was to be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(Ports::default()).await
    }

    /// Starts both providers on these ports.
    ///
    /// # Errors
    /// No thread was to be had, or a port is taken.
    pub async fn start_on(ports: Ports) -> io::Result<Self> {
        let background = Background::start("provider-simulator")?;
        let shared = Shared::new();
        let doors = [
            Door::open(&background, &shared, Provider::PostPress, ports.postpress).await?,
            Door::open(&background, &shared, Provider::Puffle, ports.puffle).await?,
        ];
        Ok(Self { shared, doors, background })
    }

    /// PostPress' base URL, base path included: `http://127.0.0.1:PORT/v1`.
    pub fn postpress_url(&self) -> String {
        format!("http://{}{BASE_PATH}", self.address(Provider::PostPress))
    }

    /// Puffle's base URL: `http://127.0.0.1:PORT`.
    pub fn puffle_url(&self) -> String {
        format!("http://{}", self.address(Provider::Puffle))
    }

    /// Where this provider listens.
    pub fn address(&self, provider: Provider) -> SocketAddr {
        self.door(provider).address
    }

    fn door(&self, provider: Provider) -> &Door {
        let [postpress, puffle] = &self.doors;
        match provider {
            Provider::PostPress => postpress,
            Provider::Puffle => puffle,
        }
    }

    /// PostPress' keys and rows.
    pub fn postpress(&self) -> PostPress<'_> {
        PostPress { shared: &self.shared }
    }

    /// Puffle's keys and rows.
    pub fn puffle(&self) -> Puffle<'_> {
        Puffle { shared: &self.shared }
    }

    /// Lets `new` open the workspace that `key` opens, at every provider that knows `key`; whether one does.
    pub fn add_key(&self, key: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> bool {
        self.shared.update(|world| world.add_key(key.as_ref(), new.as_ref()))
    }

    /// `key` opens nothing from now on; its workspace and rows stay.
    pub fn revoke_key(&self, key: impl AsRef<[u8]>) {
        self.shared.update(|world| world.revoke_key(key.as_ref()));
    }

    /// Gives an account another status, as a person at the provider would; whether its row is there.
    pub fn set_status(&self, account: &str, status: Status) -> bool {
        self.shared.update(|world| world.change(account, |row| row.status = status))
    }

    /// Takes an account's row away, as a person at the provider would; whether it was there.
    pub fn remove(&self, account: &str) -> bool {
        self.shared.update(|world| world.change(account, |row| row.gone = true))
    }

    /// Sets a fault. Of several that match a request the one set first takes it.
    pub fn fault(&self, on: On, fault: Fault) -> FaultHandle {
        FaultHandle { id: self.shared.add_fault(on, fault), shared: Arc::clone(&self.shared) }
    }

    /// No further request meets any fault set so far. What they hold back stays so until it is released.
    pub fn clear_faults(&self) {
        self.shared.update(|world| {
            for slot in &mut world.faults {
                slot.cleared = true;
            }
        });
    }

    /// The wire log and the rows as they are now.
    pub fn log(&self) -> Log {
        self.shared.log()
    }

    /// Waits until `done` holds of the log; it is asked again after every change. `what` names it in the error.
    ///
    /// # Errors
    /// It did not hold within [`WAIT_BOUND`]; the error shows the log.
    pub async fn wait_for(&self, what: &str, done: impl FnMut(&Log) -> bool) -> Result<(), NotInTime> {
        self.wait_for_within(WAIT_BOUND, what, done).await
    }

    /// [`Simulator::wait_for`] with a bound of one's own, in real time also where the test's time is paused.
    ///
    /// # Errors
    /// It did not hold within `bound`; the error shows the log.
    pub async fn wait_for_within(
        &self,
        bound: Duration,
        what: &str,
        mut done: impl FnMut(&Log) -> bool,
    ) -> Result<(), NotInTime> {
        let mut changed = self.shared.changed.subscribe();
        // Made inside the task: a sleep belongs to the clock of the runtime it is made on.
        let deadline = async move { tokio::time::sleep(bound).await };
        let mut deadline = AbortOnDrop(self.background.handle().spawn(deadline));
        loop {
            changed.mark_unchanged();
            let log = self.log();
            if done(&log) {
                return Ok(());
            }
            tokio::select! {
                _ = changed.changed() => {}
                _ = &mut deadline.0 => {
                    return Err(NotInTime { what: what.to_owned(), bound, log: self.log().to_string() });
                }
            }
        }
    }

    /// Closes this provider's listener: new connections are refused, those that are open go on.
    pub async fn stop_listening(&self, provider: Provider) {
        self.door(provider).close().await;
    }

    /// Listens again on the same port after [`Simulator::stop_listening`].
    ///
    /// # Errors
    /// The port was taken meanwhile.
    pub async fn listen_again(&self, provider: Provider) -> io::Result<()> {
        self.door(provider).open_again(&self.background, &self.shared).await
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A condition that did not come true.
#[derive(thiserror::Error)]
#[error("waited {bound:?} for: {what}. The wire log by then:\n{log}")]
pub struct NotInTime {
    what: String,
    bound: Duration,
    log: String,
}

/// As [`fmt::Display`]: it is met in a failing test's `unwrap`.
impl fmt::Debug for NotInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
