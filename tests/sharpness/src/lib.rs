//! How sharp the tests are: bugs that are put into a copy of the operator one at a time, each of which a named test must
//! catch. `make sharpness` does that; `make test` only checks that every bug still fits.
#![forbid(unsafe_code)]

pub mod bug;
pub mod copy;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use crate::bug::Bug;
    use crate::copy::{files, root};

    /// The sources that a target is built from, tests included.
    fn sources(target: &[String]) -> Vec<String> {
        let of = |path: &Path| match target {
            [lib] if lib == "--lib" => path.starts_with("src"),
            [test, name] if test == "--test" => {
                path.starts_with(format!("tests/{name}")) || path == Path::new(&format!("tests/{name}.rs"))
            }
            _ => false,
        };
        let files = files(&root()).expect("the sources").into_iter().filter(|file| of(file));
        files.map(|file| fs::read_to_string(root().join(file)).expect("a source")).collect()
    }

    #[test]
    fn what_is_copied_are_files_and_those_behind_the_charts_link_among_them() {
        let files = files(&root()).expect("the sources");
        let others: Vec<_> = files.iter().filter(|file| !root().join(file).is_file()).collect();
        assert!(others.is_empty(), "{others:?}");
        let behind = |file: &&PathBuf| file.starts_with("charts/sender-operator/files/crds");
        assert_ne!(files.iter().filter(behind).count(), 0);
    }

    #[test]
    fn every_seeded_bug_fits_the_sources_and_is_caught_by_a_test_that_exists() {
        let bugs = Bug::all().expect("bugs");
        assert!(bugs.len() >= 30, "{}", bugs.len());
        for bug in bugs {
            let changed = bug.applied(&root()).expect("it fits");
            for (file, after) in changed {
                assert_ne!(fs::read_to_string(&file).expect("a source"), after, "{}", bug.name);
            }
            let function = format!("fn {}(", bug.test.rsplit("::").next().expect("a name"));
            let there = sources(&bug.target).iter().any(|source| source.contains(&function));
            assert!(there, "{}.patch: {} has no test {}", bug.name, bug.target.join(" "), bug.test);
        }
    }
}
