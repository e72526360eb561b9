//! Two releases in one cluster: the second refuses, unless both have namespaces of their own.

use crate::bed::Bed;
use crate::release::CHART;

async fn install(bed: &Bed, name: &str, watched: &[&str], more: &[&str]) -> Result<String, envtest::Error> {
    let mut args = vec!["install", name, CHART, "--namespace", &bed.namespace, "--set", "crds.enabled=false"];
    let watched = format!("watchNamespaces={{{}}}", watched.join(","));
    if watched != "watchNamespaces={}" {
        args.extend(["--set", &watched]);
    }
    args.extend(more);
    bed.plane.helm(args).await
}

fn says(refused: Result<String, envtest::Error>) -> String {
    refused.expect_err("the second release refuses").to_string()
}

#[tokio::test]
async fn the_second_release_names_the_first_and_what_to_do_unless_their_namespaces_do_not_overlap() {
    let (first, _alone) = Bed::alone("first").await;
    let second = first.beside("second").await;
    let (a, b) = (first.namespace.as_str(), second.namespace.as_str());

    install(&first, "one", &[], &[]).await.expect("the first is installed");
    for watched in [&[][..], &[b][..]] {
        let said = says(install(&second, "two", watched, &[]).await);
        assert!(said.contains(&format!("release one in namespace {a} watches all namespaces already")), "{said}");
        assert!(said.contains(&format!("helm uninstall one -n {a}")), "{said}");
    }
    // Its own upgrade does not take itself for another one.
    let upgrade = ["upgrade", "one", CHART, "--namespace", a, "--reuse-values"];
    first.plane.helm(upgrade).await.expect("it is upgraded");
    first.plane.helm(["uninstall", "one", "--namespace", a, "--no-hooks"]).await.expect("it goes");

    install(&first, "one", &[a], &[]).await.expect("the first is installed");
    let said = says(install(&second, "two", &[], &[]).await);
    assert!(said.contains(&format!("release one in namespace {a} watches {a} already")), "{said}");
    let without_rights_of_the_cluster = ["--set", "rbac.readCrd=false", "--set", "rbac.aggregateClusterRoles=false"];
    for more in [&[][..], &without_rights_of_the_cluster] {
        let said = says(install(&second, "two", &[b, a], more).await);
        assert!(said.contains(&format!("release one in namespace {a} watches {a} already")), "{said}");
    }
    install(&second, "two", &[b], &[]).await.expect("side by side, each has its own");
    for (name, namespace) in [("one", a), ("two", b)] {
        first.plane.helm(["uninstall", name, "--namespace", namespace, "--no-hooks"]).await.expect("it goes");
    }
}
