//! L1, L4, S10.

use serde_json::json;
use trace_checker::Property;

use crate::story::Story;

#[test]
fn a_deletion_that_does_not_end_although_nothing_fails_any_more_is_caught_and_one_that_waits_for_somebody_passes() {
    let rows = [
        ("ProviderUnavailable", 40, &[Property::L1][..]),
        ("ProviderUnavailable", 10, &[]),
        ("CredentialsInvalid", 40, &[]),
    ];
    for (reason, tries, expected) in rows {
        let mut story = Story::purge();
        story.mark("acme");
        story.delete("none");
        story.faulty();
        for _ in 0..tries {
            story.ledger("acme", "Waiting", reason, 0);
            story.wait(10);
            story.read(200);
        }
        assert_eq!(story.judged(), expected, "{reason} for {tries} tries");
    }
}

#[test]
fn a_deletion_that_still_meets_faults_or_is_asked_to_wait_may_take_longer() {
    for asked in [false, true] {
        let mut story = Story::purge();
        story.mark("acme");
        for _ in 0..40 {
            story.ledger("acme", "Waiting", "ProviderUnavailable", 0);
            if asked {
                let later = story.now() + jiff::SignedDuration::from_mins(10);
                story.write("acme", |object| object["status"]["teardown"]["nextAttemptAt"] = json!(later));
            }
            story.wait(10);
            story.delete("none");
            if !asked {
                story.faulty();
            }
        }
        assert_eq!(story.judged(), [], "{asked}");
    }
}

#[test]
fn a_deletion_that_waits_for_another_providers_silence_is_caught() {
    for (waits, expected) in [(true, &[Property::L4][..]), (false, &[])] {
        let mut story = Story::purge();
        story.secret("another", "another-key");
        story.object("elsewhere", |object| {
            object["spec"] = json!({"provider": {"postpress": {"accountId": "acc_elsewhere"}},
                "credentialsRef": {"name": "another"}});
        });
        story.mark("elsewhere");
        story.hangs_elsewhere();
        story.mark("acme");
        if !waits {
            story.ledger("acme", "Waiting", "TimedOut", 0);
        }
        story.wait(35);
        story.delete_ends();
        story.ledger("elsewhere", "Waiting", "TimedOut", 0);
        story.ledger("acme", "Waiting", "TimedOut", 0);
        assert_eq!(story.judged(), expected, "{waits}");
    }
}

#[test]
fn a_process_that_takes_too_much_is_caught_and_one_that_has_ended_is_not_judged() {
    for (status, expected) in [
        ("Name:\tsender-operator\nVmPeak:\t 900000 kB\nVmHWM:\t   40000 kB\n", &[][..]),
        ("VmHWM:\t  200000 kB\n", &[Property::S10][..]),
        ("State:\tZ (zombie)\n", &[]),
    ] {
        let mut story = Story::disconnect();
        story.memory(status);
        assert_eq!(story.judged(), expected, "{status}");
    }
}
