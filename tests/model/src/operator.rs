//! The operator's shell: what `src/reconcile` does with a step, one request at a time.

mod step;

use sender_operator::teardown::target::Kind;

use crate::bounds::Whim;
use crate::guard::Guard;
use crate::product::{Next, UNSETTLED};
use crate::state::{Answer, Doing, Object, Pass, Permission, Process, Seen, Sight, Stage, State, Window};
use crate::world::World;

/// How a request of a step ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Properly,
    /// It does nothing and gives nothing.
    Fails,
    /// A write that is committed, and nobody is told.
    Unanswered,
    /// A write that arrives when nobody waits for it any more.
    Late,
    /// A read that is refused with a 401.
    Unauthorized,
    /// A read that is answered from an earlier list.
    FromOldList,
}

impl World {
    /// A new process in the place of the old one. A DELETE that waited for its answer goes on without it.
    pub fn restart(&self, state: &mut State, process: usize) {
        for at in 0..2 {
            if let Some(pass) = state.processes[process].passes[at].filter(|pass| pass.doing == Doing::Waiting) {
                self.abandon(state, at, &pass, false);
            }
        }
        let alone = self.bounds.processes == 1;
        for request in state.wire.iter_mut().filter(|request| request.on_wire) {
            request.orphaned = alone;
        }
        let inherits = |object: Object| alone && object.stage == Stage::Deleting && self.kind() != Kind::SoftThenHard;
        state.processes[process] = Process {
            cache: state.objects.map(|object| Seen { object, current: true }),
            inherited: state.objects.map(inherits),
            ..Process::default()
        };
    }

    pub fn watch(&self, state: &mut State, process: usize) {
        let process = &mut state.processes[process];
        process.cache = state.objects.map(|object| Seen { object, current: true });
        for at in 0..2 {
            // It is observed, so that no earlier process can have begun its deletion.
            if state.objects[at].stage == Stage::Live {
                process.inherited[at] = false;
            }
        }
    }

    pub fn can_begin(&self, state: &State, process: usize, cached: &Object, at: usize) -> bool {
        match cached.stage {
            Stage::Deleting => cached.reborn || !state.processes[process].released[at],
            // An observation that would write nothing is left out.
            Stage::Live if self.bounds.begins_alive && !cached.suspended => {
                let sight = self.look(state, state.keys[at]);
                self.ask(|product| product.observed(at as u8, *cached, state.keys[at], sight)) != cached.ledger
            }
            _ => false,
        }
    }

    /// A pass begins from the cache.
    pub fn begin(&self, state: &mut State, process: usize, at: usize) {
        let seen = state.processes[process].cache[at];
        if seen.object.stage == Stage::Live {
            let sight = self.look(state, state.keys[at]);
            let ledger = self.ask(|product| product.observed(at as u8, seen.object, state.keys[at], sight));
            let pass = Pass { doing: Doing::Observing(ledger), view: seen, ..Pass::default() };
            state.processes[process].passes[at] = Some(pass);
        } else {
            self.begin_from(state, process, at, seen);
        }
    }

    /// Somebody else wrote: a pass begins from what a GET shows.
    fn begin_anew(&self, state: &mut State, process: usize, at: usize, of_reborn: bool) {
        let object = state.objects[at];
        if object.stage == Stage::Deleting && object.reborn == of_reborn {
            self.begin_from(state, process, at, Seen { object, current: true });
        } else {
            self.end(state, process, at);
        }
    }

    fn begin_from(&self, state: &mut State, process: usize, at: usize, view: Seen) {
        let window_over = self.unchanged(state, process, at, &view.object);
        let window = state.processes[process].window[at];
        let forgets = self.forgets(&window, &view.object);
        let twin = self.twin(state, process, at, view.object);
        let stored = &state.objects[at];
        let pass = Pass {
            view,
            window_over,
            forgotten: forgets.then_some(window.over),
            inherited: state.processes[process].inherited[at],
            unsent: view.object.nonce != 0 && state.processes[process].unsent[at].contains(&view.object.nonce),
            twin,
            of_reborn: view.object.reborn,
            forbidden: stored.is_gated() || stored.stage != Stage::Deleting || stored.reborn != view.object.reborn,
            ..Pass::default()
        };
        state.processes[process].passes[at] = Some(pass);
    }

    fn end(&self, state: &mut State, process: usize, at: usize) {
        state.processes[process].passes[at] = None;
    }

    fn twin(&self, state: &State, process: usize, at: usize, object: Object) -> u8 {
        if self.bounds.objects < 2 {
            return 0;
        }
        let twin = state.processes[process].cache[1 - at].object;
        let bits = self.ask(|product| product.twin(at as u8, object, twin));
        if bits != 0 && self.has_forgotten(state, process, 1 - at, &twin) { bits | UNSETTLED } else { bits }
    }

    /// Whether this process remembers a DELETE of it that may be alive, and its ledger does not.
    fn has_forgotten(&self, state: &State, process: usize, at: usize, object: &Object) -> bool {
        let window = state.processes[process].window[at];
        self.forgets(&window, object) && !window.over && !self.is_without(Guard::WipedAttempt)
    }

    fn forgets(&self, window: &Window, object: &Object) -> bool {
        self.ask(|product| product.attempts(object.ledger)) < window.attempt
    }

    /// Whether this process has seen the attempt of this view unchanged for W.
    fn unchanged(&self, state: &mut State, process: usize, at: usize, object: &Object) -> bool {
        // Without a wiped status the next look begins anew where this one was shown an older attempt.
        let last = if self.may(Whim::WipeStatus) { state.new_nonce() - 1 } else { object.nonce };
        let window = &mut state.processes[process].window[at];
        if self.kind() == Kind::SoftThenHard && object.nonce != 0 && window.nonce != object.nonce {
            let attempt = self.ask(|product| product.attempts(object.ledger));
            *window = Window { nonce: object.nonce, attempt, last, over: false };
        }
        object.nonce != 0 && window.over
    }

    /// What the API server has just shown settles what this process remembers. What the watch shows may be older.
    pub fn settled(&self, window: &mut Window, object: &Object) {
        if object.nonce == 0 && !self.forgets(window, object) {
            *window = Window::default();
        }
    }

    /// What needs nobody else, or nobody else can change: it is done at once.
    pub fn go_on(&self, state: &mut State, process: usize, at: usize) {
        let key = state.keys[at];
        while let Some(pass) = state.processes[process].passes[at].as_mut().filter(|pass| pass.doing == Doing::Deciding)
        {
            let next = self.ask(|product| product.next(at as u8, pass));
            match next {
                Next::LeaveAlone => self.end(state, process, at),
                // What changes nothing but times is not written.
                Next::Wait(ledger) if ledger == pass.view.object.ledger => self.end(state, process, at),
                Next::ReadCredentials if self.has_one_key() => pass.key = Some(key),
                Next::SendAgain => {
                    (pass.answer, pass.read_back) = (Answer::None, Sight::None);
                    pass.fresh = pass.permission != Permission::None;
                }
                Next::Send if pass.permission == Permission::None && !self.is_without(Guard::FreshView) => {
                    pass.fresh = false
                }
                Next::Release(proof) => pass.doing = Doing::Releasing(proof),
                _ => return,
            }
        }
    }
}
