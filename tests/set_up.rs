//! `make` says in one line which Rust is needed, where it is missing or too old. (Go: the tests of `tests/envtest/build.sh`.)

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// What the script says, and whether it is content, where only the tools it uses and these programs are on PATH.
fn checked(programs: &[(&str, &str)]) -> (bool, String) {
    let path = tempfile::tempdir().unwrap();
    for tool in ["sh", "dirname", "sed", "sort", "head"] {
        let found =
            env::split_paths(&env::var_os("PATH").unwrap()).map(|dir| dir.join(tool)).find(|file| file.exists());
        symlink(found.unwrap(), path.path().join(tool)).unwrap();
    }
    for (name, prints) in programs {
        let file = path.path().join(name);
        fs::write(&file, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/rust.sh");
    let output = Command::new(script).env_clear().env("PATH", path.path()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

fn needed() -> &'static str {
    include_str!("../rust-toolchain.toml").split('"').nth(1).unwrap()
}

#[test]
fn the_pinned_rust_and_a_newer_one_are_taken_without_a_word() {
    for version in [needed(), "9.0.0", "9.0.0-nightly (0123abcd 2030-01-01)"] {
        let cargo = format!("cargo {version}");
        assert_eq!(checked(&[("cargo", &cargo), ("cc", "")]), (true, String::new()), "{version}");
    }
}

#[test]
fn a_missing_or_old_rust_is_named_in_one_line_with_the_version_to_install() {
    let install = format!("install Rust {} or newer", needed());
    for (programs, problem) in [
        (vec![("cc", "")], "Rust is missing"),
        (vec![("cc", ""), ("cargo", "cargo 1.9.0 (0123abcd 2016-01-01)")], "is cargo 1.9.0"),
    ] {
        let (content, said) = checked(&programs);
        assert!(!content && said.lines().count() == 1, "{said}");
        assert!(said.contains(problem) && said.contains(&install), "{said}");
    }
}

#[test]
fn a_missing_linker_is_named_in_one_line() {
    let (content, said) = checked(&[("cargo", "cargo 9.0.0")]);
    assert!(!content && said.lines().count() == 1 && said.contains("install gcc or clang"), "{said}");
}

#[test]
fn every_statement_of_the_rust_that_is_needed_is_the_same() {
    let minimum = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        needed().starts_with(&format!("{minimum}.")),
        "{minimum} in Cargo.toml, {} in rust-toolchain.toml",
        needed()
    );
}
