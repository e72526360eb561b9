//! What one flag takes: each reads a text and says what is allowed.

use std::net::SocketAddr;
use std::time::Duration;

use crate::crd::FINALIZER;
use crate::provider::endpoint::HostPolicy;

/// No duration among the flags is shorter.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);

pub(super) fn host(text: &str) -> Result<String, String> {
    HostPolicy::new([text], false).map(|_| text.to_owned()).map_err(|fault| fault.to_string())
}

/// An empty value is refused: it would widen the watch to everything.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    const NOT_ONE: &str = "not the name of a namespace: write lower case letters, digits and -, at most 63; leave the flag out to watch all namespaces";
    if is_label(text) { Ok(text.to_owned()) } else { Err(NOT_ONE.to_owned()) }
}

pub(super) fn lease_namespace(text: &str) -> Result<String, String> {
    const NOT_ONE: &str = "not the name of a namespace: write lower case letters, digits and -, at most 63";
    if is_label(text) { Ok(text.to_owned()) } else { Err(NOT_ONE.to_owned()) }
}

/// As Kubernetes names Leases: RFC 1123 labels with dots between them.
pub(super) fn lease_name(text: &str) -> Result<String, String> {
    const NOT_ONE: &str = "not the name of a Lease: write lower case letters, digits, - and ., at most 253";
    if text.len() <= 253 && text.split('.').all(is_label) { Ok(text.to_owned()) } else { Err(NOT_ONE.to_owned()) }
}

/// RFC 1123 §2.1, as Kubernetes names namespaces.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

pub(super) fn foreign_finalizer(text: &str) -> Result<String, String> {
    let name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    match text {
        FINALIZER => Err("that is this operator's own finalizer, which goes only with a proof".to_owned()),
        text if name => Ok(text.to_owned()),
        _ => Err("not a finalizer: write its name as in metadata.finalizers, such as example.com/backup".to_owned()),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write ADDRESS:PORT, such as 0.0.0.0:8080 or [::]:8080".to_owned())
}

pub(super) fn between(least: Duration, most: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        let allowed = || format!("allowed is {} to {}, written like 90s, 15m or 1h", spelled(least), spelled(most));
        let parsed = text.parse::<jiff::SignedDuration>().map_err(|_| allowed())?;
        let duration = Duration::try_from(parsed).map_err(|_| allowed())?;
        if (least..=most).contains(&duration) { Ok(duration) } else { Err(allowed()) }
    }
}

/// In whole seconds, minutes or hours.
pub(super) fn spelled(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}
