//! The status is the operator's memory of one uid, and tells people what changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use provider_simulator::{Fault, On, State, Status};
use sender_operator::crd::FINALIZER;
use sender_operator::credentials::Credential;
use sender_operator::provider::endpoint::HostPolicy;
use sender_operator::teardown::target::Provider;
use serde_json::{Value, json};

use crate::bed::{Bed, LINKEDIN};

/// Creates an object as a restore does: with our finalizer, marked or not, and with a status that another one left.
async fn restore(bed: &Bed, name: &str, provider: &Value, status: impl FnOnce(&str) -> Value) {
    let secret = if provider.get("postpress").is_some() { "postpress" } else { "puffle" };
    let mut object = bed.manifest(name, secret, provider, &json!({}));
    object["metadata"]["finalizers"] = json!([FINALIZER]);
    bed.apply(&object).await;
    let uid = bed.kubectl(&["get", "sacc", name, "-o", "jsonpath={.metadata.uid}"]).await;
    let patch = json!({"status": status(&uid)}).to_string();
    bed.kubectl(&["patch", "sacc", name, "--subresource=status", "--type=merge", "-p", &patch]).await;
}

/// The ledger of a teardown that ran for another object.
fn teardown(more: &Value) -> Value {
    let mut teardown =
        json!({"uid": "the-other", "attempt": 1, "startedAt": Timestamp::now(), "tries": 0, "unknownOutcomes": 0});
    if let (Some(teardown), Some(more)) = (teardown.as_object_mut(), more.as_object()) {
        teardown.extend(more.clone());
    }
    json!({"teardown": teardown})
}

#[tokio::test]
async fn a_status_restored_from_another_uid_is_no_proof_no_evidence_and_no_intent() {
    let bed = Bed::new("restored").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.postpress().add(&postpress, "acc_live");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let url = bed.sim.postpress_url();
    // The very fingerprint that this object's own read would leave: only the uid beside it tells that none has.
    let evidence = |uid: &str| {
        let data = [("api-key", postpress.clone()), ("base-url", url.clone())];
        let data: BTreeMap<_, _> =
            data.into_iter().map(|(key, value)| (key.to_owned(), ByteString(value.into()))).collect();
        let hosts = HostPolicy::new(["api.postpress.ai"], true).expect("a host");
        let credential = Credential::from_secret(&data, Provider::PostPress, uid, &hosts).expect("a key");
        json!({"uid": "the-other", "provider": "PostPress", "state": "Connected", "aliveAt": Timestamp::now(),
            "fingerprint": credential.fingerprint, "endpoint": credential.endpoint.to_string()})
    };
    let account = |id: &str| json!({"postpress": {"accountId": id}});
    let confirmed = json!({"phase": "Confirmed", "reason": "ReadBack", "proof": {"reason": "ReadBack"}});
    restore(&bed, "proved", &account("acc_1"), |_| teardown(&confirmed)).await;
    restore(&bed, "seen", &account("acc_never"), |uid| json!({"account": evidence(uid), "heldSecret": "postpress"}))
        .await;
    let intent = json!({"phase": "Intent", "reason": "Deleting", "nonce": "another-passes"});
    let linkedin = json!({"puffle": {"accountId": LINKEDIN, "channel": "LinkedIn"}});
    restore(&bed, "intended", &linkedin, |_| teardown(&intent)).await;
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
    restore(&bed, "live", &account("acc_live"), |_| teardown(&confirmed)).await;

    // An intent that counted would be waited for longer than this test lasts.
    let operator = bed.operator(&["--outcome-window", "24h"]).await;
    bed.until_gone("proved").await;
    bed.until_gone("intended").await;
    let held = bed.until_reason("seen", "UnprovenAbsence").await;
    assert_eq!(held["status"]["teardown"]["uid"], held["metadata"]["uid"]);
    let live = bed.until_connected("live").await;
    assert_eq!(
        (&live["status"]["account"]["uid"], &live["status"]["teardown"]),
        (&live["metadata"]["uid"], &Value::Null)
    );
    let log = bed.sim.log();
    assert_eq!((log.state("acc_1"), log.effective_deletes("acc_1").len()), (State::Gone, 1));
    assert_eq!((log.state(LINKEDIN), log.deletes(LINKEDIN).len()), (State::Disconnected, 1));
    assert_eq!(
        (&operator.receipt("proved")["proof"], &operator.receipt("proved")["attempts"]),
        (&json!("ReadBack"), &json!(1))
    );
    bed.finish(operator).await;
}

/// The Events about an object: reason, and how often it was told.
async fn events(bed: &Bed, name: &str) -> Vec<(String, u64)> {
    let shown = bed.kubectl(&["get", "events.v1.events.k8s.io", "-o", "json"]).await;
    let list: Value = serde_json::from_str(&shown).expect("JSON");
    let about = list["items"].as_array().into_iter().flatten().filter(|event| event["regarding"]["name"] == name);
    let mut events: Vec<_> = about
        .map(|event| {
            (event["reason"].as_str().unwrap_or_default().to_owned(), event["series"]["count"].as_u64().unwrap_or(1))
        })
        .collect();
    events.sort();
    events
}

#[tokio::test]
async fn events_tell_of_transitions_only() {
    let bed = Bed::new("events").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.until_reason("acme", "SecretMissing").await;
    bed.prompted("acme").await;
    bed.postpress_secret("postpress", &key).await;
    bed.prompted("acme").await;
    bed.until_connected("acme").await;
    bed.prompted("acme").await;
    bed.prompted("acme").await;
    let failing = bed.sim.fault(On::delete(), Fault::status(503));
    bed.delete("acme").await;
    bed.eventually("several tries failed", async || failing.hits() >= 3).await;
    failing.clear();
    bed.until_gone("acme").await;
    let told = [("AccountConnected", 1), ("ProviderUnavailable", 1), ("ReadBack", 1), ("SecretMissing", 1)];
    let expected: Vec<_> = told.iter().map(|(reason, times)| ((*reason).to_owned(), *times)).collect();
    bed.eventually("the last Event is written", async || events(&bed, "acme").await.len() >= expected.len()).await;
    assert_eq!(events(&bed, "acme").await, expected);
    bed.finish(operator).await;
}
