//! What the operator's own code says: every decision of this model is `decide`'s, every ledger `decide`'s, `observe`'s or
//! `confirm`'s. Answers are remembered, for the functions are pure, and the ledger is stored without what only counts time.

mod ledgers;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sender_operator::args::{Config, TargetKind};
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{Ledger, Teardown};
use sender_operator::teardown::proof::Proof;
use sender_operator::teardown::target::Kind;
use sender_operator::teardown::twins::can_take_over;
use sender_operator::teardown::view::{self, Crd, Fault, Step, Twin, View};
use sender_operator::teardown::{confirm, decide, observe};

use crate::explore::Fold;
use crate::guard::Guard;
use crate::shown;
use crate::state::{Answer, Asked, Doing, Key, Object, Pass, Permission, Seen, Sight};

/// A ledger, by the order in which it was first written.
pub type LedgerId = u16;
/// A proof, likewise.
pub type ProofId = u8;

/// What is the same in all of a world.
#[derive(Clone, Debug)]
pub struct Setting {
    pub kind: TargetKind,
    pub on_not_found: OnNotFound,
    pub after_unknown_outcome: AfterUnknownOutcome,
    /// Which of two objects of an account goes first.
    pub second_is_older: bool,
    /// Attempts are counted up to here.
    pub attempts: i32,
    /// The guard that is taken away.
    pub without: Option<Guard>,
}

/// [`Step`], small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    LeaveAlone,
    AskLiveTwin,
    ReadCredentials,
    ReadAccount { shared: bool },
    Record(LedgerId),
    Intend(LedgerId),
    AskTwins,
    Freshen,
    Send,
    SendAgain,
    ReadBack,
    Wait(LedgerId),
    Release(ProofId),
}

/// The operator's pure functions, for one world.
pub struct Product {
    setting: Setting,
    config: Config,
    ledgers: Vec<Ledger>,
    ids: HashMap<Ledger, LedgerId>,
    proofs: Vec<Proof>,
    steps: HashMap<(u8, Pass), Next, Fold>,
    views: HashMap<(u8, Object), View>,
    twins: HashMap<(u8, Object, Object), u8, Fold>,
}

const PRESENT: u8 = 1;
const DELETING: u8 = 2;
const OLDER: u8 = 4;
const ACTIVE: u8 = 8;
const SEES_NOTHING: u8 = 16;
/// A DELETE of it may be alive.
pub const UNSETTLED: u8 = 32;
const FITS: u8 = 64;
/// What the last look compares.
pub const WHO: u8 = PRESENT | DELETING | SEES_NOTHING;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn ago(age: Duration) -> Timestamp {
    now().checked_sub(age).expect("a time")
}

impl Product {
    pub fn new(setting: Setting) -> Self {
        let mut product = Self {
            setting,
            config: shown::config(),
            ledgers: Vec::new(),
            ids: HashMap::new(),
            proofs: Vec::new(),
            steps: HashMap::default(),
            views: HashMap::new(),
            twins: HashMap::default(),
        };
        // The empty ledger is the first.
        product.id(Ledger::default());
        product
    }

    /// What the next step of this pass is.
    pub fn next(&mut self, at: u8, pass: &Pass) -> Next {
        let asked = Pass {
            view: Seen { object: Object { nonce: 0, ..pass.view.object }, current: false },
            doing: Doing::Deciding,
            permission: Permission::None,
            of_reborn: false,
            forbidden: false,
            intent_stands: false,
            ..*pass
        };
        if let Some(next) = self.steps.get(&(at, asked)) {
            return *next;
        }
        let next = self.decide(at, &asked);
        self.steps.insert((at, asked), next);
        next
    }

    fn decide(&mut self, at: u8, asked: &Pass) -> Next {
        let view = self.view(at, asked.view.object);
        let pass = self.pass(at, &view, asked);
        match decide(&view, &pass, &self.config.rules, now()) {
            Step::LeaveAlone => Next::LeaveAlone,
            Step::AskCrd => unreachable!("the CRD is asked for in every pass"),
            Step::AskLiveTwin(_) => Next::AskLiveTwin,
            Step::ReadCredentials => Next::ReadCredentials,
            Step::ReadAccount { shared } => Next::ReadAccount { shared },
            Step::Record(ledger) => Next::Record(self.id(ledger)),
            Step::Intend(mut ledger) => {
                if let Some(teardown) = &mut ledger.teardown {
                    teardown.nonce = Some(String::new());
                }
                Next::Intend(self.id(ledger))
            }
            Step::AskTwins(_) => Next::AskTwins,
            Step::Freshen => Next::Freshen,
            Step::Send => Next::Send,
            Step::SendAgain => Next::SendAgain,
            Step::ReadBack => Next::ReadBack,
            Step::Wait(ledger, _) => Next::Wait(self.id(ledger)),
            Step::Release(proof) => Next::Release(self.proof_id(proof)),
        }
    }

    /// The ledger with the proof in it.
    pub fn confirmed(&mut self, at: u8, object: Object, proof: ProofId) -> LedgerId {
        let view = self.view(at, object);
        let ledger = confirm(&view, &self.proofs[usize::from(proof)], now());
        self.id(ledger)
    }

    /// The ledger after a read of a live object.
    pub fn observed(&mut self, at: u8, object: Object, key: Key, sight: Sight) -> LedgerId {
        let view = self.view(at, object);
        let known = shown::known(&self.setting, &self.config, &view.uid, &view.target, key);
        let (Some(known), Some(read)) = (known, shown::read(&view.target, sight)) else { return object.ledger };
        self.id(Ledger { account: Some(observe::settle(&view, &known, &read, now())), ..view.ledger })
    }

    /// The other object as a pass over `at` sees it.
    pub fn twin(&mut self, at: u8, object: Object, other: Object) -> u8 {
        if !other.is_stored() || self.is_without(Guard::Twins) {
            return 0;
        }
        // Only what orders the two counts of this one.
        let object = Object { ledger: 0, nonce: 0, ..object };
        let other = Object { nonce: 0, ..other };
        if let Some(bits) = self.twins.get(&(at, object, other)) {
            return *bits;
        }
        let account = |at, object: Object| {
            shown::account(&self.setting, &self.config, at, object, &self.ledgers[usize::from(object.ledger)])
        };
        let twin = account(1 - at, other).as_twin_of(&account(at, object), now());
        let bit = |is, bit| if is { bit } else { 0 };
        let bits = PRESENT
            | bit(twin.deleting, DELETING)
            | bit(twin.older, OLDER)
            | bit(twin.active, ACTIVE)
            | bit(twin.sees_nothing, SEES_NOTHING)
            | bit(twin.unsettled, UNSETTLED)
            | bit(twin.fits, FITS);
        self.twins.insert((at, object, other), bits);
        bits
    }

    /// Whether a live object can take over from `at`.
    pub fn can_take_over(&mut self, at: u8, object: Object, candidate: Object) -> bool {
        let target = self.view(at, object).target;
        can_take_over(&self.view(1 - at, candidate), &target, now())
    }

    /// What the operator reads in an object.
    fn view(&mut self, at: u8, object: Object) -> View {
        let object = Object { nonce: 0, ..object };
        if let Some(view) = self.views.get(&(at, object)) {
            return view.clone();
        }
        let ledger = &self.ledgers[usize::from(object.ledger)];
        let mut view = shown::account(&self.setting, &self.config, at, object, ledger).view;
        match self.setting.without {
            Some(Guard::UidOfLedger) => view.ledger = ledger.clone(),
            Some(Guard::Nonce) => forget(&mut view, |teardown| teardown.nonce = None),
            Some(Guard::UnsettledFirst) if object.orphan => forget(&mut view, |teardown| teardown.nonce = None),
            Some(Guard::NoResendAfterAck) => forget(&mut view, |teardown| teardown.acked = None),
            _ => {}
        }
        self.views.insert((at, object), view.clone());
        view
    }

    fn pass(&self, at: u8, view: &View, asked: &Pass) -> view::Pass {
        let target = &view.target;
        let has = |bit| asked.twin & bit != 0;
        let other = Twin {
            uid: shown::uid(1 - at, false),
            name: format!("sales/object-{}", 1 - at),
            deleting: has(DELETING),
            older: has(OLDER),
            active: has(ACTIVE),
            sees_nothing: has(SEES_NOTHING),
            unsettled: has(UNSETTLED),
            fits: has(FITS),
        };
        let live_twin = match asked.live_twin {
            _ if self.is_without(Guard::LiveTwinAsked) => Some(true),
            Asked::NotYet => None,
            fit => Some(fit == Asked::Yes),
        };
        let unsettled_twin = match asked.deleting_twin {
            _ if self.is_without(Guard::DeletingTwinAsked) => Some(None),
            Asked::NotYet => None,
            Asked::Yes => Some(None),
            Asked::No => Some(Some(other.name.clone())),
        };
        let window_over = asked.window_over || self.is_without(Guard::Window);
        let forgotten = asked.forgotten.filter(|_| !self.is_without(Guard::WipedAttempt));
        let inherited = asked.inherited && !self.is_without(Guard::PredecessorsDelete);
        let read_back = match asked.read_back {
            Sight::None if asked.answer == Answer::Acked && self.is_without(Guard::ReadBack) => Sight::Absent,
            sight => sight,
        };
        view::Pass {
            forgotten_for: forgotten.map(|over| if over { self.config.rules.outcome_window } else { Duration::ZERO }),
            unchanged_for: if window_over { self.config.rules.outcome_window } else { Duration::ZERO },
            inherited_for: if inherited { Duration::from_secs(60) } else { Duration::ZERO },
            crd: Some(Crd::Serving),
            live_twins_asked: live_twin.map(|fit| (other.uid.clone(), fit)).into_iter().collect(),
            twins: has(PRESENT).then_some(other).into_iter().collect(),
            credential: asked.key.map(|key| {
                shown::known(&self.setting, &self.config, &view.uid, target, key)
                    .ok_or(Fault { reason: Reason::SecretMissing, subject: None })
            }),
            read: shown::read(target, asked.read),
            own_intent: asked.own_intent,
            unsent: asked.unsent,
            unsettled_twin,
            fresh: asked.fresh || self.is_without(Guard::FreshView),
            answer: shown::answered(target, asked.answer),
            read_back: shown::read(target, read_back),
            sends: u32::from(asked.sends),
            recorded: u32::from(asked.recorded),
            ..view::Pass::default()
        }
    }

    pub fn is_without(&self, guard: Guard) -> bool {
        self.setting.without == Some(guard)
    }

    pub fn kind(&self) -> Kind {
        match self.setting.kind {
            TargetKind::PostPress | TargetKind::Email => Kind::Permanent,
            TargetKind::Disconnect => Kind::SoftThenHard,
            TargetKind::Purge => Kind::Purge,
        }
    }
}

fn forget(view: &mut View, what: impl FnOnce(&mut Teardown)) {
    if let Some(teardown) = &mut view.ledger.teardown {
        what(teardown);
    }
}
