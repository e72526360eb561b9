//! What is counted. Every label is a word of a closed set: no name, id or text of a provider ever becomes one.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::reason::Reason;
use crate::teardown::outcome::Outcome;
use crate::teardown::target::Provider;

type Labelled<const N: usize> = Family<[(&'static str, &'static str); N], Counter>;

/// Counts. Clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    passes: Labelled<1>,
    provider_calls: Labelled<3>,
    events: Labelled<1>,
    panics: Counter,
    watch_failures: Counter,
    leader: Gauge,
    objects: Gauge,
    deleting: Gauge,
}

/// What a provider was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// To show an account.
    Read,
    /// To delete an account.
    Delete,
}

/// What became of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventFate {
    /// Written.
    Written,
    /// Refused by the API server, or not answered in time.
    Refused,
    /// Never sent, because too many waited.
    Dropped,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut inner = Inner {
            registry: Registry::with_prefix("sender_operator"),
            passes: Family::default(),
            provider_calls: Family::default(),
            events: Family::default(),
            panics: Counter::default(),
            watch_failures: Counter::default(),
            leader: Gauge::default(),
            objects: Gauge::default(),
            deleting: Gauge::default(),
        };
        let registry = &mut inner.registry;
        registry.register("passes", "Passes over an object, by the reason they ended with", inner.passes.clone());
        registry.register(
            "provider_calls",
            "Calls to a provider, by what was asked and what the answer means",
            inner.provider_calls.clone(),
        );
        registry.register("events", "Kubernetes Events, by what became of them", inner.events.clone());
        registry.register(
            "panics",
            "Passes, and releases of a Secret, that panicked; each one is a bug",
            inner.panics.clone(),
        );
        registry.register("watch_failures", "Failures of a watch or its list", inner.watch_failures.clone());
        registry.register("leader", "1 where this process acts, 0 where it stands by", inner.leader.clone());
        registry.register("objects", "SenderAccount objects", inner.objects.clone());
        registry.register("deleting_objects", "SenderAccount objects that are being deleted", inner.deleting.clone());
        Self(Arc::new(inner))
    }
}

impl Metrics {
    /// A pass ended.
    pub fn passed(&self, reason: Reason) {
        self.0.passes.get_or_create(&[("reason", reason.as_str())]).inc();
    }

    /// A provider was called, or would have been.
    pub fn called(&self, provider: Provider, call: Call, outcome: Outcome) {
        let labels = [("provider", provider.as_str()), ("call", call.as_str()), ("outcome", class(outcome))];
        self.0.provider_calls.get_or_create(&labels).inc();
    }

    /// An Event was written, or not.
    pub fn event(&self, fate: EventFate) {
        self.0.events.get_or_create(&[("fate", fate.as_str())]).inc();
    }

    /// A pass panicked, or the release of a Secret.
    pub fn panicked(&self) {
        self.0.panics.inc();
    }

    /// A watch or its list failed.
    pub fn watch_failed(&self) {
        self.0.watch_failures.inc();
    }

    /// This process acts, or does not.
    pub fn leads(&self, acts: bool) {
        self.0.leader.set(acts.into());
    }

    /// Everything, in the OpenMetrics text format, with these numbers of objects and of those being deleted.
    ///
    /// # Errors
    /// Never: a `String` takes everything.
    pub fn text(&self, (objects, deleting): (usize, usize)) -> Result<String, fmt::Error> {
        self.0.objects.set(i64::try_from(objects).unwrap_or(i64::MAX));
        self.0.deleting.set(i64::try_from(deleting).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.0.registry).map(|()| text)
    }
}

impl Call {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Delete => "Delete",
        }
    }
}

impl EventFate {
    fn as_str(self) -> &'static str {
        match self {
            Self::Written => "Written",
            Self::Refused => "Refused",
            Self::Dropped => "Dropped",
        }
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acked => "Acked",
        Outcome::Gone => "Gone",
        Outcome::SoftGone => "SoftGone",
        Outcome::Alive => "Alive",
        Outcome::NotSent(_) => "NotSent",
        Outcome::Unknown(_) => "Unknown",
        Outcome::Throttled => "Throttled",
        Outcome::Refused(_) => "Refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::teardown::outcome::Refusal;

    #[test]
    fn what_is_counted_is_shown_under_closed_words() {
        let metrics = Metrics::default();
        metrics.passed(Reason::Throttled);
        metrics.clone().passed(Reason::Throttled);
        metrics.called(Provider::Puffle, Call::Delete, Outcome::Refused(Refusal::Forbidden));
        metrics.event(EventFate::Dropped);
        metrics.panicked();
        metrics.watch_failed();
        metrics.leads(true);
        let text = metrics.text((7, 2)).unwrap();
        for line in [
            "sender_operator_passes_total{reason=\"Throttled\"} 2",
            "sender_operator_provider_calls_total{provider=\"Puffle\",call=\"Delete\",outcome=\"Refused\"} 1",
            "sender_operator_events_total{fate=\"Dropped\"} 1",
            "sender_operator_panics_total 1",
            "sender_operator_watch_failures_total 1",
            "sender_operator_leader 1",
            "sender_operator_objects 7",
            "sender_operator_deleting_objects 2",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
        }
    }
}
