//! ClusterRoles for people: who may see and change accounts, and who may let them go.

use serde_json::json;

use crate::bed::Bed;
use crate::helm::{CHART, RELEASE, helm};

#[tokio::test]
async fn whoever_views_or_edits_a_namespace_does_so_with_its_accounts_and_only_a_role_of_its_own_lets_them_go() {
    let bed = Bed::new("people").await;
    let values = json!({"watchNamespaces": [bed.namespace], "crds": {"enabled": false}});
    helm(bed.plane, &["install", RELEASE, CHART, "--namespace", &bed.namespace], &values, &["--no-hooks"])
        .await
        .expect("it is installed");
    let release = format!("{RELEASE}-{}-release", bed.namespace);
    for (person, role) in [("viewer", "view"), ("editor", "edit"), ("owner", "admin"), ("clerk", release.as_str())] {
        bed.kubectl(&["create", "rolebinding", person, "--clusterrole", role, "--user", person]).await;
    }
    let may = async |person: &str, verb: &str, subresource: &str| {
        let subresource = format!("--subresource={subresource}");
        let ask = ["auth", "can-i", verb, "senderaccounts.sender-operator.dev", "--as", person, &subresource];
        bed.try_kubectl(&ask).await.is_ok()
    };
    bed.eventually("each role and its binding are in force", async || {
        may("viewer", "get", "").await
            && may("editor", "delete", "").await
            && may("owner", "delete", "").await
            && may("clerk", "update", "release").await
            && may("clerk", "get", "").await
    })
    .await;
    for verb in ["get", "list", "watch"] {
        assert!(
            may("editor", verb, "").await && may("owner", verb, "").await && may("clerk", verb, "").await,
            "{verb}"
        );
    }
    for verb in ["create", "update", "patch", "delete", "deletecollection"] {
        assert!(may("editor", verb, "").await && !may("viewer", verb, "").await, "{verb}");
    }
    for person in ["viewer", "editor", "owner"] {
        assert!(!may(person, "update", "release").await, "{person} may not let accounts go");
        assert!(!may(person, "patch", "status").await, "{person} does not write the ledger");
    }
    assert!(
        may("clerk", "update", "release").await && may("clerk", "patch", "").await && !may("clerk", "delete", "").await
    );
    assert!(!may("stranger", "get", "").await);
}
