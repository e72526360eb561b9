//! Requests for one object: what is refused, in whatever way it is asked, and that the way out works as it is typed.

use provider_simulator::State;
use sender_operator::crd::FINALIZER;
use serde_json::{Value, json};

use super::documented::is_documented;
use super::{Person, Release, command_in, decorated};
use crate::bed::{Bed, Kind, Property, Sender, deleting};

const HOOK: &str = "pre-delete.hook.sender-operator.dev/test";

/// Writes a manifest to a file for kubectl.
fn file(bed: &Bed, manifest: &Value) -> String {
    let path =
        tempfile::NamedTempFile::new_in(bed.plane.dir()).expect("a file").into_temp_path().keep().expect("it stays");
    std::fs::write(&path, manifest.to_string()).expect("it is written");
    path.display().to_string()
}

/// Refused by this policy in each of these ways; what it says, which is the same each time.
async fn refused_in_every_way(person: &Person<'_>, policy: &str, ways: &[String]) -> String {
    let mut said = Vec::new();
    for way in ways {
        said.push(person.is_refused(policy, way).await);
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:#?}");
    said.remove(0)
}

async fn is_live(bed: &Bed, sender: &Sender) {
    let object = bed.object(&sender.name).await.expect("it is there");
    assert!(!deleting(&object), "{} is marked for deletion", sender.name);
    assert_eq!(bed.sim.log().state(&sender.account), State::Connected);
}

#[tokio::test]
async fn what_is_protected_or_not_confirmed_is_not_deleted_in_any_way_until_the_command_in_the_refusal_is_typed() {
    let bed = Bed::new("undeletable").await;
    let release = Release::install(&bed, &[], &["requireConfirmation={Email,Purge}"]).await;
    let maria = release.person("maria", &[]).await;
    let operator = bed
        .operator_as(&release.operator.kubeconfig, &[&bed.namespace], &["--require-confirmation", "Email,Purge"])
        .await;
    let all =
        format!("kubectl delete --raw /apis/sender-operator.dev/v1alpha1/namespaces/{}/senderaccounts", bed.namespace);
    let ways = |name: &str| {
        [
            format!("kubectl delete sacc {name} --wait=false"),
            "kubectl delete sacc --all --wait=false".to_owned(),
            format!("kubectl delete sacc {name} --force --grace-period=0 --wait=false"),
            all.clone(),
        ]
    };

    let alice = bed.sender(Kind::PostPress, "alice");
    bed.apply_all(&[alice.secret(&bed.sim, &alice.key), bed.object_of(&alice, &json!({"deletionProtection": true}))])
        .await;
    bed.until_connected("alice").await;
    let message = refused_in_every_way(&maria, "deletion-protection", &ways("alice")).await;
    is_live(&bed, &alice).await;
    is_documented(&message, &bed, &alice);
    maria.does(command_in(&message)).await;
    maria.does("kubectl delete sacc alice --timeout=90s").await;

    for (kind, name) in [(Kind::Email, "mailbox"), (Kind::Purge, "purge")] {
        let sender = bed.sender(kind, name);
        bed.adopt_connected(std::slice::from_ref(&sender)).await;
        let message = refused_in_every_way(&maria, "deletion-confirmation", &ways(name)).await;
        maria
            .does(&format!("kubectl annotate sacc {name} sender-operator.dev/confirm-deletion={}", alice.account))
            .await;
        assert_eq!(maria.is_refused("deletion-confirmation", &ways(name)[0]).await, message, "that is another account");
        is_live(&bed, &sender).await;
        is_documented(&message, &bed, &sender);
        maria.does(command_in(&message)).await;
        maria.does(&format!("kubectl delete sacc {name} --timeout=90s")).await;
        bed.assert_ended(&[sender]);
    }

    // An id of Puffle's is the same in capitals, to the policy and to the operator.
    let capitals = bed.sender(Kind::Email, "capitals");
    bed.adopt_connected(std::slice::from_ref(&capitals)).await;
    let id = capitals.account.to_ascii_uppercase();
    maria.does(&format!("kubectl annotate sacc capitals sender-operator.dev/confirm-deletion={id}")).await;
    maria.does("kubectl delete sacc capitals --timeout=90s").await;

    // Where the account lives on there is nothing to confirm, and where it is not asked for neither.
    let orphan = bed.sender(Kind::Email, "orphan");
    let linkedin = bed.sender(Kind::LinkedIn, "linkedin");
    bed.adopt_connected(&[orphan.clone(), linkedin.clone()]).await;
    bed.patch_spec("orphan", &json!({"deletionPolicy": "Orphan"})).await;
    maria.does("kubectl delete sacc orphan linkedin --timeout=90s").await;
    assert_eq!(bed.sim.log().state(&orphan.account), State::Connected);
    bed.assert_ended(&[alice, capitals, linkedin]);
    bed.finish(operator).await;
}

#[tokio::test]
async fn only_the_operator_and_who_may_release_takes_the_finalizer_off_and_orphan_is_the_honest_way() {
    let bed = Bed::new("unstrippable").await;
    let release = Release::install(&bed, &[], &[]).await;
    let (maria, paul) = (release.person("maria", &[]).await, release.person("paul", &["release"]).await);
    let operator = bed.operator_as(&release.operator.kubeconfig, &[&bed.namespace], &[]).await;
    let bob = bed.sender(Kind::LinkedIn, "bob");
    bed.adopt_connected(std::slice::from_ref(&bob)).await;
    let without = bed.object_of(&bob, &json!({}));
    let mut with = without.clone();
    with["metadata"]["finalizers"] = json!([FINALIZER]);
    let (without, with) = (file(&bed, &without), file(&bed, &with));
    let apply = "kubectl apply --server-side --force-conflicts --field-manager=maria -f";
    maria.does(&format!("{apply} {with}")).await;
    let ways = [
        r#"kubectl patch sacc bob --type merge -p '{"metadata":{"finalizers":null}}'"#.to_owned(),
        r#"kubectl patch sacc bob --type json -p '[{"op":"remove","path":"/metadata/finalizers/0"}]'"#.to_owned(),
        format!("kubectl replace -f {without}"),
        format!("{apply} {without}"),
        "KUBE_EDITOR='sed -i /sender-operator.dev.teardown/d' kubectl edit sacc bob".to_owned(),
    ];
    let message = refused_in_every_way(&maria, "finalizer-release", &ways).await;
    is_documented(&message, &bed, &bob);
    let finalizers = async || bed.object("bob").await.map(|object| object["metadata"]["finalizers"].clone());
    assert_eq!(finalizers().await, Some(json!([FINALIZER])));

    // Whatever keeps it is let through: an edit, a replacement from a file that has it, another finalizer.
    maria.does("KUBE_EDITOR=\"sed -i 's/suspend: false/suspend: true/'\" kubectl edit sacc bob").await;
    maria.does(&format!("kubectl replace -f {with}")).await;
    maria.does(r#"kubectl patch sacc bob --type json -p '[{"op":"add","path":"/metadata/finalizers/-","value":"example.com/a"}]'"#).await;
    maria.does(r#"kubectl patch sacc bob --type json -p '[{"op":"remove","path":"/metadata/finalizers/1"}]'"#).await;

    // Who may release takes it off; from a live object, on which the operator puts it again.
    paul.does(&ways[0]).await;
    bed.eventually("it is there again", async || finalizers().await == Some(json!([FINALIZER]))).await;

    // An object that is marked for deletion keeps it, too.
    maria.does(&format!("kubectl annotate sacc bob {HOOK}=the-test")).await;
    maria.does("kubectl delete sacc bob --wait=false").await;
    bed.until_waiting("bob", "PreDeleteHookPending").await;
    assert_eq!(refused_in_every_way(&maria, "finalizer-release", &ways[..3]).await, message);
    maria.does(command_in(&message)).await;
    bed.until_gone("bob").await;
    assert_eq!(bed.truth(&bob.account), (State::Connected, 0, 0));
    assert_eq!(operator.receipt("bob")["orphanedBy"], maria.username.as_str());

    // Paul does what the message warns of.
    bed.excuse(Property::S1, "a person who may takes the finalizer off");
    let carol = bed.sender(Kind::LinkedIn, "carol");
    bed.adopt_connected(std::slice::from_ref(&carol)).await;
    maria.does(&format!("kubectl annotate sacc carol {HOOK}=the-test")).await;
    maria.does("kubectl delete sacc carol --wait=false").await;
    bed.until_waiting("carol", "PreDeleteHookPending").await;
    paul.does(&ways[0].replace("bob", "carol")).await;
    bed.until_gone("carol").await;
    assert_eq!(bed.truth(&carol.account), (State::Connected, 0, 0), "left behind");
    bed.finish(operator).await;
}

#[tokio::test]
async fn who_was_let_go_and_is_marked_for_deletion_is_not_deleted_after_all_but_by_another_object() {
    let bed = Bed::new("final").await;
    let release = Release::install(&bed, &[], &[]).await;
    let maria = release.person("maria", &[]).await;
    let operator = bed.operator_as(&release.operator.kubeconfig, &[&bed.namespace], &[]).await;
    let bob = bed.sender(Kind::PostPress, "bob");
    // Somebody else's finalizer keeps the object where it can be seen.
    let object =
        decorated(bed.object_of(&bob, &json!({"deletionPolicy": "Orphan"})), &json!({}), &["example.com/audit"]);
    bed.apply_all(&[bob.secret(&bed.sim, &bob.key), object]).await;
    bed.until_connected("bob").await;
    let set = |policy: &str| {
        format!(r#"kubectl patch sacc bob --type merge -p '{{"spec":{{"deletionPolicy":"{policy}"}}}}'"#)
    };
    maria.does(&set("Delete")).await;
    maria.does(&set("Orphan")).await;
    maria.does("kubectl delete sacc bob --wait=false").await;
    let message = maria.is_refused("orphan-is-final", &set("Delete")).await;
    is_documented(&message, &bed, &bob);
    maria.does("kubectl label sacc bob team=sales").await;
    bed.until("bob", "let go of by us", |object| object["metadata"]["finalizers"] == json!(["example.com/audit"]))
        .await;
    assert_eq!(bed.truth(&bob.account), (State::Connected, 0, 0));

    // What the message says: another object for the account, and that one deleted.
    let again = Sender { name: "again".to_owned(), ..bob.clone() };
    bed.adopt_connected(std::slice::from_ref(&again)).await;
    maria.does(r#"kubectl patch sacc bob --type merge -p '{"metadata":{"finalizers":null}}'"#).await;
    bed.until_gone("bob").await;
    maria.does("kubectl delete sacc again --timeout=90s").await;
    bed.assert_ended(&[again]);
    bed.finish(operator).await;
}

#[tokio::test]
async fn where_the_api_server_cannot_put_the_finalizer_in_it_can_refuse_objects_without_it() {
    let bed = Bed::new("born-without").await;
    let values = ["admissionPolicies.finalizerAtBirth=Require", &format!("watchNamespaces={{{}}}", bed.namespace)];
    let manifest = super::rendered::template(&bed, &["ValidatingAdmissionPolicy"], &values).await;
    let only = super::rendered::documents_of(&manifest, "finalizer-at-birth");
    bed.apply_all(&only).await;
    super::in_force(&bed).await;
    let bob = bed.sender(Kind::PostPress, "bob");
    let object = bed.object_of(&bob, &json!({}));
    let refused = bed.try_apply(&object).await.expect_err("it is refused").to_string();
    let message = super::refusal("finalizer-at-birth", &refused);
    is_documented(&message, &bed, &bob);
    // What the message says to write, taken out of it.
    let snippet = message.rsplit_once("manifest: ").expect("it says what to write").1;
    let snippet: Value = serde_yaml::from_str(snippet).expect("YAML");
    let mut mended = object;
    mended["metadata"]["finalizers"] = snippet["metadata"]["finalizers"].clone();
    bed.apply(&mended).await;
    let there = bed.object("bob").await.expect("it is there");
    assert_eq!(there["metadata"]["finalizers"], json!([FINALIZER]));
    for object in &only {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        bed.kubectl(&["delete", kind, name]).await;
    }
}
