//! Leadership: of several replicas the one that holds a Lease acts, and the others stand by.
//!
//! As client-go does it, with its names and durations
//! (<https://pkg.go.dev/k8s.io/client-go/tools/leaderelection>): the holder renews the Lease, and stops acting by itself
//! when it could not for [`RENEW_DEADLINE`], counted from before its last good request was sent. Whoever has seen the
//! Lease unchanged for [`LEASE_DURATION`] takes it. Each goes by its own monotonic clock, and each write replaces what
//! was read, so that of two at once one gets a conflict.
//!
//! It keeps replicas from working against each other. That a `SoftThenHard` account gets one effective DELETE never
//! rests on it: `docs/teardown.md`.

#[cfg(test)]
mod fake;
mod leader;
mod requests;
mod sight;

use std::fmt;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::backoff::Jitter;
use crate::kube_io::{ApiFault, Moment};
use crate::metrics::Metrics;
pub use leader::{Leader, Lost};
use requests::Requests;
pub use sight::{Claim, Sight, Vacancy};

/// A Lease that nobody renews for so long is anybody's. Longer than [`RENEW_DEADLINE`] by enough that its holder has
/// stopped before, though their clocks may run at different rates.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// A holder that cannot renew for so long does not act any more. Time for several tries.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// From one try to the next, of a holder as of those that stand by.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// A Lease that says of itself that it lasts longer was edited: nobody stands by for a year because of that.
const LONGEST_DURATION: Duration = Duration::from_secs(60);
/// How often it is said again why nobody can be made leader.
const SAY: Duration = Duration::from_secs(30);
/// As much of a host's name as is used: the longest that a pod can have as its hostname.
const LONGEST_HOST: usize = 63;

/// Which Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRef {
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
}

impl fmt::Display for LeaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The name of one process as a holder: its host's, and a random part, because a process that was started anew is another
/// one.
pub fn identity(host: &str, random: u32) -> String {
    let host: String = host.chars().filter(|c| c.is_ascii_graphic()).take(LONGEST_HOST).collect();
    format!("{host}_{random:08x}")
}

/// Where this process stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It acts: the Lease is its own, or there is no election.
    Acts,
    /// Another one holds the Lease.
    StandsBy(String),
    /// Nobody knows: the Lease could not be read or written.
    Unknown(String),
}

/// The right to act: since when, and until when at the longest.
#[derive(Clone, Debug)]
pub struct Term {
    since: Instant,
    renewed: Option<watch::Receiver<Option<Moment>>>,
}

impl Term {
    /// Without an election: from now on, without an end.
    pub fn unlimited() -> Self {
        Self { since: Instant::now(), renewed: None }
    }

    /// When it began: nobody knows what others had under way then.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Whether it lasts. By the clock: a process that stood still, or slept with its machine, knows it before anything has
    /// told it.
    pub fn lasts(&self) -> bool {
        !self.left().is_zero()
    }

    /// How long it lasts if it is not renewed.
    fn left(&self) -> Duration {
        let Some(renewed) = &self.renewed else { return Duration::MAX };
        renewed.borrow().map_or(Duration::ZERO, |renewed| RENEW_DEADLINE.saturating_sub(renewed.age()))
    }
}

/// A process that would lead.
pub struct Candidate {
    requests: Requests,
    me: String,
    sight: Sight,
    standing: watch::Sender<Standing>,
    metrics: Metrics,
}

impl Candidate {
    /// One that has asked nothing yet. The client's own retries are off.
    pub fn new(client: Client, lease: LeaseRef, me: String, metrics: Metrics) -> Self {
        let standing = watch::Sender::new(Standing::Unknown(format!("the Lease {lease} was not read yet")));
        Self { requests: Requests::new(client, lease), me, sight: Sight::nothing(Instant::now()), standing, metrics }
    }

    /// Where it stands, from now on.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Stands by until the Lease is this process's, or until it is told to stop. No request is given up for that: it could
    /// have made this process a holder that is not there any more.
    pub async fn acquire(mut self, stopping: &CancellationToken) -> Option<Leader> {
        let mut said: Option<Instant> = None;
        while !stopping.is_cancelled() {
            match self.try_to_acquire().await {
                Ok(Some((asked, why))) => return Some(self.lead_since(asked, &why)),
                Ok(None) => said = None,
                Err(fault) => {
                    let why = self.requests.explain(&fault);
                    if said.is_none_or(|at| at.elapsed() >= SAY) {
                        tracing::error!(lease = %self.requests.lease, "nobody can be made leader: {why}");
                        said = Some(Instant::now());
                    }
                    self.standing.send_replace(Standing::Unknown(why));
                }
            }
            stopping.run_until_cancelled(sleep(pause(jitter()))).await?;
        }
        None
    }

    /// One look, and where the Lease is to be had, one try to take it: then when that was asked, and why it was to be had.
    async fn try_to_acquire(&mut self) -> Result<Option<(Moment, Claim)>, ApiFault> {
        let found = self.requests.get().await?;
        self.sight.see(found, Instant::now());
        let claim = self.sight.claim(&self.me, Instant::now());
        if let Claim::StandBy(holder, _) = claim {
            let stands_by = Standing::StandsBy(holder.clone());
            if self.standing.send_replace(stands_by.clone()) != stands_by {
                tracing::info!(lease = %self.requests.lease, holder, me = self.me, "standing by");
            }
            return Ok(None);
        }
        let asked = Moment::now();
        match self.requests.hold(&mut self.sight, &self.me).await {
            Ok(()) => Ok(Some((asked, claim))),
            // Another one was faster, or deleted it.
            Err(ApiFault::Conflict) => Ok(None),
            Err(ApiFault::NotFound) if self.sight.is_there() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn lead_since(self, asked: Moment, why: &Claim) -> Leader {
        let Self { requests, me, sight, standing, metrics } = self;
        let why = match why {
            Claim::Take(Vacancy::New) => "it is new".to_owned(),
            Claim::Take(Vacancy::GivenBack) => "it was given back".to_owned(),
            Claim::Take(Vacancy::RunOut(holder)) => format!("{holder} did not renew it"),
            Claim::Renew | Claim::StandBy(..) => "it was taken before".to_owned(),
        };
        standing.send_replace(Standing::Acts);
        metrics.leads(true);
        tracing::info!(lease = %requests.lease, holder = me, why, "leading");
        Leader { requests, me, sight, renewed: watch::Sender::new(Some(asked)), since: Instant::now(), metrics }
    }
}

/// Until the next try: a fifth at most is added, so that replicas that were started together do not ask together.
fn pause(jitter: Jitter) -> Duration {
    RETRY_PERIOD + jitter.of(RETRY_PERIOD / 5)
}

fn jitter() -> Jitter {
    Jitter(rand::random())
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
