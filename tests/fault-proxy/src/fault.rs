//! What becomes of a call.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

/// Something a test wants done when a call is at some moment, such as killing the caller. It may block for moments.
pub(crate) type Callback = Arc<dyn Fn() + Send + Sync>;

/// A moment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// It has arrived; the API server has not seen it.
    Before,
    /// The API server has answered it; the caller has not seen that.
    AfterCommit,
    /// The caller has the whole answer.
    AfterAnswer,
}

impl Moment {
    /// Every moment, in order.
    pub const ALL: [Self; 3] = [Self::Before, Self::AfterCommit, Self::AfterAnswer];

    fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::AfterCommit => "after-commit",
            Self::AfterAnswer => "after-answer",
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::name);
        Self::ALL
            .into_iter()
            .find(|moment| moment.name() == text)
            .ok_or_else(|| format!("{text:?} is none of {known:?}"))
    }
}

/// What a call meets instead of an honest answer.
#[derive(Clone)]
pub struct Fault {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether the API server gets the call before the fault.
    pub(crate) commits: bool,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Kill(Moment, Callback),
    Pause(Moment, Callback),
    Answer { status: u16, retry_after: Option<u64>, body: Vec<u8> },
    Swallow,
    Cut,
    Delay(Duration),
    Replay,
    Truncate,
    OldList(usize),
    GoneInStream,
    Silent,
}

impl Fault {
    fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, commits: false }
    }

    /// Has the caller killed by `kill` at this moment; the call's connection then ends.
    pub fn kill(at: Moment, kill: impl Fn() + Send + Sync + 'static) -> Self {
        Self::new(format!("kill {at}"), Kind::Kill(at, Arc::new(kill)))
    }

    /// Does `act` at this moment; the call then goes on.
    pub fn pause(at: Moment, act: impl Fn() + Send + Sync + 'static) -> Self {
        Self::new(format!("pause {at}"), Kind::Pause(at, Arc::new(act)))
    }

    /// An error as the API server words it. A 422 is a failed `test` of a JSON patch: it names no field.
    pub fn status(status: u16) -> Self {
        let reason = match status {
            403 => "Forbidden",
            409 => "Conflict",
            410 => "Expired",
            422 => "Invalid",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "InternalError",
        };
        let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "injected", "reason": reason, "code": status});
        Self::new(status.to_string(), Kind::Answer { status, retry_after: None, body: body.to_string().into_bytes() })
    }

    /// 429 with this `Retry-After`, in seconds.
    pub fn throttled(seconds: u64) -> Self {
        let mut fault = Self::status(429);
        if let Kind::Answer { retry_after, .. } = &mut fault.kind {
            *retry_after = Some(seconds);
        }
        fault.name = format!("429 for {seconds} s");
        fault
    }

    /// A 200 whose body is this.
    pub fn body(name: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(name, Kind::Answer { status: 200, retry_after: None, body: body.into() })
    }

    /// No answer; the connection stays open until the caller leaves.
    pub fn swallow() -> Self {
        Self::new("swallow", Kind::Swallow)
    }

    /// The connection ends without an answer.
    pub fn cut() -> Self {
        Self::new("cut", Kind::Cut)
    }

    /// The call is forwarded only after so long.
    pub fn delay(delay: Duration) -> Self {
        Self::new(format!("delay {delay:?}"), Kind::Delay(delay))
    }

    /// The API server gets the call twice; the caller gets the second answer.
    pub fn replay() -> Self {
        Self::new("replay", Kind::Replay)
    }

    /// Half of the answer's body, then the connection ends.
    pub fn truncate() -> Self {
        Self::new("truncate", Kind::Truncate)
    }

    /// The `n`th list (from 1) that was answered well, again: an API server that lags behind.
    pub fn old_list(n: usize) -> Self {
        Self::new(format!("list {n} again"), Kind::OldList(n))
    }

    /// A watch that begins well, says at once that its resourceVersion is too old (410), and ends.
    pub fn gone_in_stream() -> Self {
        Self::new("410 in stream", Kind::GoneInStream)
    }

    /// A watch that begins well and then says nothing more: its connection is dead, and nobody closed it.
    pub fn silent() -> Self {
        Self::new("silent", Kind::Silent)
    }

    /// The API server carries the call out, and only then the fault begins: its answer is lost.
    pub fn after_commit(mut self) -> Self {
        self.commits = true;
        self.name.push_str(" after commit");
        self
    }

    /// In a few words.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
