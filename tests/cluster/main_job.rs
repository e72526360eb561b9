//! Deleting an object deletes the account, provably, and then releases the object.

use provider_simulator::{State, Status};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, SOFT};

#[tokio::test]
async fn every_kind_of_account_is_deleted_as_its_provider_documents_and_then_its_object_goes() {
    let bed = Bed::new("main-job").await;
    let (postpress, puffle) = (bed.key(), bed.key());
    bed.sim.postpress().add(&postpress, "acc_1");
    bed.sim.puffle().add_linkedin(&puffle, LINKEDIN, Status::Connected);
    bed.sim.puffle().add_linkedin(&puffle, SOFT, Status::Disconnected);
    bed.sim.puffle().add_linkedin(&puffle, PURGE, Status::Connected);
    bed.sim.puffle().add_email(&puffle, EMAIL);
    bed.postpress_secret("postpress", &postpress).await;
    bed.puffle_secret("puffle", &puffle).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("postpress", "acc_1", "postpress").await;
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    bed.linkedin("soft", SOFT, "puffle").await;
    bed.email("email", EMAIL, "puffle").await;
    bed.purge("purge", PURGE, "puffle").await;
    for name in ["postpress", "linkedin", "email", "purge"] {
        bed.until_connected(name).await;
    }
    bed.until_reason("soft", "AccountDisconnected").await;

    bed.kubectl(&["delete", "sacc", "--all", "--wait=true", "--timeout=60s"]).await;

    let log = bed.sim.log();
    let end = |account: &str| (log.state(account), log.deletes(account).len(), log.effective_deletes(account).len());
    assert_eq!(end("acc_1"), (State::Gone, 1, 1));
    assert_eq!(end(EMAIL), (State::Gone, 1, 1));
    assert_eq!(end(LINKEDIN), (State::Disconnected, 1, 1), "the row stays, after exactly one DELETE");
    assert_eq!(end(SOFT), (State::Disconnected, 0, 0), "nothing is sent to what is disconnected already");
    assert_eq!(end(PURGE), (State::Gone, 3, 2), "disconnected, destroyed, and then not found");
    let proof = |name: &str| operator.receipt(name)["proof"].as_str().unwrap_or_default().to_owned();
    assert_eq!(proof("postpress"), "ReadBack");
    assert_eq!(proof("email"), "ReadBack");
    assert_eq!(proof("linkedin"), "ReadBack");
    assert_eq!(proof("soft"), "AlreadySoft");
    assert_eq!(proof("purge"), "NotFoundAfterAck");
    let held = bed.kubectl(&["get", "secrets", "-o", "jsonpath={.items[*].metadata.finalizers}"]).await;
    assert_eq!(held, "", "no hold is left on a Secret that nobody uses");
    bed.finish(operator).await;
}
