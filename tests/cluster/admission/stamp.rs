//! Who set Orphan stands on the object as the API server knows it, whatever anybody writes.

use provider_simulator::State;
use sender_operator::crd::ORPHANED_BY;
use serde_json::json;

use super::documented::is_documented;
use super::{Release, command_in, decorated};
use crate::bed::{Bed, Kind};

#[tokio::test]
async fn who_set_orphan_is_written_down_by_the_api_server_alone_and_stands_on_the_receipt() {
    let bed = Bed::new("stamped").await;
    let release = Release::install(&bed, &[], &[]).await;
    let (maria, paul) = (release.person("maria", &[]).await, release.person("paul", &[]).await);
    let operator = bed.operator_as(&release.operator.kubeconfig, &[&bed.namespace], &[]).await;
    let bob = bed.sender(Kind::PostPress, "bob");
    bed.adopt_connected(std::slice::from_ref(&bob)).await;
    let stamp = async || {
        let object = bed.object("bob").await.expect("it is there");
        object["metadata"]["annotations"][ORPHANED_BY].as_str().map(str::to_owned)
    };
    let set = |policy: &str| {
        format!(r#"kubectl patch sacc bob --type merge -p '{{"spec":{{"deletionPolicy":"{policy}"}}}}'"#)
    };
    let forge = format!("kubectl annotate sacc bob --overwrite {ORPHANED_BY}=somebody");

    let message = maria.is_refused("orphaned-by", &forge).await;
    is_documented(&message, &bed, &bob);
    assert_eq!(stamp().await, None);
    maria.does(&set("Orphan")).await;
    assert_eq!(stamp().await.as_ref(), Some(&maria.username));
    // Nobody overwrites it, nobody takes it off, and a file that lacks it does not either.
    assert_eq!(paul.is_refused("orphaned-by", &forge).await, message);
    paul.does(&format!("kubectl annotate sacc bob {ORPHANED_BY}-")).await;
    assert_eq!(stamp().await.as_ref(), Some(&maria.username));
    let manifest = bed.object_of(&bob, &json!({"deletionPolicy": "Orphan"}));
    let manifest = decorated(manifest, &json!({}), &[sender_operator::crd::FINALIZER]).to_string();
    paul.does(&format!("kubectl replace -f - <<'END'\n{manifest}\nEND")).await;
    assert_eq!(stamp().await.as_ref(), Some(&maria.username));
    // Set again, it goes; and what is forged beside a new decision is overwritten.
    maria.does(&set("Delete")).await;
    assert_eq!(stamp().await, None);
    let both =
        json!({"metadata": {"annotations": {ORPHANED_BY: maria.username}}, "spec": {"deletionPolicy": "Orphan"}});
    paul.does(&format!("kubectl patch sacc bob --type merge -p '{both}'")).await;
    assert_eq!(stamp().await.as_ref(), Some(&paul.username));

    // At birth as well.
    let born = bed.sender(Kind::PostPress, "born");
    let forged = decorated(bed.object_of(&born, &json!({})), &json!({ORPHANED_BY: "somebody"}), &[]);
    maria.is_refused("orphaned-by", &format!("kubectl create -f - <<'END'\n{forged}\nEND")).await;
    let object =
        decorated(bed.object_of(&born, &json!({"deletionPolicy": "Orphan"})), &json!({ORPHANED_BY: "somebody"}), &[]);
    bed.apply(&born.secret(&bed.sim, &born.key)).await;
    maria.does(&format!("kubectl create -f - <<'END'\n{object}\nEND")).await;

    bed.until_connected("born").await;

    // What the message says to write instead.
    maria.does(command_in(&message)).await;
    maria.does("kubectl delete sacc bob born --timeout=90s").await;
    for (sender, by, why) in [(&bob, &paul, json!("WHY")), (&born, &maria, json!(null))] {
        let receipt = operator.receipt(&sender.name);
        assert_eq!((&receipt["orphanedBy"], &receipt["orphanReason"]), (&json!(by.username), &why));
        assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0));
    }
    bed.finish(operator).await;
}
