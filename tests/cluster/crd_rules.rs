//! What the real API server refuses, and what it says to write instead.

use provider_simulator::{Fault, On, State, Status};
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE};

/// What a user writes into `spec`, and what the refusal says; nothing where it is accepted.
type Row = (Value, Option<&'static str>);

const ONE_PROVIDER: &str = "write exactly one provider: provider.postpress or provider.puffle";
const POSTPRESS_ID: &str = "write accountId as PostPress shows it";
const PUFFLE_ID: &str = "write accountId as Puffle shows it: a UUID such as";
const NO_TEARDOWN: &str = "teardown means something only for channel LinkedIn: remove it";
const NO_HOLD: &str = "afterUnknownOutcome: Hold means something only for provider.puffle with channel LinkedIn and teardown Disconnect: remove it, or write Resend";
const SECRET_NAME: &str = "write credentialsRef.name as the name of a Secret in this namespace";

fn postpress(id: &str) -> Value {
    json!({"provider": {"postpress": {"accountId": id}}, "credentialsRef": {"name": "key"}})
}

fn puffle(id: &str, channel: &str, teardown: Option<&str>) -> Value {
    let mut puffle = json!({"accountId": id, "channel": channel});
    if let Some(teardown) = teardown {
        puffle["teardown"] = json!(teardown);
    }
    json!({"provider": {"puffle": puffle}, "credentialsRef": {"name": "key"}})
}

fn with(mut spec: Value, field: &str, value: Value) -> Value {
    spec[field] = value;
    spec
}

fn rows() -> Vec<Row> {
    let linkedin = || puffle(LINKEDIN, "LinkedIn", None);
    let mut rows = vec![
        (postpress("acc_1"), None),
        (linkedin(), None),
        (puffle(LINKEDIN, "LinkedIn", Some("Disconnect")), None),
        (puffle(LINKEDIN, "LinkedIn", Some("Purge")), None),
        (puffle(EMAIL, "Email", None), None),
        (with(linkedin(), "provider", json!({})), Some(ONE_PROVIDER)),
        (
            with(
                linkedin(),
                "provider",
                json!({"postpress": {"accountId": "a"}, "puffle": {"accountId": EMAIL, "channel": "Email"}}),
            ),
            Some(ONE_PROVIDER),
        ),
        (puffle(EMAIL, "Fax", None), Some(r#"supported values: "LinkedIn", "Email""#)),
        (puffle(EMAIL, "Email", Some("Disconnect")), Some(NO_TEARDOWN)),
        (puffle(EMAIL, "Email", Some("Purge")), Some(NO_TEARDOWN)),
        (puffle(LINKEDIN, "LinkedIn", Some("Archive")), Some(r#"supported values: "Disconnect", "Purge""#)),
        (with(linkedin(), "afterUnknownOutcome", json!("Hold")), None),
        (with(puffle(LINKEDIN, "LinkedIn", Some("Disconnect")), "afterUnknownOutcome", json!("Hold")), None),
        (with(puffle(LINKEDIN, "LinkedIn", Some("Purge")), "afterUnknownOutcome", json!("Hold")), Some(NO_HOLD)),
        (with(puffle(EMAIL, "Email", None), "afterUnknownOutcome", json!("Hold")), Some(NO_HOLD)),
        (with(postpress("acc_1"), "afterUnknownOutcome", json!("Hold")), Some(NO_HOLD)),
        (with(puffle(LINKEDIN, "LinkedIn", Some("Purge")), "afterUnknownOutcome", json!("Resend")), None),
        (with(puffle(EMAIL, "Email", None), "afterUnknownOutcome", json!("Resend")), None),
        (with(postpress("acc_1"), "afterUnknownOutcome", json!("Resend")), None),
    ];
    // Puffle's page "Delete a connected account": RFC 9562's versions and variant, the nil and the max UUID; any case.
    for id in [
        "0B4F6F0E-8C1D-4C39-9C53-1F0A2F6D7E11",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ] {
        rows.push((puffle(id, "Email", None), None));
    }
    for id in [
        "",
        "garbage",
        "0b4f6f0e8c1d4c399c531f0a2f6d7e11",
        "0b4f6f0e-8c1d-9c39-9c53-1f0a2f6d7e11",
        "0b4f6f0e-8c1d-4c39-7c53-1f0a2f6d7e11",
        "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e1g",
        "{0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11}",
        "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11\n",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "../../0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11",
    ] {
        rows.push((puffle(id, "Email", None), Some(PUFFLE_ID)));
    }
    for id in ["acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR", "a.b~c:d@e!$&'()*+,;=", "...", &"x".repeat(128)] {
        rows.push((postpress(id), None));
    }
    for id in [
        "", "a/b", "a?b", "a#b", "a%2fb", r"a\b", "a b", "a\tb", "a\nb", "a\u{7}b", "a\u{7f}b", "acc_é", "acc_一", ".",
        "..",
    ] {
        rows.push((postpress(id), Some(POSTPRESS_ID)));
    }
    rows.push((postpress(&"x".repeat(129)), Some("may not be more than 128")));
    for name in ["", "Key", "a_b", "-a", "a/b", "../key"] {
        rows.push((with(postpress("acc_1"), "credentialsRef", json!({"name": name})), Some(SECRET_NAME)));
    }
    rows.push((with(postpress("acc_1"), "credentialsRef", json!({"name": "puffle.workspace-1"})), None));
    rows.push((
        with(postpress("acc_1"), "credentialsRef", json!({"name": "x".repeat(254)})),
        Some("may not be more than 253"),
    ));
    rows
}

#[tokio::test]
async fn every_rule_refuses_what_it_should_and_says_what_to_write_instead() {
    let bed = Bed::new("crd-rules").await;
    let rows = rows();
    let object = |number: usize, spec: &Value| {
        json!({"apiVersion": "sender-operator.dev/v1alpha1", "kind": "SenderAccount",
            "metadata": {"name": format!("row-{number}"), "namespace": bed.namespace}, "spec": spec})
    };
    let objects: Vec<_> = rows.iter().enumerate().map(|(number, (spec, _))| object(number, spec)).collect();
    // One kubectl for all: it goes on after a refusal and names the object in each.
    let refused = bed.try_apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects})).await;
    let said = refused.expect_err("most rows are refused").to_string();
    let created = bed.kubectl(&["get", "sacc", "-o", "jsonpath={.items[*].metadata.name}"]).await;
    let created: Vec<_> = created.split_whitespace().collect();
    for (number, (spec, expected)) in rows.iter().enumerate() {
        let name = format!("row-{number}");
        let says = said.split("Error from server").find(|says| says.contains(&format!("\"{name}\" is invalid")));
        match expected {
            None => assert!(says.is_none() && created.contains(&name.as_str()), "{spec} is accepted, not: {says:?}"),
            Some(expected) => {
                let says = says.unwrap_or_else(|| panic!("{spec} is refused by name in:\n{said}"));
                assert!(says.contains(expected), "{spec} is refused with {expected:?}, not: {says}");
                assert!(!created.contains(&name.as_str()), "{spec} was refused and is there all the same");
            }
        }
    }
}

#[tokio::test]
async fn what_an_object_is_about_cannot_change_and_the_refusal_says_how_to_begin_anew() {
    const ANEW: &str = "set deletionPolicy to Orphan, delete this object and create another one";
    let bed = Bed::new("crd-immutable").await;
    bed.postpress("postpress", "acc_1", "key").await;
    bed.linkedin("linkedin", LINKEDIN, "key").await;
    bed.email("email", EMAIL, "key").await;
    let rows = [
        ("postpress", json!({"postpress": {"accountId": "acc_2"}}), Some(ANEW)),
        ("postpress", json!({"postpress": null, "puffle": {"accountId": EMAIL, "channel": "Email"}}), Some(ANEW)),
        ("linkedin", json!({"puffle": null, "postpress": {"accountId": "acc_1"}}), Some(ANEW)),
        ("linkedin", json!({"postpress": {"accountId": "acc_1"}}), Some(ONE_PROVIDER)),
        ("linkedin", json!({"puffle": {"accountId": EMAIL}}), Some(ANEW)),
        ("linkedin", json!({"puffle": {"channel": "Email"}}), Some(ANEW)),
        ("email", json!({"puffle": {"channel": "LinkedIn"}}), Some(ANEW)),
        ("linkedin", json!({"puffle": {"teardown": "Disconnect"}}), None),
        ("linkedin", json!({"puffle": {"teardown": "Purge"}}), None),
        ("linkedin", json!({"puffle": {"teardown": null}}), None),
        ("email", json!({"puffle": {"teardown": "Purge"}}), Some(NO_TEARDOWN)),
    ];
    for (name, provider, expected) in rows {
        let patch = json!({"spec": {"provider": provider}}).to_string();
        let patched = bed.try_kubectl(&["patch", "sacc", name, "--type=merge", "-p", &patch]).await;
        match (patched, expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => assert!(error.to_string().contains(expected), "{name} {patch}: {error}"),
            (patched, expected) => panic!("{name} {patch} should be {expected:?}, not {patched:?}"),
        }
    }
    for (field, value) in [
        ("deletionPolicy", json!("Orphan")),
        ("deletionPolicy", json!("Delete")),
        ("deletionProtection", json!(true)),
        ("onNotFound", json!("Release")),
        ("suspend", json!(true)),
        ("credentialsRef", json!({"name": "another"})),
    ] {
        bed.patch_spec("postpress", &json!({field: value})).await;
    }
}

#[tokio::test]
async fn teardown_may_change_until_a_delete_was_or_may_have_been_sent() {
    let bed = Bed::new("crd-teardown").await;
    let key = bed.key();
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.sim.puffle().add_linkedin(&key, PURGE, Status::Connected);
    bed.puffle_secret("puffle", &key).await;
    let operator = bed.operator(&[]).await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    bed.purge("purge", PURGE, "puffle").await;
    bed.until_connected("linkedin").await;
    bed.until_connected("purge").await;
    let change = async |name: &str, teardown: &str| {
        let patch = json!({"spec": {"provider": {"puffle": {"teardown": teardown}}}}).to_string();
        bed.try_kubectl(&["patch", "sacc", name, "--type=merge", "-p", &patch]).await
    };
    for (name, teardown) in
        [("linkedin", "Purge"), ("linkedin", "Disconnect"), ("purge", "Disconnect"), ("purge", "Purge")]
    {
        change(name, teardown).await.expect("a live object's teardown may change");
    }

    let held = bed.sim.fault(On::delete().account(LINKEDIN), Fault::own().hold());
    bed.delete("linkedin").await;
    bed.eventually("the DELETE waits for its answer", async || held.waiting() == 1).await;
    let failing = bed.sim.fault(On::delete().account(PURGE), Fault::status(503));
    bed.delete("purge").await;
    bed.until_reason("purge", "ProviderUnavailable").await;
    for (name, teardown) in [("linkedin", "Purge"), ("purge", "Disconnect")] {
        let refused = change(name, teardown).await.expect_err("it is too late").to_string();
        let says = "teardown cannot change any more: a DELETE was or may have been sent; write what was there, or set deletionPolicy to Orphan";
        assert!(refused.contains(says), "{refused}");
    }
    change("linkedin", "Disconnect").await.expect("what says the same is no change");
    bed.patch_spec("linkedin", &json!({"onNotFound": "Release"})).await;
    held.release();
    failing.clear();
    bed.until_gone("linkedin").await;
    bed.until_gone("purge").await;
    assert_eq!(bed.sim.log().state(LINKEDIN), State::Disconnected);
    assert_eq!(bed.sim.log().state(PURGE), State::Gone);
    bed.finish(operator).await;
}

#[tokio::test]
async fn every_string_of_the_crd_is_bounded_and_the_binary_prints_what_the_server_accepts() {
    let crd = sender_operator::crd::manifest();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut unbounded = Vec::new();
    walk(schema, "", &mut unbounded);
    assert_eq!(unbounded, Vec::<String>::new());

    let bed = Bed::new("crd-printed").await;
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_sender-operator")).arg("crd").output();
    let yaml = String::from_utf8(output.await.expect("it runs").stdout).expect("text");
    let apply = ["apply", "--server-side", "--dry-run=server", "-f", "-"];
    let applied = bed.plane.kubectl_with_stdin(apply, &yaml).await.expect("it is accepted");
    assert_eq!(
        applied.trim(),
        "customresourcedefinition.apiextensions.k8s.io/senderaccounts.sender-operator.dev serverside-applied (server dry run)"
    );
}

/// Collects the paths of strings and lists that say nothing of how long they may be.
fn walk(schema: &Value, path: &str, unbounded: &mut Vec<String>) {
    let bounded = match schema["type"].as_str() {
        Some("string") => schema.get("maxLength").is_some() || schema.get("enum").is_some(),
        Some("array") => schema.get("maxItems").is_some(),
        _ => {
            schema.get("additionalProperties").is_none() && schema.get("x-kubernetes-preserve-unknown-fields").is_none()
        }
    };
    if !bounded {
        unbounded.push(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), unbounded);
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{path}[]"), unbounded);
    }
}
