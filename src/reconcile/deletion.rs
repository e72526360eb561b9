//! One deletion, step by step: what [`decide`] names is done, and nothing else.

use std::time::Duration;

use tokio::time::Instant;

use super::reads::Sharing;
use super::secrets::Unlocked;
use super::{Reconciler, jitter, now};
use crate::account::Account;
use crate::backoff;
use crate::kube_io::{ApiFault, Fresh, Moment};
use crate::status::{self, Why};
use crate::teardown::ledger::Ledger;
use crate::teardown::outcome::{Exchange, NotSent, Outcome, Refusal};
use crate::teardown::view::{Pass, Step};
use crate::teardown::{decide, settle, twins::can_take_over};

/// No deletion takes more steps in one pass; a bug that would is a delay, not a hot loop.
const STEPS: usize = 48;
/// How often a pass begins anew because somebody else wrote.
const RESTARTS: usize = 8;

/// What one pass works with besides the view.
pub(super) struct Hands {
    pub account: Account,
    pub pass: Pass,
    pub unlocked: Option<Unlocked>,
    pub fresh: Option<Fresh>,
    /// The account's objects when `pass.twins` were looked up: none has come or gone as long as this is the same.
    pub moved: u64,
    /// When the answer to the last read came.
    pub answered: Option<Moment>,
}

/// How a step ended the pass.
pub(super) enum Ended {
    /// Come back at the latest after this long.
    Due(Duration),
    /// Somebody else wrote: look again, from the beginning.
    Again,
}

impl Reconciler {
    /// Works on a deletion until it is released or must wait.
    pub(super) async fn tear_down(&self, account: Account) -> Duration {
        if let Err(delay) = self.listed(&account).await {
            return delay;
        }
        let mut account = account;
        for restart in 0..RESTARTS {
            if restart > 0 {
                tokio::time::sleep(Duration::from_millis(50) + jitter().of(Duration::from_millis(200))).await;
                match self.io.get(&account.namespace, &account.name).await {
                    Ok(fresh) if fresh.account().view.uid == account.view.uid => account = fresh.into_account(),
                    Ok(_) | Err(ApiFault::NotFound) => {
                        self.forget(&account);
                        return backoff::CAP;
                    }
                    Err(fault) => return self.api_fault(&account, &fault),
                }
            }
            match self.pass(account.clone()).await {
                Ended::Due(delay) => return delay,
                Ended::Again => {}
            }
        }
        self.later()
    }

    async fn pass(&self, account: Account) -> Ended {
        // Asked before anything is waited for: who comes later must not find that time has made room.
        let within_budget = self.budget.admits(&account);
        let Some(_slot) = self.lanes.enter(&account) else {
            return Ended::Due(self.queue(&account, within_budget).await);
        };
        self.queue.leave(&account.view.uid);
        let began = Instant::now();
        let moved = self.moved(&account);
        let pass = Pass {
            jitter: jitter(),
            prompted: account.is_prompted(),
            unchanged_for: self.window.unchanged_for(&account.view),
            forgotten_for: self.window.forgotten_for(&account.view),
            unsent: self.unsent.has(&account.view),
            inherited_for: self.seen.inherited_for(&account.view.uid),
            within_budget,
            twins: self.twins(&account),
            ..Pass::default()
        };
        let mut hands = Hands { account, pass, unlocked: None, fresh: None, moved, answered: None };
        let mut overtaken = 0;
        for _ in 0..STEPS {
            let step = decide(&hands.account.view, &hands.pass, &self.config.rules, now());
            let waits = matches!(step, Step::Wait(..));
            let ended = match self.perform(&mut hands, step, began).await {
                Ok(ended) => ended,
                // What was sent has an answer that must be written: the same pass goes on with what is there now.
                Err(ApiFault::Conflict) if hands.pass.answer.is_some() => self.look_again(&mut hands).await,
                Err(ApiFault::Conflict) => {
                    overtaken += 1;
                    self.overtaken(&mut hands, overtaken).await
                }
                Err(ApiFault::NotFound) => {
                    self.forget(&hands.account);
                    Some(Ended::Due(backoff::CAP))
                }
                // What could not be written is what it waits for: nothing else is said in its place.
                Err(fault) if waits => Some(Ended::Due(self.api_fault(&hands.account, &fault))),
                Err(fault) => Some(Ended::Due(self.unusable(&hands, &fault).await)),
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
        tracing::error!(uid = hands.account.view.uid, "a pass did not end: this is a bug");
        Ended::Due(self.later())
    }

    /// Somebody else wrote. Where nothing changed that anything was decided by, the pass goes on with what is there now:
    /// whoever writes to it all the time must not be able to hold it up for as long as a read takes.
    async fn overtaken(&self, hands: &mut Hands, times: usize) -> Option<Ended> {
        if times <= RESTARTS
            && let Ok(fresh) = self.io.get(&hands.account.namespace, &hands.account.name).await
            && fresh.account().decides_as(&hands.account)
        {
            hands.account = fresh.into_account().asked_as(&hands.account);
            (hands.fresh, hands.pass.fresh) = (None, false);
            return None;
        }
        if !hands.pass.own_intent {
            return Some(Ended::Again);
        }
        hands.nothing_went_out();
        None
    }

    async fn look_again(&self, hands: &mut Hands) -> Option<Ended> {
        tokio::time::sleep(Duration::from_millis(50) + jitter().of(Duration::from_millis(300))).await;
        match self.io.get(&hands.account.namespace, &hands.account.name).await {
            Ok(fresh) if same_attempt(fresh.account(), &hands.account) => {
                let same_secret = fresh.account().secret == hands.account.secret;
                hands.account = fresh.into_account().asked_as(&hands.account);
                if same_secret {
                    return None;
                }
                // What another Secret's key was told is written down; whatever is asked for since then is not about it.
                if let Err(fault) = self.stop_here(hands).await {
                    tracing::debug!(uid = hands.account.view.uid, %fault, "the answer is not on record");
                }
                Some(Ended::Again)
            }
            Ok(_) | Err(ApiFault::Conflict) => Some(Ended::Again),
            Err(ApiFault::NotFound) => {
                self.forget(&hands.account);
                Some(Ended::Due(backoff::CAP))
            }
            Err(fault) => Some(Ended::Due(self.api_fault(&hands.account, &fault))),
        }
    }

    /// Does one step. `None`: the pass goes on.
    async fn perform(&self, hands: &mut Hands, step: Step, began: Instant) -> Result<Option<Ended>, ApiFault> {
        let (pass, account) = (&mut hands.pass, &hands.account);
        match step {
            Step::LeaveAlone => return Ok(Some(Ended::Due(backoff::CAP))),
            Step::AskCrd => pass.crd = Some(self.crd.get(&(), began, async || self.io.crd().await).await),
            Step::AskLiveTwin(uid) => {
                let fit =
                    self.twin(&uid).await.is_some_and(|twin| can_take_over(&twin.view, &account.view.target, now()));
                pass.live_twins_asked.push((uid, fit));
            }
            // What the Secret holds now, not what it held before somebody changed it and deleted the object.
            Step::ReadCredentials => match self.secrets.unlock(account, began).await? {
                Ok(unlocked) => {
                    pass.credential = Some(Ok(unlocked.known()));
                    hands.unlocked = Some(unlocked);
                }
                Err(fault) => pass.credential = Some(Err(fault)),
            },
            Step::ReadAccount { shared } => {
                let sharing = if shared { Sharing::SinceNow } else { Sharing::Unshared };
                hands.pass.read = Some(self.read(hands, sharing).await);
                hands.answered = Some(Moment::now());
            }
            Step::ReadBack => {
                // A stopping operator records what it was told; its successor reads back.
                let read = if self.winds_down() { not_sent() } else { self.read(hands, Sharing::Unshared).await };
                hands.pass.read_back = Some(read);
                hands.answered = Some(Moment::now());
                if hands.pass.answer.is_none() {
                    // What shows the object fresh is older by however long the provider took.
                    (hands.fresh, hands.pass.fresh) = (None, false);
                }
            }
            Step::Record(ledger) => {
                let fresh = self.write(account, &ledger).await?;
                let counted = fresh.account().view.ledger.attempts() - account.view.ledger.attempts();
                hands.pass.recorded += u32::try_from(counted).unwrap_or(0);
                hands.refreshed(fresh);
            }
            Step::Intend(ledger) => return self.intend(hands, ledger).await,
            Step::AskTwins(uids) => {
                pass.unsettled_twin = Some(self.unsettled_twin(&uids).await);
            }
            Step::Freshen => {
                if self.winds_down() {
                    return Ok(Some(Ended::Due(self.later())));
                }
                let fresh = self.io.get(&account.namespace, &account.name).await?;
                if fresh.account().view.uid != account.view.uid {
                    return Err(ApiFault::NotFound);
                }
                if fresh.account().view.target != account.view.target || fresh.account().secret != account.secret {
                    // Another end is asked for now, or by another key: what was read and decided was for the other one.
                    return Ok(Some(Ended::Again));
                }
                hands.refreshed(fresh);
                hands.moved = self.moved(&hands.account);
                hands.pass.twins = self.twins(&hands.account);
            }
            Step::Send => return Ok(self.send(hands).await),
            // A stopping operator writes what it was told instead: its successor goes on from there.
            Step::SendAgain if self.winds_down() => return self.stop_here(hands).await.map(Some),
            Step::SendAgain => {
                // What was written since the last send shows the object as fresh as a read would.
                (pass.answer, pass.read_back, pass.fresh) = (None, None, hands.fresh.is_some());
            }
            Step::Wait(ledger, delay) => return self.wait(account, &ledger, delay).await.map(Some),
            // Another one may act now, and have a DELETE on its way: it releases.
            Step::Release(_) if !self.term.lasts() => return self.stop_here(hands).await.map(Some),
            Step::Release(proof) => return self.release(hands, &proof).await.map(Some),
        }
        Ok(None)
    }

    async fn read(&self, hands: &Hands, sharing: Sharing) -> Exchange {
        // Only what a credential was found for is ever read.
        let Some(unlocked) = &hands.unlocked else { return not_sent() };
        let account = &hands.account;
        let read = self.reads.read(account, &unlocked.credential, &unlocked.version, sharing).await;
        if read.outcome == Outcome::Refused(Refusal::Credentials) {
            self.secrets.forget(account);
        }
        tracing::debug!(uid = account.view.uid, account = account.view.target.account_id(), outcome = ?read.outcome, http_status = read.http_status, "read");
        read
    }

    async fn stop_here(&self, hands: &Hands) -> Result<Ended, ApiFault> {
        if let (Some(Ok(known)), Some(answer)) = (&hands.pass.credential, &hands.pass.answer) {
            self.write(&hands.account, &settle(&hands.account.view, &hands.pass, known, answer, now())).await?;
        }
        Ok(Ended::Due(self.later()))
    }

    /// Writes the ledger of a deletion, and with it the conditions that it means.
    pub(super) async fn write(&self, account: &Account, ledger: &Ledger) -> Result<Fresh, ApiFault> {
        let status = status::deleting(account, ledger, account.hold(), now());
        self.write_status(account, &status).await
    }

    pub(super) async fn wait(&self, account: &Account, ledger: &Ledger, delay: Duration) -> Result<Ended, ApiFault> {
        let status = status::deleting(account, ledger, account.hold(), now());
        let why = Why::of(ledger);
        let written = self.publish(account, &status, &why).await?.is_some();
        let attempt = ledger.attempts();
        if written {
            self.seen.no_fault(&account.view.uid);
            tracing::info!(
                uid = account.view.uid, namespace = account.namespace, name = account.name,
                account = account.view.target.account_id(), attempt, reason = %why.reason,
                subject = why.subject, delay = ?delay, "waiting"
            );
        }
        Ok(Ended::Due(delay))
    }

    pub(super) fn later(&self) -> Duration {
        backoff::delay(3, jitter(), None, self.config.rules.max_backoff)
    }
}

impl Hands {
    /// Nothing was sent on the intent that stands, nor will be: it is settled, so that nobody waits for its outcome.
    pub fn nothing_went_out(&mut self) {
        self.pass.answer = Some(Outcome::NotSent(NotSent::ViewChanged).into());
    }

    pub fn refreshed(&mut self, fresh: Fresh) {
        self.account = fresh.account().clone();
        self.fresh = Some(fresh);
        self.pass.fresh = true;
    }
}

fn same_attempt(now: &Account, before: &Account) -> bool {
    let attempt =
        |account: &Account| account.view.ledger.teardown.as_ref().map(|t| (t.attempt, t.nonce.clone(), t.phase));
    now.view.uid == before.view.uid && now.view.deleting && now.view.ours && attempt(now) == attempt(before)
}

fn not_sent() -> Exchange {
    Outcome::NotSent(NotSent::DeadlinePassed).into()
}
