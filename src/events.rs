//! Kubernetes Events: best effort. Publishing one never waits, never fails and never blocks anything.

use std::future::Future;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, Recorder, Reporter};
use kube::{Client, Resource};
use tokio::sync::mpsc::{Receiver, Sender, channel};

pub use kube::runtime::events::EventType;

use crate::metrics::{EventFate, Metrics};
use crate::reason::Reason;

/// The API server refuses a longer note, in bytes (events.k8s.io/v1, `note`).
const LONGEST_NOTE: usize = 1024;
/// So many Events wait for the API server; the next is dropped.
const WAITING: usize = 512;
/// So many are written at once.
const AT_ONCE: usize = 8;
/// One write may take so long.
const DEADLINE: Duration = Duration::from_secs(5);
/// After so many Events the recorder starts anew: it remembers each for six minutes, to count repeats, and looks at all of
/// them for every new one.
const REMEMBERED: usize = 512;
/// Whose Events these are.
const REPORTER: &str = "sender-operator";

/// Takes Events and hands them on. Clones share one queue.
#[derive(Clone)]
pub struct Events {
    queue: Sender<Waiting>,
    metrics: Metrics,
}

struct Waiting {
    event: Event,
    about: ObjectReference,
}

impl Events {
    /// The queue, and what empties it: to be run beside everything else. It ends when the last [`Events`] is gone and
    /// every Event was written or refused.
    pub fn new(client: Client, metrics: Metrics) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (queue, waiting) = channel(WAITING);
        (Self { queue, metrics: metrics.clone() }, write(client, waiting, metrics))
    }

    /// Says that something became true of an object. To be called on transitions only.
    pub fn publish(
        &self,
        object: &impl Resource<DynamicType = ()>,
        reason: Reason,
        event_type: EventType,
        message: &str,
    ) {
        let about = object.object_ref(&());
        let event = Event {
            type_: event_type,
            reason: reason.as_str().to_owned(),
            note: Some(cut(message, LONGEST_NOTE).to_owned()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if self.queue.try_send(Waiting { event, about }).is_err() {
            self.metrics.event(EventFate::Dropped);
            tracing::debug!(%reason, "an Event was dropped: too many wait");
        }
    }
}

async fn write(client: Client, mut queue: Receiver<Waiting>, metrics: Metrics) {
    let new_recorder = || Recorder::new(client.clone(), Reporter::from(REPORTER));
    let mut recorder = new_recorder();
    let waiting = stream::poll_fn(|context| queue.poll_recv(context));
    let numbered = waiting.enumerate().map(|(number, waiting)| {
        if number % REMEMBERED == REMEMBERED - 1 {
            recorder = new_recorder();
        }
        (recorder.clone(), waiting)
    });
    numbered
        .for_each_concurrent(AT_ONCE, async |(recorder, Waiting { event, about })| {
            let fate = match tokio::time::timeout(DEADLINE, recorder.publish(&event, &about)).await {
                Ok(Ok(())) => EventFate::Written,
                Ok(Err(error)) => {
                    tracing::debug!(reason = event.reason, "an Event was refused: {error}");
                    EventFate::Refused
                }
                Err(_) => {
                    tracing::debug!(reason = event.reason, "an Event was not answered in time");
                    EventFate::Refused
                }
            };
            metrics.event(fate);
        })
        .await;
}

/// At most so many bytes, whole characters only.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
