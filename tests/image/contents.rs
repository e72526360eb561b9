//! What the image is made of.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::unpacked::{Image, pack, text};

#[test]
fn packed_again_it_has_the_same_bytes_and_every_file_the_same_time_and_owner() {
    let image = Image::new();
    let again = tempfile::tempdir().unwrap();
    pack(again.path());
    for file in ["sender-operator.tar", "sender-operator.cdx.json"] {
        assert!(fs::read(image.path(file)).unwrap() == fs::read(again.path().join(file)).unwrap(), "{file}");
    }
    let created = image.config["created"].as_str().unwrap().replace('T', " ").replace('Z', "");
    let listing = image.listing();
    for line in listing.lines() {
        assert!(line.contains(" 0/0 ") && line.contains(&created), "{line}: not root's, or not of {created}");
    }
    let names: BTreeSet<_> = listing.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    let files = names.into_iter().filter(|name| !name.ends_with('/'));
    let expected = [
        "etc/ssl/certs/ca-certificates.crt",
        "sender-operator",
        "usr/share/doc/sender-operator/LICENSE",
        "usr/share/doc/sender-operator/sbom.cdx.json",
    ];
    assert_eq!(files.collect::<Vec<_>>(), expected);
}

#[test]
fn it_runs_the_operator_as_nobody_in_particular_and_says_where_it_is_from() {
    let image = Image::new();
    let config = &image.config["config"];
    assert_eq!((&config["User"], &config["Entrypoint"]), (&json!("65532:65532"), &json!(["/sender-operator"])));
    assert_eq!((&image.config["os"], &config["Cmd"]), (&json!("linux"), &json!(["run"])));
    for label in ["title", "description", "version", "revision", "source", "licenses", "created"] {
        let value = config["Labels"][format!("org.opencontainers.image.{label}")].as_str().unwrap_or_default();
        assert!(!value.is_empty() && value != "unknown", "{label}: {value:?}");
    }
    let version = text(&image.command(&["version"]).output().unwrap());
    let revision = config["Labels"]["org.opencontainers.image.revision"].as_str().unwrap();
    assert_eq!(version.trim(), format!("sender-operator {} (revision {revision})", env!("CARGO_PKG_VERSION")));
    let crd = text(&image.command(&["crd"]).output().unwrap());
    assert_eq!(crd, fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/crds/senderaccounts.yaml")).unwrap());
}

#[test]
fn its_list_of_components_names_what_is_compiled_in_and_nothing_else() {
    let image = Image::new();
    let beside = fs::read(image.path("sender-operator.cdx.json")).unwrap();
    assert!(beside == fs::read(image.inside("usr/share/doc/sender-operator/sbom.cdx.json")).unwrap());
    let list: Value = serde_json::from_slice(&beside).unwrap();
    assert_eq!((&list["bomFormat"], &list["specVersion"]), (&json!("CycloneDX"), &json!("1.6")));
    let named = |name: &str| {
        let components = list["components"].as_array().unwrap().iter();
        components.filter(|it| it["name"] == name).map(|it| it["version"].as_str().unwrap().to_owned()).collect()
    };
    let lock = include_str!("../../Cargo.lock");
    for name in ["rustls", "ring", "kube", "tokio"] {
        let versions: Vec<String> = named(name);
        let [version] = &versions[..] else { panic!("{name}: {versions:?}") };
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{name} {version}");
    }
    for name in ["envtest", "proptest", "provider-simulator", "tempfile"] {
        assert_eq!(named(name), Vec::<String>::new(), "{name} is for tests");
    }
}
