//! What kstatus, Argo CD and Flux say of an object in every state that the vocabulary knows: their own code judges what
//! the operator's own code writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::ffi::OsString;
use std::sync::Arc;

use gitops::judge;
use jiff::Timestamp;
use sender_operator::account::Account;
use sender_operator::args::{self, Command, Config};
use sender_operator::crd::{FINALIZER, SenderAccount};
use sender_operator::reason::Reason;
use sender_operator::status::{self, Why};
use sender_operator::teardown::ledger::{Ledger, Teardown};
use serde_json::{Value, json};

/// What the object's owner should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// All is as it should be.
    Fine,
    /// It goes on by itself: wait.
    Wait,
    /// It stands until a person acts: look.
    Look,
    /// It rests, as asked.
    Rests,
}

/// Every reason there is: one that is added must be thought about here.
fn told(reason: Reason) -> Told {
    match reason {
        Reason::AccountConnected => Told::Fine,
        Reason::Suspended => Told::Rests,
        Reason::EndpointUnreachable
        | Reason::TlsFailure
        | Reason::ConnectionLost
        | Reason::TimedOut
        | Reason::ProviderUnavailable
        | Reason::ProviderError
        | Reason::Throttled
        | Reason::UnexpectedAnswer
        | Reason::AccountBusy
        | Reason::CrdUnreadable
        | Reason::NotListed
        | Reason::PreDeleteHookPending
        | Reason::ForeignFinalizer
        | Reason::TwinDeleting
        | Reason::Deleting
        | Reason::ReadingBack
        | Reason::OutcomeUnknown
        | Reason::ReadBack
        | Reason::NotFoundAfterAck
        | Reason::NotFoundAfterSeenAlive
        | Reason::AlreadySoft
        | Reason::AckedUnverified
        | Reason::Orphaned
        | Reason::HandedOver
        | Reason::ReleasedByPolicy
        | Reason::RequestMayBeInFlight
        | Reason::Queued
        | Reason::ReceiptNotWritten
        | Reason::ApiServerUnavailable
        | Reason::Unrecognised => Told::Wait,
        Reason::AccountDisconnected
        | Reason::AccountMissing
        | Reason::InvalidObject
        | Reason::SecretMissing
        | Reason::SecretGone
        | Reason::SecretForbidden
        | Reason::ApiKeyMissing
        | Reason::ApiKeyMalformed
        | Reason::BaseUrlMalformed
        | Reason::HostNotAllowed
        | Reason::CredentialsInvalid
        | Reason::CredentialsForbidden
        | Reason::CredentialsChanged
        | Reason::KeyLostSight
        | Reason::AddressForbidden
        | Reason::EndpointRedirects
        | Reason::AccountLoginFailed
        | Reason::InvalidAccountId
        | Reason::RequestRefused
        | Reason::WrongChannel
        | Reason::AccountStatusUnrecognised
        | Reason::DeletionProtected
        | Reason::CrdDeleting
        | Reason::ConfirmationMissing
        | Reason::DeletionBudgetSpent
        | Reason::TwinLive
        | Reason::OutcomeHeld
        | Reason::UnprovenAbsence
        | Reason::AckedButAlive
        | Reason::PatchRefused => Told::Look,
    }
}

/// The words of kstatus, Argo CD and Flux for it.
fn words(told: Told, deleting: bool) -> [&'static str; 3] {
    match (told, deleting) {
        (Told::Fine, false) => ["Current", "Healthy", "Current"],
        (Told::Wait, false) => ["InProgress", "Progressing", "InProgress"],
        (Told::Look, false) => ["Failed", "Degraded", "Failed"],
        // What Git asks for holds up nobody who is told so; kstatus has no word for it.
        (Told::Rests, false) => ["InProgress", "Suspended", "Current"],
        // An account that is connected is the last thing a deletion wants.
        (Told::Fine | Told::Wait, true) => ["Terminating", "Progressing", "InProgress"],
        (Told::Look, true) => ["Terminating", "Degraded", "Failed"],
        (Told::Rests, true) => ["Terminating", "Suspended", "Failed"],
    }
}

fn config() -> Config {
    match args::parse_from(["sender-operator", "run", "--leader-election=false"].map(OsString::from)).unwrap() {
        Command::Run(config) => *config,
        other => panic!("not a run: {other:?}"),
    }
}

/// An object as the API server shows it before anybody has looked at it.
fn object(deleting: bool) -> Value {
    let mut object = json!({
        "apiVersion": "sender-operator.dev/v1alpha1",
        "kind": "SenderAccount",
        "metadata": {"name": "alice", "namespace": "sales", "uid": "uid", "resourceVersion": "1", "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]},
        "spec": {"provider": {"postpress": {"accountId": "acc_1"}}, "credentialsRef": {"name": "workspace"}},
        "status": {"observedGeneration": -1},
    });
    if deleting {
        object["metadata"]["generation"] = json!(2);
        object["metadata"]["deletionTimestamp"] = json!("2026-01-02T00:00:00Z");
    }
    object
}

fn teardown(reason: Reason) -> Teardown {
    let proved = [
        Reason::ReadBack,
        Reason::NotFoundAfterAck,
        Reason::NotFoundAfterSeenAlive,
        Reason::AlreadySoft,
        Reason::AckedUnverified,
        Reason::Orphaned,
        Reason::HandedOver,
        Reason::ReleasedByPolicy,
    ];
    let phase = if proved.contains(&reason) { "Confirmed" } else { "Waiting" };
    let teardown = json!({"uid": "uid", "phase": phase, "reason": reason, "subject": "sales/bob", "attempt": 1,
        "startedAt": Timestamp::now()});
    serde_json::from_value(teardown).unwrap()
}

/// The object as the operator leaves it, for this reason.
fn shown(reason: Reason, deleting: bool) -> Value {
    let mut object = object(deleting);
    object["status"] = if reason == Reason::InvalidObject {
        let generation = object["metadata"]["generation"].as_i64();
        status::invalid("sales", "alice", generation, "spec.suspend", Some(&object["status"]), Timestamp::UNIX_EPOCH)
    } else {
        let raw: SenderAccount = serde_json::from_value(object.clone()).unwrap();
        let account = Account::parse(Arc::new(raw), &config()).unwrap();
        let status = if deleting {
            let ledger = Ledger { account: None, teardown: Some(teardown(reason)) };
            status::deleting(&account, &ledger, None, Timestamp::now())
        } else {
            let why = Why { reason, subject: Some("sales/bob".to_owned()) };
            status::alive(&account, &Ledger::default(), &why, None, Timestamp::now())
        };
        serde_json::to_value(status).unwrap()
    };
    object
}

#[test]
fn every_state_is_judged_as_its_owner_would_want() {
    let cases: Vec<_> = Reason::ALL.iter().flat_map(|reason| [(*reason, false), (*reason, true)]).collect();
    let objects: Vec<_> = cases.iter().map(|(reason, deleting)| shown(*reason, *deleting)).collect();
    let mut wrong = Vec::new();
    for (((reason, deleting), object), verdict) in cases.iter().zip(&objects).zip(judge(&objects)) {
        let said = [&verdict.kstatus.status, &verdict.argo.status, &verdict.flux.status].map(String::as_str);
        let wanted = words(told(*reason), *deleting);
        let message = object["status"]["conditions"][0]["message"].as_str().unwrap();
        if said != wanted || verdict.argo.message != format!("{reason}: {message}") {
            wrong.push(format!("{reason}, deleting: {deleting}: not {wanted:?}, but {verdict:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_object_that_no_operator_has_looked_at_is_never_taken_for_a_finished_one() {
    let mut changed = shown(Reason::AccountConnected, false);
    changed["metadata"]["generation"] = json!(2);
    let mut marked = shown(Reason::AccountConnected, false);
    marked["metadata"] = object(true)["metadata"].clone();
    let objects = [object(false), changed, object(true), marked];
    let waits = [false, false, true, true].map(|deleting| words(Told::Wait, deleting));
    for ((object, verdict), wanted) in objects.iter().zip(judge(&objects)).zip(waits) {
        let said = [&verdict.kstatus.status, &verdict.argo.status, &verdict.flux.status].map(String::as_str);
        assert_eq!(said, wanted, "{object:#}");
        assert_eq!(verdict.argo.message, "the operator has not looked at this version of the object yet");
    }
}
