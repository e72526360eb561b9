//! What a read of the account leaves in the ledger, and who may take an account over because of what it saw.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::credentials::Fingerprint;
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{AccountRecord, AccountState, EVIDENCE_MAX_AGE, Ledger};
use sender_operator::teardown::observe;
use sender_operator::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};
use sender_operator::teardown::target::Target;
use sender_operator::teardown::twins::can_take_over;
use sender_operator::teardown::view::{Gates, Known, View};

use crate::any::now;

const ID: &str = "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn print(name: &str) -> Fingerprint {
    Fingerprint::from_stored(name.to_owned())
}

fn here() -> Known {
    Known { fingerprint: print("here"), endpoint: "https://here".to_owned() }
}

fn disconnect() -> Target {
    Target::PuffleLinkedInDisconnect { account_id: ID.to_owned() }
}

fn purge() -> Target {
    Target::PuffleLinkedInPurge { account_id: ID.to_owned() }
}

/// Seen alive by this fingerprint at this time.
fn seen(under: &str, at: Option<Timestamp>) -> AccountRecord {
    AccountRecord {
        uid: "uid".to_owned(),
        provider: "Puffle".to_owned(),
        state: AccountState::Connected,
        alive_at: at,
        fingerprint: Some(print(under)),
        endpoint: Some("https://there".to_owned()),
        wrong_channel_since: None,
    }
}

fn view(target: Target, account: Option<AccountRecord>) -> View {
    View {
        uid: "uid".to_owned(),
        target,
        deleting: false,
        ours: true,
        gates: Gates::default(),
        on_not_found: OnNotFound::Hold,
        after_unknown_outcome: AfterUnknownOutcome::Resend,
        ledger: Ledger { account, teardown: None },
    }
}

fn read(view: &View, outcome: Outcome) -> AccountRecord {
    observe::settle(view, &here(), &Exchange::from(outcome), now())
}

#[test]
fn a_read_that_shows_it_alive_bears_witness_under_its_own_key_and_endpoint() {
    let first = read(&view(disconnect(), None), Outcome::Alive);
    assert_eq!((first.state, first.alive_at), (AccountState::Connected, Some(now())));
    assert_eq!((first.fingerprint, first.endpoint.as_deref()), (Some(print("here")), Some("https://here")));
    assert_eq!((first.uid.as_str(), first.provider.as_str()), ("uid", "Puffle"));
}

#[test]
fn evidence_is_written_anew_when_it_is_half_a_day_old_or_another_keys_or_of_the_future() {
    for (before, expected) in [
        (seen("here", Some(now() - HOUR)), now() - HOUR),
        (seen("here", Some(now() - HOUR * 12)), now()),
        (
            seen("here", Some(now() - HOUR * 12 + SignedDuration::from_secs(1))),
            now() - HOUR * 12 + SignedDuration::from_secs(1),
        ),
        (seen("here", Some(now() + HOUR)), now()),
        (seen("here", None), now()),
        (seen("elsewhere", Some(now() - HOUR)), now()),
    ] {
        let after = read(&view(disconnect(), Some(before.clone())), Outcome::Alive);
        assert_eq!(after.alive_at, Some(expected), "{before:?}");
        assert_eq!(after.fingerprint, Some(print("here")));
    }
}

#[test]
fn a_disconnected_row_is_evidence_only_where_the_row_itself_must_go() {
    let soft = read(&view(disconnect(), None), Outcome::SoftGone);
    assert_eq!((soft.state, soft.alive_at), (AccountState::Disconnected, None));
    let hard = read(&view(purge(), None), Outcome::SoftGone);
    assert_eq!((hard.state, hard.alive_at), (AccountState::Disconnected, Some(now())));
}

#[test]
fn a_refusal_in_between_makes_an_older_sight_worthless_and_leaves_whose_it_was() {
    let before = || view(disconnect(), Some(seen("here", Some(now() - HOUR))));
    for refusal in [Refusal::Credentials, Refusal::Forbidden, Refusal::AccountLogin] {
        let after = read(&before(), Outcome::Refused(refusal));
        assert_eq!((after.alive_at, after.fingerprint), (None, Some(print("here"))), "{refusal:?}");
        assert_eq!(after.state, AccountState::Unknown);
    }
    for status in [401, 403] {
        let portal = Exchange { http_status: Some(status), ..Outcome::Unknown(Unknown::NotOurEnvelope).into() };
        assert_eq!(observe::settle(&before(), &here(), &portal, now()).alive_at, None, "{status}");
    }
}

#[test]
fn a_row_of_another_channel_is_remembered_until_one_of_the_declared_channel_is_seen() {
    let wrong = read(
        &view(Target::PuffleEmail { account_id: "acc".to_owned() }, None),
        Outcome::Refused(Refusal::WrongChannel),
    );
    assert_eq!((wrong.wrong_channel_since, wrong.alive_at), (Some(now()), None));
    assert_eq!(wrong.fingerprint, Some(print("here")), "it is there, for this key");
    let since = |outcome| {
        let before = AccountRecord { wrong_channel_since: Some(now() - HOUR), ..seen("here", None) };
        read(&view(Target::PuffleEmail { account_id: "acc".to_owned() }, Some(before)), outcome).wrong_channel_since
    };
    let still = [Outcome::Refused(Refusal::WrongChannel), Outcome::Gone, Outcome::Unknown(Unknown::Unavailable)];
    for outcome in still {
        assert_eq!(since(outcome), Some(now() - HOUR), "{outcome:?}");
    }
    for outcome in [Outcome::Alive, Outcome::SoftGone, Outcome::Refused(Refusal::UnrecognisedStatus)] {
        assert_eq!(since(outcome), None, "{outcome:?}");
    }
}

#[test]
fn what_fails_otherwise_changes_nothing_that_was_seen() {
    let before = || view(disconnect(), Some(seen("here", Some(now() - HOUR))));
    for outcome in [Outcome::Unknown(Unknown::Unavailable), Outcome::Throttled, Outcome::Acked] {
        assert_eq!(read(&before(), outcome), seen("here", Some(now() - HOUR)), "{outcome:?}");
    }
    let missing = read(&before(), Outcome::Gone);
    assert_eq!((missing.state, missing.alive_at), (AccountState::Missing, Some(now() - HOUR)));
}

#[test]
fn what_is_at_rest_is_read_at_its_interval_and_what_fails_sooner_and_what_a_secret_may_mend_soonest() {
    let usual = Duration::from_secs(3600);
    for (reason, seconds) in [
        (Reason::AccountConnected, 3600),
        (Reason::AccountDisconnected, 3600),
        (Reason::Suspended, 3600),
        (Reason::SecretMissing, 30),
        (Reason::ProviderUnavailable, 300),
        (Reason::AccountMissing, 300),
    ] {
        assert_eq!(observe::interval(reason, usual).as_secs(), seconds, "{reason}");
    }
    assert_eq!(observe::interval(Reason::SecretMissing, Duration::from_secs(1)).as_secs(), 1);
}

#[test]
fn only_a_live_twin_of_ours_whose_key_saw_the_account_and_that_deletes_as_thoroughly_takes_it_over() {
    let fit = || view(disconnect(), Some(seen("here", Some(now()))));
    assert!(can_take_over(&fit(), &disconnect(), now()));
    assert!(can_take_over(&View { target: purge(), ..fit() }, &disconnect(), now()), "more thorough");
    let gates = |gates| View { gates, ..fit() };
    let of = |account: AccountRecord| view(disconnect(), Some(account));
    let email = Target::PuffleEmail { account_id: ID.to_owned() };
    let postpress = Target::PostPress { account_id: ID.to_owned() };
    let another = Target::PuffleLinkedInDisconnect { account_id: ID.replace('0', "1") };
    for (name, unfit) in [
        ("deleting", View { deleting: true, ..fit() }),
        ("without our finalizer", View { ours: false, ..fit() }),
        ("orphaned", gates(Gates { orphan: Some(None), ..Gates::default() })),
        ("suspended", gates(Gates { suspended: true, ..Gates::default() })),
        ("another account", View { target: another, ..fit() }),
        ("another provider", View { target: postpress, ..fit() }),
        ("never read", view(disconnect(), None)),
        ("refused since", of(seen("here", None))),
        ("seen too long ago", of(seen("here", Some(now() - EVIDENCE_MAX_AGE - Duration::from_secs(1))))),
        ("disconnected", of(AccountRecord { state: AccountState::Disconnected, ..seen("here", Some(now())) })),
    ] {
        assert!(!can_take_over(&unfit, &disconnect(), now()), "{name}");
    }
    assert!(!can_take_over(&fit(), &purge(), now()), "less thorough");
    assert!(can_take_over(&View { target: email.clone(), ..fit() }, &email, now()));
    assert!(can_take_over(&of(seen("here", Some(now() - EVIDENCE_MAX_AGE))), &disconnect(), now()), "a day old");
}
