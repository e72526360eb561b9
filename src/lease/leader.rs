//! The process that holds the Lease: renews it, and gives it back.

use std::pin::pin;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::requests::Requests;
use super::sight::{Claim, Sight};
use super::{LeaseRef, RENEW_DEADLINE, Term, jitter, pause};
use crate::kube_io::{ApiFault, Moment};
use crate::metrics::Metrics;

/// A Lease is given back in so many tries: a renewal that was on its way may make the first ones fail.
const GIVE_BACK_TRIES: usize = 3;

/// How leadership was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another one has the Lease.
    #[error("{holder} holds the Lease {lease} now")]
    Taken {
        /// Who.
        holder: String,
        /// Which Lease.
        lease: LeaseRef,
    },
    /// It was not renewed in time.
    #[error("the Lease {lease} was not renewed for {} s: {why}", RENEW_DEADLINE.as_secs())]
    RanOut {
        /// Which Lease.
        lease: LeaseRef,
        /// What the last try met.
        why: String,
    },
}

/// The process that holds the Lease.
pub struct Leader {
    pub(super) requests: Requests,
    pub(super) me: String,
    pub(super) sight: Sight,
    /// When the last request that went well was sent; `None` once it leads no more.
    pub(super) renewed: watch::Sender<Option<Moment>>,
    pub(super) since: Instant,
    pub(super) metrics: Metrics,
}

impl Leader {
    /// Its right to act.
    pub fn term(&self) -> Term {
        Term { since: self.since, renewed: Some(self.renewed.subscribe()) }
    }

    /// Renews the Lease while `acting` runs, and gives it back once that has ended, its last request with it: whoever
    /// takes it then finds nothing under way. If the Lease is lost, `stopping` is cancelled, and `acting` still awaited.
    ///
    /// # Errors
    /// How it was lost.
    pub async fn lead(mut self, acting: impl Future<Output = ()>, stopping: &CancellationToken) -> Result<(), Lost> {
        let mut acting = pin!(acting);
        let lost = tokio::select! {
            () = &mut acting => None,
            lost = self.renew() => Some(lost),
        };
        self.metrics.leads(false);
        self.renewed.send_replace(None);
        let Some(lost) = lost else {
            self.give_back().await;
            return Ok(());
        };
        tracing::error!("leadership is lost: {lost}; nothing new begins, answers in flight are awaited");
        stopping.cancel();
        acting.await;
        Err(lost)
    }

    /// Renews again and again. Returns when that was not possible in time.
    async fn renew(&mut self) -> Lost {
        let mut why = "this process stood still".to_owned();
        let mut asked = Moment::now();
        loop {
            let left = self.term().left();
            // From when it was last asked: a request that got no answer has taken time enough.
            sleep(left.min(pause(jitter()).saturating_sub(asked.age()))).await;
            asked = Moment::now();
            let left = self.term().left();
            if left.is_zero() {
                return Lost::RanOut { lease: self.requests.lease.clone(), why };
            }
            match timeout(left, self.try_to_renew()).await {
                // By a clock that went on in the machine's sleep: what began in its term was told that it is over.
                Ok(Ok(None)) if self.term().left().is_zero() => {
                    return Lost::RanOut { lease: self.requests.lease.clone(), why };
                }
                Ok(Ok(None)) => {
                    self.renewed.send_replace(Some(asked));
                }
                Ok(Ok(Some(holder))) => return Lost::Taken { holder, lease: self.requests.lease.clone() },
                Ok(Err(fault)) => {
                    why = self.requests.explain(&fault);
                    tracing::warn!(lease = %self.requests.lease, "the Lease was not renewed: {why}");
                }
                Err(_) => why = "the API server does not answer".to_owned(),
            }
        }
    }

    /// Who holds the Lease instead, if it cannot be renewed because of that. What anybody else did to it is written over.
    async fn try_to_renew(&mut self) -> Result<Option<String>, ApiFault> {
        match self.requests.hold(&mut self.sight, &self.me).await {
            Err(ApiFault::Conflict | ApiFault::NotFound) => {}
            other => return other.map(|()| None),
        }
        let found = self.requests.get().await?;
        self.sight.see(found, Instant::now());
        match self.sight.claim(&self.me, Instant::now()) {
            Claim::StandBy(holder, _) => Ok(Some(holder)),
            Claim::Renew | Claim::Take(_) => self.requests.hold(&mut self.sight, &self.me).await.map(|()| None),
        }
    }

    async fn give_back(mut self) {
        let lease = self.requests.lease.clone();
        for _ in 0..GIVE_BACK_TRIES {
            let Some(given_back) = self.sight.given_back_by(&self.me, Timestamp::now()) else { break };
            let fault = match self.requests.write(&mut self.sight, given_back).await {
                Ok(()) => return tracing::info!(%lease, "the Lease is given back"),
                Err(ApiFault::Conflict) => match self.requests.get().await {
                    Ok(found) => {
                        self.sight.see(found, Instant::now());
                        continue;
                    }
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            let why = self.requests.explain(&fault);
            return tracing::warn!(%lease, "the Lease is not given back, and runs out by itself: {why}");
        }
        tracing::info!(%lease, "the Lease was somebody else's already");
    }
}
