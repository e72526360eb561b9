//! `docs/faults.md` has a row for every fault, and each row a test that is really there or a reason why it has none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// By letter: how many rows there are.
const ROWS: [(char, usize); 11] = [
    ('A', 15),
    ('B', 26),
    ('C', 7),
    ('D', 25),
    ('E', 34),
    ('F', 12),
    ('G', 19),
    ('H', 6),
    ('I', 8),
    ('J', 8),
    ('K', 10),
];
const CANNOT_OCCUR: &str = "Cannot occur: ";
const NOT_COVERED: &str = "Not covered: ";

/// One row of the table.
struct Row {
    id: String,
    fault: String,
    shown_by: String,
}

impl Row {
    fn of(line: &str) -> Option<Self> {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.splitn(3, " | ").map(str::to_owned);
        let (id, fault, shown_by) = (cells.next()?, cells.next()?, cells.next()?);
        id.chars().nth(1).is_some_and(|second| second.is_ascii_digit()).then_some(Self { id, fault, shown_by })
    }

    /// The tests that it names.
    fn tests(&self) -> impl Iterator<Item = &str> {
        self.shown_by.split('`').skip(1).step_by(2).filter(|word| word.contains('_') && !word.contains([' ', '/', '-']))
    }
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string("docs/faults.md").expect("the table is there");
    table.lines().filter_map(Row::of).collect()
}

/// The name of every test of the workspace.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        rust_files(Path::new(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).expect("it can be read");
        let mut is_test = false;
        for line in text.lines().map(str::trim_start) {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let Some(function) = line.strip_prefix("async fn ").or(line.strip_prefix("fn ")) else { continue };
            if std::mem::take(&mut is_test) {
                names.insert(function.split('(').next().unwrap_or_default().to_owned());
            }
        }
    }
    names
}

fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            rust_files(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}

#[test]
fn every_fault_has_one_row_in_order() {
    let ids: Vec<_> = rows().into_iter().map(|row| row.id).collect();
    let expected: Vec<_> =
        ROWS.iter().flat_map(|(letter, rows)| (1..=*rows).map(move |number| format!("{letter}{number}"))).collect();
    assert_eq!(ids, expected);
}

#[test]
fn every_row_names_tests_that_are_there_or_says_why_it_has_none() {
    let known = tests();
    let mut summary: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows() {
        let named: Vec<_> = row.tests().collect();
        wrong.extend(
            named.iter().filter(|name| !known.contains(**name)).map(|name| format!("{}: no test {name}", row.id)),
        );
        let verdict = match () {
            () if row.shown_by.starts_with(CANNOT_OCCUR) => "cannot occur",
            () if row.shown_by.starts_with(NOT_COVERED) => "not covered",
            () if named.is_empty() => {
                wrong.push(format!("{}: neither a test nor a reason", row.id));
                continue;
            }
            () => "shown by tests",
        };
        if row.fault.len() < 10 {
            wrong.push(format!("{}: no fault: {}", row.id, row.fault));
        }
        summary.entry(verdict).or_default().push(row.id);
    }
    for (verdict, ids) in &summary {
        let which = if ids.len() < 40 { ids.join(" ") } else { String::new() };
        println!("{verdict}: {} {which}", ids.len());
    }
    assert!(wrong.is_empty(), "docs/faults.md:\n{}", wrong.join("\n"));
}
