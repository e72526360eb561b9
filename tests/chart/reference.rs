//! The comments of `values.yaml` are its reference: each stands above a value, and the table of the chart's README shows
//! them all.

use std::fmt::Write as _;

use serde_json::Value;

/// A value with the comment above it.
pub struct Entry {
    /// Where it stands, with dots.
    pub path: String,
    comment: String,
}

/// Every commented value of `values.yaml`, in its order.
pub fn entries(text: &str) -> Vec<Entry> {
    let (mut entries, mut comment, mut parents) = (Vec::new(), Vec::new(), Vec::<(usize, &str)>::new());
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if let Some(words) = content.strip_prefix("# ") {
            comment.push(words);
            continue;
        }
        if let Some((key, _)) = content.split_once(':').filter(|_| !content.starts_with('-')) {
            parents.retain(|(at, _)| *at < indent);
            parents.push((indent, key));
            if !comment.is_empty() {
                let path = parents.iter().map(|(_, key)| *key).collect::<Vec<_>>().join(".");
                entries.push(Entry { path, comment: comment.join(" ") });
            }
        }
        comment.clear();
    }
    entries
}

/// The entries as a table of Markdown.
pub fn table(text: &str) -> String {
    let defaults: Value = serde_yaml::from_str(text).expect("values.yaml is YAML");
    let mut table = "| value | default | |\n|---|---|---|\n".to_owned();
    for Entry { path, comment } in entries(text) {
        let default = path.split('.').fold(&defaults, |place, key| &place[key]);
        let default = match default {
            Value::String(text) if text.is_empty() => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        writeln!(table, "| `{path}` | {default} | {comment} |").expect("a String takes all");
    }
    table
}
