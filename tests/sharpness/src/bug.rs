//! A seeded bug: a patch to `src`, what it breaks, and the test that must fail with it.

use std::fs;
use std::path::{Path, PathBuf};

use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};

/// One `tests/sharpness/NAME.patch`. Its first two lines are `breaks: …` and `caught by: --lib TEST` or
/// `caught by: --test TARGET TEST`; a unified diff follows.
pub struct Bug {
    /// The file's name without `.patch`.
    pub name: String,
    /// What is no longer true with it, in a sentence.
    pub breaks: String,
    /// Which tests of the operator are built, in cargo's words.
    pub target: Vec<String>,
    /// The one that must fail.
    pub test: String,
    patch: String,
}

impl Bug {
    /// Every seeded bug, by name.
    ///
    /// # Errors
    /// Which file is not of the form above.
    pub fn all() -> Result<Vec<Self>, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "patch"));
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(file: &Path) -> Result<Self, String> {
        let wrong = |what: &str| format!("{}: {what}", file.display());
        let text = fs::read_to_string(file).map_err(|error| wrong(&error.to_string()))?;
        let mut lines = text.splitn(3, '\n');
        let mut header = |name| {
            lines.next().and_then(|line| line.strip_prefix(name)).ok_or_else(|| wrong(&format!("no line `{name}`")))
        };
        let (breaks, caught_by) = (header("breaks: ")?, header("caught by: ")?);
        let (target, test) = caught_by.rsplit_once(' ').ok_or_else(|| wrong("no test behind `caught by: `"))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.into_owned(),
            breaks: breaks.to_owned(),
            target: target.split(' ').map(str::to_owned).collect(),
            test: test.to_owned(),
            patch: lines.next().unwrap_or_default().to_owned(),
        })
    }

    /// The files of `root` that it changes, and what they then hold.
    ///
    /// # Errors
    /// Which file it does not fit any more.
    pub fn applied(&self, root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
        let wrong = |what: &dyn std::fmt::Display| format!("{}.patch: {what}", self.name);
        let patches = PatchSet::parse(&self.patch, ParseOptions::unidiff());
        let changed: Result<Vec<_>, String> = patches
            .map(|patch| {
                let patch = patch.map_err(|error| wrong(&error))?;
                let file = match patch.operation().strip_prefix(1) {
                    FileOperation::Modify { modified, .. } if modified.starts_with("src/") => root.join(&*modified),
                    other => return Err(wrong(&format!("changes more than a file of src: {other:?}"))),
                };
                let PatchKind::Text(hunks) = patch.patch() else { return Err(wrong(&"is not text")) };
                let at = |what: &dyn std::fmt::Display| wrong(&format!("{}: {what}", file.display()));
                let before = fs::read_to_string(&file).map_err(|error| at(&error))?;
                let after = diffy::apply(&before, hunks).map_err(|error| at(&error))?;
                Ok((file, after))
            })
            .collect();
        changed.and_then(|changed| if changed.is_empty() { Err(wrong(&"changes nothing")) } else { Ok(changed) })
    }
}
