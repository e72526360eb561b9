//! The world as a model: where it begins, what can happen, and what then is.

use std::sync::{Mutex, PoisonError};

use sender_operator::teardown::target::Kind;
use stateright::{Model, Property};

use crate::action::Action;
use crate::bounds::{Bounds, Fault, Whim};
use crate::explore::Judged;
use crate::guard::Guard;
use crate::product::Product;
use crate::rules;
use crate::state::{Key, Object, Process, Row, Seen, Sight, Stage, State};

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

    pub fn may_fail(&self, fault: Fault) -> bool {
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
        state.rename_nonces(self.may(Whim::WipeStatus));
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
        action.happens_by_itself()
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
