use std::collections::BTreeSet;

use super::*;
use crate::args::{Command, parse_from};

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

/// What was typed in, or what the chart's hook was told.
fn removal(flags: &[&str]) -> Removal {
    let typed = ["sender-operator", "uninstall"].iter().chain(flags).map(Into::into);
    match parse_from(typed) {
        Ok(Command::Uninstall(removal)) => *removal,
        other => panic!("{other:?}"),
    }
}

const RELEASE: &str = "--release=operators/senders/3";

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
    assert_eq!(refused(&objects, &removal(&[RELEASE])), expected);
}

#[test]
fn many_objects_of_a_namespace_are_counted_and_deleted_together() {
    let objects: Vec<_> = (0..25).map(|number| found("sales", &format!("a{number}"), "AccountConnected")).collect();
    let text = refused(&objects, &removal(&[]));
    assert!(text.contains("25 SenderAccounts exist"), "{text}");
    assert!(text.contains("and 5 more: kubectl get sacc -n sales\n"), "{text}");
    assert!(text.contains("kubectl delete sacc --all -n sales\n"), "{text}");
    assert!(!text.contains("helm"), "{text}");
}

#[test]
fn the_command_that_goes_on_acts_on_the_same_namespaces_and_waits_as_long() {
    let found = [found("sales", "alice", "AccountConnected")];
    let flags = ["--watch-namespace=sales,support", "--outcome-window=1h", "--timeout=30m"];
    // What may have been sent is outlasted before it is let go.
    for (mode, timeout) in [("Drain", 1800), ("Orphan", 3660)] {
        let command = format!(
            "  sender-operator uninstall --mode {mode} --watch-namespace sales,support --outcome-window 3600s --timeout {timeout}s\n"
        );
        let text = refused(&found, &removal(&flags));
        assert!(text.contains(&command), "{text}");
        let mode = format!("--mode={mode}");
        let text = left(&found, |_| String::new(), &removal(&[flags[0], flags[1], flags[2], &mode]));
        assert!(text.contains(&command), "{text}");
    }
    let text = refused(&found, &removal(&[]));
    assert!(text.contains("  sender-operator uninstall --mode Drain --outcome-window 900s --timeout 240s\n"), "{text}");
}

#[test]
fn what_is_left_says_what_each_waits_for_and_how_to_go_on() {
    let alice = [found("sales", "alice", "")];
    let text = left(&alice, |_| "Throttled: later".to_owned(), &removal(&[RELEASE, "--mode=Drain"]));
    assert!(text.contains("1 SenderAccount is left\n  sales/alice: Throttled: later\n"), "{text}");
    assert!(text.contains("to go on from here:\n  helm uninstall senders -n operators\n"), "{text}");
    assert!(text.contains("--set uninstall.mode=Orphan"), "{text}");
    let text = left(&alice, |_| String::new(), &removal(&["--mode=Orphan"]));
    assert!(text.contains("sender-operator uninstall --mode Orphan") && !text.contains("Drain"), "{text}");
}

#[test]
fn a_release_is_written_as_helm_list_shows_it() {
    assert_eq!("operators/senders/3".parse::<Release>().unwrap().to_string(), "operators/senders");
    for text in ["senders", "operators/senders", "/senders/1", "operators//1", "operators/senders/x", "a/b/1/2"] {
        assert!(text.parse::<Release>().is_err(), "{text}");
    }
}
