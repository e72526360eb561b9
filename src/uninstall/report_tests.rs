use std::collections::BTreeSet;

use super::*;

fn found(namespace: &str, name: &str, reason: &str) -> Found {
    Found {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: name.to_owned(),
        deleting: false,
        secrets: BTreeSet::new(),
        says: Some((reason.to_owned(), "what it says".to_owned())),
        account: Err("not needed".to_owned()),
    }
}

fn release() -> Release {
    "operators/senders/3".parse().unwrap()
}

#[test]
fn a_refusal_lists_the_objects_and_every_command_that_ends_it() {
    let objects = [
        found("sales", "alice", "AccountConnected"),
        found("sales", "bob", "SecretMissing"),
        found("support", "carol", "Suspended"),
    ];
    let expected = "\
refused, for nobody would delete these accounts once the operator is gone: 3 SenderAccounts exist
  sales/alice: AccountConnected
  sales/bob: SecretMissing
  support/carol: Suspended
to delete these accounts at their providers:
  kubectl delete sacc alice bob -n sales
  kubectl delete sacc carol -n support
  helm uninstall senders -n operators
to let the removal do that:
  helm rollback senders 3 -n operators
  helm upgrade senders CHART -n operators --reuse-values --set uninstall.mode=Drain
  helm uninstall senders -n operators
to let the accounts live on, without their objects:
  helm rollback senders 3 -n operators
  helm upgrade senders CHART -n operators --reuse-values --set uninstall.mode=Orphan
  helm uninstall senders -n operators
to keep the operator after all:
  helm rollback senders 3 -n operators
";
    assert_eq!(refused(&objects, Some(&release())), expected);
}

#[test]
fn many_objects_of_a_namespace_are_counted_and_deleted_together() {
    let objects: Vec<_> = (0..25).map(|number| found("sales", &format!("a{number}"), "AccountConnected")).collect();
    let text = refused(&objects, None);
    assert!(text.contains("25 SenderAccounts exist"), "{text}");
    assert!(text.contains("and 5 more: kubectl get sacc -n sales\n"), "{text}");
    assert!(text.contains("kubectl delete sacc --all -n sales\n"), "{text}");
    assert!(text.contains("sender-operator uninstall --mode Drain\n") && !text.contains("helm"), "{text}");
}

#[test]
fn what_is_left_says_what_each_waits_for_and_how_to_go_on() {
    let text = left(&[found("sales", "alice", "")], |_| "Throttled: later".to_owned(), Mode::Drain, Some(&release()));
    assert!(text.contains("1 SenderAccount is left\n  sales/alice: Throttled: later\n"), "{text}");
    assert!(text.contains("to go on from here:\n  helm uninstall senders -n operators\n"), "{text}");
    assert!(text.contains("--set uninstall.mode=Orphan"), "{text}");
    let text = left(&[found("sales", "alice", "")], |_| String::new(), Mode::Orphan, None);
    assert!(text.contains("sender-operator uninstall --mode Orphan") && !text.contains("Drain"), "{text}");
}

#[test]
fn a_release_is_written_as_helm_list_shows_it() {
    assert_eq!(release().to_string(), "operators/senders");
    for text in ["senders", "operators/senders", "/senders/1", "operators//1", "operators/senders/x", "a/b/1/2"] {
        assert!(text.parse::<Release>().is_err(), "{text}");
    }
}
