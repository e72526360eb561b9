//! The API server, and people.

use super::state::{Late, Next, Process, Secret, Seen, State, Sweep, User};
use super::{Action, H1, HoldGuard, HoldWorld, is_current};
use crate::state::Stage;

impl HoldWorld {
    pub(super) fn act(&self, state: &mut State, action: Action) {
        match action {
            Action::Watch(process) => self.watch(state, process),
            Action::Restart(process) => {
                state.processes[process] =
                    Process { cache: state.users.map(|user| Seen { user, current: true }), ..Process::default() };
            }
            Action::Begin(process, at) => self.begin(state, process, at),
            Action::Step(process, at, how) => self.step(state, process, at, how),
            Action::Sweep(process, how) => self.sweep(state, process, how),
            Action::LateWriteArrives => {
                let late = state.late.take().expect("it is on its way");
                self.arrive(state, late);
            }
            Action::LateWriteIsLost => state.late = None,
            Action::Create(at) => self.commit_user(state, at, User { stage: Stage::Live, ..User::default() }),
            Action::Mark(at) => {
                let user = state.users[at];
                // Without a finalizer it is gone at once.
                let stage = if user.ours { Stage::Deleting } else { Stage::Released };
                self.commit_user(state, at, User { stage, ..user });
            }
            Action::DeleteSecret => {
                let secret = state.secret;
                self.commit_secret(state, Secret { deleting: true, exists: secret.held, ..secret });
            }
        }
    }

    /// The watch shows what is stored; a user that is gone may have been the last.
    fn watch(&self, state: &mut State, process: usize) {
        let process = &mut state.processes[process];
        let before = process.cache;
        process.cache = state.users.map(|user| Seen { user, current: true });
        let gone =
            before.iter().zip(&process.cache).any(|(before, now)| before.user.is_stored() && !now.user.is_stored());
        let nobody = process.cache.iter().all(|seen| !seen.user.is_stored());
        if gone && nobody && !self.is_without(HoldGuard::GoneIsHeard) {
            process.sweep = Sweep::Due;
        }
    }

    pub(super) fn arrive(&self, state: &mut State, late: Late) {
        let counts = is_current(&late) || self.is_without(HoldGuard::CompareAndSwap);
        match late {
            _ if !counts => {}
            Late::PutOn { .. } if state.secret.exists && !state.secret.deleting => {
                self.commit_secret(state, Secret { held: true, ..state.secret });
            }
            Late::TakeOff { .. } if state.secret.exists => {
                self.commit_secret(state, Secret { held: false, exists: !state.secret.deleting, ..state.secret });
            }
            Late::User { at, user, .. } if state.users[usize::from(at)].is_stored() => {
                self.commit_user(state, usize::from(at), user);
            }
            _ => {}
        }
    }

    pub(super) fn commit_user(&self, state: &mut State, at: usize, user: User) {
        state.users[at] = user;
        if !user.is_stored() {
            state.users[at] = User { stage: Stage::Released, ..User::default() };
            state.adopted[at] = false;
        }
        for process in &mut state.processes {
            process.cache[at].current = false;
            for (worked_on, job) in process.jobs.iter_mut().enumerate() {
                let Some(job) = job else { continue };
                job.view.current &= worked_on != at;
                if let Next::HandOn { heirs: [heir, _], current } = &mut job.next {
                    *current &= heir.is_some_and(|heir| usize::from(heir) != at);
                }
            }
        }
        if let Some(Late::User { at: late, current, .. }) = &mut state.late {
            *current &= usize::from(*late) != at;
        }
    }

    pub(super) fn commit_secret(&self, state: &mut State, secret: Secret) {
        state.secret = if secret.exists { secret } else { Secret::default() };
        for process in &mut state.processes {
            for job in process.jobs.iter_mut().flatten() {
                if let Next::PutOn { current } | Next::TakeOff { current } = &mut job.next {
                    *current = false;
                }
            }
            if let Sweep::TakeOff { current } = &mut process.sweep {
                *current = false;
            }
        }
        if let Some(Late::PutOn { current } | Late::TakeOff { current }) = &mut state.late {
            *current = false;
        }
        let needs_key = |(user, adopted): (&User, &bool)| *adopted && user.is_stored() && !user.confirmed;
        if !state.secret.exists && state.users.iter().zip(&state.adopted).any(needs_key) {
            state.broken |= H1;
        }
    }
}
