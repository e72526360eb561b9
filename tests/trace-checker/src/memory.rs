//! S10: what one process may take.

use crate::{Property, Violation};

/// In KiB. A build without optimisation, with the certificates of its system, has some 30 MiB at rest and its text
/// mapped; bodies are capped at 16 MiB, of which one can be there twice while it grows. The release build's own bound is
/// 64 MiB.
pub const MOST: u64 = 96 * 1024;

pub(crate) fn check(peaks: &[u64]) -> Vec<Violation> {
    let over = peaks.iter().filter(|peak| **peak > MOST);
    let violation = |peak: &u64| Violation {
        property: Property::S10,
        what: format!("an operator had {peak} KiB of memory, more than {MOST} KiB"),
        evidence: Vec::new(),
    };
    over.map(violation).collect()
}
