//! One deletion in whose way nothing stands: open, with its key and under its first look. A test changes what it is about.

use std::time::Duration;

use sender_operator::backoff::Jitter;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::credentials::Fingerprint;
use sender_operator::reason::Reason;
use sender_operator::teardown::decide;
use sender_operator::teardown::ledger::{AccountRecord, AccountState, Acked, Ledger, Phase, Teardown};
use sender_operator::teardown::outcome::{Exchange, Outcome};
use sender_operator::teardown::target::Target;
use sender_operator::teardown::view::{Crd, Gates, Known, Pass, Step, Twin, View};

use crate::any::{RULES, now};

/// What a wait is that only a person can end: the longest, less its jitter, which is a whole tenth here.
pub const LONGEST: Duration = Duration::from_secs(810);
/// The kinds whose repetition does no further harm.
pub const REPEATABLE: [fn() -> Target; 3] = [postpress, email, purge];

pub struct Given {
    pub view: View,
    pub pass: Pass,
}

pub fn postpress() -> Target {
    Target::PostPress { account_id: "id".to_owned() }
}

pub fn email() -> Target {
    Target::PuffleEmail { account_id: "id".to_owned() }
}

pub fn disconnect() -> Target {
    Target::PuffleLinkedInDisconnect { account_id: "id".to_owned() }
}

pub fn purge() -> Target {
    Target::PuffleLinkedInPurge { account_id: "id".to_owned() }
}

pub fn print(name: &str) -> Fingerprint {
    Fingerprint::from_stored(name.to_owned())
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A twin of this uid that is being deleted, older and on its way.
pub fn deleting_twin(uid: &str) -> Twin {
    Twin {
        uid: uid.to_owned(),
        name: format!("ns/{uid}"),
        deleting: true,
        older: true,
        active: true,
        unsettled: false,
        sees_nothing: false,
        fits: true,
    }
}

pub fn given(target: Target) -> Given {
    let view = View {
        uid: "uid".to_owned(),
        target,
        deleting: true,
        ours: true,
        gates: Gates::default(),
        on_not_found: OnNotFound::Hold,
        after_unknown_outcome: AfterUnknownOutcome::Resend,
        ledger: Ledger::default(),
    };
    let known = Known { fingerprint: print("here"), endpoint: "https://here".to_owned() };
    let pass =
        Pass { jitter: Jitter(u32::MAX), crd: Some(Crd::Serving), credential: Some(Ok(known)), ..Pass::default() };
    Given { view, pass }
}

impl Given {
    /// Its teardown as it stands, or one that just began.
    pub fn account(&mut self) -> &mut AccountRecord {
        self.view.ledger.account.as_mut().expect("it was seen")
    }

    pub fn teardown(&mut self) -> &mut Teardown {
        self.view.ledger.teardown.get_or_insert_with(|| Teardown {
            uid: "uid".to_owned(),
            phase: Phase::Waiting,
            reason: Reason::Deleting,
            subject: None,
            attempt: 1,
            nonce: None,
            unknown_outcomes: 0,
            fingerprint: Some(print("here")),
            started_at: now(),
            last_outcome: None,
            acked: None,
            tries: 0,
            next_attempt_at: None,
            budget_spent: false,
            proof: None,
        })
    }

    /// It said so, and is due in so many seconds.
    pub fn said(mut self, reason: Reason, due: i64) -> Self {
        let teardown = self.teardown();
        (teardown.reason, teardown.next_attempt_at) = (reason, Some(now() + jiff::SignedDuration::from_secs(due)));
        self
    }

    /// A DELETE of it may have been applied or not.
    pub fn unsettled(mut self, unchanged_for: u64) -> Self {
        let teardown = self.teardown();
        (teardown.nonce, teardown.phase) = (Some("nonce".to_owned()), Phase::Unknown);
        (self.pass.unchanged_for, self.pass.prompted) = (seconds(unchanged_for), true);
        self
    }

    /// This key saw the account, so many seconds ago.
    pub fn seen(mut self, under: &str, ago: u64) -> Self {
        self.view.ledger.account = Some(AccountRecord {
            uid: "uid".to_owned(),
            provider: "Puffle".to_owned(),
            state: AccountState::Connected,
            alive_at: Some(now() - seconds(ago)),
            fingerprint: Some(print(under)),
            endpoint: Some("https://here".to_owned()),
            wrong_channel_since: None,
        });
        self
    }

    /// A DELETE under this key was acknowledged, so many seconds ago.
    pub fn acked(mut self, under: &str, ago: u64) -> Self {
        let acked = Acked { fingerprint: print(under), at: now() - seconds(ago), contradicted: false };
        let teardown = self.teardown();
        (teardown.acked, teardown.phase) = (Some(acked), Phase::Acked);
        self
    }

    pub fn reads(mut self, read: impl Into<Exchange>) -> Self {
        self.pass.read = Some(read.into());
        self
    }

    pub fn reads_back(mut self, read: Outcome) -> Self {
        self.pass.read_back = Some(read.into());
        self
    }

    pub fn answered(mut self, answer: impl Into<Exchange>) -> Self {
        (self.pass.answer, self.pass.sends) = (Some(answer.into()), 1);
        self
    }

    pub fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn step(&self) -> Step {
        decide(&self.view, &self.pass, &RULES, now())
    }

    /// What it writes before it goes on in this pass.
    pub fn records(&self) -> Ledger {
        let Step::Record(ledger) = self.step() else { panic!("{:?}", self.step()) };
        ledger
    }

    /// What it writes when this pass ends, and how long it waits.
    pub fn waits(&self) -> (Teardown, Duration) {
        let Step::Wait(ledger, delay) = self.step() else { panic!("{:?}", self.step()) };
        (ledger.teardown.expect("who waits has a teardown"), delay)
    }

    pub fn waits_for(&self) -> Reason {
        self.waits().0.reason
    }

    pub fn released(&self) -> Reason {
        let Step::Release(proof) = self.step() else { panic!("{:?}", self.step()) };
        proof.record().reason
    }
}
