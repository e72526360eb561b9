//! What happened in a plan, in one row: API calls, provider requests, operator log.

use jiff::Timestamp;
use serde_json::Value;

use crate::life::Life;

impl Life {
    /// Everything in the order of time, or what has one of these words in it.
    pub fn timeline(&self, about: &[&str]) -> String {
        let mut rows: Vec<(Timestamp, String)> = Vec::new();
        rows.extend(self.proxy.trace().iter().map(|entry| (entry.arrived, format!("API       {entry}"))));
        for entry in self.bed.sim.log().entries() {
            let (method, path, status) = (&entry.method, &entry.path, entry.status);
            let ended = format!("{:?}, {:?}, status {status:?}", entry.effect, entry.ending);
            rows.push((entry.arrived.at, format!("provider  {method} {path} | {ended}")));
        }
        let log = self.crew.log();
        let mut last = Timestamp::UNIX_EPOCH;
        for line in log.lines() {
            let at = serde_json::from_str::<Value>(line)
                .ok()
                .and_then(|line| line["timestamp"].as_str().or(line["time"].as_str()).and_then(|at| at.parse().ok()));
            // A line without a time stands where it was written.
            last = at.unwrap_or(last);
            rows.push((last, format!("operator  {line}")));
        }
        rows.retain(|(_, row)| about.is_empty() || about.iter().any(|word| row.contains(word)));
        rows.sort_by_key(|(at, _)| *at);
        rows.iter().map(|(at, what)| format!("{at:.3}  {what}\n")).collect()
    }
}
