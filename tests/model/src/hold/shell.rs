//! What the operator does: `adopt`, `leave`, `remove` and `abandoned`, and what calls them.

use super::state::{Job, Late, Next, Secret, Seen, State, Sweep, USERS, User};
use super::{HoldGuard, HoldWorld, How};
use crate::state::Stage;

/// How a write ended for who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Done,
    Conflict,
    /// It is gone: what was asked for is true.
    Gone,
    NoAnswer,
}

impl HoldWorld {
    pub(super) fn can_begin(&self, state: &State, process: usize, at: usize) -> bool {
        let cached = state.processes[process].cache[at].user;
        match cached.stage {
            Stage::Deleting => cached.ours,
            Stage::Live => true,
            Stage::Absent | Stage::Released => false,
        }
    }

    pub(super) fn begin(&self, state: &mut State, process: usize, at: usize) {
        let view = state.processes[process].cache[at];
        let next = match (view.user.stage, view.user.ours) {
            (Stage::Deleting, _) if view.user.confirmed => Next::Leave,
            (Stage::Deleting, _) => Next::ReadKey,
            (_, false) => Next::AddFinalizer,
            (_, true) => Next::Adopt,
        };
        state.processes[process].jobs[at] = Some(Job { next, view, kept: false });
    }

    pub(super) fn step(&self, state: &mut State, process: usize, at: usize, how: How) {
        let Some(job) = state.processes[process].jobs[at] else { return };
        let user = job.view.user;
        if how == How::Fails {
            return self.end(state, process, at);
        }
        match job.next {
            Next::AddFinalizer => match self.write_user(state, process, at, User { ours: true, ..user }, how) {
                Wrote::Done => self.go_to(state, process, at, Next::Adopt),
                _ => self.end(state, process, at),
            },
            Next::Adopt => self.adopt(state, process, at, &user),
            Next::PutOn { current } => match self.write_secret(state, Late::PutOn { current }, how) {
                Wrote::Done => self.held(state, process, at, user.keeper),
                _ => self.end(state, process, at),
            },
            Next::BecomeKeeper => {
                if self.write_user(state, process, at, User { keeper: true, ..user }, how) == Wrote::Done {
                    state.adopted[at] = true;
                }
                self.end(state, process, at);
            }
            Next::ReadKey if state.secret.exists => {
                if let Some(job) = &mut state.processes[process].jobs[at] {
                    job.kept = state.secret.held;
                    job.next = Next::Leave;
                }
            }
            Next::ReadKey => self.end(state, process, at),
            Next::Leave => self.leave(state, process, at, &job),
            Next::AskHeir(heirs) => {
                let shown = heirs[0].map(|heir| state.users[usize::from(heir)]);
                let next = match shown.filter(|user| user.is_stored() && user.ours) {
                    None => self.next_heir(&job, [heirs[1], None]),
                    Some(user) if user.keeper && self.is_without(HoldGuard::HandingOnWrites) => {
                        self.after_leave(&job, false)
                    }
                    Some(_) => Next::HandOn { heirs, current: true },
                };
                self.go_to(state, process, at, next);
            }
            Next::HandOn { heirs, current } => {
                let Some(heir) = heirs[0] else { return };
                let shown = state.users[usize::from(heir)];
                let write = Late::User { at: heir, current, user: User { keeper: true, ..shown } };
                match self.write(state, write, shown.is_stored(), how) {
                    Wrote::Done => self.go_to(state, process, at, self.after_leave(&job, false)),
                    Wrote::Gone => self.go_to(state, process, at, self.next_heir(&job, [heirs[1], None])),
                    wrote => self.try_again(state, process, at, wrote),
                }
            }
            Next::Confirm { last } => {
                match self.write_user(state, process, at, User { confirmed: true, ..user }, how) {
                    Wrote::Done => {
                        let next = if last && user.keeper { Next::FindHold } else { Next::Release };
                        self.go_to(state, process, at, next);
                    }
                    wrote => self.try_again(state, process, at, wrote),
                }
            }
            Next::FindHold => {
                let next = if state.secret.held { Next::TakeOff { current: true } } else { Next::Release };
                self.go_to(state, process, at, next);
            }
            Next::TakeOff { current } => match self.write_secret(state, Late::TakeOff { current }, how) {
                Wrote::Done | Wrote::Gone => self.go_to(state, process, at, Next::Release),
                wrote => self.try_again(state, process, at, wrote),
            },
            Next::Release => match self.write_user(state, process, at, User { stage: Stage::Released, ..user }, how) {
                Wrote::Conflict => self.try_again(state, process, at, Wrote::Conflict),
                _ => self.end(state, process, at),
            },
        }
    }

    /// `SecretHold::adopt`, from the GET of the Secret on.
    fn adopt(&self, state: &mut State, process: usize, at: usize, user: &User) {
        let Secret { exists, held, deleting } = state.secret;
        if !exists || (!held && deleting) {
            return self.end(state, process, at);
        }
        if !held {
            return self.go_to(state, process, at, Next::PutOn { current: true });
        }
        let keepers = self.others(state, process, at).filter(|(_, other)| other.keeper);
        let (mut lives, mut any) = (false, false);
        for (_, keeper) in keepers {
            any = true;
            lives |= keeper.stage == Stage::Live;
        }
        match (user.keeper, lives, any) {
            (true, ..) => self.held(state, process, at, true),
            (false, true, _) => self.held(state, process, at, true),
            (false, false, false) => self.held(state, process, at, false),
            // The only keepers are leaving.
            (false, false, true) => self.end(state, process, at),
        }
    }

    /// The Secret is held: by this object, unless another keeps it.
    fn held(&self, state: &mut State, process: usize, at: usize, is_kept: bool) {
        if is_kept {
            state.adopted[at] = state.users[at].stage == Stage::Live;
            self.end(state, process, at);
        } else {
            self.go_to(state, process, at, Next::BecomeKeeper);
        }
    }

    /// `SecretHold::leave`.
    fn leave(&self, state: &mut State, process: usize, at: usize, job: &Job) {
        let mut others = self.others(state, process, at).map(|(other, _)| other as u8);
        let heirs = [others.next(), others.next()];
        let next = match job.view.user.keeper {
            // Whoever sees no other user takes the hold off.
            _ if self.is_without(HoldGuard::Keeper) => self.after_leave(job, heirs[0].is_none()),
            true => self.next_heir(job, heirs),
            false => self.after_leave(job, false),
        };
        self.go_to(state, process, at, next);
    }

    fn next_heir(&self, job: &Job, heirs: [Option<u8>; USERS - 1]) -> Next {
        if heirs[0].is_some() { Next::AskHeir(heirs) } else { self.after_leave(job, true) }
    }

    /// `try_release` after `leave`.
    fn after_leave(&self, job: &Job, last: bool) -> Next {
        let confirmed = job.view.user.confirmed;
        let proof_first = (last || !job.kept) && !self.is_without(HoldGuard::ProofBeforeHold);
        if !confirmed && proof_first {
            Next::Confirm { last }
        } else if last && (job.view.user.keeper || self.is_without(HoldGuard::Keeper)) {
            Next::FindHold
        } else {
            Next::Release
        }
    }

    /// Somebody else wrote: the release begins again with what a GET shows.
    fn try_again(&self, state: &mut State, process: usize, at: usize, wrote: Wrote) {
        let user = state.users[at];
        match &mut state.processes[process].jobs[at] {
            Some(job) if wrote == Wrote::Conflict && user.is_stored() && user.ours => {
                job.view = Seen { user, current: true };
                job.next = Next::Leave;
            }
            _ => self.end(state, process, at),
        }
    }

    pub(super) fn sweep(&self, state: &mut State, process: usize, how: How) {
        let nobody = state.processes[process].cache.iter().all(|seen| !seen.user.is_stored());
        let next = match state.processes[process].sweep {
            Sweep::Due if how == How::Properly && nobody && state.secret.held => Sweep::TakeOff { current: true },
            Sweep::TakeOff { current } => {
                self.write_secret(state, Late::TakeOff { current }, how);
                Sweep::Nothing
            }
            _ => Sweep::Nothing,
        };
        state.processes[process].sweep = next;
    }

    /// The other objects that use the Secret and have our finalizer, as the index shows them; those who live first.
    fn others(&self, state: &State, process: usize, at: usize) -> impl Iterator<Item = (usize, User)> + use<> {
        let mut users: Vec<_> = state.processes[process].cache.iter().map(|seen| seen.user).enumerate().collect();
        users.retain(|(other, user)| *other != at && user.is_stored() && user.ours);
        users.sort_by_key(|(_, user)| user.stage == Stage::Deleting);
        users.into_iter()
    }

    fn write_user(&self, state: &mut State, process: usize, at: usize, user: User, how: How) -> Wrote {
        let current = state.processes[process].jobs[at].is_some_and(|job| job.view.current);
        let stored = state.users[at].is_stored();
        let wrote = self.write(state, Late::User { at: at as u8, current, user }, stored, how);
        if wrote == Wrote::Done {
            if let Some(job) = &mut state.processes[process].jobs[at] {
                job.view = Seen { user, current: true };
            }
        }
        wrote
    }

    fn write_secret(&self, state: &mut State, write: Late, how: How) -> Wrote {
        let exists = state.secret.exists;
        self.write(state, write, exists, how)
    }

    fn write(&self, state: &mut State, write: Late, stored: bool, how: How) -> Wrote {
        if how == How::Late {
            state.late = Some(write);
            return Wrote::NoAnswer;
        }
        let counts = super::is_current(&write) || self.is_without(HoldGuard::CompareAndSwap);
        if stored && counts {
            self.arrive(state, write);
        }
        match how {
            How::Properly if !stored => Wrote::Gone,
            How::Properly if !counts => Wrote::Conflict,
            How::Properly => Wrote::Done,
            _ => Wrote::NoAnswer,
        }
    }

    fn go_to(&self, state: &mut State, process: usize, at: usize, next: Next) {
        if let Some(job) = &mut state.processes[process].jobs[at] {
            job.next = next;
        }
    }

    fn end(&self, state: &mut State, process: usize, at: usize) {
        state.processes[process].jobs[at] = None;
    }
}
