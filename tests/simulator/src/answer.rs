//! One HTTP answer and its bytes on the wire.

use jiff::Timestamp;
use serde_json::Value;

/// An answer as the simulator will write it; a test may change every part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Written as three digits, whether or not HTTP knows the number.
    pub status: u16,
    /// Written in this order. `content-length` and `date` are added where they are not set here.
    pub headers: Vec<(String, String)>,
    /// Written as it is.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body or a content type.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status).header("content-type", "application/json; charset=utf-8").body(body.to_string())
    }

    /// An HTML page, as gateways and wrong paths answer.
    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", "text/html; charset=utf-8").body(body)
    }

    /// Adds a header, also where one of that name is there.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Takes away every header of this name.
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// The whole answer.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_of_body(self.body.len())
    }

    /// The answer with only the first `length` bytes of the body it announces.
    pub(crate) fn bytes_of_body(&self, length: usize) -> Vec<u8> {
        let mut bytes = self.head(Framing::Length(self.body.len() as u64));
        bytes.extend_from_slice(self.body.get(..length).unwrap_or(&self.body));
        bytes
    }

    /// Status line and headers, up to and with the empty line.
    pub(crate) fn head(&self, framing: Framing) -> Vec<u8> {
        let reason = http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Unknown");
        let mut head = format!("HTTP/1.1 {:03} {reason}\r\n", self.status);
        let mut line = |name: &str, value: &str| {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        };
        for (name, value) in &self.headers {
            line(name, value);
        }
        if !self.has("date") {
            line("date", &http_date(Timestamp::now()));
        }
        match framing {
            Framing::Length(length) if !self.has("content-length") && !self.bodiless() => {
                line("content-length", &length.to_string());
            }
            Framing::Length(_) => {}
            Framing::Chunked => line("transfer-encoding", "chunked"),
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// HTTP forbids a content length on these.
    fn bodiless(&self) -> bool {
        self.body.is_empty() && matches!(self.status, 100..=199 | 204 | 304)
    }
}

/// How the end of a body is told.
#[derive(Clone, Copy)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
}

/// A time as HTTP writes it, for `Date` and `Retry-After`.
pub fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
