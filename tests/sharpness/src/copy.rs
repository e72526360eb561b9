//! A copy of the sources, with a build of its own, in which bugs do no harm.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Every file of a checkout, relative to it, but for what git and builds keep there. What a link leads to is a file there,
/// too.
///
/// # Errors
/// What cannot be read.
pub fn files(root: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let (mut found, mut open) = (BTreeSet::new(), vec![PathBuf::new()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                if ![Path::new(".git"), Path::new("target")].contains(&path.as_path()) {
                    open.push(path);
                }
            } else if path != Path::new(".git") {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

/// The copy: below the build directory, so that `cargo clean` takes it away.
pub struct Copy {
    /// Its checkout.
    pub root: PathBuf,
    /// What each run printed, by the bug's name.
    pub logs: PathBuf,
    /// Two runs at once would break and mend each other's sources.
    _alone: File,
}

impl Copy {
    /// Brings the copy up to date. A new one begins with what is built already, where there is something.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn refresh() -> io::Result<Self> {
        let built = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let (root_of_copy, logs) = (built.join("sharpness/checkout"), built.join("sharpness/logs"));
        fs::create_dir_all(&root_of_copy)?;
        fs::create_dir_all(&logs)?;
        let alone = File::create(built.join("sharpness/lock"))?;
        alone.try_lock().map_err(|_| io::Error::other("another run uses it; wait for its end"))?;
        let copy = Self { root: root_of_copy, logs, _alone: alone };
        let is_new = copy.seed(&built)?;
        let wanted = files(&root())?;
        for gone in files(&copy.root)?.difference(&wanted) {
            fs::remove_file(copy.root.join(gone))?;
        }
        for file in &wanted {
            let (from, to) = (root().join(file), copy.root.join(file));
            copy.put(&to, &fs::read(&from)?)?;
            fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
            if is_new {
                // As old as what was built from it.
                File::options().write(true).open(&to)?.set_modified(fs::metadata(&from)?.modified()?)?;
            }
        }
        Ok(copy)
    }

    /// Begins with what is built already: dependencies take minutes. Whether the copy is a new one.
    fn seed(&self, built: &Path) -> io::Result<bool> {
        let own = self.root.join("target/debug");
        if own.exists() {
            return Ok(false);
        }
        fs::create_dir_all(&own)?;
        for part in [".fingerprint", "build", "deps"] {
            let from = built.join("debug").join(part);
            if from.exists() && !Command::new("cp").arg("-Rp").arg(&from).arg(&own).status()?.success() {
                return Err(io::Error::other(format!("cp -Rp {} failed", from.display())));
            }
        }
        Ok(true)
    }

    /// Writes a file only if it changes: cargo builds again what is newer.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn put(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        if fs::read(file).is_ok_and(|before| before == content) {
            return Ok(());
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, content)
    }
}
