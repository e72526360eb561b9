//! The provider and the way there: what a DELETE does, when, and what is heard of it.

use sender_operator::teardown::target::Kind;

use crate::action::Ending;
use crate::rules::{D1, K1, S2};
use crate::state::{Answer, Doing, Fate, Key, Pass, Permission, Request, Row, State};
use crate::world::World;

impl World {
    /// Whether the key of this pass sees the account.
    pub fn sees(&self, _: &State, pass: &Pass) -> bool {
        pass.key == Some(Key::Good)
    }

    /// A DELETE in flight ends for who waits for it.
    pub fn answer(&self, state: &mut State, process: usize, at: usize, ending: Ending) {
        let Some(pass) = state.processes[process].passes[at] else { return };
        let sees = self.sees(state, &pass);
        let answer = match ending {
            Ending::Properly => match sees && self.effect(state, at) {
                true => Answer::Acked,
                false => Answer::NotFound,
            },
            Ending::Lost => {
                self.abandon(state, at, &pass, false);
                Answer::Unknown
            }
            Ending::FailsWithoutEffect => Answer::Unknown,
            Ending::FailsAfterEffect => {
                if sees {
                    self.effect(state, at);
                }
                Answer::Unknown
            }
            Ending::AckedEarly => {
                self.abandon(state, at, &pass, true);
                Answer::Acked
            }
            Ending::Unauthorized => Answer::Unauthorized,
            Ending::Throttled => Answer::Throttled,
        };
        self.answered(state, process, at, answer);
    }

    /// The request goes on, and nobody waits for it.
    pub fn abandon(&self, state: &mut State, at: usize, pass: &Pass, acked: bool) {
        let request = Request {
            on_wire: true,
            object: at as u8,
            sees: self.sees(state, pass),
            nonce: pass.view.object.nonce,
            orphaned: false,
            acked,
        };
        let slot = state.wire.iter_mut().find(|slot| !slot.on_wire).expect("as many slots as faults");
        *slot = request;
    }

    /// An abandoned DELETE takes effect, or is lost.
    pub fn late_effect(&self, state: &mut State, slot: usize, takes_effect: bool) {
        let request = std::mem::take(&mut state.wire[slot]);
        if takes_effect {
            self.effect(state, usize::from(request.object));
        }
    }

    /// A DELETE with the account's key arrives. Whether there was anything to delete.
    fn effect(&self, state: &mut State, at: usize) -> bool {
        let soft = self.kind() == Kind::SoftThenHard;
        state.row = match (self.kind(), state.row) {
            (_, Row::Gone) => return false,
            (Kind::Permanent, _) | (_, Row::Disconnected) => Row::Gone,
            (_, Row::Connected) => Row::Disconnected,
        };
        if soft && state.row == Row::Gone {
            self.broken(state, D1);
        }
        if soft && state.effects > 0 {
            self.broken(state, S2);
        }
        if matches!(state.fates[at], Fate::LetGo | Fate::HandedOver) {
            self.broken(state, K1);
        }
        state.effects = if soft { 1 } else { 0 };
        true
    }

    /// Whether a DELETE of this object with this nonce or an earlier one may be alive, or may yet be sent.
    pub fn may_be_alive(&self, state: &State, at: usize, nonce: u8) -> bool {
        let on_wire = state.wire.iter().filter(|request| request.on_wire && usize::from(request.object) == at);
        let mut on_wire = on_wire.filter(|request| !(request.acked && self.bounds.slow_acks));
        let passes = state.processes.iter().filter_map(|process| process.passes[at]);
        let mut sending = passes.filter(|pass| {
            pass.doing == Doing::Waiting
                || (pass.doing == Doing::Deciding && pass.permission == Permission::Given && pass.own_intent)
        });
        on_wire.any(|request| request.nonce <= nonce) || sending.any(|pass| pass.view.object.nonce <= nonce)
    }
}
