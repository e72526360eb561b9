//! Deleting the CRD marks every object at once, past all admission. It deletes no account by itself.

use provider_simulator::{State, Status};
use serde_json::json;

use crate::bed::{Bed, CRD, LINKEDIN, message};

/// Two accounts of the two providers, connected.
async fn two_accounts(bed: &Bed) {
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    bed.until_connected("acme").await;
    bed.until_connected("linkedin").await;
}

/// Deletes the CRD and waits until both objects say that this alone touches no account.
async fn delete_crd(bed: &Bed) {
    bed.kubectl(&["delete", CRD, "--wait=false"]).await;
    for name in ["acme", "linkedin"] {
        let waiting = bed.until_reason(name, "CrdDeleting").await;
        assert!(message(&waiting).contains("no account is deleted because of that alone"), "{}", message(&waiting));
        bed.prompted(name).await;
    }
    let log = bed.sim.log();
    assert!(log.deletes("acc_1").is_empty() && log.deletes(LINKEDIN).is_empty());
}

#[tokio::test]
async fn a_deleted_crd_waits_until_somebody_allows_it_to_take_the_accounts_along() {
    let (bed, _alone) = Bed::alone("crd-allowed").await;
    let operator = bed.operator(&[]).await;
    two_accounts(&bed).await;
    delete_crd(&bed).await;

    let waiting = bed.until_reason("acme", "CrdDeleting").await;
    bed.obey(&waiting).await;
    bed.until_gone("acme").await;
    bed.until_gone("linkedin").await;
    bed.until_crd_gone().await;
    let log = bed.sim.log();
    assert_eq!((log.state("acc_1"), log.deletes("acc_1").len()), (State::Gone, 1));
    assert_eq!((log.state(LINKEDIN), log.deletes(LINKEDIN).len()), (State::Disconnected, 1));

    // The same process goes on when the CRD is there again.
    bed.install_crd().await;
    two_accounts(&bed).await;
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn orphaning_is_the_other_way_out_of_a_deleted_crd() {
    let (bed, _alone) = Bed::alone("crd-orphan").await;
    let operator = bed.operator(&[]).await;
    two_accounts(&bed).await;
    delete_crd(&bed).await;
    for name in ["acme", "linkedin"] {
        bed.patch_spec(name, &json!({"deletionPolicy": "Orphan"})).await;
        bed.until_gone(name).await;
        assert_eq!(operator.receipt(name)["proof"], "Orphaned");
    }
    bed.until_crd_gone().await;
    let log = bed.sim.log();
    assert_eq!((log.state("acc_1"), log.state(LINKEDIN)), (State::Connected, State::Connected));
    assert!(log.deletes("acc_1").is_empty() && log.deletes(LINKEDIN).is_empty());
    bed.install_crd().await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_operator_that_starts_before_the_crd_says_so_waits_and_then_works() {
    let (bed, _alone) = Bed::alone("crd-later").await;
    bed.kubectl(&["delete", CRD, "--wait=true", "--timeout=90s"]).await;
    let start = || bed.start_operator(bed.plane.kubeconfig(), &[&bed.namespace], &[]);
    let says = [
        "waiting: the CRD senderaccounts.sender-operator.dev is not there",
        "sender-operator crd | kubectl apply -f -",
    ];

    let mut stopped = start();
    bed.until_logged(&stopped, &says).await;
    stopped.terminate();
    assert!(stopped.ended().await.success(), "it can be stopped while it waits");

    let operator = start();
    bed.until_logged(&operator, &says).await;
    assert!(operator.admin("/livez").await.starts_with("HTTP/1.1 200"));
    let ready = operator.admin("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("CRD"), "{ready}");
    bed.install_crd().await;
    bed.until_logged(&operator, &["every object was listed"]).await;
    two_accounts(&bed).await;
    assert!(operator.admin("/readyz").await.starts_with("HTTP/1.1 200"));
    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;
    assert_eq!(bed.sim.log().state("acc_1"), State::Gone);
    bed.finish(operator).await;
}
