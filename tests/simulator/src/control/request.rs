//! A fault as a document.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::account::Provider;
use crate::answer::Answer;
use crate::fault::Fault;
use crate::log::Call;
use crate::matching::On;
use crate::provider::{postpress, puffle};

/// Body of `POST /faults`: `{"on":{"call":"delete","times":3},"status":503,"headers":{"retry-after":"2"}}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultRequest {
    on: OnRequest,
    /// Without it and without an error: the provider's own answer.
    status: Option<u16>,
    headers: BTreeMap<String, String>,
    json: Option<Value>,
    html: Option<String>,
    text: Option<String>,
    postpress_error: Option<String>,
    puffle_error: Option<String>,
    raw: Option<String>,
    effect: Option<Effect>,
    delay_ms: u64,
    hold: bool,
    delivery: Delivery,
    reset: bool,
}

/// Which requests: all of them where nothing is said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OnRequest {
    provider: Option<Provider>,
    call: Option<Call>,
    connection: bool,
    account: Option<String>,
    key: Option<String>,
    skip: u64,
    times: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Applied,
    NotApplied,
    WhenReleased,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Delivery {
    #[default]
    Whole,
    Cut,
    CutInRequest,
    CutInHead,
    CutInBody,
    StallInBody,
    Hang,
    Drip,
    HugeBody,
    EndlessBody,
}

/// Why a fault was not set.
#[derive(Debug, thiserror::Error)]
pub enum FaultRequestError {
    /// It is not the document it should be.
    #[error(
        "{0}. A fault looks like {{\"on\":{{\"provider\":\"postpress\",\"call\":\"delete\",\"times\":3}},\"status\":503}}: \
         provider-simulator --help lists the fields"
    )]
    Format(serde_json::Error),
    /// A type PostPress' page does not list.
    #[error("{0:?} is no documented PostPress error: take one of its delete page, e.g. \"errors/no_channel\"")]
    PostPressError(String),
    /// Two fields that each say what is answered.
    #[error("only one of json, html, text, raw, postpress_error, puffle_error may be given")]
    TwoAnswers,
    /// A body or header that has no answer to be in.
    #[error("{0} needs a \"status\" beside it")]
    StatusMissing(&'static str),
}

impl FaultRequest {
    /// Reads JSON.
    ///
    /// # Errors
    /// It is no fault; the message shows one.
    pub fn parse(text: &str) -> Result<Self, FaultRequestError> {
        serde_json::from_str(text).map_err(FaultRequestError::Format)
    }

    /// The fault this asks for, and what it is for.
    ///
    /// # Errors
    /// Fields that contradict each other, or an undocumented PostPress error.
    pub fn build(self) -> Result<(On, Fault), FaultRequestError> {
        let mut fault = self.source()?;
        for (name, value) in &self.headers {
            fault = fault.header(name, value);
        }
        fault = match self.effect {
            None => fault,
            Some(Effect::Applied) => fault.applied(),
            Some(Effect::NotApplied) => fault.not_applied(),
            Some(Effect::WhenReleased) => fault.applied_when_released(),
        };
        fault = self.delivery.of(fault).delay(Duration::from_millis(self.delay_ms));
        if self.hold {
            fault = fault.hold();
        }
        if self.reset {
            fault = fault.reset();
        }
        Ok((self.on.build(), fault))
    }

    fn source(&self) -> Result<Fault, FaultRequestError> {
        let given = [
            self.json.is_some(),
            self.html.is_some(),
            self.text.is_some(),
            self.raw.is_some(),
            self.postpress_error.is_some(),
            self.puffle_error.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(FaultRequestError::TwoAnswers);
        }
        let status = |field| self.status.ok_or(FaultRequestError::StatusMissing(field));
        if let Some(json) = &self.json {
            return Ok(Fault::json(status("json")?, json.clone()));
        }
        if let Some(page) = &self.html {
            return Ok(Fault::html(status("html")?, page));
        }
        if let Some(text) = &self.text {
            return Ok(Fault::body(status("text")?, "text/plain; charset=utf-8", text.as_bytes()));
        }
        if let Some(code) = &self.puffle_error {
            return Ok(Fault::answer(puffle::envelope(status("puffle_error")?, code, "Simulated")));
        }
        if let Some(raw) = &self.raw {
            return Ok(Fault::raw(raw.as_bytes()));
        }
        if let Some(error) = &self.postpress_error {
            let answer: Option<Answer> = postpress::documented(error);
            return answer.map(Fault::answer).ok_or_else(|| FaultRequestError::PostPressError(error.clone()));
        }
        Ok(self.status.map_or_else(Fault::own, Fault::status))
    }
}

impl OnRequest {
    fn build(self) -> On {
        let mut on = match (self.connection, self.call) {
            (true, _) => On::connection(),
            (false, Some(call)) => On::call(call),
            (false, None) => On::any(),
        }
        .skip(self.skip);
        if let Some(provider) = self.provider {
            on = on.provider(provider);
        }
        if let Some(account) = &self.account {
            on = on.account(account);
        }
        if let Some(key) = &self.key {
            on = on.key(key);
        }
        if let Some(times) = self.times {
            on = on.times(times);
        }
        on
    }
}

impl Delivery {
    fn of(self, fault: Fault) -> Fault {
        match self {
            Self::Whole => fault,
            Self::Cut => fault.cut(),
            Self::CutInRequest => Fault::cut_in_request(),
            Self::CutInHead => fault.cut_in_head(),
            Self::CutInBody => fault.cut_in_body(8),
            Self::StallInBody => fault.stall_in_body(8),
            Self::Hang => fault.hang(),
            Self::Drip => fault.drip(1, Duration::from_secs(1)),
            Self::HugeBody => fault.huge_body(1 << 30),
            Self::EndlessBody => fault.endless_body(),
        }
    }
}
