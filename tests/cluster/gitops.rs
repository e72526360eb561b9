//! What Argo CD and Flux do to objects, done with kubectl: apply, apply again, prune, rename, replace. docs/gitops.md
//! says which of their options does what.

use envtest::Error;
use gitops::judge;
use provider_simulator::{Fault, On, State, Status};
use sender_operator::crd::{FINALIZER, SECRET_FINALIZER};
use serde_json::{Value, json};

use crate::bed::{Bed, LINKEDIN, Property, deleting, reason, secret};

/// `kubectl VERB -f -` with these manifests, as what is in Git.
async fn git(bed: &Bed, verb: &[&str], manifests: &[Value]) -> Result<String, Error> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": manifests}).to_string();
    let mut args = vec!["-n", bed.namespace.as_str()];
    args.extend_from_slice(verb);
    args.extend_from_slice(&["-f", "-"]);
    bed.plane.kubectl_with_stdin(args, &list).await
}

/// A PostPress account's Secret and object, in Git.
fn in_git(bed: &Bed, key: &str, name: &str, account: &str) -> [Value; 2] {
    let entries = json!({"api-key": key, "base-url": bed.sim.postpress_url()});
    let object = bed.manifest(name, "postpress", &json!({"postpress": {"accountId": account}}), &json!({}));
    [secret("postpress", &entries), object]
}

#[tokio::test]
async fn nothing_that_the_operator_does_to_a_secret_or_an_object_differs_from_git() {
    for (name, how) in [("drift-server", "--server-side=true"), ("drift-client", "--server-side=false")] {
        let bed = Bed::new(name).await;
        let key = bed.key();
        bed.sim.postpress().add(&key, "acc_1");
        let fleet = in_git(&bed, &key, "acme", "acc_1");
        let operator = bed.operator(&[]).await;
        let synced = async || {
            assert_eq!(git(&bed, &["diff", how], &fleet).await.expect("no difference"), "", "{how}");
            git(&bed, &["apply", how], &fleet).await.expect("it is applied");
        };
        git(&bed, &["apply", how], &fleet).await.expect("it is applied");
        let live = bed.until_connected("acme").await;
        assert_eq!(live["metadata"]["finalizers"], json!([FINALIZER]));
        synced().await;

        // Deleted by hand while it is in Git: what is applied again neither stops the deletion nor differs.
        // The second DELETE is held back, so that no status is written between kubectl's two looks at it.
        bed.sim.fault(On::delete().nth(1), Fault::status(503));
        let held = bed.sim.fault(On::delete().nth(2), Fault::own().hold());
        bed.delete("acme").await;
        bed.until_reason("acme", "ProviderUnavailable").await;
        bed.eventually("its second DELETE is held back", async || held.waiting() == 1).await;
        synced().await;
        assert!(deleting(&bed.object("acme").await.expect("it waits for the provider")));
        held.release();
        bed.until_gone("acme").await;
        assert_eq!(bed.truth("acc_1"), (State::Gone, 2, 1));
        bed.finish(operator).await;
    }
}

#[tokio::test]
async fn sixty_accounts_that_are_pruned_with_their_secret_are_deleted_once_each() {
    const ACCOUNTS: usize = 60;
    let bed = Bed::new("mass-prune").await;
    let key = bed.key();
    let names: Vec<_> = (0..ACCOUNTS).map(|number| format!("acc-{number}")).collect();
    for name in &names {
        bed.sim.postpress().add(&key, name);
    }
    let [secret, _] = in_git(&bed, &key, "any", "any");
    // The Secret comes first, also when all of it is deleted.
    let objects = names.iter().map(|name| in_git(&bed, &key, name, name)[1].clone());
    let fleet: Vec<_> = std::iter::once(secret).chain(objects).collect();
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    git(&bed, &["apply", "--server-side"], &fleet).await.expect("it is applied");
    for name in &names {
        bed.until_connected(name).await;
    }
    git(&bed, &["delete", "--wait=false"], &fleet).await.expect("it is deleted");
    for name in &names {
        bed.until_gone(name).await;
    }
    bed.kubectl(&["wait", "--for=delete", "secret/postpress", "--timeout=60s"]).await;
    for name in &names {
        assert_eq!(bed.truth(name), (State::Gone, 1, 1), "{name}");
    }
    assert_eq!(operator.receipts().len(), ACCOUNTS);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_renamed_object_takes_the_account_over_if_the_new_name_is_applied_before_the_old_one_is_pruned() {
    let bed = Bed::new("renamed").await;
    let key = bed.key();
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    // With a new name that is Ready before the old one goes, and with one that nobody has looked at yet.
    for (account, ready) in [("acc_1", true), ("acc_2", false)] {
        bed.sim.postpress().add(&key, account);
        git(&bed, &["apply", "--server-side"], &in_git(&bed, &key, "old", account)).await.expect("it is applied");
        bed.until_connected("old").await;
        git(&bed, &["apply", "--server-side"], &in_git(&bed, &key, "new", account)).await.expect("it is applied");
        if ready {
            bed.until_connected("new").await;
        }
        bed.delete("old").await;
        bed.until_gone("old").await;
        bed.until_connected("new").await;
        assert_eq!(bed.truth(account), (State::Connected, 0, 0), "{account}");
        let proofs = operator.receipts().into_iter().filter(|receipt| receipt["account"] == account);
        assert_eq!(proofs.map(|receipt| receipt["proof"].clone()).collect::<Vec<_>>(), ["HandedOver"]);
        bed.kubectl(&["delete", "sacc", "new", "--wait=true", "--timeout=60s"]).await;
        assert_eq!(bed.truth(account), (State::Gone, 1, 1));
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_renamed_object_finds_its_account_gone_if_the_old_name_is_pruned_first() {
    let bed = Bed::new("renamed-late").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    let operator = bed.operator(&[]).await;
    git(&bed, &["apply", "--server-side"], &in_git(&bed, &key, "old", "acc_1")).await.expect("it is applied");
    bed.until_connected("old").await;
    bed.kubectl(&["delete", "sacc", "old", "--wait=true", "--timeout=60s"]).await;
    git(&bed, &["apply", "--server-side"], &in_git(&bed, &key, "new", "acc_1")).await.expect("it is applied");
    let new = bed.until_reason("new", "AccountMissing").await;
    assert_eq!(judge(&[new])[0].argo.status, "Degraded");
    assert_eq!(bed.truth("acc_1"), (State::Gone, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_replace_takes_the_finalizers_off_live_objects_and_the_operator_puts_them_on_again() {
    let bed = Bed::new("replaced").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    let fleet = in_git(&bed, &key, "acme", "acc_1");
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    git(&bed, &["apply"], &fleet).await.expect("it is applied");
    bed.until_connected("acme").await;
    git(&bed, &["replace"], &fleet).await.expect("it is replaced");
    bed.until("acme", "ours again", |object| object["metadata"]["finalizers"] == json!([FINALIZER])).await;
    bed.prompted("acme").await;
    let held = bed.kubectl(&["get", "secret", "postpress", "-o", "jsonpath={.metadata.finalizers[*]}"]).await;
    assert_eq!(held, SECRET_FINALIZER);
    git(&bed, &["delete", "--timeout=60s"], &fleet).await.expect("it is deleted");
    assert_eq!(bed.truth("acc_1"), (State::Gone, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_replace_of_an_object_that_is_being_deleted_lets_it_go_and_its_account_live_on() {
    let bed = Bed::new("replaced-late").await;
    bed.excuse(Property::S1, "a replace takes the finalizer off");
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    let [secret, mut object] = in_git(&bed, &key, "acme", "acc_1");
    object["spec"]["suspend"] = json!(true);
    let operator = bed.operator(&[]).await;
    git(&bed, &["apply"], &[secret, object.clone()]).await.expect("it is applied");
    bed.until_reason("acme", "Suspended").await;
    bed.delete("acme").await;
    bed.until_waiting("acme", "Suspended").await;
    // It compares and swaps, and the operator may write in between.
    let replaced = async || git(&bed, &["replace"], &[object.clone()]).await.is_ok();
    bed.eventually("nothing in the API forbids it", replaced).await;
    bed.until_gone("acme").await;
    assert_eq!(bed.truth("acc_1"), (State::Connected, 0, 0));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_forced_replace_deletes_the_account_before_it_creates_the_object_again() {
    let bed = Bed::new("replaced-forced").await;
    let key = bed.key();
    bed.sim.postpress().add(&key, "acc_1");
    let fleet = in_git(&bed, &key, "acme", "acc_1");
    let operator = bed.operator(&[]).await;
    git(&bed, &["apply"], &fleet).await.expect("it is applied");
    let before = bed.until_connected("acme").await;
    git(&bed, &["replace", "--force", "--timeout=60s"], &fleet[1..]).await.expect("it is deleted and created");
    let after = bed.until_reason("acme", "AccountMissing").await;
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(bed.truth("acc_1"), (State::Gone, 1, 1));
    bed.finish(operator).await;
}

#[tokio::test]
async fn argo_cds_health_check_is_added_to_its_settings_without_changing_any_other() {
    let bed = Bed::new("argocd-cm").await;
    let snippet = include_str!("../../config/gitops/argocd/argocd-cm.yaml");
    let kubectl = async |args: &[&str], input: &str| {
        bed.plane.kubectl_with_stdin(args, input).await.unwrap_or_else(|error| panic!("{error}"))
    };
    let there = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"url": "https://argocd.example.com"}, "metadata":
            {"name": "argocd-cm", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}}}]});
    kubectl(&["apply", "-f", "-"], &there.to_string()).await;
    // The command that the file itself names.
    let command = snippet.lines().find_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix("kubectl "));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/gitops/argocd/argocd-cm.yaml");
    let words = command.expect("a command").split_whitespace();
    let args: Vec<_> = words.map(|word| if word == "argocd-cm.yaml" { file } else { word }).collect();
    kubectl(&args, "").await;
    let shown = kubectl(&["get", "configmap", "argocd-cm", "-n", "argocd", "-o", "json"], "").await;
    let data = serde_json::from_str::<Value>(&shown).expect("JSON")["data"].clone();
    let keys: Vec<_> = data.as_object().expect("data").keys().map(String::as_str).collect();
    assert_eq!(keys, ["resource.customizations.health.sender-operator.dev_SenderAccount", "url"]);
}

#[tokio::test]
async fn real_objects_in_their_main_states_are_judged_as_their_owners_would_want() {
    const HOOK: &str = "pre-delete.hook.sender-operator.dev/crm=sales";
    let bed = Bed::new("health").await;
    let (postpress, puffle, unknown) = (bed.key(), bed.key(), bed.key());
    let names = ["connected", "failing", "sending", "suspended", "protected", "hooked", "new"];
    for name in names {
        bed.sim.postpress().add(&postpress, &format!("acc_{name}"));
    }
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Disconnected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.postpress_secret("unknown", &unknown).await;
    bed.puffle_secret("puffle", &puffle).await;
    let failing = bed.sim.fault(On::delete().account("acc_failing"), Fault::status(503));
    let sending = bed.sim.fault(On::delete().account("acc_sending"), Fault::own().hold());
    let mut seen = Vec::new();

    // Before any operator has looked at it.
    bed.postpress("new", "acc_new", "postpress").await;
    let new = bed.object("new").await.expect("it is there");
    seen.push((new, ["InProgress", "Progressing", "InProgress"]));
    let operator = bed.operator(&["--observe-interval", "1h"]).await;

    for name in names.into_iter().chain(["missing"]) {
        bed.postpress(name, &format!("acc_{name}"), "postpress").await;
    }
    bed.linkedin("disconnected", LINKEDIN, "puffle").await;
    bed.postpress("refused", "acc_refused", "unknown").await;
    for name in names {
        bed.until_connected(name).await;
    }
    bed.patch_spec("suspended", &json!({"suspend": true})).await;
    bed.patch_spec("protected", &json!({"deletionProtection": true})).await;
    bed.kubectl(&["annotate", "sacc", "hooked", HOOK]).await;
    for (name, reason, words) in [
        ("connected", "AccountConnected", ["Current", "Healthy", "Current"]),
        ("disconnected", "AccountDisconnected", ["Failed", "Degraded", "Failed"]),
        ("missing", "AccountMissing", ["Failed", "Degraded", "Failed"]),
        ("refused", "CredentialsInvalid", ["Failed", "Degraded", "Failed"]),
        ("suspended", "Suspended", ["InProgress", "Suspended", "Current"]),
    ] {
        seen.push((bed.until_reason(name, reason).await, words));
    }
    for (name, reason, words) in [
        ("failing", "ProviderUnavailable", ["Terminating", "Progressing", "InProgress"]),
        ("hooked", "PreDeleteHookPending", ["Terminating", "Progressing", "InProgress"]),
        ("missing", "UnprovenAbsence", ["Terminating", "Degraded", "Failed"]),
        ("protected", "DeletionProtected", ["Terminating", "Degraded", "Failed"]),
        ("suspended", "Suspended", ["Terminating", "Suspended", "Failed"]),
    ] {
        bed.delete(name).await;
        seen.push((bed.until_waiting(name, reason).await, words));
    }
    bed.delete("sending").await;
    bed.eventually("the provider has the DELETE", async || sending.waiting() == 1).await;
    let object = bed.object("sending").await.expect("it waits for the answer");
    seen.push((object, ["Terminating", "Progressing", "InProgress"]));

    let objects: Vec<_> = seen.iter().map(|(object, _)| object.clone()).collect();
    let mut wrong = Vec::new();
    for ((object, words), verdict) in seen.iter().zip(judge(&objects)) {
        let said = [&verdict.kstatus.status, &verdict.argo.status, &verdict.flux.status].map(String::as_str);
        if said != *words || verdict.argo.message.is_empty() {
            wrong.push(format!("{} {}: not {words:?}, but {verdict:?}", object["metadata"]["name"], reason(object)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    failing.clear();
    sending.release();
    for name in ["failing", "sending"] {
        bed.until_gone(name).await;
    }
    bed.finish(operator).await;
}
