//! People, and time where it is not the operator's.

use sender_operator::teardown::target::Kind;

use crate::action::Action;
use crate::bounds::Whim;
use crate::guard::Guard;
use crate::product::{LedgerId, Product};
use crate::state::{Doing, Fate, Key, Late, Object, Permission, Row, Stage, State, Write};
use crate::world::World;

impl World {
    /// What people may do now. Taking back costs nothing.
    pub fn people_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let free = state.people > 0;
        for at in 0..self.bounds.objects {
            let object = &state.objects[at];
            if object.stage == Stage::Live {
                actions.push(Action::Mark(at));
            }
            if object.is_stored() && !object.reborn {
                if self.may(Whim::WipeStatus) && free && object.ledger != 0 {
                    actions.push(Action::WipeStatus(at));
                }
                if self.may(Whim::Orphan) && (object.orphan || free) {
                    actions.push(Action::SetOrphan(at, !object.orphan));
                }
                if self.may(Whim::Suspend) && (object.suspended || free) {
                    actions.push(Action::SetSuspend(at, !object.suspended));
                }
            }
        }
        match state.keys[0] {
            Key::Good if free => {
                for (whim, key) in [
                    (Whim::SwapKey, Key::Other),
                    (Whim::SwapEndpoint, Key::Elsewhere),
                    (Whim::DeleteSecret, Key::Missing),
                ] {
                    if self.may(whim) {
                        actions.push(Action::SetKey(key));
                    }
                }
                if self.may(Whim::BlindKey) && self.is_quiet(state) {
                    actions.push(Action::BlindKey);
                }
            }
            Key::Good | Key::Blind => {}
            Key::Other | Key::Elsewhere | Key::Missing => actions.push(Action::SetKey(Key::Good)),
        }
        if free && self.may(Whim::CreateTwin) && state.objects[1].stage == Stage::Absent {
            actions.push(Action::CreateTwin);
        }
        if free && self.may(Whim::Recreate) && state.objects[0].stage == Stage::Gone && !state.objects[0].reborn {
            actions.push(Action::Recreate);
        }
        if self.ack_can_age(state) {
            actions.push(Action::AckAges);
        }
    }

    /// What an action does.
    pub fn act(&self, state: &mut State, action: Action) {
        if !crate::explore::Judged::happens_by_itself(self, &action) {
            self.charge(state, action);
        }
        match action {
            Action::Watch(process) => self.watch(state, process),
            Action::Restart(process) => self.restart(state, process),
            Action::Begin(process, at) => self.begin(state, process, at),
            Action::BeginFresh(process, at) => {
                self.watch(state, process);
                self.begin(state, process, at);
            }
            Action::Step(process, at, how) => self.step(state, process, at, how),
            Action::PermissionEnds(process, at) => {
                if let Some(pass) = &mut state.processes[process].passes[at] {
                    pass.permission = Permission::Expired;
                }
            }
            Action::Answer(process, at, ending) => self.answer(state, process, at, ending),
            Action::WindowEnds(process, at) => state.processes[process].window[at].over = true,
            Action::PredecessorsEnd(process) => state.processes[process].inherited = [false; 2],
            Action::AckAges => self.age(state, Product::with_old_ack),
            Action::LateEffect(slot) => self.late_effect(state, slot, true),
            Action::RequestDies(slot) => self.late_effect(state, slot, false),
            Action::LateWriteArrives => self.late_write(state),
            Action::LateWriteIsLost => state.late = None,
            Action::Mark(at) => {
                state.objects[at].stage = Stage::Deleting;
                self.changed(state, at);
            }
            Action::SetOrphan(at, orphan) => {
                state.objects[at].orphan = orphan;
                self.gates_changed(state, at);
            }
            Action::SetSuspend(at, suspended) => {
                state.objects[at].suspended = suspended;
                self.gates_changed(state, at);
            }
            Action::SetKey(key) => state.keys[0] = key,
            Action::WipeStatus(at) => {
                (state.objects[at].ledger, state.objects[at].nonce) = (0, 0);
                self.changed(state, at);
            }
            Action::BlindKey => {
                if !self.is_without(Guard::AgeOfEvidence) {
                    self.age(state, Product::with_old_evidence);
                }
                state.keys[0] = Key::Blind;
            }
            Action::CreateTwin => {
                state.objects[1] = Object { stage: Stage::Live, ..Object::default() };
                state.came_late[1] = state.objects[0].stage != Stage::Live;
                self.changed(state, 1);
            }
            Action::Recreate => {
                state.objects[0] = Object { stage: Stage::Live, reborn: true, ..Object::default() };
                state.fates[0] = Fate::Open;
                self.changed(state, 0);
            }
        }
    }

    /// Faults and people's changes of mind are bounded.
    fn charge(&self, state: &mut State, action: Action) {
        match action {
            Action::Mark(_)
            | Action::SetOrphan(_, false)
            | Action::SetSuspend(_, false)
            | Action::SetKey(Key::Good) => {}
            Action::SetOrphan(..)
            | Action::SetSuspend(..)
            | Action::SetKey(_)
            | Action::BlindKey
            | Action::WipeStatus(_)
            | Action::CreateTwin
            | Action::Recreate => state.people -= 1,
            _ => state.faults -= 1,
        }
    }

    fn gates_changed(&self, state: &mut State, at: usize) {
        self.changed(state, at);
        if !state.objects[at].is_gated() {
            for process in &mut state.processes {
                if let Some(pass) = &mut process.passes[at] {
                    pass.forbidden = false;
                }
            }
        }
    }

    /// A day passes: nothing is under way.
    fn is_quiet(&self, state: &State) -> bool {
        let idle = state.processes.iter().all(|process| process.passes == [None; 2]);
        idle && state.late.is_none() && !state.wire.iter().any(|request| request.on_wire)
    }

    /// 15 minutes pass: no request is alive, and the provider's word is true by then.
    fn ack_can_age(&self, state: &State) -> bool {
        let done = match self.kind() {
            Kind::SoftThenHard => state.row != Row::Connected,
            Kind::Permanent => state.row == Row::Gone,
            // It rests on no read-back.
            Kind::Purge => false,
        };
        let alive = state.wire.iter().any(|request| request.on_wire)
            || state
                .processes
                .iter()
                .flat_map(|process| process.passes)
                .flatten()
                .any(|pass| pass.doing == Doing::Waiting);
        let young = |ledger| self.ask(|product| product.with_old_ack(ledger)) != ledger;
        done && !alive && state.objects.iter().any(|object| object.is_stored() && young(object.ledger))
    }

    /// Time passes for every copy of a ledger at once.
    fn age(&self, state: &mut State, older: impl Fn(&mut Product, LedgerId) -> LedgerId) {
        let age = |ledger: &mut LedgerId| *ledger = self.ask(|product| older(product, *ledger));
        for object in &mut state.objects {
            age(&mut object.ledger);
        }
        for process in &mut state.processes {
            for at in 0..2 {
                age(&mut process.cache[at].object.ledger);
                if let Some(pass) = &mut process.passes[at] {
                    age(&mut pass.view.object.ledger);
                    if let Doing::Observing(ledger) = &mut pass.doing {
                        age(ledger);
                    }
                }
            }
        }
        if let Some(Late { write: Write::Ledger { ledger, .. }, .. }) = &mut state.late {
            age(ledger);
        }
    }
}
