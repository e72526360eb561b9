//! Deletions that another version of the operator began. `tests/fixtures/ledger-0.1` is what version 0.1 leaves in the status
//! in each phase: it is frozen, and every later version goes on from it. `ledger-newer` holds words and fields that
//! this version does not know, as it finds them after a rollback.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use provider_simulator::{State, Status};
use sender_operator::crd::{FINALIZER, SenderAccountStatus};
use sender_operator::credentials::Credential;
use sender_operator::provider::endpoint::HostPolicy;
use sender_operator::teardown::target::Provider;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, Property, Sender};

#[derive(Deserialize)]
struct Fixture {
    kind: String,
    /// What is true of the account when the operator starts: the DELETE that was sent may have had its effect.
    row: String,
    status: Value,
    ends: Ends,
}

#[derive(Deserialize)]
struct Ends {
    state: String,
    proof: String,
    /// DELETEs that this version sends.
    deletes: usize,
}

/// A fixture that an object shows.
struct Case {
    fixture: Fixture,
    sender: Sender,
}

fn fixtures(folder: &str) -> BTreeMap<String, Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let read = |file: &Path| serde_json::from_slice(&std::fs::read(file).expect("it can be read")).expect("a fixture");
    files.map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), read(&file))).collect()
}

/// An object in the middle of its deletion, as the fixture says.
async fn begun(bed: &Bed, name: &str, fixture: Fixture) -> Case {
    let kind = match fixture.kind.as_str() {
        "PostPress" => Kind::PostPress,
        "Email" => Kind::Email,
        "LinkedIn" => Kind::LinkedIn,
        _ => Kind::Purge,
    };
    let sender = bed.stranger(kind, name);
    match fixture.row.as_str() {
        "Gone" => {}
        "Disconnected" => drop(bed.sim.puffle().add_linkedin(&sender.key, &sender.account, Status::Disconnected)),
        _ => sender.connect(&bed.sim, &sender.key),
    }
    let mut object = bed.object_of(&sender, &json!({}));
    object["metadata"]["finalizers"] = json!([FINALIZER]);
    bed.apply_all(&[sender.secret(&bed.sim, &sender.key), object]).await;
    bed.delete(name).await;
    let uid = bed.object(name).await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    let data = [("api-key", sender.key.clone()), ("base-url", sender.url(&bed.sim))];
    let data = data.map(|(name, value)| (name.to_owned(), ByteString(value.into_bytes()))).into();
    let hosts = HostPolicy::new([""; 0], true).unwrap();
    let provider = if kind == Kind::PostPress { Provider::PostPress } else { Provider::Puffle };
    let credential = Credential::from_secret(&data, provider, &uid, &hosts).unwrap();
    let before = (Timestamp::now() - SignedDuration::from_secs(60)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let status = fixture.status.to_string();
    let status = status.replace("UID", &uid).replace("FINGERPRINT", credential.fingerprint.as_str());
    let status = status.replace("ENDPOINT", &credential.endpoint.to_string()).replace("BEFORE", &before);
    let patch = format!("{{\"status\":{status}}}");
    bed.kubectl(&["patch", "sacc", name, "--subresource=status", "--type=merge", "-p", &patch]).await;
    Case { fixture, sender }
}

/// Starts this version, and sees each deletion end as its fixture says.
async fn go_on(bed: &Bed, cases: &[Case]) {
    let operator = bed.operator(&[]).await;
    for Case { fixture: Fixture { ends, .. }, sender } in cases {
        bed.until_gone(&sender.name).await;
        let (state, deletes, _) = bed.truth(&sender.account);
        let state = if state == State::NeverThere { State::Gone } else { state };
        assert_eq!((format!("{state:?}"), deletes), (ends.state.clone(), ends.deletes), "{}", sender.name);
        assert_eq!(operator.proof(&sender.name), ends.proof, "{}", sender.name);
    }
    bed.finish(operator).await;
}

#[test]
fn this_version_reads_and_writes_every_word_of_the_frozen_ledgers() {
    let frozen = fixtures("ledger-0.1");
    assert!(frozen.len() >= 22, "one for each phase and kind: {:?}", frozen.keys());
    for (name, fixture) in frozen {
        let stamped = fixture.status.to_string().replace("BEFORE", "2026-01-01T00:00:00Z");
        let stored: Value = serde_json::from_str(&stamped).unwrap();
        let read: SenderAccountStatus = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(json!(read), stored, "{name}");
    }
}

#[tokio::test]
async fn a_deletion_that_version_0_1_began_is_gone_on_with_from_every_phase() {
    let bed = Bed::new("ledger").await;
    let mut cases = Vec::new();
    for (name, fixture) in fixtures("ledger-0.1") {
        cases.push(begun(&bed, &name, fixture).await);
    }
    go_on(&bed, &cases).await;
}

#[tokio::test]
async fn words_and_fields_of_a_newer_version_lose_nothing_whether_or_not_its_crd_stays() {
    let (bed, _alone) = Bed::alone("newer").await;
    for property in [Property::S11, Property::L2] {
        bed.excuse(property, "the status of the newer version has words of its own");
    }
    for crd_stays in [true, false] {
        install_newer_crd(&bed).await;
        let mut cases = Vec::new();
        for (name, fixture) in fixtures("ledger-newer") {
            cases.push(begun(&bed, &name, fixture).await);
            let stored = bed.object(&name).await.unwrap();
            assert_eq!(stored["status"]["shards"], json!(["a", "b"]), "the newer CRD stores it: {name}");
        }
        if !crd_stays {
            bed.install_crd().await;
        }
        go_on(&bed, &cases).await;
    }
}

/// The CRD as a later version may have it: its status holds more than this one knows.
async fn install_newer_crd(bed: &Bed) {
    let mut crd = sender_operator::crd::manifest();
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    *schema = json!({"type": "object", "nullable": true, "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"teardown": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": {"attempt": {"type": "integer"}}}}});
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    bed.plane.kubectl_with_stdin(apply, &crd.to_string()).await.expect("it is accepted");
    let probe = json!({"status": {"shards": ["probe"]}});
    let sender = bed.stranger(Kind::PostPress, "probe");
    bed.adopt(std::slice::from_ref(&sender)).await;
    let stored = async || {
        let patch = ["patch", "sacc", "probe", "--subresource=status", "--type=merge", "-p", &probe.to_string()];
        bed.kubectl(&patch).await;
        bed.object("probe").await.is_some_and(|object| object["status"]["shards"] == json!(["probe"]))
    };
    bed.eventually("the newer CRD is in force", stored).await;
    bed.kubectl(&["delete", "sacc", "probe"]).await;
}

#[tokio::test]
async fn an_account_that_comes_back_under_its_id_after_the_release_is_left_alone() {
    let bed = Bed::new("comes-back").await;
    let senders = bed.senders();
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    bed.delete_all().await;
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    let deletes = || senders.iter().map(|sender| bed.sim.log().deletes(&sender.account).len()).collect::<Vec<_>>();
    let before = deletes();
    for sender in &senders {
        bed.sim.remove(&sender.account);
        sender.connect(&bed.sim, &sender.key);
    }
    bed.finish(operator).await;

    let operator = bed.operator(&[]).await;
    bed.until_logged(&operator, &["every object was listed"]).await;
    assert_eq!(deletes(), before);
    assert!(senders.iter().all(|sender| bed.sim.log().state(&sender.account) == State::Connected));
    bed.finish(operator).await;
}
