//! The CRD in people's hands: columns, selectors, `kubectl apply` again and again.

use provider_simulator::{Fault, On, Status};

use crate::bed::{Bed, reason};

#[tokio::test]
async fn what_an_object_waits_for_shows_in_the_columns_and_it_is_found_by_its_account() {
    let bed = Bed::new("crd-columns").await;
    let key = bed.key();
    let id = "4f8d0e4c-c05b-4a7d-9a97-5d4e6f0b1c55";
    bed.sim.postpress().add(&key, "acc_1");
    bed.sim.puffle().add_email(&key, id);
    bed.postpress_secret("postpress", &key).await;
    bed.puffle_secret("puffle", &key).await;
    let operator = bed.operator(&[]).await;
    bed.postpress("acme", "acc_1", "postpress").await;
    bed.email("mailbox", id, "puffle").await;
    let ready = ["wait", "--for=condition=Ready", "--timeout=60s", "sacc/acme", "sacc/mailbox"];
    bed.kubectl(&ready).await;
    let found =
        async |selector: &str| bed.kubectl(&["get", "sacc", "-A", "-o", "name", "--field-selector", selector]).await;
    let by_id = format!("spec.provider.puffle.accountId={id}");
    assert_eq!(found(&by_id).await.trim(), "senderaccount.sender-operator.dev/mailbox");
    let in_this_one = bed
        .kubectl(&["get", "sender", "-o", "name", "--field-selector", "spec.provider.postpress.accountId=acc_1"])
        .await;
    assert_eq!(in_this_one.trim(), "senderaccount.sender-operator.dev/acme");
    assert_eq!(found("spec.provider.puffle.accountId=nobody").await.trim(), "");

    let failing = bed.sim.fault(On::delete(), Fault::status(503));
    bed.delete("acme").await;
    let waiting = bed.until("acme", "waiting for its second try", |object| {
        reason(object) == "ProviderUnavailable" && object["status"]["teardown"]["attempt"] == 1
    });
    waiting.await;
    let shown = bed.kubectl(&["get", "sacc", "acme", "-o", "wide"]).await;
    let [header, row] = shown.lines().collect::<Vec<_>>()[..] else { panic!("two lines, not {shown}") };
    let columns: Vec<_> = header.split_whitespace().collect();
    assert_eq!(
        columns,
        ["NAME", "PROVIDER", "ACCOUNT", "READY", "REASON", "AGE", "ATTEMPTS", "NEXT", "ENDPOINT", "MESSAGE"]
    );
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells[..5], ["acme", "PostPress", "acc_1", "False", "ProviderUnavailable"]);
    assert!(cells[6].parse::<u32>().is_ok_and(|attempts| attempts >= 1), "{row}");
    assert!(cells[7].parse::<jiff::Timestamp>().is_ok(), "{row}");
    assert_eq!(cells[8], bed.sim.postpress_url());
    assert!(row.contains("the provider is not available (502, 503 or 504)"), "{row}");
    failing.clear();
    bed.until_gone("acme").await;
    bed.finish(operator).await;
}

#[tokio::test]
async fn applying_the_samples_again_after_the_operator_has_worked_changes_nothing() {
    let samples = include_str!("../../config/samples/accounts.yaml");
    for (name, how) in [("apply-client", &[][..]), ("apply-server", &["--server-side"])] {
        let bed = Bed::new(name).await;
        let (postpress, puffle) = (bed.key(), bed.key());
        bed.sim.postpress().add(&postpress, "acc_01HXYZ4QK3WJ8FN3M6QH7TZ8GR");
        bed.sim.puffle().add_email(&puffle, "7d9a1c52-8f0e-4b3d-a1c2-5e6f7a8b9c0d");
        bed.sim.puffle().add_linkedin(&puffle, "0b4f7f3e-3c1d-4f5a-9b6e-2d1c0a9b8e7f", Status::Connected);
        bed.sim.puffle().add_linkedin(&puffle, "2f6b1d9c-5a7e-4c8b-8e1f-9d0a3b4c5e6f", Status::Connected);
        bed.postpress_secret("postpress-workspace", &postpress).await;
        bed.puffle_secret("puffle-workspace", &puffle).await;
        let operator = bed.operator(&[]).await;
        let kubectl = async |verb: &str| {
            let mut args = vec!["-n", &bed.namespace, verb, "-f", "-"];
            args.extend_from_slice(how);
            bed.plane.kubectl_with_stdin(args, samples).await.unwrap_or_else(|error| panic!("{error}"))
        };
        kubectl("apply").await;
        for account in ["alice-postpress", "bob-mailbox", "carol-linkedin", "dave-linkedin"] {
            bed.until_connected(account).await;
        }
        let versions = ["get", "sacc", "-o", "jsonpath={.items[*].metadata.resourceVersion}"];
        let before = bed.kubectl(&versions).await;
        assert_eq!(kubectl("diff").await, "", "{how:?}");
        kubectl("apply").await;
        assert_eq!(bed.kubectl(&versions).await, before, "{how:?}");
        bed.finish(operator).await;
    }
}
