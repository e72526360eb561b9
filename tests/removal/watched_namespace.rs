//! A watched namespace is deleted with accounts in it. A Role goes with its namespace, before the accounts are gone; rights
//! that are granted in the whole cluster stay.

use provider_simulator::{Fault, On};

use crate::bed::{Bed, Kind, message};
use crate::release::{CHART, Release};

/// `docs/uninstall.md`
const DOCUMENTED: &str = include_str!("../../docs/uninstall.md");

/// Deletes the namespace. A DELETE at a provider is answered only once Kubernetes has deleted all else there.
async fn delete_namespace(bed: &Bed) {
    let delete = bed.sim.fault(On::delete().nth(1), Fault::own().applied_when_released().hold());
    bed.plane.kubectl(["delete", "namespace", &bed.namespace, "--wait=false"]).await.expect("it is marked");
    let accounts_alone = async || {
        let shown = bed.kubectl(&["get", "namespace", &bed.namespace, "-o", "jsonpath={.status.conditions}"]).await;
        shown.contains("sender-operator.dev/teardown in ")
            && bed.kubectl(&["get", "rolebindings", "-o", "name"]).await.is_empty()
    };
    bed.eventually("the namespace waits for its accounts", accounts_alone).await;
    delete.release();
}

/// What Helm says of the release.
async fn notes(bed: &Bed) -> String {
    bed.plane.helm(["get", "notes", "senders", "--namespace", &bed.namespace]).await.expect("it has notes")
}

async fn until_namespace_gone(bed: &Bed) {
    let gone = ["wait", "--for=delete", "namespace", &bed.namespace, "--timeout=90s"];
    bed.plane.kubectl(gone).await.expect("it ends");
}

#[tokio::test]
async fn with_rights_in_the_whole_cluster_it_ends_by_itself_and_the_operator_goes_on() {
    let operators = Bed::new("wide-operators").await;
    let (watched, stays) = (operators.beside("wide-watched").await, operators.beside("wide-stays").await);
    let values = ["rbac.clusterWide=true", "uninstall.mode=Drain"];
    let release = Release::watching(&operators, &[&watched, &stays], &values).await;
    let said = notes(&operators).await;
    assert!(said.contains("can be deleted as it stands") && !said.contains("rbac.clusterWide"), "{said}");
    let operator = release.operator(&[]).await;
    let senders = watched.senders();
    watched.adopt_connected(&senders).await;

    delete_namespace(&watched).await;
    until_namespace_gone(&watched).await;
    watched.assert_ended(&senders);

    // A namespace that is not there any more is listed empty: no deletion elsewhere waits for it.
    operator.kill();
    let operator = release.operator(&[]).await;
    let left = [stays.sender(Kind::Email, "left")];
    stays.adopt_connected(&left).await;
    let ended = release.uninstall(&[]).await;
    assert!(ended.done, "the hook's rights reach as far: {}", ended.said);
    stays.assert_ended(&left);
    operators.finish(operator).await;
    release.until_nothing_is_left().await;
}

#[tokio::test]
async fn with_a_role_in_it_it_waits_and_that_is_said_and_what_is_documented_ends_it() {
    let operators = Bed::new("plain-operators").await;
    let (watched, stays) = (operators.beside("plain-watched").await, operators.beside("plain-stays").await);
    let release = Release::watching(&operators, &[&watched, &stays], &[]).await;
    let operator = release.operator(&[]).await;
    let senders = [watched.sender(Kind::PostPress, "postpress"), watched.sender(Kind::LinkedIn, "linkedin")];
    let others = [stays.sender(Kind::Email, "other")];
    watched.adopt_connected(&senders).await;
    stays.adopt_connected(&others).await;

    delete_namespace(&watched).await;
    let way_out =
        DOCUMENTED.lines().find(|line| line.ends_with("--set rbac.clusterWide=true")).expect("it is documented");
    operators.until_logged(&operator, &["forbidden", &format!("namespace {}", watched.namespace), way_out]).await;

    // The next process cannot list it, and an object there might name any account.
    operator.kill();
    let operator = release.operator(&[]).await;
    operators
        .until_logged(&operator, &["the watch failed", &format!("namespace {}", watched.namespace), way_out])
        .await;
    let ready = operator.admin("/readyz").await;
    let unready = format!("the list of objects in namespace {} is not complete", watched.namespace);
    assert!(ready.contains(" 503 ") && ready.contains(&unready) && ready.contains(way_out), "{ready}");
    let metrics = operator.admin("/metrics").await;
    let failures =
        metrics.lines().find(|line| line.starts_with("sender_operator_watch_failures_total")).expect("counted");
    assert!(!failures.ends_with(" 0"), "{failures}");
    stays.delete("other").await;
    let waits = stays.until_waiting("other", "NotListed").await;
    assert!(message(&waits).contains("rbac.clusterWide"), "{}", message(&waits));

    let typed = way_out.replace("RELEASE", "senders").replace("NAMESPACE", &operators.namespace);
    assert!(notes(&operators).await.lines().any(|line| line.trim() == typed), "the notes say it, too");
    let typed = typed.replace("CHART", CHART);
    operators.plane.helm(typed.split(' ').skip(1)).await.unwrap_or_else(|error| panic!("{typed}: {error}"));
    until_namespace_gone(&watched).await;
    stays.until_all_gone(&others).await;
    watched.assert_ended(&senders);
    stays.assert_ended(&others);
    assert!(release.uninstall(&[]).await.done);
    operators.finish(operator).await;
    release.until_nothing_is_left().await;
}
