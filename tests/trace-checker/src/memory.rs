//! S10: what one process may take.

use crate::{Property, Violation};

/// In KiB; what the release build promises. A build without optimisation has 28 MiB at rest, of which 24 are its own text;
/// what is left bounds what objects and answers may add.
const MOST: u64 = 64 * 1024;

pub(crate) fn check(peaks: &[u64]) -> Vec<Violation> {
    let over = peaks.iter().filter(|peak| **peak > MOST);
    let violation = |peak: &u64| Violation {
        property: Property::S10,
        what: format!("an operator had {peak} KiB of memory, more than {MOST} KiB"),
        evidence: Vec::new(),
    };
    over.map(violation).collect()
}
