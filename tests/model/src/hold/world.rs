//! What can happen, and what then is.

use stateright::{Model, Property};

use super::{Guard, Hold, Next, Pass, Process, Secret, Seen, State, User};
use crate::explore::Judged;
use crate::state::Stage;

/// Something that happens. The first number is the process, the second its pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Watch(usize),
    Observe(usize, usize, usize),
    Delete(usize, usize, usize),
    Abandon(usize, usize),
    Step(usize, usize),
    /// Committed, and nobody is told.
    StepUnanswered(usize, usize),
    /// It arrives when nobody waits for it, or never.
    StepLate(usize, usize),
    LateWriteArrives,
    LateWriteIsLost,
    Restart(usize),
    Create(usize),
    Mark(usize),
    DeleteSecret,
}

impl Model for Hold {
    type State = State;
    type Action = Action;

    /// Each of the objects may be the keeper.
    fn init_states(&self) -> Vec<State> {
        let early = self.users - usize::from(self.late_user);
        let begins = |keeper: Option<usize>| {
            let mut state = State { faults: self.faults, ..State::default() };
            state.secret = Secret { exists: true, held: keeper.is_some(), deleting: false };
            for at in 0..early {
                let adopted = keeper.is_some();
                state.users[at] =
                    User { stage: Stage::Live, ours: adopted, keeps: keeper == Some(at), confirmed: false, adopted };
            }
            for process in state.processes.iter_mut().take(self.processes) {
                process.cache = state.users.map(|user| Seen { user, current: true });
            }
            state
        };
        (0..early).map(Some).chain([None]).map(begins).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken != 0 {
            return;
        }
        for (at, process) in state.processes.iter().enumerate().take(self.processes) {
            if process.cache.iter().any(|seen| !seen.current) {
                actions.push(Action::Watch(at));
            }
            let busy = process.passes.iter().filter(|pass| pass.next != Next::Nothing).count();
            for (lane, pass) in process.passes.iter().enumerate() {
                if pass.next != Next::Nothing {
                    actions.push(Action::Step(at, lane));
                    if state.faults > 0 && self.write_of(state, at, pass).is_some() {
                        actions.push(Action::StepUnanswered(at, lane));
                        if state.late.is_none() {
                            actions.push(Action::StepLate(at, lane));
                        }
                    }
                } else if busy < self.lanes && process.passes[..lane].iter().all(|before| before.next != Next::Nothing)
                {
                    for user in 0..self.users {
                        let is_under_way =
                            |pass: &Pass| pass.next != Next::Nothing && !pass.abandoned && usize::from(pass.at) == user;
                        if process.passes.iter().any(is_under_way) {
                            continue;
                        }
                        match process.cache[user].user.stage {
                            Stage::Live => actions.push(Action::Observe(at, lane, user)),
                            Stage::Deleting if process.cache[user].user.ours && !process.released[user] => {
                                actions.push(Action::Delete(at, lane, user))
                            }
                            _ => {}
                        }
                    }
                    if process.abandoned {
                        actions.push(Action::Abandon(at, lane));
                    }
                }
            }
            if state.faults > 0 && busy > 0 {
                actions.push(Action::Restart(at));
            }
        }
        if state.late.is_some() {
            actions.extend([Action::LateWriteArrives, Action::LateWriteIsLost]);
        }
        for (at, user) in state.users.iter().enumerate().take(self.users) {
            match user.stage {
                Stage::Absent => actions.push(Action::Create(at)),
                Stage::Live => actions.push(Action::Mark(at)),
                Stage::Deleting | Stage::Gone => {}
            }
        }
        if state.secret.exists && !state.secret.deleting {
            actions.push(Action::DeleteSecret);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = *before;
        match action {
            Action::Watch(at) => {
                let process = &mut state.processes[at];
                // Each event arrives, also those of an object that came and went in between.
                let was_gone = process.cache.map(|seen| seen.user.stage == Stage::Gone);
                process.cache = state.users.map(|user| Seen { user, current: true });
                let gone = |(seen, was): (&Seen, bool)| seen.user.stage == Stage::Gone && !was;
                process.abandoned |= process.cache.iter().zip(was_gone).any(gone);
            }
            Action::Observe(process, lane, at) => {
                let ours = state.processes[process].cache[at].user.ours;
                self.start(&mut state, process, lane, at, if ours { Next::LookToAdopt } else { Next::AddFinalizer });
            }
            Action::Delete(process, lane, at) => {
                let confirmed = state.processes[process].cache[at].user.confirmed;
                self.start(&mut state, process, lane, at, if confirmed { Next::Leave } else { Next::Prove });
            }
            Action::Abandon(process, lane) => {
                state.processes[process].abandoned = false;
                state.processes[process].passes[lane] =
                    Pass { next: Next::LookToTakeOff, abandoned: true, ..Pass::default() };
            }
            Action::Step(process, lane) => self.step(&mut state, process, lane),
            Action::StepUnanswered(process, lane) | Action::StepLate(process, lane) => {
                state.faults -= 1;
                let pass = state.processes[process].passes[lane];
                let (write, holds) = self.write_of(&state, process, &pass)?;
                state.processes[process].passes[lane] = Pass::default();
                match action {
                    Action::StepLate(..) => state.late = Some((write, holds)),
                    _ if holds || !self.has(Guard::CompareAndSwap) => drop(self.commit(&mut state, write)),
                    _ => {}
                }
            }
            Action::LateWriteArrives => {
                if let Some((write, holds)) = state.late.take()
                    && (holds || !self.has(Guard::CompareAndSwap))
                {
                    self.commit(&mut state, write);
                }
            }
            Action::LateWriteIsLost => state.late = None,
            Action::Restart(at) => {
                state.faults -= 1;
                state.processes[at] =
                    Process { cache: state.users.map(|user| Seen { user, current: true }), ..Process::default() };
            }
            Action::Create(at) => {
                state.users[at].stage = Stage::Live;
                self.changed(&mut state, at);
            }
            Action::Mark(at) => {
                state.users[at].stage = if state.users[at].ours { Stage::Deleting } else { Stage::Gone };
                self.changed(&mut state, at);
            }
            Action::DeleteSecret => {
                state.secret.deleting = true;
                self.secret_changed(&mut state);
                if !state.secret.held {
                    self.vanish(&mut state);
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("every promise is kept", |_, state: &State| state.broken == 0)]
    }
}

impl Judged for Hold {
    fn names(&self) -> &'static [&'static str] {
        &["H1"]
    }

    fn broken(&self, state: &State) -> u16 {
        state.broken
    }

    fn canonical(&self, state: &State) -> State {
        let mut state = *state;
        for process in &mut state.processes {
            process.passes.sort_unstable_by(|a, b| b.cmp(a));
        }
        state.processes[..self.processes].sort_unstable();
        state
    }

    fn happens_by_itself(&self, action: &Action) -> bool {
        !matches!(
            action,
            Action::StepUnanswered(..)
                | Action::StepLate(..)
                | Action::Restart(_)
                | Action::Create(_)
                | Action::Mark(_)
                | Action::DeleteSecret
        )
    }

    fn is_released(&self, state: &State) -> bool {
        let open = state.users.iter().any(|user| user.stage == Stage::Deleting);
        let used = state.users.iter().any(User::is_stored);
        !open && (used || !state.secret.held)
    }

    /// Who never had a Secret is told so.
    fn is_settled(&self, state: &State) -> bool {
        let open = |user: &User| user.stage == Stage::Deleting && (state.secret.exists || user.confirmed);
        let used = state.users.iter().any(User::is_stored);
        !state.users.iter().any(open) && (used || !state.secret.held)
    }
}
