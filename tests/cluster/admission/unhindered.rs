//! The operator, as its own ServiceAccount and under every policy, does all that it does without.

use provider_simulator::State;
use sender_operator::crd::FINALIZER;
use serde_json::{Value, json};

use super::documented::is_documented;
use super::{Release, decorated};
use crate::bed::{Bed, Kind, Sender, deleting};

/// Every answer to this user that is an admission policy's refusal.
fn refusals(bed: &Bed, username: &str) -> Vec<String> {
    let lines = std::fs::read_to_string(bed.plane.audit_log()).expect("the audit log is there");
    let events: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let own = events.iter().filter(|event| event["user"]["username"] == username);
    let messages: Vec<_> = own.filter_map(|event| event["responseStatus"]["message"].as_str()).collect();
    messages.into_iter().filter(|message| message.contains("AdmissionPolicy")).map(str::to_owned).collect()
}

/// What `kubectl delete --dry-run=server` warns of.
async fn preview(bed: &Bed, name: &str) -> String {
    let command = format!("kubectl delete sacc {name} -n {} --dry-run=server", bed.namespace);
    let said = bed.shell(bed.plane.kubeconfig(), &command).await.unwrap_or_else(|said| panic!("{command}: {said}"));
    let warning =
        said.lines().find_map(|line| line.split_once("-deletion-preview': ")).unwrap_or_else(|| panic!("{said}"));
    warning.1.to_owned()
}

#[tokio::test]
async fn every_kind_of_deletion_runs_as_without_policies_and_as_its_preview_said() {
    let bed = Bed::new("unhindered").await;
    let release = Release::install(&bed, &[], &[]).await;
    // Deleted before any operator runs: the finalizer was put in at birth.
    let early = bed.sender(Kind::Purge, "early");
    bed.adopt(std::slice::from_ref(&early)).await;
    bed.delete("early").await;
    let object = bed.object("early").await.expect("it waits for the operator");
    assert_eq!((deleting(&object), &object["metadata"]["finalizers"]), (true, &json!([FINALIZER])));
    // Beside others' finalizers, and not twice.
    for (given, stored) in
        [(vec!["example.com/a"], json!(["example.com/a", FINALIZER])), (vec![FINALIZER], json!([FINALIZER]))]
    {
        let object = decorated(bed.object_of(&bed.sender(Kind::PostPress, "born"), &json!({})), &json!({}), &given);
        let create = ["-n", &bed.namespace, "create", "--dry-run=server", "-o", "json", "-f", "-"];
        let born = bed.plane.kubectl_with_stdin(create, &object.to_string()).await.expect("it is accepted");
        let born: Value = serde_json::from_str(&born).expect("JSON");
        assert_eq!(born["metadata"]["finalizers"], stored);
    }

    let operator = bed.operator_as(&release.operator.kubeconfig, &[&bed.namespace], &[]).await;
    bed.until_gone("early").await;
    let senders = bed.senders();
    bed.adopt_connected(&senders).await;
    let mut called = Vec::new();
    for sender in &senders {
        let said = preview(&bed, &sender.name).await;
        is_documented(&said, &bed, sender);
        let url =
            said.split_once("call DELETE ").and_then(|(_, rest)| rest.split(' ').next()).expect("a URL").to_owned();
        called.push(url);
    }
    let waiting = json!({"metadata": {"annotations": {"pre-delete.hook.sender-operator.dev/campaigns": "ops"}}, "spec": {"suspend": true}});
    bed.kubectl(&["patch", "sacc", "linkedin", "--type=merge", "-p", &waiting.to_string()]).await;
    is_documented(&preview(&bed, "linkedin").await, &bed, &senders[2]);
    bed.kubectl(&["annotate", "sacc", "linkedin", "pre-delete.hook.sender-operator.dev/campaigns-"]).await;
    bed.patch_spec("linkedin", &json!({"suspend": false})).await;
    let orphan = bed.sender(Kind::PostPress, "orphan");
    bed.adopt_connected(std::slice::from_ref(&orphan)).await;
    bed.patch_spec("orphan", &json!({"deletionPolicy": "Orphan"})).await;
    is_documented(&preview(&bed, "orphan").await, &bed, &orphan);
    // A twin that takes an account over, and shares its Secret.
    let heir = Sender { name: "heir".to_owned(), ..senders[0].clone() };
    bed.apply(&bed.manifest("heir", "postpress", &json!({"postpress": {"accountId": heir.account}}), &json!({}))).await;
    bed.until_connected("heir").await;
    assert!(
        bed.sim.log().entries().all(|entry| entry.method != "DELETE" || entry.account.as_ref() == Some(&early.account)),
        "nothing was deleted yet"
    );

    bed.delete_all().await;
    bed.until_all_gone(&[senders.clone(), vec![orphan.clone(), heir]].concat()).await;
    bed.assert_ended(&senders);
    bed.assert_ended(&[early]);
    assert_eq!(bed.truth(&orphan.account), (State::Connected, 0, 0));
    for (sender, url) in senders.iter().zip(called) {
        let log = bed.sim.log();
        let path = &log.deletes(&sender.account)[0].path;
        let base = sender.url(&bed.sim);
        let origin: String = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        assert_eq!(url, format!("{origin}{path}"), "what was called is what the preview said");
    }
    let held = bed.kubectl(&["get", "secrets", "-o", "jsonpath={.items[*].metadata.finalizers}"]).await;
    assert_eq!(held, "", "every hold is off");
    assert_eq!(refusals(&bed, &release.operator.username), Vec::<String>::new());
    bed.finish(operator).await;
}
