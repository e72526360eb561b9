//! The API server: compare-and-swap, and what goes wrong with it.

use sender_operator::reason::Reason;
use sender_operator::teardown::target::Kind;

use crate::guard::Guard;
use crate::operator::How;
use crate::rules::{S1, S5};
use crate::state::Row;
use crate::state::{Doing, Fate, Late, Object, Seen, Stage, State, Write};
use crate::world::World;

/// How a write ended for who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cas {
    Done,
    /// Somebody else wrote in between.
    Conflict,
    Gone,
    /// It may have been committed or not.
    NoAnswer,
}

impl World {
    /// Writes what a pass has in hand, if nobody wrote in between.
    pub fn write(&self, state: &mut State, process: usize, at: usize, how: How, write: Write) -> Cas {
        let Some(pass) = state.processes[process].passes[at] else { return Cas::Gone };
        let current = pass.view.current;
        match how {
            How::Late => {
                state.late = Some(Late { object: at as u8, write, current });
                return Cas::NoAnswer;
            }
            How::Properly | How::Unanswered => {}
            _ => return Cas::NoAnswer,
        }
        let told = |cas| if how == How::Properly { cas } else { Cas::NoAnswer };
        if !state.objects[at].is_stored() {
            return told(Cas::Gone);
        }
        if !current && !self.is_without(Guard::CompareAndSwap) {
            return told(Cas::Conflict);
        }
        self.commit(state, at, write);
        if how == How::Properly {
            let object = state.objects[at];
            self.settled(&mut state.processes[process].window[at], &object);
            if let Some(pass) = &mut state.processes[process].passes[at] {
                pass.view = Seen { object, current: true };
            }
        }
        told(Cas::Done)
    }

    /// A write arrives that nobody waits for any more.
    pub fn late_write(&self, state: &mut State) {
        let Some(late) = state.late.take() else { return };
        let at = usize::from(late.object);
        if state.objects[at].is_stored() && (late.current || self.is_without(Guard::CompareAndSwap)) {
            self.commit(state, at, late.write);
        }
    }

    fn commit(&self, state: &mut State, at: usize, write: Write) {
        match write {
            Write::Ledger { ledger, nonce } => {
                let orphaned = self.ask(|product| product.proved(ledger)) == Some(Reason::Orphaned);
                if orphaned && !state.objects[at].orphan {
                    self.broken(state, S1);
                }
                (state.objects[at].ledger, state.objects[at].nonce) = (ledger, nonce);
            }
            Write::Release { proof, of_reborn } => {
                self.release(state, at, self.ask(|product| product.proof(proof)), of_reborn)
            }
        }
        self.changed(state, at);
    }

    /// Its resourceVersion is a new one.
    pub fn changed(&self, state: &mut State, at: usize) {
        for process in &mut state.processes {
            process.cache[at].current = false;
            if let Some(pass) = &mut process.passes[at] {
                pass.view.current = false;
            }
        }
        if let Some(late) = state.late.as_mut().filter(|late| usize::from(late.object) == at) {
            late.current = false;
        }
    }

    /// The finalizer goes: for ever.
    fn release(&self, state: &mut State, at: usize, reason: Reason, of_reborn: bool) {
        let object = state.objects[at];
        let twin = state.objects[1 - at];
        let done = match self.kind() {
            Kind::SoftThenHard => state.row != Row::Connected,
            Kind::Permanent | Kind::Purge => state.row == Row::Gone,
        };
        let twin_lets_go = state.fates[1 - at] == Fate::LetGo;
        // What a backup brought was decided for another object.
        let proved = self.ask(|product| product.proved(object.ledger));
        let confirmed = !self.bounds.restored && proved == Some(Reason::Orphaned);
        let rightly = match reason {
            Reason::Orphaned => object.orphan || confirmed,
            Reason::ReleasedByPolicy => true,
            Reason::HandedOver => done || twin.is_stored() || twin_lets_go,
            _ => done,
        };
        if !rightly || object.stage != Stage::Deleting || object.reborn != of_reborn {
            self.broken(state, S1);
        }
        let proved = !matches!(reason, Reason::Orphaned | Reason::HandedOver | Reason::ReleasedByPolicy);
        let on_wire = state.wire.iter().any(|request| request.on_wire && usize::from(request.object) == at);
        let waiting = state.processes.iter().filter_map(|process| process.passes[at]);
        let alive = on_wire || waiting.into_iter().any(|pass| pass.doing == Doing::Waiting);
        if alive && (self.kind() == Kind::SoftThenHard || !proved) {
            self.broken(state, S5);
        }
        state.fates[at] = match reason {
            Reason::Orphaned | Reason::ReleasedByPolicy => Fate::LetGo,
            Reason::HandedOver => Fate::HandedOver,
            _ => Fate::Proved,
        };
        state.objects[at] = Object { stage: Stage::Gone, reborn: object.reborn, ..Object::default() };
    }
}
