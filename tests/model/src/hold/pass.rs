//! A pass: a request a step.

use sender_operator::keeper::{self, Adoption, Leave, Shown};

use super::{Guard, H1, Hold, Next, Pass, Secret, Seen, State, User, Write};
use crate::state::Stage;

impl Hold {
    pub(super) fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    /// The other users that this process knows, and where they are.
    fn others(&self, state: &State, process: usize, at: u8) -> Vec<(u8, keeper::User)> {
        let cache = &state.processes[process].cache;
        let others = cache.iter().enumerate().map(|(other, seen)| (other as u8, seen.user));
        others
            .filter(|(other, user)| *other != at && user.counts())
            .map(|(other, user)| {
                let deleting = user.stage == Stage::Deleting && self.has(Guard::KeeperThatStays);
                (
                    other,
                    keeper::User {
                        deleting,
                        keeps: user.keeps,
                        proved: user.confirmed && self.has(Guard::ProvedKeepsNothing),
                    },
                )
            })
            .collect()
    }

    pub(super) fn start(&self, state: &mut State, process: usize, lane: usize, at: usize, next: Next) {
        let view = state.processes[process].cache[at];
        state.processes[process].passes[lane] = Pass { next, at: at as u8, view, ..Pass::default() };
    }

    pub(super) fn changed(&self, state: &mut State, at: usize) {
        for process in &mut state.processes {
            process.cache[at].current = false;
            for pass in &mut process.passes {
                if usize::from(pass.at) == at {
                    pass.view.current = false;
                }
                if pass.next == Next::MakeKeeper && usize::from(pass.heirs[0]) == at + 1 {
                    pass.heir.current = false;
                }
            }
        }
        if let Some((write, holds)) = &mut state.late
            && write.user().is_some_and(|user| usize::from(user) == at)
        {
            *holds = false;
        }
    }

    pub(super) fn secret_changed(&self, state: &mut State) {
        for pass in state.processes.iter_mut().flat_map(|process| &mut process.passes) {
            pass.secret_current = false;
        }
        if let Some((write, holds)) = &mut state.late
            && write.user().is_none()
        {
            *holds = false;
        }
    }

    /// The Secret goes, and all that needs its key with it.
    pub(super) fn vanish(&self, state: &mut State) {
        state.secret = Secret::default();
        if state.users.iter().any(|user| user.is_stored() && user.ours && user.adopted && !user.confirmed) {
            state.broken |= H1;
        }
    }

    pub(super) fn commit(&self, state: &mut State, write: Write) -> bool {
        if let Some(at) = write.user() {
            let at = usize::from(at);
            let user = &mut state.users[at];
            if !user.is_stored() {
                return false;
            }
            match write {
                Write::AddFinalizer(_) => user.ours = true,
                Write::Publish(_, keeps) => (user.keeps, user.adopted) = (keeps, true),
                Write::MakeKeeper(_) => {
                    if user.keeps && !self.has(Guard::AlwaysWrites) {
                        return true;
                    }
                    user.keeps = true;
                }
                Write::Confirm(_, last) => (user.confirmed, user.keeps) = (true, user.keeps || last),
                _ => *user = User { stage: Stage::Gone, ..User::default() },
            }
            self.changed(state, at);
        } else {
            if !state.secret.exists {
                return false;
            }
            match write {
                Write::PutOn if state.secret.deleting => return false,
                Write::PutOn => state.secret.held = true,
                Write::Touch => {}
                _ => state.secret.held = false,
            }
            self.secret_changed(state);
            if state.secret.deleting && !state.secret.held {
                self.vanish(state);
            }
        }
        true
    }

    fn adoption(&self, state: &State, process: usize, pass: &Pass) -> Adoption {
        let others = self.others(state, process, pass.at).into_iter().map(|(_, user)| user);
        keeper::adopt(shown(pass.secret), pass.view.user.keeps, others)
    }

    /// What the next step of a pass writes, and whether what it tests still holds.
    pub(super) fn write_of(&self, state: &State, process: usize, pass: &Pass) -> Option<(Write, bool)> {
        let own = pass.view.current;
        Some(match pass.next {
            Next::AddFinalizer => (Write::AddFinalizer(pass.at), own),
            Next::Adopt => match self.adoption(state, process, pass) {
                Adoption::PutOn => (Write::PutOn, pass.secret_current),
                Adoption::TakeOver if self.has(Guard::TakingOverWrites) => (Write::Touch, pass.secret_current),
                _ => return None,
            },
            Next::PutOnFirst => (Write::PutOn, pass.secret_current),
            Next::Publish { keeps } => (Write::Publish(pass.at, keeps), own),
            Next::MakeKeeper => (Write::MakeKeeper(pass.heirs[0] - 1), pass.heir.current),
            Next::Confirm { last } => (Write::Confirm(pass.at, last), own),
            Next::TakeOff if pass.secret.held => (Write::TakeOff, pass.secret_current),
            Next::Release => (Write::Release(pass.at), own),
            _ => return None,
        })
    }

    pub(super) fn step(&self, state: &mut State, process: usize, lane: usize) {
        let pass = state.processes[process].passes[lane];
        let write = self.write_of(state, process, &pass);
        let wrote =
            write.map(|(write, holds)| (holds || !self.has(Guard::CompareAndSwap)) && self.commit(state, write));
        let mut now = state.processes[process].passes[lane];
        let at = usize::from(pass.at);
        // What a write to the Secret or to the heir answers shows nothing of this object.
        if wrote == Some(true) && write.is_some_and(|(write, _)| write.user() == Some(pass.at)) {
            now.view = Seen { user: state.users[at], current: true };
        }
        let failed = wrote == Some(false);
        now.next = match pass.next {
            Next::Nothing => Next::Nothing,
            // A conflict: the object is looked at again before long.
            Next::AddFinalizer | Next::Publish { .. } | Next::Adopt if failed => Next::Nothing,
            Next::AddFinalizer => Next::LookToAdopt,
            Next::LookToAdopt => {
                (now.secret, now.secret_current) = (state.secret, true);
                Next::Adopt
            }
            Next::Adopt => {
                let keeps = match self.adoption(state, process, &pass) {
                    Adoption::NoSecret => false,
                    Adoption::PutOn | Adoption::TakeOver => true,
                    Adoption::Held => pass.view.user.keeps,
                };
                let unchanged = pass.view.user.adopted && pass.view.user.keeps == keeps;
                if unchanged || !pass.secret.exists || (pass.secret.deleting && !pass.secret.held) {
                    Next::Nothing
                } else {
                    Next::Publish { keeps }
                }
            }
            Next::Publish { .. } => Next::Nothing,
            // It needs the key; what a person must bring again is waited for.
            Next::Prove if !state.secret.exists => Next::Nothing,
            Next::Prove => {
                (now.saw_secret, now.kept) = (true, state.secret.held);
                Next::Leave
            }
            Next::Leave => self.leave(state, process, &mut now),
            Next::GetHeir => {
                let heir = state.users[usize::from(pass.heirs[0] - 1)];
                now.heir = Seen { user: heir, current: true };
                if heir.is_stored() && heir.ours { Next::MakeKeeper } else { next_heir(&mut now) }
            }
            Next::MakeKeeper if failed => match state.users[usize::from(pass.heirs[0] - 1)].is_stored() {
                true => Next::GetAgain,
                false => next_heir(&mut now),
            },
            Next::MakeKeeper => go(&now, false, true),
            Next::Confirm { .. } | Next::Release if failed => Next::GetAgain,
            Next::Confirm { last: true } => Next::LookToTakeOff,
            Next::Confirm { last: false } => Next::Release,
            Next::LookToTakeOff => {
                (now.secret, now.secret_current) = (state.secret, true);
                Next::CountUsers
            }
            // It is tried again some times, then later.
            Next::CountUsers if self.is_used(state, &pass) => Next::Nothing,
            Next::CountUsers if !pass.secret.held && (pass.abandoned || !state.users[at].is_stored()) => Next::Nothing,
            Next::CountUsers if !pass.secret.held && pass.secret.exists && !pass.secret.deleting => Next::PutOnFirst,
            Next::CountUsers => Next::TakeOff,
            Next::PutOnFirst if failed && state.secret.exists => Next::LookToTakeOff,
            Next::PutOnFirst => {
                (now.secret, now.secret_current) = (state.secret, true);
                Next::TakeOff
            }
            Next::TakeOff if failed && state.secret.exists => Next::LookToTakeOff,
            Next::TakeOff if pass.abandoned => Next::Nothing,
            Next::TakeOff => Next::Release,
            Next::Release => {
                state.processes[process].released[at] = true;
                Next::Nothing
            }
            Next::GetAgain if state.users[at].is_stored() => {
                now.view = Seen { user: state.users[at], current: true };
                Next::Leave
            }
            Next::GetAgain => Next::Nothing,
        };
        state.processes[process].passes[lane] = if now.next == Next::Nothing { Pass::default() } else { now };
    }

    /// Whether a list shows another object that uses the Secret.
    fn is_used(&self, state: &State, pass: &Pass) -> bool {
        let mut others = state.users.iter().enumerate().filter(|(at, _)| pass.abandoned || *at != usize::from(pass.at));
        self.has(Guard::Listed) && others.any(|(_, user)| user.counts())
    }

    fn leave(&self, state: &State, process: usize, pass: &mut Pass) -> Next {
        let others = self.others(state, process, pass.at);
        let users: Vec<_> = others.iter().map(|(_, user)| *user).collect();
        let keeps = pass.view.user.keeps && self.has(Guard::HandedOn);
        match keeper::leave(keeps, pass.saw_secret, &users) {
            Leave::Free => go(pass, false, true),
            Leave::LastUser => go(pass, true, self.has(Guard::ConfirmedFirst)),
            Leave::HandOn(order) => {
                pass.heirs = [0; 2];
                for (heir, place) in pass.heirs.iter_mut().zip(order) {
                    *heir = others[place].0 + 1;
                }
                Next::GetHeir
            }
        }
    }
}

/// The proof is written where a crash could lose the key, then the hold goes, then the object.
fn go(pass: &Pass, last: bool, confirms: bool) -> Next {
    match (last, pass.view.user.confirmed || !confirms) {
        (_, false) if last || !pass.kept => Next::Confirm { last },
        (true, _) => Next::LookToTakeOff,
        (false, _) => Next::Release,
    }
}

fn next_heir(pass: &mut Pass) -> Next {
    pass.heirs = [pass.heirs[1], 0];
    if pass.heirs[0] == 0 { go(pass, true, true) } else { Next::GetHeir }
}

fn shown(secret: Secret) -> Option<Shown> {
    secret.exists.then_some(Shown { held: secret.held, deleting: secret.deleting })
}
