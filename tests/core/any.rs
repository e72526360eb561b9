//! Any view, any pass: also such as no history leads to.

use std::time::Duration;

use jiff::Timestamp;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use sender_operator::backoff::Jitter;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::credentials::Fingerprint;
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::{AccountRecord, AccountState, Acked, LastOutcome, Ledger, Phase, Teardown};
use sender_operator::teardown::outcome::{Exchange, NotSent, Outcome, Refusal, Unknown};
use sender_operator::teardown::proof::ProofRecord;
use sender_operator::teardown::target::Target;
use sender_operator::teardown::view::{Crd, Fault, Gates, Known, Pass, Rules, Twin, View};

pub const RULES: Rules = Rules { outcome_window: Duration::from_secs(900), max_backoff: Duration::from_secs(900) };

/// With so many cases no history of interest is missed for long; PROPTEST_CASES asks for fewer, or more.
pub fn config() -> Config {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config { cases: 8_000, ..Config::default() },
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    select(vec!["here", "elsewhere"]).prop_map(|name| Fingerprint::from_stored(name.to_owned()))
}

/// Around now, on both sides of every age that means something.
fn time() -> impl Strategy<Value = Timestamp> {
    select(vec![-90_000_i64, -86_400, -43_200, -901, -899, -1, 0, 1, 600, 100_000])
        .prop_map(|seconds| now() + jiff::SignedDuration::from_secs(seconds))
}

pub fn outcome() -> BoxedStrategy<Outcome> {
    let telling = select(vec![Outcome::Acked, Outcome::Gone, Outcome::SoftGone, Outcome::Alive]);
    let all = select(vec![
        Outcome::Acked,
        Outcome::Gone,
        Outcome::SoftGone,
        Outcome::Alive,
        Outcome::NotSent(NotSent::DnsFailure),
        Outcome::NotSent(NotSent::DeadlinePassed),
        Outcome::NotSent(NotSent::ViewTooOld),
        Outcome::NotSent(NotSent::ViewChanged),
        Outcome::Unknown(Unknown::ConnectionLost),
        Outcome::Unknown(Unknown::NotOurEnvelope),
        Outcome::Unknown(Unknown::Unavailable),
        Outcome::Throttled,
        Outcome::Refused(Refusal::Credentials),
        Outcome::Refused(Refusal::Forbidden),
        Outcome::Refused(Refusal::AccountLogin),
        Outcome::Refused(Refusal::InvalidAccountId),
        Outcome::Refused(Refusal::Redirected),
        Outcome::Refused(Refusal::Conflict),
        Outcome::Refused(Refusal::WrongChannel),
        Outcome::Refused(Refusal::UnrecognisedStatus),
        Outcome::Refused(Refusal::KeyLostSight),
    ]);
    prop_oneof![telling, all].boxed()
}

fn exchange() -> impl Strategy<Value = Exchange> {
    (outcome(), of(select(vec![200_u16, 401, 403, 404, 429, 503])), of(0_u64..100_000)).prop_map(
        |(outcome, http_status, wait)| Exchange {
            outcome,
            http_status,
            error_type: None,
            retry_after: wait.map(Duration::from_secs),
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    let account_id = "id".to_owned();
    select(vec![
        Target::PostPress { account_id: account_id.clone() },
        Target::PuffleEmail { account_id: account_id.clone() },
        Target::PuffleLinkedInDisconnect { account_id: account_id.clone() },
        Target::PuffleLinkedInPurge { account_id },
    ])
}

fn account() -> impl Strategy<Value = AccountRecord> {
    let states =
        vec![AccountState::Connected, AccountState::Disconnected, AccountState::Missing, AccountState::Unknown];
    let other_channel = prop_oneof![9 => Just(None), 1 => time().prop_map(Some)];
    let parts = (select(states), of(time()), of(fingerprint()), other_channel);
    parts.prop_map(|(state, alive_at, fingerprint, wrong_channel_since)| AccountRecord {
        uid: "uid".to_owned(),
        provider: "Puffle".to_owned(),
        state,
        alive_at,
        fingerprint,
        endpoint: None,
        wrong_channel_since,
    })
}

fn acked() -> impl Strategy<Value = Acked> {
    (fingerprint(), time(), any::<bool>()).prop_map(|(fingerprint, at, contradicted)| Acked {
        fingerprint,
        at,
        contradicted,
    })
}

fn reason() -> impl Strategy<Value = Reason> {
    select(Reason::ALL.to_vec())
}

fn teardown() -> impl Strategy<Value = Teardown> {
    let phases = vec![Phase::Waiting, Phase::Intent, Phase::Unknown, Phase::Acked, Phase::Held, Phase::Confirmed];
    (
        (select(phases), reason(), 0_i32..4, of(Just("nonce".to_owned())), 0_i32..2),
        (of(fingerprint()), time(), of(acked()), prop_oneof![0_i32..5, Just(i32::MAX)], of(time())),
        (prop::bool::weighted(0.1), of(reason()), prop::bool::weighted(0.1)),
    )
        .prop_map(|((phase, reason, attempt, nonce, unknown_outcomes), rest, (proved, last, budget_spent))| {
            let (fingerprint, started_at, acked, tries, next_attempt_at) = rest;
            Teardown {
                uid: "uid".to_owned(),
                phase,
                reason,
                subject: None,
                attempt,
                nonce,
                unknown_outcomes,
                fingerprint,
                started_at,
                last_outcome: last.map(|reason| LastOutcome { reason, http_status: None, error_type: None }),
                acked,
                tries,
                next_attempt_at,
                budget_spent,
                proof: proved.then_some(ProofRecord { reason: Reason::ReadBack, subject: None }),
            }
        })
}

fn gates() -> impl Strategy<Value = Gates> {
    let rarely = || prop::bool::weighted(0.1);
    (rarely(), rarely(), rarely(), rarely(), rarely(), any::<bool>(), rarely()).prop_map(
        |(orphan, suspended, protected, hook, unconfirmed, may_exceed_budget, foreign)| Gates {
            orphan: orphan.then_some(None),
            suspended,
            protected,
            hooks: hook.then(|| "pause".to_owned()).into_iter().collect(),
            unconfirmed,
            may_exceed_budget,
            foreign_finalizers: foreign.then(|| "a.example/b".to_owned()).into_iter().collect(),
        },
    )
}

prop_compose! {
    fn view()(
        target in target(),
        deleting in prop::bool::weighted(0.95),
        ours in prop::bool::weighted(0.95),
        gates in gates(),
        on_not_found in select(vec![OnNotFound::Hold, OnNotFound::Release]),
        after_unknown_outcome in select(vec![AfterUnknownOutcome::Resend, AfterUnknownOutcome::Hold]),
        account in of(account()),
        teardown in of(teardown()),
    ) -> View {
        View { uid: "uid".to_owned(), target, deleting, ours, gates, on_not_found, after_unknown_outcome, ledger: Ledger { account, teardown } }
    }
}

fn twin() -> impl Strategy<Value = Twin> {
    (select(vec!["a", "b"]), any::<[bool; 6]>()).prop_map(
        |(uid, [deleting, older, active, unsettled, sees_nothing, fits])| Twin {
            uid: uid.to_owned(),
            name: format!("ns/{uid}"),
            deleting,
            older,
            active,
            unsettled,
            sees_nothing,
            fits,
        },
    )
}

fn credential() -> impl Strategy<Value = Result<Known, Fault>> {
    prop_oneof![
        4 => fingerprint().prop_map(|fingerprint| Ok(Known { fingerprint, endpoint: "https://here".to_owned() })),
        1 => Just(Err(Fault { reason: Reason::SecretMissing, subject: None })),
    ]
}

prop_compose! {
    fn pass()(
        (jitter, prompted) in any::<(u32, bool)>(),
        within_budget in of(prop::bool::weighted(0.9)),
        unchanged_for in select(vec![0_u64, 1, 899, 900, 5000]),
        inherited_for in select(vec![0_u64, 0, 60]),
        crd in of(select(vec![Crd::Serving, Crd::Serving, Crd::DeletingAllowed, Crd::Deleting, Crd::Unreadable])),
        twins in prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(twin(), 1..3)],
        asked in of(any::<(bool, bool)>()),
        credential in of(credential()),
        read in of(exchange()),
        own_intent: bool,
        unsettled_twin in of(of(Just("ns/a".to_owned()))),
        (fresh, unsent) in (any::<bool>(), prop::bool::weighted(0.1)),
        forgotten_for in prop::option::weighted(0.1, (0_u64..2000).prop_map(Duration::from_secs)),
        answer in of(exchange()),
        read_back in of(exchange()),
        (sends, recorded) in (0_u32..4, 0_u32..2),
    ) -> Pass {
        let asked = asked.into_iter().flat_map(|(a, b)| [("a".to_owned(), a), ("b".to_owned(), b)]).collect();
        Pass {
            jitter: Jitter(jitter), prompted, unchanged_for: Duration::from_secs(unchanged_for),
            inherited_for: Duration::from_secs(inherited_for), crd, within_budget, twins,
            live_twins_asked: asked, credential, read, own_intent, unsettled_twin, fresh, forgotten_for, unsent, answer, read_back, sends, recorded,
        }
    }
}

/// A view and a pass in which much is ready: one gate at most is closed, the key is there, and mostly no answer is. What
/// rests on many things at once is reached often.
fn ready() -> impl Strategy<Value = (View, Pass)> {
    let often = || prop::bool::weighted(0.8);
    let one_closed = prop_oneof![3 => Just(None), 1 => (0_usize..7).prop_map(Some)];
    let known = (account(), teardown(), often(), often(), prop::bool::weighted(0.1)).boxed();
    let twin = prop_oneof![2 => Just(None), 1 => twin().prop_map(Some)];
    let learned = (exchange(), often(), prop::bool::weighted(0.25), twin).boxed();
    (view().boxed(), pass().boxed(), one_closed, known, learned).prop_map(
        |(mut view, mut pass, closed, known, learned)| {
            let (account, mut teardown, has_account, has_teardown, proved) = known;
            let (read, is_read, answered, twin) = learned;
            teardown.proof = teardown.proof.filter(|_| proved);
            view.ledger =
                Ledger { account: has_account.then_some(account), teardown: has_teardown.then_some(teardown) };
            view.gates = Gates {
                orphan: (closed == Some(0)).then_some(None),
                suspended: closed == Some(1),
                protected: closed == Some(2),
                hooks: (closed == Some(3)).then(|| "pause".to_owned()).into_iter().collect(),
                unconfirmed: closed == Some(4),
                may_exceed_budget: closed != Some(6),
                foreign_finalizers: (closed == Some(5)).then(|| "a.example/b".to_owned()).into_iter().collect(),
            };
            (view.deleting, view.ours, pass.prompted, pass.crd) = (true, true, true, Some(Crd::Serving));
            pass.within_budget = (closed == Some(6)).then_some(false);
            let fingerprint = Fingerprint::from_stored("here".to_owned());
            pass.credential = Some(Ok(Known { fingerprint, endpoint: "https://here".to_owned() }));
            pass.read = Some(read).filter(|_| is_read);
            pass.answer = pass.answer.filter(|_| answered);
            pass.twins = twin.into_iter().collect();
            (view, pass)
        },
    )
}

/// Any view and pass, and more often such as get far.
pub fn case() -> impl Strategy<Value = (View, Pass)> {
    // Boxed: by value they are too large for a test's stack.
    prop_oneof![1 => (view().boxed(), pass().boxed()).boxed(), 3 => ready().boxed()]
}
