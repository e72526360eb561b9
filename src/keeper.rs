//! Who keeps the hold on a Secret, decided from what is known of the Secret and of its other users. What it says is done
//! in `reconcile::hold`.

/// Another user of the Secret: an object that names it and has our finalizer, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// It is being deleted.
    pub deleting: bool,
    /// Its status says that it keeps the hold.
    pub keeps: bool,
    /// Its proof is written: it may have taken the hold off already, and looks after none that was put on since.
    pub proved: bool,
}

/// The Secret, as a GET has just shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Our finalizer is on it.
    pub held: bool,
    /// It is being deleted: no finalizer can be added any more.
    pub deleting: bool,
}

/// What an observation of a live object does with its Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// There is none that could be held.
    NoSecret,
    /// Put the hold on, and be its keeper.
    PutOn,
    /// It is held, and nobody who stays keeps it: write to it, so that whoever is about to take the hold off fails, and be
    /// its keeper.
    TakeOver,
    /// It is held, and this object or another that stays keeps it.
    Held,
}

/// How a released object leaves the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It owes the hold nothing.
    Free,
    /// To the first of these, by their places, that still uses the Secret; if none does, as [`Leave::LastUser`].
    HandOn(Vec<usize>),
    /// The proof is to be written, then the hold taken off, then the object released.
    LastUser,
}

/// Makes sure of the hold.
pub fn adopt(secret: Option<Shown>, keeps: bool, others: impl IntoIterator<Item = User>) -> Adoption {
    let stays = |other: User| other.keeps && !other.deleting;
    match secret {
        Some(Shown { held: true, .. }) if keeps || others.into_iter().any(stays) => Adoption::Held,
        Some(Shown { held: true, .. }) => Adoption::TakeOver,
        Some(Shown { deleting: false, .. }) => Adoption::PutOn,
        Some(_) | None => Adoption::NoSecret,
    }
}

/// A keeper hands the hold on, to who lives longest; the last user takes it off. So does whoever saw the Secret in this
/// pass where nobody keeps it, or only one whose proof is written: an adoption that was interrupted can leave a hold, or
/// one that is still on its way.
pub fn leave(keeps: bool, saw_secret: bool, others: &[User]) -> Leave {
    let nobody_keeps = saw_secret && !others.iter().any(|other| other.keeps && !other.proved);
    if !keeps && !nobody_keeps {
        return Leave::Free;
    }
    let mut order: Vec<_> = others.iter().enumerate().collect();
    order.sort_by_key(|(_, other)| other.deleting);
    if order.is_empty() { Leave::LastUser } else { Leave::HandOn(order.into_iter().map(|(at, _)| at).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAYS: User = User { deleting: false, keeps: true, proved: false };
    const LEAVES: User = User { deleting: true, ..STAYS };
    const PROVED: User = User { proved: true, ..LEAVES };
    const USES: User = User { keeps: false, ..STAYS };
    const GOES: User = User { keeps: false, ..LEAVES };

    fn secret(held: bool, deleting: bool) -> Option<Shown> {
        Some(Shown { held, deleting })
    }

    #[test]
    fn a_secret_is_held_from_its_first_user_on_unless_it_is_going_already() {
        assert_eq!(adopt(secret(false, false), false, []), Adoption::PutOn);
        assert_eq!(adopt(secret(false, false), true, [STAYS]), Adoption::PutOn, "somebody stripped it");
        assert_eq!(adopt(secret(false, true), true, []), Adoption::NoSecret);
        assert_eq!(adopt(None, true, []), Adoption::NoSecret);
    }

    #[test]
    fn a_hold_is_taken_over_where_nobody_who_stays_keeps_it() {
        assert_eq!(adopt(secret(true, false), true, []), Adoption::Held);
        assert_eq!(adopt(secret(true, true), false, [USES, STAYS]), Adoption::Held);
        assert_eq!(adopt(secret(true, false), false, [USES, LEAVES]), Adoption::TakeOver);
        assert_eq!(adopt(secret(true, true), false, []), Adoption::TakeOver);
    }

    #[test]
    fn a_keeper_hands_on_to_who_lives_longest_and_the_last_user_ends_the_hold() {
        assert_eq!(leave(true, false, &[]), Leave::LastUser);
        assert_eq!(leave(true, false, &[GOES, USES, LEAVES]), Leave::HandOn(vec![1, 0, 2]));
        assert_eq!(leave(false, true, &[USES, LEAVES]), Leave::Free, "another one keeps it");
    }

    #[test]
    fn a_hold_that_nobody_keeps_is_a_concern_of_who_saw_the_secret() {
        assert_eq!(leave(false, true, &[]), Leave::LastUser);
        assert_eq!(leave(false, true, &[USES]), Leave::HandOn(vec![0]));
        assert_eq!(leave(false, true, &[PROVED]), Leave::HandOn(vec![0]), "it may be gone, and the hold another one");
        assert_eq!(leave(false, false, &[]), Leave::Free, "what is let go must not depend on a Secret");
        assert_eq!(leave(false, false, &[USES]), Leave::Free);
    }
}
