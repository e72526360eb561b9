//! A CRD that is not as this repository has it.

use crate::bed::{CRD, Property};
use crate::kind::{Kind, SUBJECT};
use crate::life::{FLAGS, Life};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crd_that_loses_its_status_holds_deletions_up_and_the_log_says_what_to_mend() {
    Life::plan_alone("crd-without-status", &FLAGS, async |life| {
        let (bed, kind) = (&life.bed, Kind::Disconnect);
        bed.excuse(Property::L2, "what cannot be written cannot be said on the object");
        life.at_rest(kind).await;
        let lose = r#"[{"op":"remove","path":"/spec/versions/0/subresources"}]"#;
        bed.kubectl(&["patch", CRD, "--type=json", "-p", lose]).await;
        let write = r#"{"status":{"heldSecret":"other"}}"#;
        let lost = async || {
            let write =
                ["patch", "sacc", SUBJECT, "--subresource=status", "--dry-run=server", "--type=merge", "-p", write];
            bed.try_kubectl(&write).await.is_err_and(|why| why.to_string().contains("NotFound"))
        };
        bed.eventually("the status is not served", lost).await;
        bed.mark(SUBJECT).await;
        life.until_logged(&["API server could not be used", "is the CRD the one that this version brings"]).await;
        assert_eq!(bed.sim.log().deletes(kind.account()).len(), 0, "nothing is sent that cannot be written ahead");
        // An operator that starts now does not begin at all.
        life.crew.kill();
        life.start();
        life.until_logged(&["waiting:", "has no status subresource"]).await;
        bed.install_crd().await;
        bed.until_gone(SUBJECT).await;
        life.judge(kind).await;
    })
    .await;
}
