//! Objects that no rule has checked: a broken one says so, is mended or waits, and is alone with it.

use provider_simulator::State;
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, Property, deleting, message, reason};

/// Lets the API server store whatever is sent, as it did before the CRD had its rules.
async fn drop_every_rule(bed: &Bed) {
    let mut crd = sender_operator::crd::manifest();
    let version = &mut crd["spec"]["versions"][0];
    version["schema"]["openAPIV3Schema"] = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    version.as_object_mut().map(|version| version.remove("selectableFields"));
    let apply = ["apply", "--server-side", "-f", "-"];
    bed.plane.kubectl_with_stdin(apply, &crd.to_string()).await.expect("it is accepted");
}

/// Patches once the API server has taken note of the relaxed CRD.
async fn break_it(bed: &Bed, name: &str, subresource: Option<&str>, patch: &Value) {
    let (patch, subresource) = (patch.to_string(), subresource.map(|name| format!("--subresource={name}")));
    let mut args = vec!["patch", "sacc", name, "--type=merge", "-p", &patch];
    args.extend(subresource.as_deref());
    bed.eventually("it is stored", async || bed.try_kubectl(&args).await.is_ok()).await;
}

#[tokio::test]
async fn a_broken_object_says_so_and_stops_neither_the_watch_nor_the_others() {
    let (bed, _alone) = Bed::alone("broken").await;
    let key = bed.key();
    for account in ["acc_healthy", "acc_mended", "acc_deleted", "acc_status", "acc_later"] {
        bed.sim.postpress().add(&key, account);
    }
    bed.postpress_secret("postpress", &key).await;
    let operator = bed.operator(&[]).await;
    for name in ["healthy", "mended", "deleted", "status"] {
        bed.postpress(name, &format!("acc_{name}"), "postpress").await;
        bed.until_connected(name).await;
    }

    drop_every_rule(&bed).await;
    break_it(&bed, "mended", None, &json!({"spec": {"suspend": "yes"}})).await;
    break_it(&bed, "deleted", None, &json!({"spec": {"provider": {"puffle": {"accountId": EMAIL, "channel": "Fax"}}}}))
        .await;
    break_it(&bed, "status", Some("status"), &json!({"status": {"teardown": 7}})).await;
    let created = [
        ("no-spec", json!(null), "spec"),
        (
            "both",
            json!({"provider": {"postpress": {"accountId": "a"}, "puffle": {"accountId": EMAIL, "channel": "Email"}}, "credentialsRef": {"name": "postpress"}}),
            "spec.provider must have exactly one member",
        ),
        (
            "path",
            json!({"provider": {"postpress": {"accountId": "../accounts"}}, "credentialsRef": {"name": "postpress"}}),
            "the accountId in spec.provider is not an id",
        ),
    ];
    for (name, spec, _) in &created {
        let mut object = bed.manifest(name, "postpress", &json!({}), &json!({}));
        object["spec"] = spec.clone();
        bed.eventually("it is stored", async || bed.try_apply(&object).await.is_ok()).await;
    }
    let mut expected =
        vec![("mended", "spec.suspend"), ("deleted", "spec.provider.puffle.channel"), ("status", "status.teardown")];
    expected.extend(created.iter().map(|(name, _, says)| (*name, *says)));
    let mut missing = Vec::new();
    for (name, says) in expected {
        let shown = bed.until_reason(name, "InvalidObject").await;
        assert!(message(&shown).contains("mend the field"), "{name}: {}", message(&shown));
        if !message(&shown).contains(says) {
            missing.push(format!("{says}: {}", message(&shown)));
        }
    }

    // The others go on: those that were there, and those that come, also in a process that finds it all so.
    operator.kill();
    let operator = bed.operator(&[]).await;
    bed.postpress("later", "acc_later", "postpress").await;
    bed.until_connected("later").await;
    bed.kubectl(&["delete", "sacc", "healthy", "later", "--wait=true", "--timeout=60s"]).await;
    assert_eq!((bed.sim.log().state("acc_healthy"), bed.sim.log().state("acc_later")), (State::Gone, State::Gone));

    // A deletion of what cannot be understood waits; mended, both go on.
    bed.delete("deleted").await;
    bed.until("deleted", "marked and still held", |object| deleting(object) && reason(object) == "InvalidObject").await;
    assert!(bed.sim.log().deletes("acc_deleted").is_empty());
    bed.patch_spec("deleted", &json!({"provider": {"puffle": null}})).await;
    bed.until_gone("deleted").await;
    assert_eq!(bed.sim.log().state("acc_deleted"), State::Gone);
    bed.patch_spec("mended", &json!({"suspend": false})).await;
    bed.until_connected("mended").await;
    bed.kubectl(&["delete", "sacc", "mended", "--wait=true", "--timeout=60s"]).await;

    // Nothing may be left that this control plane's next CRD would not accept.
    bed.excuse(Property::S1, "a person strips the finalizers of what cannot be mended");
    for name in ["status", "no-spec", "both", "path"] {
        bed.kubectl(&["patch", "sacc", name, "--type=merge", "-p", r#"{"metadata":{"finalizers":[]}}"#]).await;
        bed.kubectl(&["delete", "sacc", name, "--wait=true", "--timeout=60s"]).await;
    }
    assert!(missing.is_empty(), "the field is not named: {missing:#?}");
    bed.finish(operator).await;
}

/// What `kubectl patch` may put into an object's managed fields: the API server stores whatever time it is.
fn no_clock_shows_this() -> Value {
    json!({"metadata": {"managedFields": [{"manager": "m", "operation": "Update", "apiVersion": "sender-operator.dev/v1alpha1",
        "time": "9999-12-31T23:59:59Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:suspend": {}}}}]}})
}

#[tokio::test]
async fn managed_fields_with_a_time_that_no_clock_shows_hold_up_neither_their_object_nor_any_other() {
    let bed = Bed::new("managed-fields").await;
    let senders = bed.senders();
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    let poisoned = &senders[0];
    let patch = no_clock_shows_this().to_string();
    bed.kubectl(&["patch", "sacc", &poisoned.name, "--type=merge", "-p", &patch]).await;
    let object = bed.kubectl(&["get", "sacc", &poisoned.name, "-o", "yaml", "--show-managed-fields"]).await;
    assert!(object.contains("9999-12-31"), "the API server keeps it: {object}");
    bed.finish(operator).await;

    let operator = bed.operator(&[]).await;
    bed.delete_all().await;
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}
