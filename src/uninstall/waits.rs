//! For how long this process has seen each object as it is, by its own monotonic clock.

use std::collections::HashMap;

use tokio::time::Instant;

use super::plan::{Found, Waited};
use crate::reconcile::window::Window;

/// The clocks of a removal.
#[derive(Default)]
pub struct Waits {
    orphaned: HashMap<String, Instant>,
    unsettled: Window,
}

impl Waits {
    /// How long this object has been as it is; from now on, where it is new.
    pub fn of(&mut self, found: &Found) -> Waited {
        if !found.is_orphaned() {
            self.orphaned.remove(&found.uid);
            return Waited::default();
        }
        let since = *self.orphaned.entry(found.uid.clone()).or_insert_with(Instant::now);
        let unchanged_for =
            found.account.as_ref().map_or_else(|_| Default::default(), |it| self.unsettled.unchanged_for(&it.view));
        Waited { orphaned_for: since.elapsed(), unchanged_for }
    }
}
