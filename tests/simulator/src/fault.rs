//! What a provider can be made to do instead of, before or after its own answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::provider::{postpress, puffle};

/// One misbehaviour: what is answered, whether the request is carried out, and how the answer travels.
///
/// Start with what is answered ([`Fault::own`], [`Fault::status`], [`Fault::json`], …), then change the rest.
/// Where nothing else is said, the provider's own answer comes with its effect, and an answer put in its place comes
/// without one.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) source: Source,
    pub(crate) applied: Applied,
    pub(crate) delay: Duration,
    pub(crate) hold: bool,
    pub(crate) delivery: Delivery,
    pub(crate) reset: bool,
}

/// Whether and when the request is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    BeforeAnswer,
    Never,
    WhenReleased,
}

#[derive(Clone)]
pub(crate) enum Source {
    Own,
    Fixed(Answer),
    Rewritten(Arc<dyn Fn(Answer) -> Answer + Send + Sync>),
    Raw(Vec<u8>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("Own"),
            Self::Fixed(answer) => f.debug_tuple("Fixed").field(answer).finish(),
            Self::Rewritten(_) => f.write_str("Rewritten"),
            Self::Raw(bytes) => f.debug_tuple("Raw").field(&bytes.len()).finish(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    CutInRequest,
    Cut,
    CutInHead,
    CutInBody { after: usize },
    StallInBody { after: usize },
    Hang,
    Drip { bytes: usize, every: Duration },
    PaddedTo { bytes: u64 },
    Endless,
}

impl Fault {
    fn new(source: Source, applied: Applied) -> Self {
        Self { source, applied, delay: Duration::ZERO, hold: false, delivery: Delivery::Whole, reset: false }
    }

    /// The provider's own answer and effect: a start for latency, holding and cutting.
    pub fn own() -> Self {
        Self::new(Source::Own, Applied::BeforeAnswer)
    }

    /// This answer.
    pub fn answer(answer: Answer) -> Self {
        Self::new(Source::Fixed(answer), Applied::Never)
    }

    /// This status, with no body.
    pub fn status(status: u16) -> Self {
        Self::answer(Answer::new(status))
    }

    /// This status and JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self::answer(Answer::json(status, &body))
    }

    /// This status and an HTML page.
    pub fn html(status: u16, page: &str) -> Self {
        Self::answer(Answer::html(status, page))
    }

    /// This status and body, under this content type.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::answer(Answer::new(status).header("content-type", content_type).body(body))
    }

    /// These bytes and nothing else, then the connection is closed. For answers that are no HTTP.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Source::Raw(bytes.into()), Applied::Never)
    }

    /// A redirect to `location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::answer(Answer::new(status).header("location", location))
    }

    /// An error of PostPress' delete page, by its `type`, with the status the page gives it.
    ///
    /// # Panics
    /// If the page lists no such type: [`Fault::postpress_undocumented`] sends any.
    pub fn postpress_error(error_type: &str) -> Self {
        let Some(answer) = postpress::documented(error_type) else {
            panic!("{error_type:?} is no documented PostPress error: see POSTPRESS_ERRORS, e.g. \"errors/no_channel\"");
        };
        Self::answer(answer)
    }

    /// A PostPress error in the documented envelope, of any status and type.
    pub fn postpress_undocumented(status: u16, error_type: &str) -> Self {
        Self::answer(postpress::envelope(status, error_type, "Simulated."))
    }

    /// A PostPress error in the other envelope its quickstart shows: `{"error":{"code","message","request_id"}}`.
    pub fn postpress_quickstart_error(status: u16, code: &str) -> Self {
        let error = serde_json::json!({"code": code, "message": "Simulated.", "request_id": "req_simulated"});
        Self::json(status, serde_json::json!({"error": error}))
    }

    /// A Puffle error: `{"error":{"code","message"}}`.
    pub fn puffle_error(status: u16, code: &str, message: &str) -> Self {
        Self::answer(puffle::envelope(status, code, message))
    }

    /// A Puffle error in its short form: `{"error":"…"}`.
    pub fn puffle_short_error(status: u16, message: &str) -> Self {
        Self::json(status, serde_json::json!({"error": message}))
    }

    /// Puffle's documented 500: its database did not delete the row.
    pub fn puffle_db_failure() -> Self {
        Self::puffle_error(500, "internal_error", "Failed to delete account")
    }

    /// The provider's own answer, changed by `change`; the request is carried out.
    pub fn rewrite(change: impl Fn(Answer) -> Answer + Send + Sync + 'static) -> Self {
        Self::new(Source::Rewritten(Arc::new(change)), Applied::BeforeAnswer)
    }

    /// The request is carried out, the connection is cut without a byte of an answer.
    pub fn cut_after_applying() -> Self {
        Self::own().cut()
    }

    /// The request is not carried out, the connection is cut without a byte of an answer.
    pub fn cut_without_applying() -> Self {
        Self::own().not_applied().cut()
    }

    /// The connection is reset as by a provider that died with half of the request read; nothing is carried out.
    ///
    /// With [`On::connection`](crate::On::connection) that is what happens: up to 16 bytes are read, then it is reset.
    pub fn cut_in_request() -> Self {
        Self::own().not_applied().delivered(Delivery::CutInRequest).reset()
    }

    /// The request is carried out and never answered.
    pub fn hang_after_applying() -> Self {
        Self::own().hang()
    }

    /// The request is neither carried out nor answered.
    pub fn hang_without_applying() -> Self {
        Self::own().not_applied().hang()
    }

    fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.source = match self.source {
            Source::Fixed(answer) => Source::Fixed(answer.header(name, value)),
            Source::Raw(bytes) => Source::Raw(bytes),
            Source::Own => added(Arc::new(|answer| answer), name, value),
            Source::Rewritten(change) => added(change, name, value),
        };
        self
    }

    /// Adds `Retry-After`: seconds, a date ([`http_date`](crate::http_date)) or anything else.
    pub fn retry_after(self, value: &str) -> Self {
        self.header("retry-after", value)
    }

    /// The request is carried out before the answer.
    pub fn applied(mut self) -> Self {
        self.applied = Applied::BeforeAnswer;
        self
    }

    /// The request is not carried out.
    pub fn not_applied(mut self) -> Self {
        self.applied = Applied::Never;
        self
    }

    /// The request is carried out only at [`FaultHandle::release`](crate::FaultHandle::release), and answered at once
    /// (with [`Fault::hold`]: after that).
    pub fn applied_when_released(mut self) -> Self {
        self.applied = Applied::WhenReleased;
        self
    }

    /// Waits this long before the request is carried out and answered, also if the client leaves meanwhile.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Withholds the answer, not the effect, until [`FaultHandle::release`](crate::FaultHandle::release).
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    /// Cuts the connection in place of an answer.
    pub fn cut(self) -> Self {
        self.delivered(Delivery::Cut)
    }

    /// Leaves the connection open without an answer, until the client leaves or
    /// [`FaultHandle::release`](crate::FaultHandle::release) cuts it.
    pub fn hang(self) -> Self {
        self.delivered(Delivery::Hang)
    }

    /// Cuts the connection in the middle of the status line and headers.
    pub fn cut_in_head(self) -> Self {
        self.delivered(Delivery::CutInHead)
    }

    /// Cuts the connection after the headers and `bytes` of the body, at least one byte short of the whole.
    pub fn cut_in_body(self, bytes: usize) -> Self {
        self.delivered(Delivery::CutInBody { after: bytes })
    }

    /// Falls silent after the headers and `bytes` of the body, at least one byte short of the whole.
    pub fn stall_in_body(self, bytes: usize) -> Self {
        self.delivered(Delivery::StallInBody { after: bytes })
    }

    /// Writes the answer, head included, `bytes` at a time with a pause of `every` between.
    pub fn drip(self, bytes: usize, every: Duration) -> Self {
        self.delivered(Delivery::Drip { bytes: bytes.max(1), every })
    }

    /// Fills the body up with white space to `bytes`, announced by `content-length`.
    pub fn huge_body(self, bytes: u64) -> Self {
        self.delivered(Delivery::PaddedTo { bytes })
    }

    /// Lets the body be followed by white space without end (chunked), until the client leaves.
    pub fn endless_body(self) -> Self {
        self.delivered(Delivery::Endless)
    }

    /// Cuts with a reset (RST) instead of an orderly close. What was written just before may be lost with it.
    pub fn reset(mut self) -> Self {
        self.reset = true;
        self
    }

    /// The answer as this fault has it, from the provider's own.
    pub(crate) fn shape(&self, own: Answer) -> Answer {
        match &self.source {
            Source::Own | Source::Raw(_) => own,
            Source::Fixed(answer) => answer.clone(),
            Source::Rewritten(change) => change(own),
        }
    }
}

fn added(change: Arc<dyn Fn(Answer) -> Answer + Send + Sync>, name: &str, value: &str) -> Source {
    let (name, value) = (name.to_owned(), value.to_owned());
    Source::Rewritten(Arc::new(move |answer| change(answer).header(name.clone(), value.clone())))
}
