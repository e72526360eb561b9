//! What every test is judged by when it finishes.

use trace_checker::{Property, Violation};

use super::Bed;

impl Bed {
    /// This test does on purpose what `property` forbids: it is not judged.
    pub fn excuse(&self, property: Property, why: &'static str) {
        self.recorder.excuse(property, why);
    }

    /// What is wrong with everything that was recorded so far, but for what is excused.
    pub async fn violations(&self) -> Vec<Violation> {
        self.eventually("the watch shows what was committed", async || self.recorder.is_complete().await).await;
        self.note_memory();
        let read = |path: &tempfile::TempPath| std::fs::read_to_string(path).expect("the log is there");
        let operators: Vec<_> = self.logs.lock().unwrap().iter().map(read).collect();
        self.recorder.violations(&operators)
    }

    /// Judges everything that was recorded so far.
    ///
    /// # Panics
    /// With each violation and the lines that show it.
    pub async fn assert_properties_hold(&self) {
        let shown: Vec<_> = self.violations().await.iter().map(Violation::to_string).collect();
        assert!(shown.is_empty(), "the trace of {} is not as it should be:\n{}", self.namespace, shown.join("\n"));
    }
}
