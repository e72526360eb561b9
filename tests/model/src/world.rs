//! The world as a model: where it begins, what can happen, and what then is.

use std::sync::{Mutex, PoisonError};

use sender_operator::teardown::target::Kind;
use stateright::{Model, Property};

use crate::bounds::{Bounds, Fault, Whim};
use crate::explore::Judged;
use crate::guard::Guard;
use crate::operator::How;
use crate::product::{Next, Product};
use crate::rules;
use crate::state::{Doing, Key, Object, Pass, Permission, Process, Row, Seen, Sight, Stage, State};

/// Something that happens. The first number is the process, the second the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The watch shows what is stored.
    Watch(usize),
    /// The process ends and a new one starts: its memory is lost.
    Restart(usize),
    /// A pass begins, from the cache.
    Begin(usize, usize),
    /// The watch shows what is stored, and a pass begins.
    BeginFresh(usize, usize),
    /// The pass takes its next step.
    Step(usize, usize, How),
    /// The permission to send runs out.
    PermissionEnds(usize, usize),
    /// The DELETE is answered.
    Answer(usize, usize, Ending),
    /// No older request can be alive: this process has seen the attempt unchanged for W.
    WindowEnds(usize, usize),
    /// No request of an earlier process can be alive.
    PredecessorsEnd(usize),
    /// For 15 minutes every read has failed; what was acknowledged is true by now.
    AckAges,
    /// A DELETE that nobody waits for takes effect.
    LateEffect(usize),
    /// A DELETE that nobody waits for is lost.
    RequestDies(usize),
    LateWriteArrives,
    LateWriteIsLost,
    Mark(usize),
    SetOrphan(usize, bool),
    SetSuspend(usize, bool),
    SetKey(Key),
    BlindKey,
    CreateTwin,
    Recreate,
}

/// How a DELETE ends for who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As documented.
    Properly,
    /// No answer; the request is alive.
    Lost,
    /// A 5xx; it took no effect.
    FailsWithoutEffect,
    /// A 5xx; it took effect.
    FailsAfterEffect,
    /// Acknowledged, and not yet in effect.
    AckedEarly,
    /// 401.
    Unauthorized,
    /// 429.
    Throttled,
}

/// A world within bounds.
pub struct World {
    pub bounds: Bounds,
    kind: Kind,
    product: Mutex<Product>,
}

impl World {
    pub fn new(bounds: Bounds) -> Self {
        let product = Product::new(bounds.setting.clone());
        Self { bounds, kind: product.kind(), product: Mutex::new(product) }
    }

    /// Asks the operator's own functions.
    pub fn ask<T>(&self, question: impl FnOnce(&mut Product) -> T) -> T {
        question(&mut self.product.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn is_without(&self, guard: Guard) -> bool {
        self.bounds.setting.without == Some(guard)
    }

    fn may_fail(&self, fault: Fault) -> bool {
        self.bounds.faults_of.contains(&fault)
    }

    pub fn may(&self, whim: Whim) -> bool {
        self.bounds.whims.contains(&whim)
    }

    /// A promise is broken, if it is one of those that are judged.
    pub fn broken(&self, state: &mut State, rule: u16) {
        state.broken |= rule & self.bounds.judged;
    }

    fn begins(&self, key: Key, row: Row, seen_alive: bool) -> State {
        let mut state = State { row, faults: self.bounds.faults, people: self.bounds.people, ..State::default() };
        let stage = if self.bounds.begins_alive { Stage::Live } else { Stage::Deleting };
        for at in 0..self.bounds.objects {
            let mut object = Object { stage, ..Object::default() };
            if seen_alive {
                let seen = Object { stage: Stage::Live, ..object };
                object.ledger = self.ask(|product| product.observed(at as u8, seen, Key::Good, Sight::Connected));
            }
            if self.may(Whim::CreateTwin) && at == 1 {
                object = Object::default();
            }
            state.objects[at] = object;
        }
        if self.bounds.restored {
            state.objects[0].ledger = self.ask(Product::restored);
        }
        state.keys = [key; 2];
        for process in state.processes.iter_mut().take(self.bounds.processes) {
            *process =
                Process { cache: state.objects.map(|object| Seen { object, current: true }), ..Process::default() };
        }
        state
    }

    fn pass_actions(&self, state: &State, process: usize, at: usize, pass: &Pass, actions: &mut Vec<Action>) {
        let faulty = |fault| state.faults > 0 && self.may_fail(fault);
        let mut step = |how| actions.push(Action::Step(process, at, how));
        let write = |step: &mut dyn FnMut(How)| {
            step(How::Properly);
            if faulty(Fault::LateWrite) {
                step(How::Unanswered);
                if state.late.is_none() {
                    step(How::Late);
                }
            }
        };
        let next = match pass.doing {
            Doing::Releasing(_) | Doing::Observing(_) => return write(&mut step),
            Doing::Waiting => {
                actions.push(Action::Answer(process, at, Ending::Properly));
                let mut may_end = |fault, endings: &[Ending]| {
                    if faulty(fault) {
                        actions.extend(endings.iter().map(|ending| Action::Answer(process, at, *ending)));
                    }
                };
                may_end(Fault::LostAnswer, &[Ending::Lost]);
                may_end(Fault::FailedAnswer, &[Ending::FailsWithoutEffect, Ending::FailsAfterEffect]);
                may_end(Fault::Refusal, &[Ending::Unauthorized, Ending::Throttled]);
                if self.sees(state, pass) && state.row != Row::Gone {
                    may_end(Fault::EarlyAck, &[Ending::AckedEarly]);
                }
                return;
            }
            Doing::Deciding => self.ask(|product| product.next(at as u8, pass)),
        };
        match next {
            Next::Record(_) | Next::Intend(_) | Next::Wait(_) => write(&mut step),
            Next::ReadAccount { .. } | Next::ReadBack => {
                step(How::Properly);
                if self.is_without(Guard::UnsharedRead) && state.processes[process].list != Sight::None {
                    step(How::FromOldList);
                }
                if faulty(Fault::FailedRead) {
                    step(How::Fails);
                    step(How::Unauthorized);
                }
            }
            Next::Freshen | Next::AskLiveTwin | Next::AskTwins => {
                step(How::Properly);
                if faulty(Fault::FailedRead) {
                    step(How::Fails);
                }
            }
            Next::ReadCredentials | Next::Send => step(How::Properly),
            Next::LeaveAlone | Next::SendAgain | Next::Release(_) => unreachable!("{next:?} is taken at once"),
        }
        if pass.permission == Permission::Given && matches!(next, Next::Send | Next::AskTwins | Next::AskLiveTwin) {
            actions.push(Action::PermissionEnds(process, at));
        }
    }

    fn process_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let process = &state.processes[at];
        let stale = (0..self.bounds.objects).any(|object| !process.cache[object].current);
        // What is shown of a single object matters only where a pass begins.
        if stale && self.bounds.objects > 1 {
            actions.push(Action::Watch(at));
        }
        let under_way = process.passes.iter().flatten().count();
        for object in 0..self.bounds.objects {
            match &process.passes[object] {
                Some(pass) => self.pass_actions(state, at, object, pass, actions),
                None if under_way < self.bounds.lanes && (!self.bounds.apart || at == object) => {
                    if self.can_begin(state, at, &process.cache[object].object, object) {
                        actions.push(Action::Begin(at, object));
                    }
                    let shown = &state.objects[object];
                    if stale && self.bounds.objects == 1 && self.can_begin(state, at, shown, object) {
                        actions.push(Action::BeginFresh(at, object));
                    }
                }
                None => {}
            }
            let window = process.window[object];
            if window.nonce != 0 && !window.over && !self.may_be_alive(state, object, window.nonce) {
                actions.push(Action::WindowEnds(at, object));
            }
        }
        if process.inherited != [false; 2] && !state.wire.iter().any(|request| request.on_wire && request.orphaned) {
            actions.push(Action::PredecessorsEnd(at));
        }
        // Of two processes an idle one has nothing to lose.
        if state.faults > 0 && self.may_fail(Fault::Crash) && (under_way > 0 || self.bounds.processes == 1) {
            actions.push(Action::Restart(at));
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let linkedin = self.kind() != Kind::Permanent;
        let keys: &[Key] = if self.may(Whim::SwapKey) { &[Key::Good, Key::Other] } else { &[Key::Good] };
        let rows: &[Row] = if linkedin { &[Row::Connected, Row::Disconnected] } else { &[Row::Connected] };
        // What a backup brings says nothing of this object.
        let seen: &[bool] = if self.bounds.restored { &[false] } else { &[true, false] };
        let mut states = Vec::new();
        for key in keys {
            for row in rows {
                for seen_alive in seen {
                    states.push(self.begins(*key, *row, *seen_alive));
                }
            }
        }
        states
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken != 0 {
            return;
        }
        for process in 0..self.bounds.processes {
            self.process_actions(state, process, actions);
        }
        for (at, request) in state.wire.iter().enumerate().filter(|(_, request)| request.on_wire) {
            if request.sees && state.row != Row::Gone {
                actions.push(Action::LateEffect(at));
            }
            actions.push(Action::RequestDies(at));
        }
        if state.late.is_some() {
            actions.push(Action::LateWriteArrives);
            actions.push(Action::LateWriteIsLost);
        }
        self.people_actions(state, actions);
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = *before;
        self.act(&mut state, action);
        for process in 0..self.bounds.processes {
            for object in 0..self.bounds.objects {
                self.go_on(&mut state, process, object);
            }
        }
        state.wire.sort_unstable_by(|a, b| b.cmp(a));
        state.rename_nonces();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("every promise is kept", |_, state: &State| state.broken == 0)]
    }
}

impl Judged for World {
    fn names(&self) -> &'static [&'static str] {
        &rules::NAMES
    }

    fn broken(&self, state: &State) -> u16 {
        state.broken
    }

    /// Two processes are interchangeable.
    fn canonical(&self, state: &State) -> State {
        let mut state = *state;
        if !self.bounds.apart {
            state.processes[..self.bounds.processes].sort_unstable();
        }
        state
    }

    fn happens_by_itself(&self, action: &Action) -> bool {
        match action {
            Action::Restart(_) => false,
            Action::Step(_, _, how) => matches!(how, How::Properly | How::FromOldList),
            Action::Answer(_, _, ending) => *ending == Ending::Properly,
            Action::Mark(_) | Action::SetOrphan(..) | Action::SetSuspend(..) | Action::SetKey(_) => false,
            Action::BlindKey | Action::CreateTwin | Action::Recreate => false,
            _ => true,
        }
    }

    fn is_released(&self, state: &State) -> bool {
        state.objects.iter().all(|object| object.stage != Stage::Deleting)
    }

    /// Who waits for a twin names it; what that one waits for is told there.
    fn is_settled(&self, state: &State) -> bool {
        let held = |object: &Object| self.ask(|product| product.is_held(object.ledger));
        let mut open = state.objects.iter().filter(|object| object.stage == Stage::Deleting).peekable();
        open.peek().is_none() || open.any(held)
    }
}
