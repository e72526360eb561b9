//! What each process can do next, and what can befall it.

use crate::action::{Action, Ending};
use crate::bounds::Fault;
use crate::guard::Guard;
use crate::operator::How;
use crate::product::Next;
use crate::state::{Doing, Pass, Permission, Row, Sight, State};
use crate::world::World;

impl World {
    /// What can happen to a pass.
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

    /// What can happen to a process.
    pub fn process_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
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
            if window.nonce != 0 && !window.over && !self.may_be_alive(state, object, window.last) {
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
