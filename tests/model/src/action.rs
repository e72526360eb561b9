//! What can happen.

use crate::operator::How;
use crate::state::Key;

/// Something that happens. The first number is the process, the second the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The watch shows what is stored.
    Watch(usize),
    /// The process ends and a new one starts: its memory is lost.
    Restart(usize),
    /// A pass begins, from the cache.
    Begin(usize, usize),
    /// The watch shows what is stored, and a pass begins.
    BeginFresh(usize, usize),
    /// The pass takes its next step.
    Step(usize, usize, How),
    /// The permission to send runs out.
    PermissionEnds(usize, usize),
    /// The DELETE is answered.
    Answer(usize, usize, Ending),
    /// No older request can be alive: this process has seen the attempt unchanged for W.
    WindowEnds(usize, usize),
    /// No request of an earlier process can be alive.
    PredecessorsEnd(usize),
    /// For 15 minutes every read has failed; what was acknowledged is true by now.
    AckAges,
    /// A DELETE that nobody waits for takes effect.
    LateEffect(usize),
    /// A DELETE that nobody waits for is lost.
    RequestDies(usize),
    LateWriteArrives,
    LateWriteIsLost,
    Mark(usize),
    SetOrphan(usize, bool),
    SetSuspend(usize, bool),
    SetKey(Key),
    WipeStatus(usize),
    BlindKey,
    CreateTwin,
    Recreate,
}

/// How a DELETE ends for who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As documented.
    Properly,
    /// No answer; the request is alive.
    Lost,
    /// A 5xx; it took no effect.
    FailsWithoutEffect,
    /// A 5xx; it took effect.
    FailsAfterEffect,
    /// Acknowledged, and not yet in effect.
    AckedEarly,
    /// 401.
    Unauthorized,
    /// 429.
    Throttled,
}

impl Action {
    /// Whether it needs neither a fault nor a person.
    pub fn happens_by_itself(self) -> bool {
        match self {
            Self::Restart(_) => false,
            Self::Step(_, _, how) => matches!(how, How::Properly | How::FromOldList),
            Self::Answer(_, _, ending) => ending == Ending::Properly,
            Self::Mark(_) | Self::SetOrphan(..) | Self::SetSuspend(..) | Self::SetKey(_) => false,
            Self::BlindKey | Self::WipeStatus(_) | Self::CreateTwin | Self::Recreate => false,
            _ => true,
        }
    }
}
