//! A Secret's bytes become a key that can be sent and not shown, bound to the one place it may be sent to.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use k8s_openapi::ByteString;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::crd::{API_KEY, BASE_URL};
use crate::provider::endpoint::{Endpoint, EndpointFault, HostPolicy};
use crate::teardown::target::Provider;

/// No provider's key is longer, in bytes.
const MAX_KEY_LENGTH: usize = 1024;
/// So many bytes of a key in a row are taken for a piece of it.
const PIECE: usize = 8;

/// A provider's API key. It can be put into a request header and be compared against; it cannot be printed, serialized
/// or cloned, and its memory is cleared when it goes.
///
/// ```
/// fn compare(key: sender_operator::credentials::ApiKey) -> bool {
///     key.shows_in("text")
/// }
/// ```
/// ```compile_fail
/// fn show(key: sender_operator::credentials::ApiKey) -> String {
///     format!("{:?}", key)
/// }
/// ```
/// ```compile_fail
/// fn show(key: sender_operator::credentials::ApiKey) -> String {
///     format!("{}", key)
/// }
/// ```
/// ```compile_fail
/// fn copy(key: &sender_operator::credentials::ApiKey) -> sender_operator::credentials::ApiKey {
///     key.clone()
/// }
/// ```
pub struct ApiKey(SecretString);

/// A key, where it goes, and the name under which both are remembered.
pub struct Credential {
    /// The key as it is sent.
    pub key: ApiKey,
    /// The only place it is sent to.
    pub endpoint: Endpoint,
    /// What the ledger remembers of the two.
    pub fingerprint: Fingerprint,
}

/// Tells two credentials of one object apart without telling the key: HMAC-SHA-256, keyed with the object's uid, over the
/// canonical endpoint, NUL and the key; its first 128 bits in hex. The same key has another fingerprint in each object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(#[schemars(length(max = 32))] String);

impl Fingerprint {
    /// As a ledger stored it.
    pub fn from_stored(hex: String) -> Self {
        Self(hex)
    }

    /// 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wrong with a Secret. Never carries a byte of the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SecretFault {
    /// There is no `api-key`.
    #[error("the Secret has no entry `api-key`")]
    KeyMissing,
    /// `api-key` holds nothing.
    #[error("the Secret's entry `api-key` is empty")]
    KeyEmpty,
    /// `api-key` cannot be a key.
    #[error("the Secret's entry `api-key` {0}")]
    KeyMalformed(KeyDefect),
    /// `base-url` is not a base URL that can be used.
    #[error("the Secret's entry `base-url` is refused: {0}")]
    BaseUrl(BaseUrlDefect),
    /// `base-url` names a host that is not in the operator's list.
    #[error("the Secret's entry `base-url` names host {host}, which the operator may not send keys to")]
    HostNotAllowed {
        /// A well-formed DNS name.
        host: String,
    },
    /// `base-url` is not https.
    #[error("the Secret's entry `base-url` does not begin with https://")]
    NotHttps,
}

/// Why bytes cannot be an API key. Nothing is trimmed: a key is sent as it was stored, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum KeyDefect {
    /// A line end at the end, as `echo` leaves one.
    #[error("ends with a newline; store it without one (printf %s, or kubectl create secret --from-literal)")]
    TrailingNewline,
    /// A space, tab or line end.
    #[error("contains white space; store the bare key, without `Bearer` or quotes")]
    Whitespace,
    /// A control or non-ASCII character, which no header may carry.
    #[error("contains a character that no HTTP header can carry")]
    IllegalCharacter,
    /// Not text.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// More than 1024 bytes.
    #[error("is longer than 1024 bytes")]
    TooLong,
    /// Of the provider that the object does not name: nobody else is told it.
    #[error("is a key of another provider than this object's (pp_ is PostPress's, pk_ is Puffle's)")]
    AnotherProviders,
    /// One of PostPress's test keys, whose requests end in a sandbox
    /// ("test keys, sandboxed traffic", <https://www.postpress.ai/docs/quickstart>).
    #[error("is a test key (pp_test_), and what it is told says nothing of a real account")]
    Sandbox,
}

/// Why a base URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BaseUrlDefect {
    /// Not text.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// The key stands in it.
    #[error("it contains the key")]
    ContainsKey,
    /// Not the form of a base URL.
    #[error("{0}")]
    Malformed(EndpointFault),
}

impl Credential {
    /// Reads a Secret's data for the object with this uid. Pure.
    pub fn from_secret(
        data: &BTreeMap<String, ByteString>,
        provider: Provider,
        uid: &str,
        hosts: &HostPolicy,
    ) -> Result<Self, SecretFault> {
        let key = ApiKey::from_bytes(&data.get(API_KEY).ok_or(SecretFault::KeyMissing)?.0)?;
        key.speaks_of_real_accounts_at(provider)?;
        let base = match data.get(BASE_URL) {
            None => Endpoint::default_base(provider),
            Some(bytes) => std::str::from_utf8(&bytes.0).map_err(|_| SecretFault::BaseUrl(BaseUrlDefect::NotUtf8))?,
        };
        // A fault may name the host, so a key that was pasted into the URL is told apart first; here it may have quotes.
        let bare = key.expose().trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if [key.expose(), bare].into_iter().any(|key| key.len() >= PIECE && contains(base, key.as_bytes())) {
            return Err(SecretFault::BaseUrl(BaseUrlDefect::ContainsKey));
        }
        let endpoint = Endpoint::parse(base, hosts).map_err(SecretFault::from)?;
        if let Some(host) = endpoint.is_another_providers(provider) {
            return Err(SecretFault::HostNotAllowed { host: host.to_owned() });
        }
        let fingerprint = fingerprint(uid, &endpoint, &key);
        Ok(Self { key, endpoint, fingerprint })
    }
}

impl ApiKey {
    /// Checks that these bytes can be sent in a header.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretFault> {
        let defect = match bytes {
            [] => return Err(SecretFault::KeyEmpty),
            long if long.len() > MAX_KEY_LENGTH => KeyDefect::TooLong,
            bytes => match std::str::from_utf8(bytes) {
                Err(_) => KeyDefect::NotUtf8,
                Ok(text) if text.ends_with(['\n', '\r']) => KeyDefect::TrailingNewline,
                Ok(text) if text.contains(char::is_whitespace) => KeyDefect::Whitespace,
                Ok(text) if !text.bytes().all(|b| b.is_ascii_graphic()) => KeyDefect::IllegalCharacter,
                Ok(text) => return Ok(Self(SecretString::from(text))),
            },
        };
        Err(SecretFault::KeyMalformed(defect))
    }

    /// By the prefixes that the providers document; a key with none of them may be of a later kind.
    fn speaks_of_real_accounts_at(&self, provider: Provider) -> Result<(), SecretFault> {
        let begins = |prefix| self.expose().starts_with(prefix);
        let defect = match provider {
            Provider::PostPress if begins("pk_live_") => KeyDefect::AnotherProviders,
            Provider::Puffle if begins("pp_live_") || begins("pp_test_") => KeyDefect::AnotherProviders,
            Provider::PostPress if begins("pp_test_") => KeyDefect::Sandbox,
            Provider::PostPress | Provider::Puffle => return Ok(()),
        };
        Err(SecretFault::KeyMalformed(defect))
    }

    /// The key itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether a piece of 8 bytes of the key (a shorter key: all of it) stands in this text, in any case. For short texts.
    pub fn shows_in(&self, text: &str) -> bool {
        let key = self.expose().as_bytes();
        key.windows(PIECE.min(key.len())).any(|piece| contains(text, piece))
    }
}

/// Letters count as equal in either case: a host name is spelled in lower case whatever was written.
fn contains(text: &str, piece: &[u8]) -> bool {
    text.as_bytes().windows(piece.len()).any(|window| window.eq_ignore_ascii_case(piece))
}

impl From<EndpointFault> for SecretFault {
    fn from(fault: EndpointFault) -> Self {
        match fault {
            EndpointFault::HostNotAllowed { host } => Self::HostNotAllowed { host },
            EndpointFault::NotHttps => Self::NotHttps,
            fault => Self::BaseUrl(BaseUrlDefect::Malformed(fault)),
        }
    }
}

fn fingerprint(uid: &str, endpoint: &Endpoint, key: &ApiKey) -> Fingerprint {
    // A MAC of this kind takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(uid.as_bytes()).ok().map(|mut mac| {
        mac.update(endpoint.to_string().as_bytes());
        mac.update(&[0]);
        mac.update(key.expose().as_bytes());
        mac.finalize().into_bytes()
    });
    let bytes = mac.unwrap_or_default();
    Fingerprint(hex::encode(bytes.get(..16).unwrap_or_default()))
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
