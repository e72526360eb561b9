//! The hold on a Secret and its keeper. `src/reconcile/hold.rs` decides while it acts, so its decisions are written down
//! here a second time, in the same order, one request at a time; `release.rs` and `observation.rs` as far as they call it.

mod shell;
mod state;
mod store;

use stateright::{Model, Property};

use crate::explore::Judged;
use crate::state::Stage;
use state::{Late, Next, Secret, Seen, State, Sweep, USERS, User};

/// The key is lost to an object that was told it is held, and is not proved yet.
pub const H1: u16 = 1;

/// What keeps the hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldGuard {
    /// One user keeps the hold; instead: whoever sees no other user takes it off.
    Keeper,
    /// Handing on writes also where the heir keeps the hold already.
    HandingOnWrites,
    /// The proof is written before the hold goes.
    ProofBeforeHold,
    /// The hold is taken off only of the Secret as it was read.
    CompareAndSwap,
    /// A Secret whose last user is gone is let go.
    GoneIsHeard,
}

/// What a world of holds consists of, and how much may happen in it.
#[derive(Clone, Debug)]
pub struct HoldBounds {
    pub users: usize,
    /// The last user comes late.
    pub late_user: bool,
    pub processes: usize,
    pub lanes: usize,
    pub faults: u8,
    pub late_writes: bool,
    pub without: Option<HoldGuard>,
}

/// A world of holds within bounds.
pub struct HoldWorld {
    pub bounds: HoldBounds,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Properly,
    /// It does nothing and gives nothing.
    Fails,
    /// A write that is committed, and nobody is told.
    Unanswered,
    /// A write that arrives when nobody waits for it any more.
    Late,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Watch(usize),
    Restart(usize),
    Begin(usize, usize),
    Step(usize, usize, How),
    Sweep(usize, How),
    LateWriteArrives,
    LateWriteIsLost,
    Create(usize),
    Mark(usize),
    DeleteSecret,
}

impl HoldWorld {
    pub fn is_without(&self, guard: HoldGuard) -> bool {
        self.bounds.without == Some(guard)
    }

    fn process_actions(&self, state: &State, at: usize, actions: &mut Vec<Action>) {
        let process = &state.processes[at];
        if process.cache.iter().any(|seen| !seen.current) {
            actions.push(Action::Watch(at));
        }
        let faults = state.faults > 0;
        let hows = |is_write: bool, actions: &mut Vec<Action>, action: &dyn Fn(How) -> Action| {
            actions.push(action(How::Properly));
            if faults && is_write {
                actions.push(action(How::Unanswered));
            }
            if faults && is_write && self.bounds.late_writes && state.late.is_none() {
                actions.push(action(How::Late));
            } else if faults {
                actions.push(action(How::Fails));
            }
        };
        let under_way = process.jobs.iter().flatten().count();
        for user in 0..self.bounds.users {
            match &process.jobs[user] {
                Some(job) => {
                    let reads = matches!(job.next, Next::Adopt | Next::ReadKey | Next::AskHeir(_) | Next::FindHold);
                    if job.next == Next::Leave {
                        actions.push(Action::Step(at, user, How::Properly));
                    } else {
                        hows(!reads, actions, &|how| Action::Step(at, user, how));
                    }
                }
                None if under_way < self.bounds.lanes && self.can_begin(state, at, user) => {
                    actions.push(Action::Begin(at, user));
                }
                None => {}
            }
        }
        match process.sweep {
            Sweep::Nothing => {}
            Sweep::Due => hows(false, actions, &|how| Action::Sweep(at, how)),
            Sweep::TakeOff { .. } => hows(true, actions, &|how| Action::Sweep(at, how)),
        }
        if faults {
            actions.push(Action::Restart(at));
        }
    }
}

impl Model for HoldWorld {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut state = State {
            secret: Secret { exists: true, ..Secret::default() },
            faults: self.bounds.faults,
            ..State::default()
        };
        let first = self.bounds.users - usize::from(self.bounds.late_user);
        state.users[..first].fill(User { stage: Stage::Live, ..User::default() });
        for process in &mut state.processes[..self.bounds.processes] {
            process.cache = state.users.map(|user| Seen { user, current: true });
        }
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken != 0 {
            return;
        }
        for process in 0..self.bounds.processes {
            self.process_actions(state, process, actions);
        }
        if state.late.is_some() {
            actions.push(Action::LateWriteArrives);
            actions.push(Action::LateWriteIsLost);
        }
        for at in 0..self.bounds.users {
            match state.users[at].stage {
                Stage::Absent => actions.push(Action::Create(at)),
                Stage::Live => actions.push(Action::Mark(at)),
                Stage::Deleting | Stage::Released => {}
            }
        }
        if state.secret.exists && !state.secret.deleting {
            actions.push(Action::DeleteSecret);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = *before;
        let costs = match action {
            Action::Restart(_) => true,
            Action::Step(_, _, how) | Action::Sweep(_, how) => how != How::Properly,
            _ => false,
        };
        state.faults -= u8::from(costs);
        self.act(&mut state, action);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("every promise is kept", |_, state: &State| state.broken == 0)]
    }
}

impl Judged for HoldWorld {
    fn names(&self) -> &'static [&'static str] {
        &["H1"]
    }

    fn broken(&self, state: &State) -> u16 {
        state.broken
    }

    fn canonical(&self, state: &State) -> State {
        let mut state = *state;
        state.processes[..self.bounds.processes].sort_unstable();
        state
    }

    fn happens_by_itself(&self, action: &Action) -> bool {
        match action {
            Action::Step(_, _, how) | Action::Sweep(_, how) => *how == How::Properly,
            Action::Restart(_) | Action::Create(_) | Action::Mark(_) | Action::DeleteSecret => false,
            Action::Watch(_) | Action::Begin(..) | Action::LateWriteArrives | Action::LateWriteIsLost => true,
        }
    }

    fn is_released(&self, state: &State) -> bool {
        let nobody = state.users.iter().all(|user| !user.is_stored());
        state.users.iter().all(|user| user.stage != Stage::Deleting) && (!nobody || !state.secret.held)
    }

    /// An object that was created when the Secret was on its way out waits for one, and says so.
    fn is_settled(&self, state: &State) -> bool {
        let waits = |at: usize| state.users[at].stage == Stage::Deleting && !state.secret.exists && !state.adopted[at];
        let at_rest = (0..USERS).all(|at| state.users[at].stage != Stage::Deleting || waits(at));
        let nobody = state.users.iter().all(|user| !user.is_stored());
        at_rest && (!nobody || !state.secret.held)
    }
}

/// Whether a write that is late still counts.
fn is_current(late: &Late) -> bool {
    match late {
        Late::PutOn { current } | Late::TakeOff { current } | Late::User { current, .. } => *current,
    }
}
