//! Logs: one line per event on stdout, the stream that receipts go to as well. Set up once, before anything runs.

use std::fmt;
use std::panic::PanicHookInfo;
use std::str::FromStr;

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt as lines};

/// What this program's own events are logged under.
const OWN: &str = "sender_operator";
/// Logs whole answers of the API server when one cannot be decoded, Secrets included: never on.
const SHOWS_BODIES: &str = "kube_client";
const LEVELS: &str = "error, warn, info, debug, trace";

/// How and how much is logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// One JSON object a line, or text for people.
    pub format: Format,
    /// From which level on.
    pub levels: Levels,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// From which level on is logged: this program's own events, and those of the libraries it uses, which are at `warn`
/// unless asked for by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels(Targets);

/// Why a text says no levels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelFault {
    /// Not a level.
    #[error("`{0}` is not a level; allowed are {LEVELS}")]
    NotALevel(String),
    /// Not `TARGET=LEVEL`.
    #[error("`{0}` is not TARGET=LEVEL; write for instance info,hyper=debug")]
    NotATarget(String),
    /// A library at a level that shows what it sends.
    #[error("`{0}` could show what is sent, keys included; for other targets than {OWN} the finest level is debug")]
    ShowsTraffic(String),
    /// A library that logs the bodies of answers.
    #[error("`{0}` is not allowed: {SHOWS_BODIES} logs whole answers of the API server, Secrets included")]
    ShowsBodies(String),
}

impl FromStr for Levels {
    type Err = LevelFault;

    /// `LEVEL` for this program, then any number of `,TARGET=LEVEL` for libraries.
    fn from_str(text: &str) -> Result<Self, LevelFault> {
        let mut parts = text.split(',');
        let own = level(parts.next().unwrap_or_default())?;
        let mut targets = Targets::new().with_default(Level::WARN).with_target(OWN, own);
        for part in parts {
            let (target, name) = part.split_once('=').ok_or_else(|| LevelFault::NotATarget(part.to_owned()))?;
            let level = level(name)?;
            if target.is_empty() || !target.bytes().all(|b| b.is_ascii_alphanumeric() || b"_:".contains(&b)) {
                return Err(LevelFault::NotATarget(part.to_owned()));
            }
            if target.starts_with(SHOWS_BODIES) {
                return Err(LevelFault::ShowsBodies(part.to_owned()));
            }
            if level == Level::TRACE && !target.starts_with(OWN) {
                return Err(LevelFault::ShowsTraffic(part.to_owned()));
            }
            targets = targets.with_target(target, level);
        }
        Ok(Self(targets.with_target(SHOWS_BODIES, tracing::level_filters::LevelFilter::OFF)))
    }
}

impl Levels {
    /// Whether an event of this target and level is logged.
    pub fn admit(&self, target: &str, level: Level) -> bool {
        self.0.would_enable(target, &level)
    }
}

fn level(text: &str) -> Result<Level, LevelFault> {
    // Level::from_str takes numbers too; a flag should have one spelling.
    let spelled = text.bytes().all(|b| b.is_ascii_lowercase());
    text.parse().ok().filter(|_| spelled).ok_or_else(|| LevelFault::NotALevel(text.to_owned()))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Text => "text",
        })
    }
}

/// Starts logging, panics included.
///
/// # Errors
/// When this process logs already.
pub fn start(settings: Settings) -> Result<(), TryInitError> {
    let Settings { format, levels: Levels(targets) } = settings;
    let lines = match format {
        Format::Json => lines::layer().json().flatten_event(true).with_span_list(false).boxed(),
        Format::Text => lines::layer().with_ansi(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(targets)).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Where it happened, and the panic's own words: never an object's, a body's or a key's.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let words = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(words of its own left out)");
    tracing::error!(at, words, "a panic: this is a bug");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Levels {
        text.parse().unwrap()
    }

    #[test]
    fn a_level_is_for_this_program_and_libraries_stay_at_warn() {
        let levels = levels("debug");
        assert!(levels.admit("sender_operator::controller", Level::DEBUG));
        for library in ["kube_runtime::controller", "hyper::client", "reqwest::connect", "rustls::client"] {
            assert!(levels.admit(library, Level::WARN) && !levels.admit(library, Level::INFO), "{library}");
        }
    }

    #[test]
    fn a_library_is_logged_when_it_is_asked_for_by_name() {
        let levels = levels("info,kube_runtime=debug,hyper=info");
        assert!(levels.admit("kube_runtime::watcher", Level::DEBUG));
        assert!(levels.admit("hyper::client", Level::INFO) && !levels.admit("hyper::client", Level::DEBUG));
        assert!(!levels.admit("sender_operator", Level::DEBUG));
    }

    #[test]
    fn the_library_that_logs_whole_answers_is_never_on() {
        for text in ["info", "trace", "info,kube_runtime=debug"] {
            assert!(!levels(text).admit("kube_client::client", Level::ERROR), "{text}");
        }
        let refused = "info,kube_client::client=warn".parse::<Levels>();
        assert_eq!(refused, Err(LevelFault::ShowsBodies("kube_client::client=warn".to_owned())));
    }

    #[test]
    fn no_library_may_be_traced() {
        let refused = "info,rustls=trace".parse::<Levels>();
        assert_eq!(refused, Err(LevelFault::ShowsTraffic("rustls=trace".to_owned())));
        assert!(levels("info,sender_operator::provider=trace").admit("sender_operator::provider::http", Level::TRACE));
    }

    #[test]
    fn what_is_no_level_is_named_with_what_is_allowed() {
        for text in ["", "loud", "INFO", "3", "off", "info,hyper=loud"] {
            let fault = text.parse::<Levels>().unwrap_err().to_string();
            assert!(fault.contains("error, warn, info, debug, trace"), "{text:?}: {fault}");
        }
        for text in ["info,hyper", "info,=debug", "info,", "info,a b=debug", "info,[span]=debug"] {
            assert_eq!(
                text.parse::<Levels>().map_err(|f| matches!(f, LevelFault::NotATarget(_))),
                Err(true),
                "{text:?}"
            );
        }
    }
}
