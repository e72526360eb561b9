//! Pages under `docs/` name the tests that prove them: each is there, and so is each file they point to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// Every file of this folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between two of these.
fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

#[test]
fn every_test_and_file_that_a_page_names_is_there() {
    let sources: Vec<_> = ["src", "tests"].iter().flat_map(|folder| files(&root().join(folder))).collect();
    let sources = sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let functions: Vec<String> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let is_test = |name: &str| match name.strip_suffix('…') {
        Some(start) => functions.iter().any(|text| text.contains(&format!("fn {start}"))),
        None => functions.iter().any(|text| text.contains(&format!("fn {name}("))),
    };
    let mut named = 0;
    for page in files(&root().join("docs")) {
        let text = fs::read_to_string(&page).unwrap();
        for word in between(&text, '`') {
            let sentence = word.matches('_').count() >= 4 && !word.contains([' ', '/', '.', '-']);
            if sentence {
                named += 1;
                assert!(is_test(word), "{}: there is no test {word}", page.display());
            }
            if word.starts_with("tests/") {
                named += 1;
                assert!(root().join(word).exists(), "{}: there is no {word}", page.display());
            }
        }
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let there = link.starts_with("http") || page.parent().unwrap().join(link).exists();
            assert!(there, "{}: nothing is at {link}", page.display());
        }
    }
    assert!(named > 20, "{named} names were found: what is looked for is no longer written so");
}
