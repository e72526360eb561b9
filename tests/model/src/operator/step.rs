//! One request of a pass, and how it ends.

use sender_operator::reason::Reason;
use sender_operator::teardown::target::Kind;

use super::How;
use crate::bounds::Whim;
use crate::guard::Guard;
use crate::product::{Next, WHO};
use crate::rules::{S3, S4, S7, S8, T1};
use crate::state::{
    Answer, Asked, Doing, Key, Object, Pass, Permission, Row, Seen, Sight, Stage, State, Window, Write,
};
use crate::store::Cas;
use crate::world::World;

impl World {
    /// The next step of a pass, and how its request ends.
    pub fn step(&self, state: &mut State, process: usize, at: usize, how: How) {
        let Some(pass) = state.processes[process].passes[at] else { return };
        let next = match pass.doing {
            Doing::Releasing(proof) => return self.release_step(state, process, at, proof, how),
            Doing::Observing(ledger) => {
                self.write(state, process, at, how, Write::Ledger { ledger, nonce: pass.view.object.nonce });
                return self.end(state, process, at);
            }
            Doing::Waiting => return,
            Doing::Deciding => self.ask(|product| product.next(at as u8, &pass)),
        };
        let nonce = |ledger| if self.ask(|product| product.has_nonce(ledger)) { pass.view.object.nonce } else { 0 };
        match next {
            Next::ReadCredentials => self.learn(state, process, at, |pass, key| pass.key = Some(key)),
            Next::ReadAccount { .. } => {
                let sight = self.read(state, process, &pass, how);
                self.learn(state, process, at, |pass, _| pass.read = sight);
            }
            Next::ReadBack => {
                let sight = self.read(state, process, &pass, how);
                self.learn(state, process, at, |pass, _| {
                    pass.read_back = sight;
                    if pass.answer == Answer::None {
                        (pass.fresh, pass.permission) = (false, Permission::None);
                    }
                });
            }
            Next::AskLiveTwin => {
                let fit = how == How::Properly && self.live_twin_fits(state, process, at, &pass);
                let asked = if fit { Asked::Yes } else { Asked::No };
                self.learn(state, process, at, |pass, _| pass.live_twin = asked);
            }
            Next::AskTwins => {
                let twin = state.objects[1 - at];
                let shown = state.processes[process].cache[1 - at].object.is_stored();
                let unsettled = twin.nonce != 0 || self.has_forgotten(state, process, 1 - at, &twin);
                let busy = shown && (how != How::Properly || (twin.is_stored() && unsettled));
                let asked = if busy { Asked::No } else { Asked::Yes };
                self.learn(state, process, at, |pass, _| pass.deleting_twin = asked);
            }
            Next::Record(ledger) => {
                let write = Write::Ledger { ledger, nonce: nonce(ledger) };
                if self.written(state, process, at, how, write) {
                    let counted = |ledger| self.ask(|product| product.attempts(ledger));
                    let more = counted(ledger).saturating_sub(counted(pass.view.object.ledger));
                    self.learn(state, process, at, |pass, _| pass.recorded += more);
                    self.refreshed(state, process, at);
                }
            }
            Next::Intend(ledger) => self.intend(state, process, at, how, ledger),
            Next::Wait(ledger) => {
                let write = Write::Ledger { ledger, nonce: nonce(ledger) };
                if self.written(state, process, at, how, write) {
                    self.end(state, process, at);
                }
            }
            Next::Freshen => {
                let object = state.objects[at];
                if how != How::Properly || !object.is_stored() || object.reborn != pass.of_reborn {
                    return self.end(state, process, at);
                }
                let twin = self.twin(state, process, at, object);
                self.learn(state, process, at, |pass, _| {
                    pass.view = Seen { object, current: true };
                    pass.twin = twin;
                });
                self.refreshed(state, process, at);
            }
            Next::Send => self.send(state, process, at, &pass),
            Next::LeaveAlone | Next::SendAgain | Next::Release(_) => {}
        }
    }

    /// Whether nobody can store another key.
    pub(super) fn has_one_key(&self) -> bool {
        ![Whim::SwapKey, Whim::SwapEndpoint, Whim::DeleteSecret, Whim::BlindKey].into_iter().any(|whim| self.may(whim))
    }

    fn learn(&self, state: &mut State, process: usize, at: usize, what: impl FnOnce(&mut Pass, Key)) {
        let key = state.keys[at];
        if let Some(pass) = &mut state.processes[process].passes[at] {
            what(pass, key);
        }
    }

    /// The view in hand is what the API server has just shown.
    fn refreshed(&self, state: &mut State, process: usize, at: usize) {
        let forbidden = state.objects[at].is_gated();
        self.learn(state, process, at, |pass, _| {
            (pass.fresh, pass.permission, pass.forbidden) = (true, Permission::Given, forbidden);
        });
    }

    fn intend(&self, state: &mut State, process: usize, at: usize, how: How, ledger: u16) {
        let stands = !self.is_without(Guard::WriteAhead);
        if stands {
            let nonce = state.new_nonce();
            let unsent = &mut state.processes[process].unsent[at];
            *unsent = [unsent[1], nonce];
            if !self.written(state, process, at, how, Write::Ledger { ledger, nonce }) {
                return;
            }
        }
        self.refreshed(state, process, at);
        state.processes[process].window[at] = Window::default();
        self.learn(state, process, at, |pass, _| (pass.own_intent, pass.intent_stands) = (true, stands));
        self.window_begins(state, process, at);
    }

    fn window_begins(&self, state: &mut State, process: usize, at: usize) {
        state.processes[process].window[at] = Window::default();
        if let Some(pass) = state.processes[process].passes[at] {
            let over = self.unchanged(state, process, at, &pass.view.object);
            self.learn(state, process, at, |pass, _| pass.window_over = over);
        }
    }

    /// Writes; what somebody else wrote in between ends the pass or is looked at again. Whether it goes on.
    fn written(&self, state: &mut State, process: usize, at: usize, how: How, write: Write) -> bool {
        let Some(pass) = state.processes[process].passes[at] else { return false };
        match self.write(state, process, at, how, write) {
            Cas::Done => return true,
            Cas::Gone => {
                state.processes[process].window[at] = Window::default();
                self.end(state, process, at);
            }
            Cas::NoAnswer => self.end(state, process, at),
            Cas::Conflict if pass.answer != Answer::None && self.is_same_attempt(&state.objects[at], &pass) => {
                let object = state.objects[at];
                self.learn(state, process, at, |pass, _| pass.view = Seen { object, current: true });
            }
            Cas::Conflict if pass.answer == Answer::None && state.objects[at] == pass.view.object => {
                let object = state.objects[at];
                self.learn(state, process, at, |pass, _| {
                    pass.view = Seen { object, current: true };
                    (pass.fresh, pass.permission) = (false, Permission::None);
                });
            }
            Cas::Conflict if pass.answer == Answer::None && pass.own_intent => {
                self.answered(state, process, at, Answer::NotSent);
            }
            Cas::Conflict => self.begin_anew(state, process, at, pass.of_reborn),
        }
        false
    }

    fn is_same_attempt(&self, stored: &Object, pass: &Pass) -> bool {
        let seen = &pass.view.object;
        stored.stage == Stage::Deleting
            && stored.reborn == seen.reborn
            && stored.nonce == seen.nonce
            && self.ask(|product| product.same_attempt(stored.ledger, seen.ledger))
    }

    /// The last look, and the bytes go.
    fn send(&self, state: &mut State, process: usize, at: usize, pass: &Pass) {
        let who = |bits: u8| bits & WHO;
        let unchanged = who(self.twin(state, process, at, pass.view.object)) == who(pass.twin);
        let in_time = pass.permission == Permission::Given
            || self.is_without(Guard::SendDeadline)
            || self.is_without(Guard::FreshView);
        self.learn(state, process, at, |pass, _| (pass.read_back, pass.permission) = (Sight::None, Permission::None));
        if !unchanged || !in_time {
            return self.answered(state, process, at, Answer::NotSent);
        }
        self.judge_send(state, at, pass);
        state.processes[process].unsent[at] = [0; 2];
        self.learn(state, process, at, |pass, _| {
            (pass.doing, pass.intent_stands, pass.forbidden) = (Doing::Waiting, false, false);
        });
    }

    fn judge_send(&self, state: &mut State, at: usize, pass: &Pass) {
        let soft = self.kind() == Kind::SoftThenHard;
        let stored = state.objects[at];
        let gone = !stored.is_stored() || stored.reborn != pass.of_reborn;
        let (wire, waiting) = (state.wire, state.processes.iter().flat_map(|process| process.passes).flatten());
        let alive = wire.iter().filter(|request| request.on_wire).count()
            + waiting.filter(|pass| pass.doing == Doing::Waiting).count();
        let twin = state.objects[1 - at];
        let proved = self.ask(|product| product.proved(stored.ledger)).is_some();
        for (rule, is_broken) in [
            (S3, soft && alive > 0),
            (S4, gone),
            (S7, pass.forbidden),
            (S8, !gone && ((soft && !pass.intent_stands) || proved)),
            (T1, twin.stage == Stage::Live && !state.came_late[1 - at]),
        ] {
            if is_broken {
                self.broken(state, rule);
            }
        }
    }

    /// The answer is there, or nothing was sent.
    pub fn answered(&self, state: &mut State, process: usize, at: usize, answer: Answer) {
        self.learn(state, process, at, |pass, _| {
            pass.doing = Doing::Deciding;
            pass.answer = answer;
            pass.sends += u8::from(answer != Answer::NotSent);
        });
        // The request was alive until now.
        self.window_begins(state, process, at);
    }

    fn read(&self, state: &mut State, process: usize, pass: &Pass, how: How) -> Sight {
        let sight = match how {
            How::Fails => Sight::Failed,
            How::Unauthorized => Sight::Unauthorized,
            How::FromOldList => state.processes[process].list,
            _ => pass.key.map_or(Sight::Failed, |key| self.look(state, key)),
        };
        if self.is_without(Guard::UnsharedRead) {
            state.processes[process].list = sight;
        }
        sight
    }

    /// What a read with this key shows now.
    pub(super) fn look(&self, state: &State, key: Key) -> Sight {
        match (key, state.row) {
            (Key::Good, Row::Connected) => Sight::Connected,
            (Key::Good, Row::Disconnected) if !self.bounds.hides_disconnected => Sight::Disconnected,
            _ => Sight::Absent,
        }
    }

    fn live_twin_fits(&self, state: &State, process: usize, at: usize, pass: &Pass) -> bool {
        let shown = state.processes[process].cache[1 - at].object.is_stored();
        let twin = state.objects[1 - at];
        shown && twin.is_stored() && self.ask(|product| product.can_take_over(at as u8, pass.view.object, twin))
    }

    /// The proof is written first where a crash could lose it, then the finalizer goes.
    fn release_step(&self, state: &mut State, process: usize, at: usize, proof: u8, how: How) {
        let Some(pass) = state.processes[process].passes[at] else { return };
        let reason = self.ask(|product| product.proof(proof));
        let needs_key = !matches!(reason, Reason::Orphaned | Reason::HandedOver);
        let kept = self.bounds.secret_held && pass.key.is_some();
        let confirmed = self.ask(|product| product.proved(pass.view.object.ledger)).is_some();
        let confirms = needs_key && !kept && !confirmed;
        let write = if confirms {
            let ledger = self.ask(|product| product.confirmed(at as u8, pass.view.object, proof));
            Write::Ledger { ledger, nonce: 0 }
        } else {
            Write::Release { proof, of_reborn: pass.of_reborn }
        };
        match self.write(state, process, at, how, write) {
            Cas::Done if confirms => {}
            Cas::Done | Cas::Gone => {
                state.processes[process].window[at] = Window::default();
                state.processes[process].released[at] |= !confirms && !pass.of_reborn;
                self.end(state, process, at);
            }
            Cas::NoAnswer => self.end(state, process, at),
            Cas::Conflict => {
                let object = state.objects[at];
                let rests_on_others =
                    matches!(reason, Reason::Orphaned | Reason::HandedOver | Reason::ReleasedByPolicy);
                if object.reborn != pass.view.object.reborn && !self.is_without(Guard::UidOfRelease) {
                    self.end(state, process, at);
                } else if rests_on_others {
                    self.begin_anew(state, process, at, pass.of_reborn);
                } else {
                    self.learn(state, process, at, |pass, _| pass.view = Seen { object, current: true });
                }
            }
        }
    }
}
