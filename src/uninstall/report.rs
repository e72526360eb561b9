//! What a removal tells whoever started it, PURE: what is left, why, and what to type.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use super::Removal;
use super::plan::{Found, Mode};

/// The Helm release that is being removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Where it is installed.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The revision whose hook this is.
    pub revision: u32,
}

impl FromStr for Release {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRITE: &str = "write NAMESPACE/NAME/REVISION, as helm list --all-namespaces shows them";
        let [namespace, name, revision] = text.split('/').collect::<Vec<_>>()[..] else { return Err(WRITE) };
        if namespace.is_empty() || name.is_empty() {
            return Err(WRITE);
        }
        let revision = revision.parse().map_err(|_| WRITE)?;
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), revision })
    }
}

impl Release {
    fn uninstall(&self) -> String {
        format!("helm uninstall {} -n {}", self.name, self.namespace)
    }

    /// Helm upgrades no release whose uninstall was begun; a rollback to the same revision makes it one again.
    fn keep(&self) -> String {
        format!("helm rollback {} {} -n {}", self.name, self.revision, self.namespace)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// So many objects of a namespace are named one by one.
const NAMED: usize = 20;

/// Why nothing is removed, and the commands that change that.
pub fn refused(found: &[Found], removal: &Removal) -> String {
    let mut text = format!(
        "refused, for nobody would delete these accounts once the operator is gone: {}\n",
        counted(found.len(), "exists", "exist")
    );
    list(&mut text, found, |found| found.says.as_ref().map(|(reason, _)| reason.clone()));
    text.push_str("to delete these accounts at their providers:\n");
    for command in deletions(found).into_iter().chain(removal.release.as_ref().map(Release::uninstall)) {
        line(&mut text, &command);
    }
    text.push_str("to let the removal do that:\n");
    again(&mut text, removal, Mode::Drain);
    text.push_str("to let the accounts live on, without their objects:\n");
    again(&mut text, removal, Mode::Orphan);
    kept(&mut text, removal);
    text
}

/// What is left when the time is up, and what each waits for.
pub fn left(found: &[Found], why: impl Fn(&Found) -> String, removal: &Removal) -> String {
    let mut text =
        format!("the operator must stay, for its work is not done: {}\n", counted(found.len(), "is left", "are left"));
    list(&mut text, found, |found| Some(why(found)));
    text.push_str("to go on from here:\n");
    line(&mut text, &removal.release.as_ref().map_or_else(|| typed(removal, removal.mode), Release::uninstall));
    if removal.mode == Mode::Drain {
        text.push_str("to let their accounts live on instead:\n");
        again(&mut text, removal, Mode::Orphan);
    }
    kept(&mut text, removal);
    text
}

fn again(text: &mut String, removal: &Removal, mode: Mode) {
    match &removal.release {
        Some(release) => {
            let Release { namespace, name, .. } = release;
            line(text, &release.keep());
            line(
                text,
                &format!("helm upgrade {name} CHART -n {namespace} --reuse-values --set uninstall.mode={mode:?}"),
            );
            line(text, &release.uninstall());
        }
        None => line(text, &typed(removal, mode)),
    }
}

/// What it is to act on is said again: without it, it would act on every namespace.
fn typed(removal: &Removal, mode: Mode) -> String {
    let config = &removal.config;
    let watched = match config.watch_namespaces.join(",") {
        none if none.is_empty() => none,
        some => format!(" --watch-namespace {some}"),
    };
    let window = config.rules.outcome_window;
    // What may have been sent is outlasted before it is let go.
    let least = if mode == Mode::Orphan { window + Duration::from_secs(60) } else { Duration::ZERO };
    let [window, timeout] = [window, removal.timeout.max(least)].map(|time| time.as_millis().div_ceil(1000));
    format!("sender-operator uninstall --mode {mode:?}{watched} --outcome-window {window}s --timeout {timeout}s")
}

fn kept(text: &mut String, removal: &Removal) {
    if let Some(release) = &removal.release {
        text.push_str("to keep the operator after all:\n");
        line(text, &release.keep());
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 SenderAccount {one}"),
        count => format!("{count} SenderAccounts {many}"),
    }
}

fn list(text: &mut String, found: &[Found], says: impl Fn(&Found) -> Option<String>) {
    for (namespace, objects) in by_namespace(found) {
        for found in objects.iter().take(NAMED) {
            let says = says(found).map_or_else(String::new, |says| format!(": {says}"));
            line(text, &format!("{}{says}", found.qualified_name()));
        }
        if objects.len() > NAMED {
            line(text, &format!("and {} more: kubectl get sacc -n {namespace}", objects.len() - NAMED));
        }
    }
}

fn deletions(found: &[Found]) -> Vec<String> {
    let deletion = |(namespace, objects): (&str, Vec<&Found>)| {
        let names: Vec<_> = objects.iter().map(|found| found.name.as_str()).collect();
        let names = if names.len() > NAMED { "--all".to_owned() } else { names.join(" ") };
        format!("kubectl delete sacc {names} -n {namespace}")
    };
    by_namespace(found).into_iter().map(deletion).collect()
}

fn by_namespace(found: &[Found]) -> BTreeMap<&str, Vec<&Found>> {
    let mut namespaces = BTreeMap::<_, Vec<_>>::new();
    for found in found {
        namespaces.entry(found.namespace.as_str()).or_default().push(found);
    }
    namespaces
}

fn line(text: &mut String, content: &str) {
    // A String takes everything.
    let _ = writeln!(text, "  {content}");
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
