//! What is generated is what the program says: `crds/` and the tables of README.md; and the table of the chart's README what
//! its `values.yaml` says. `make generate` writes them again.

#[path = "chart/reference.rs"]
mod reference;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sender_operator::crd;
use sender_operator::metrics::{Call, EventFate, Metrics};
use sender_operator::reason::{Reason, Words};
use sender_operator::teardown::outcome::Outcome;
use sender_operator::teardown::target::Provider;
use serde_json::Value;

const README: &str = "README.md";
const CHART_README: &str = "charts/sender-operator/README.md";

#[test]
fn the_committed_crd_is_the_one_that_the_types_make() {
    let crdgen = printed(env!("CARGO_BIN_EXE_crdgen"), &[]);
    assert_eq!(printed(env!("CARGO_BIN_EXE_sender-operator"), &["crd"]), crdgen);
    is_up_to_date("crds/senderaccounts.yaml", &crdgen);
}

#[test]
fn the_readme_shows_every_flag_metric_and_reason_as_the_program_has_them() {
    let readme = read(README);
    let readme = with_section(&readme, "flags", &flags());
    let readme = with_section(&readme, "metrics", &metrics());
    let readme = with_section(&readme, "reasons", &reasons());
    is_up_to_date(README, &readme);
}

#[test]
fn the_chart_s_readme_shows_every_value_with_its_comment() {
    let values = reference::table(&read("charts/sender-operator/values.yaml"));
    let readme = with_section(&read(CHART_README), "values", &values);
    is_up_to_date(CHART_README, &readme);
}

#[test]
fn the_readme_shows_every_field_of_the_spec_and_no_other() {
    let crd = serde_json::to_value(crd::manifest()).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut fields = Vec::new();
    schema_fields(spec, "spec", &mut fields);
    let readme = read(README);
    let sample = between(&readme, "```yaml\n", "```");
    // The member that a sample cannot show beside the other one stands in it as a comment.
    let sample: Value = serde_yaml::from_str(&sample.replace("    # postpress:", "    postpress:")).unwrap();
    let mut shown = Vec::new();
    value_fields(&sample["spec"], "spec", &mut shown);
    shown.sort();
    fields.sort();
    assert_eq!(shown, fields);
}

#[test]
fn the_readme_names_every_finalizer_and_annotation() {
    let readme = read(README);
    for name in [
        crd::FINALIZER,
        crd::SECRET_FINALIZER,
        crd::HOLD_TAKEN_OVER_AT,
        crd::REQUESTED_AT,
        crd::PRE_DELETE_HOOK,
        crd::CONFIRM_DELETION,
        crd::EXCEED_BUDGET,
        crd::ORPHAN_REASON,
        crd::ORPHANED_BY,
        crd::ALLOW_CRD_DELETION,
    ] {
        assert!(readme.contains(&format!("`{name}")), "{name} is not in README.md");
    }
}

/// The rows of `sender-operator run -h`, as a table.
fn flags() -> String {
    let help = printed(env!("CARGO_BIN_EXE_sender-operator"), &["run", "-h"]);
    let lines: Vec<_> = help.lines().map(str::trim).collect();
    let mut table = "| flag | default | |\n|---|---|---|\n".to_owned();
    for pair in lines.windows(2).filter(|pair| pair[0].starts_with("--")) {
        let (flag, mut text) = (pair[0], pair[1].to_owned());
        let name = flag.split([' ', '[']).next().unwrap();
        let env = take(&mut text, "env").unwrap_or_default();
        assert_eq!(env.trim_end_matches('='), name.replace("--", "SENDER_OPERATOR_").replace('-', "_").to_uppercase());
        let default = take(&mut text, "default")
            .map(|it| if it.starts_with("all ") || it == "none" { it } else { format!("`{it}`") });
        let values = take(&mut text, "possible values").filter(|values| values != "true, false");
        let values = values.map(|values| format!(": {values}")).unwrap_or_default();
        writeln!(table, "| `{flag}` | {} | {}{values} |", default.unwrap_or_default(), text.trim()).unwrap();
    }
    assert!(table.lines().count() > 10, "{help}");
    table
}

/// Takes ` [NAME: …]` out of `text`.
fn take(text: &mut String, name: &str) -> Option<String> {
    let start = text.find(&format!("[{name}: "))?;
    let end = start + text[start..].find(']')?;
    let value = text[start + name.len() + 3..end].to_owned();
    text.replace_range(start..=end, "");
    *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(value)
}

/// Every metric as it is scraped, with the names of its labels.
fn metrics() -> String {
    let metrics = Metrics::default();
    metrics.passed(Reason::ReadBack);
    metrics.called(Provider::Puffle, Call::Delete, Outcome::Acked);
    metrics.event(EventFate::Written);
    let text = metrics.text((0, 0)).unwrap();
    let mut table = "| metric | |\n|---|---|\n".to_owned();
    let lines: Vec<_> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some((_, help)) = line.strip_prefix("# HELP ").and_then(|help| help.split_once(' ')) else { continue };
        let sample = lines[at + 1..].iter().find(|line| !line.starts_with('#')).unwrap();
        let (name, labels) = sample.split_once('{').unwrap_or((sample.split_once(' ').unwrap().0, ""));
        let labels: Vec<_> =
            labels.split(',').filter_map(|label| label.split_once("=\"")).map(|(name, _)| name).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(", ")) };
        writeln!(table, "| `{name}{labels}` | {} |", help.trim_end_matches('.')).unwrap();
    }
    table
}

/// Every reason with its message, the object's own words in capitals.
fn reasons() -> String {
    let words = Words { namespace: "NAMESPACE", name: "NAME", secret: "SECRET", account: "ACCOUNT", subject: "…" };
    let mut table = "| reason | who acts | message |\n|---|---|---|\n".to_owned();
    for reason in Reason::ALL {
        let actor = reason.actor().to_string();
        let message = reason.message(words).replace(&format!(" (to act: {actor})"), "").replace('|', "\\|");
        writeln!(table, "| `{reason}` | {actor} | {message} |").unwrap();
    }
    table
}

/// `text` with what stands between the two marks of a generated section replaced.
fn with_section(text: &str, name: &str, content: &str) -> String {
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end of {name} -->"));
    text.replace(&format!("{begin}{}{end}", between(text, &begin, &end)), &format!("{begin}{content}{end}"))
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("there is no {begin:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("there is no {end:?} after {begin:?}")).0
}

fn schema_fields(schema: &Value, path: &str, fields: &mut Vec<String>) {
    match schema["properties"].as_object() {
        None => fields.push(path.to_owned()),
        Some(members) => members.iter().for_each(|(name, it)| schema_fields(it, &format!("{path}.{name}"), fields)),
    }
}

fn value_fields(value: &Value, path: &str, fields: &mut Vec<String>) {
    match value.as_object() {
        None => fields.push(path.to_owned()),
        Some(members) => members.iter().for_each(|(name, it)| value_fields(it, &format!("{path}.{name}"), fields)),
    }
}

fn printed(program: &str, arguments: &[&str]) -> String {
    // A flag's own environment would be shown in its help.
    let output = Command::new(program).args(arguments).env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn is_up_to_date(path: &str, content: &str) {
    if env::var_os("GENERATE").is_some() {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), content).unwrap();
    }
    assert!(read(path) == content, "{path} is not what the program says: run `make generate` and commit it");
}

fn read(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_default()
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
