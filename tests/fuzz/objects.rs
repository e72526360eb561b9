//! A stored object, as the API server shows it: whatever stands in it is decoded as the watch decodes it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::WatchEvent;
use kube::runtime::watcher::Event;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as At, select};
use proptest::test_runner::TestCaseError;
use sender_operator::account::Account;
use sender_operator::args::{Command, Config, parse_from};
use sender_operator::credentials::Fingerprint;
use sender_operator::index::{Cached, Index, Scope};
use sender_operator::reason::Reason;
use sender_operator::status;
use sender_operator::teardown::decide;
use sender_operator::teardown::view::{Crd, Known, Pass, Step};
use serde_json::{Value, json};

use crate::run::fuzz;

static CONFIG: LazyLock<Config> =
    LazyLock::new(|| match parse_from(["sender-operator", "run", "--leader-election=false"].map(Into::into)) {
        Ok(Command::Run(config)) => *config,
        other => panic!("{other:?}"),
    });

#[test]
fn whatever_is_stored_is_taken_in_and_releases_nothing_without_its_own_proof() {
    fuzz("objects", 50, object(), promise);
}

fn object() -> BoxedStrategy<Vec<u8>> {
    let time =
        select(vec!["2026-01-01T00:00:00Z", "2027-01-15T08:00:00Z", "9999-12-31T23:59:59Z", "-009999-01-02T00:00:00Z"]);
    let phases = select(vec!["Waiting", "Intent", "Unknown", "Acked", "Held", "Confirmed", "Resting"]);
    let reasons = select(Reason::ALL.iter().map(|reason| reason.as_str()).chain(["Novel"]).collect::<Vec<_>>());
    let providers = select(vec![
        json!({"postpress": {"accountId": "acc_1"}}),
        json!({"puffle": {"accountId": "0b4fc1a2-0000-4000-8000-0123456789ab", "channel": "LinkedIn"}}),
        json!({"puffle": {"accountId": "0B4FC1A2-0000-4000-8000-0123456789AB", "channel": "LinkedIn", "teardown": "Purge"}}),
        json!({"puffle": {"accountId": "0b4fc1a2-0000-4000-8000-0123456789ab", "channel": "Email"}}),
        json!({}),
    ]);
    let ledger = (phases, reasons, time.clone(), time, -1_i32..5, select(vec!["uid", "other"]), any::<[bool; 5]>());
    let whole = (providers, ledger, any::<[bool; 4]>()).prop_map(|(provider, ledger, [deleting, orphan, suspend, ours])| {
        let (phase, reason, began, next, tries, uid, [nonce, acked, proof, seen, far]) = ledger;
        let mut object = json!({
            "apiVersion": "sender-operator.dev/v1alpha1", "kind": "SenderAccount",
            "metadata": {"name": "alice", "namespace": "sales", "uid": "uid", "resourceVersion": "7", "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": {"pre-delete.hook.sender-operator.dev/x": ""}},
            "spec": {"provider": provider, "credentialsRef": {"name": "key"}, "suspend": suspend,
                "deletionPolicy": if orphan { "Orphan" } else { "Delete" }},
            "status": {"teardown": {"uid": uid, "phase": phase, "reason": reason, "attempt": 1, "startedAt": began, "tries": tries}},
        });
        let teardown = &mut object["status"]["teardown"];
        if nonce { teardown["nonce"] = json!("n") }
        if far { teardown["nextAttemptAt"] = json!(next) }
        if acked { teardown["acked"] = json!({"fingerprint": "here", "at": began}) }
        if proof { teardown["proof"] = json!({"reason": "ReadBack"}) }
        if seen {
            object["status"]["account"] =
                json!({"uid": uid, "provider": "Puffle", "state": "Connected", "aliveAt": next, "fingerprint": "here"});
        }
        if deleting { object["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z") }
        if ours { object["metadata"]["finalizers"] = json!(["sender-operator.dev/teardown"]) }
        object
    });
    (whole, vec((any::<At>(), value()), 0..3))
        .prop_map(|(object, edits)| edited(object, edits).to_string().into_bytes())
        .boxed()
}

fn value() -> impl Strategy<Value = Value> {
    let fixed = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!([]),
        json!({}),
        json!("9999-12-31T23:59:59.999999999Z"),
        json!("Connected"),
        json!("uid"),
        json!({"a": [null]}),
        json!("x".repeat(5000)),
    ];
    prop_oneof![3 => select(fixed), 1 => any::<String>().prop_map(Value::String)]
}

/// Puts each value in some place of the object.
fn edited(mut object: Value, edits: Vec<(At, Value)>) -> Value {
    for (at, value) in edits {
        let mut places = Vec::new();
        collect(&object, String::new(), &mut places);
        let place = places[at.index(places.len())].clone();
        if let Some(old) = object.pointer_mut(&place) {
            *old = value;
        }
    }
    object
}

fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        collect(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
    }
    places.push(at);
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    let Ok(raw) = serde_json::from_slice::<Value>(input) else { return Ok(()) };
    let event = json!({"type": "MODIFIED", "object": raw}).to_string();
    let cached = match serde_json::from_str::<WatchEvent<Cached>>(&event) {
        Ok(WatchEvent::Modified(cached)) => cached,
        other => {
            // The API server sends nothing without sound metadata; with it, no object ends the watch.
            // Managed fields are whatever somebody with the right to edit wrote.
            let mut metadata = raw["metadata"].clone();
            metadata.as_object_mut().map(|metadata| metadata.remove("managedFields"));
            let sound = raw.is_object() && serde_json::from_value::<ObjectMeta>(metadata).is_ok();
            prop_assert!(!sound, "the watch would end: {:?}", other.map(drop));
            return Ok(());
        }
    };
    let index = Index::new([Scope::Cluster]);
    index.apply(&Scope::Cluster, &Event::Apply(cached.clone()));
    prop_assert_eq!(index.count().0, 1);
    prop_assert_eq!((cached.wish(), cached.face()), (cached.clone().wish(), cached.face()));
    let Some(object) = cached.account() else { return Ok(()) };
    let Ok(account) = Account::parse(Arc::clone(object), &CONFIG) else { return Ok(()) };
    let target = &account.view.target;
    prop_assert!(index.twins(target.provider(), target.account_id(), "another").len() == 1);
    prop_assert!(index.users(&account.namespace, &account.secret).len() == 1);
    prop_assert!(account.as_twin_of(&account, Timestamp::UNIX_EPOCH).uid == account.view.uid);
    for known in ["here", "elsewhere"] {
        let known =
            Known { fingerprint: Fingerprint::from_stored(known.to_owned()), endpoint: "https://here".to_owned() };
        let learned = Pass { crd: Some(Crd::Serving), credential: Some(Ok(known)), ..Pass::default() };
        for pass in [Pass::default(), learned, Pass { crd: Some(Crd::Deleting), ..Pass::default() }] {
            judge(&account, &pass)?;
        }
    }
    Ok(())
}

fn judge(account: &Account, pass: &Pass) -> Result<(), TestCaseError> {
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    let view = &account.view;
    match decide(view, pass, &CONFIG.rules, now) {
        Step::Release(proof) => {
            let own = view.ledger.teardown.as_ref().filter(|teardown| teardown.uid == view.uid);
            let proved = own.and_then(|teardown| teardown.proof.as_ref()) == Some(proof.record());
            let orphaned =
                proof.record().reason == Reason::Orphaned && view.gates.orphan.is_some() && !view.is_unsettled();
            prop_assert!(proved || orphaned, "{:?}", proof);
        }
        Step::Wait(ledger, delay) => {
            prop_assert!(delay >= Duration::from_millis(10) && delay <= Duration::from_secs(900), "{:?}", delay);
            let shown = status::deleting(account, &ledger, account.hold(), now);
            prop_assert_eq!(&shown, &status::deleting(account, &ledger, account.hold(), now));
            let next = shown.teardown.as_ref().and_then(|teardown| teardown.next_attempt_at);
            let soon = next.is_some_and(|next| next <= now + Duration::from_secs(900));
            // A wait that is not over yet is left as it is shown.
            prop_assert!(soon || view.ledger == ledger, "the next attempt is shown for {:?}", next);
            let subject = shown.teardown.as_ref().and_then(|teardown| teardown.subject.clone()).unwrap_or_default();
            prop_assert!(subject.chars().count() <= 1024);
        }
        Step::Send | Step::SendAgain | Step::Intend(_) => prop_assert!(false, "on nothing but what is stored"),
        _ => {}
    }
    Ok(())
}
