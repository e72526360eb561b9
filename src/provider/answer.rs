//! A provider's complete HTTP answer, and what is the same for both providers about reading one.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};

/// No documented type or code is longer; what is longer is cut.
const ERROR_TYPE_LENGTH: usize = 64;

/// What an answer is judged by. The body is complete: a cut one never gets here.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The one `Content-Type`; `None` when there is none or several.
    pub content_type: Option<&'a str>,
    /// Whether the bytes may not be what the sender meant: compressed although nobody asked for it, or of two lengths.
    pub opaque: bool,
    /// The wait that the answer asks for.
    pub retry_after: Option<Duration>,
    /// The bytes.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// This answer's exchange, once it is known what it means.
    pub fn means(&self, outcome: Outcome) -> Exchange {
        Exchange { outcome, http_status: Some(self.status), error_type: None, retry_after: self.retry_after }
    }

    /// Whether the body says that it is JSON.
    pub fn is_json(&self) -> bool {
        let media_type = self.content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        let json = ["application/json", "application/problem+json"].iter().any(|t| media_type.eq_ignore_ascii_case(t));
        json && !self.opaque
    }

    /// The body as one JSON object, if it says that it is JSON, and is.
    pub fn json(&self) -> Option<Map<String, Value>> {
        if !self.is_json() {
            return None;
        }
        match serde_json::from_slice(self.body).ok()? {
            Strict(Value::Object(object)) => Some(object),
            Strict(_) => None,
        }
    }

    /// What the status alone decides, whoever answered: everything but 200 and the statuses whose envelope must be read.
    pub fn by_status(&self) -> Option<Outcome> {
        match self.status {
            200 | 400 | 401 | 403 | 404 | 409 | 423 | 425 | 429 | 500 => None,
            300..=399 => Some(Outcome::Refused(Refusal::Redirected)),
            502..=504 => Some(Outcome::Unknown(Unknown::Unavailable)),
            _ => Some(Outcome::Unknown(Unknown::UndocumentedStatus)),
        }
    }

    /// What a status means in the provider's own envelope when its type or code says nothing more. Never `Gone`: a 404
    /// that does not say what was not found proves nothing.
    pub fn by_class(&self) -> Outcome {
        match self.status {
            400 => Outcome::Refused(Refusal::Request),
            401 => Outcome::Refused(Refusal::Credentials),
            403 => Outcome::Refused(Refusal::Forbidden),
            404 => Outcome::Unknown(Unknown::NotOurEnvelope),
            409 | 423 | 425 => Outcome::Refused(Refusal::Conflict),
            429 => Outcome::Throttled,
            500 => Outcome::Unknown(Unknown::ProviderFailure),
            _ => Outcome::Unknown(Unknown::UndocumentedStatus),
        }
    }
}

/// A provider's type or code as it may be shown: printable ASCII without spaces, at most 64 characters.
pub fn error_type(text: &str) -> String {
    text.chars().take(ERROR_TYPE_LENGTH).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// A JSON value in which no object says a thing twice: of two answers in one, neither is believed.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON without a repeated key")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a repeated key"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A JSON answer without any other header.
    pub fn json(status: u16, body: &str) -> Answer<'_> {
        Answer {
            status,
            content_type: Some("application/json; charset=utf-8"),
            opaque: false,
            retry_after: None,
            body: body.as_bytes(),
        }
    }

    #[test]
    fn only_one_clean_json_object_is_read() {
        for body in ["{}", r#"{"a":[1,-1,1.5,true,null,"x",{"b":{}}]}"#, " {\n} "] {
            assert!(json(200, body).json().is_some(), "{body}");
        }
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        for body in [
            "",
            "null",
            "[]",
            "1",
            "{} {}",
            "{}x",
            "\u{feff}{}",
            "{",
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            &deep,
        ] {
            assert!(json(200, body).json().is_none(), "{body:.40}");
        }
        assert!(Answer { body: b"{\"a\":\"\xff\"}", ..json(200, "") }.json().is_none());
    }

    #[test]
    fn a_body_that_does_not_say_it_is_json_or_may_not_be_what_was_sent_is_not_read() {
        for content_type in [None, Some("text/html"), Some("text/json"), Some("application/json-seq"), Some("")] {
            assert!(Answer { content_type, ..json(200, "{}") }.json().is_none(), "{content_type:?}");
        }
        for content_type in ["application/json", "APPLICATION/JSON ; charset=UTF-8", "application/problem+json"] {
            assert!(Answer { content_type: Some(content_type), ..json(200, "{}") }.json().is_some(), "{content_type}");
        }
        assert!(Answer { opaque: true, ..json(200, "{}") }.json().is_none());
    }

    #[test]
    fn an_error_type_is_shown_as_64_printable_characters_at_most() {
        assert_eq!(error_type("errors/resource_not_found"), "errors/resource_not_found");
        assert_eq!(error_type("a b\u{1b}[31m\r\nc\u{202e}%s"), "a?b?[31m??c?%s");
        assert_eq!(error_type(&"x".repeat(1 << 20)).len(), 64);
    }
}
