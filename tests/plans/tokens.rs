//! What the operator and the API server know each other by ends, and something else takes its place.

use std::fs;

use serde_json::json;

use crate::bed::{Bed, Property};
use crate::kind::{Kind, SECRET, SUBJECT};
use crate::life::Life;

/// Who the operator is.
const OPERATOR: &str = "operator";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_replaced_by_the_one_that_stands_in_its_file() {
    Life::plan("token-ends", async |life| {
        let (bed, kind) = (&life.bed, Kind::Disconnect);
        bed.excuse(Property::L2, "the file is read again within a minute, and until then nothing can be written");
        let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": bed.namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": bed.namespace}]});
        bed.kubectl(&["create", "serviceaccount", OPERATOR]).await;
        bed.apply(&binding).await;
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("token");
        let first = bound_token(bed, "first").await;
        fs::write(&file, &first).expect("the token is written");
        let by_token = bed.plane.kubeconfig_for_token(&first).expect("a kubeconfig");
        let by_file = fs::read_to_string(&by_token).expect("it is there");
        let by_file = by_file.replace(&format!("token: '{first}'"), &format!("tokenFile: '{}'", file.display()));
        assert!(!by_file.contains(&first), "the token is in its file alone");
        let kubeconfig = dir.path().join("kubeconfig");
        fs::write(&kubeconfig, by_file).expect("a kubeconfig");

        life.take(bed.start_operator(
            &kubeconfig,
            &[&bed.namespace],
            &["--max-backoff", "1s", "--outcome-window", "1s"],
        ));
        kind.create(bed, SUBJECT, kind.account(), SECRET, &bed.key()).await;
        bed.until_reason(SUBJECT, kind.at_rest()).await;
        // A token that is bound to a Secret ends with it; what the API server remembers of it, seconds later.
        bed.kubectl(&["delete", "secret", "first"]).await;
        let by_token = by_token.display().to_string();
        let who_am_i = ["--kubeconfig", &by_token, "auth", "whoami"];
        let ended = async || bed.plane.kubectl(who_am_i).await.is_err();
        bed.eventually("the token is refused", ended).await;
        bed.mark(SUBJECT).await;
        life.until_logged(&["API server could not be used", "Unauthorized"]).await;
        assert_eq!(bed.sim.log().deletes(kind.account()).len(), 0);
        fs::write(&file, bound_token(bed, "second").await).expect("the token is written");
        bed.until_gone(SUBJECT).await;
        kind.check(&bed.sim.log(), kind.account());
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_is_replaced_is_trusted_once_it_stands_in_its_file() {
    Life::plan("authority-changes", async |life| {
        let (bed, kind) = (&life.bed, Kind::Disconnect);
        bed.excuse(Property::L2, "the file is read again within a minute, and until then nothing can be written");
        life.at_rest(kind).await;
        let authority = life.proxy.change_authority().expect("another certificate");
        bed.mark(SUBJECT).await;
        life.until_logged(&["watch failed", "invalid peer certificate"]).await;
        assert_eq!(bed.sim.log().deletes(kind.account()).len(), 0);
        let file = life.proxy.kubeconfig().with_file_name("ca.crt");
        fs::write(file, authority).expect("the authority's certificate is written");
        bed.until_gone(SUBJECT).await;
        kind.check(&bed.sim.log(), kind.account());
        life.judge_all().await;
    })
    .await;
}

/// A token of the operator's that ends with the Secret of this name.
async fn bound_token(bed: &Bed, secret: &str) -> String {
    bed.kubectl(&["create", "secret", "generic", secret]).await;
    let bound = ["create", "token", OPERATOR, "--bound-object-kind=Secret", "--bound-object-name", secret];
    bed.kubectl(&bound).await.trim().to_owned()
}
