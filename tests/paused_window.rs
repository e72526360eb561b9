//! The outcome window as it is without any flag, in paused time: the real decisions, the real clock of the shell, and a
//! provider that cut the connection and did nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use jiff::Timestamp;
use sender_operator::args::{self, Command};
use sender_operator::backoff::Jitter;
use sender_operator::crd::{AfterUnknownOutcome, OnNotFound};
use sender_operator::credentials::Fingerprint;
use sender_operator::reason::Reason;
use sender_operator::reconcile::window::Window;
use sender_operator::teardown::decide;
use sender_operator::teardown::ledger::{Ledger, Phase};
use sender_operator::teardown::outcome::{Exchange, NotSent, Outcome, Unknown};
use sender_operator::teardown::proof::Proof;
use sender_operator::teardown::target::Target;
use sender_operator::teardown::view::{Crd, Gates, Known, Pass, Rules, Step, View};
use tokio::time::{Instant, advance, sleep};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_was_lost_is_not_sent_again_at_14_59_and_is_at_15_00_after_a_read_that_shows_it_connected()
 {
    let mut bench = Bench::new();
    bench.lose_an_answer();
    for passed in [SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 14 * MINUTE, 15 * MINUTE - SECOND] {
        bench.at(passed).await;
        assert_eq!(bench.prompted_pass(Outcome::Alive), Ended::Waiting(Reason::OutcomeUnknown), "at {passed:?}");
    }
    assert_eq!(bench.sent.len(), 1);
    bench.at(15 * MINUTE).await;
    let reads = bench.reads;
    bench.answer = Outcome::Acked;
    assert_eq!(bench.prompted_pass(Outcome::Alive), Ended::Waiting(Reason::ReadingBack));
    assert_eq!(bench.sent, [Duration::ZERO, 15 * MINUTE]);
    assert_eq!(bench.reads, reads + 2, "one before it, one after");
}

#[tokio::test(start_paused = true)]
async fn after_the_window_nothing_is_sent_without_a_read_that_shows_it_connected() {
    for (read, reason) in [
        (Outcome::NotSent(NotSent::ConnectFailure), Reason::EndpointUnreachable),
        (Outcome::Unknown(Unknown::Unavailable), Reason::ProviderUnavailable),
        (Outcome::Throttled, Reason::Throttled),
        (Outcome::Gone, Reason::UnprovenAbsence),
    ] {
        let mut bench = Bench::new();
        bench.lose_an_answer();
        bench.at(60 * MINUTE).await;
        assert_eq!(bench.prompted_pass(read), Ended::Waiting(reason));
        assert_eq!(bench.sent.len(), 1, "{read:?}");
    }
    let mut bench = Bench::new();
    bench.lose_an_answer();
    bench.at(60 * MINUTE).await;
    assert_eq!(bench.prompted_pass(Outcome::SoftGone), Ended::Released(Reason::AlreadySoft));
    assert_eq!(bench.sent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_process_counts_the_window_from_its_own_first_sight_of_the_attempt() {
    let mut bench = Bench::new();
    bench.lose_an_answer();
    bench.at(14 * MINUTE).await;
    bench.window = Window::default();
    for passed in [14 * MINUTE, 15 * MINUTE, 29 * MINUTE - SECOND] {
        bench.at(passed).await;
        assert_eq!(bench.prompted_pass(Outcome::Alive), Ended::Waiting(Reason::OutcomeUnknown), "at {passed:?}");
    }
    bench.at(29 * MINUTE).await;
    bench.prompted_pass(Outcome::Alive);
    assert_eq!(bench.sent, [Duration::ZERO, 29 * MINUTE]);
}

#[tokio::test(start_paused = true)]
async fn left_to_its_own_schedule_it_reads_on_and_sends_again_as_soon_as_the_window_is_over_whatever_the_jitter() {
    for jitter in [0, u32::MAX / 2, u32::MAX] {
        let mut bench = Bench::new();
        bench.jitter = Jitter(jitter);
        bench.lose_an_answer();
        while bench.sent.len() == 1 {
            sleep(bench.due).await;
            bench.pass(Outcome::Alive, false);
            assert!(bench.began.elapsed() <= 20 * MINUTE, "it is not sent again");
        }
        let resent = bench.sent[1];
        assert!(resent >= 15 * MINUTE && resent < 15 * MINUTE + 2 * SECOND, "{resent:?}");
        assert!(bench.reads > 3, "it read meanwhile");
    }
}

/// How a pass ended.
#[derive(Debug, PartialEq)]
enum Ended {
    Waiting(Reason),
    Released(Reason),
}

/// One object, and what the shell does around the decisions.
struct Bench {
    view: View,
    rules: Rules,
    window: Window,
    began: Instant,
    jitter: Jitter,
    answer: Outcome,
    due: Duration,
    sent: Vec<Duration>,
    reads: u32,
}

impl Bench {
    fn new() -> Self {
        let Ok(Command::Run(config)) =
            args::parse_from(["sender-operator", "run", "--leader-election=false"].map(Into::into))
        else {
            panic!("the flags' defaults are accepted")
        };
        let view = View {
            uid: "uid".to_owned(),
            target: Target::PuffleLinkedInDisconnect { account_id: "0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11".to_owned() },
            deleting: true,
            ours: true,
            gates: Gates::default(),
            on_not_found: OnNotFound::Hold,
            after_unknown_outcome: AfterUnknownOutcome::Resend,
            ledger: Ledger::default(),
        };
        Self {
            view,
            rules: config.rules,
            window: Window::default(),
            began: Instant::now(),
            jitter: Jitter(u32::MAX),
            answer: Outcome::Unknown(Unknown::ConnectionLost),
            due: Duration::ZERO,
            sent: Vec::new(),
            reads: 0,
        }
    }

    /// The first pass: connected, and the answer to its DELETE is lost.
    fn lose_an_answer(&mut self) {
        assert_eq!(self.prompted_pass(Outcome::Alive), Ended::Waiting(Reason::OutcomeUnknown));
        assert_eq!(self.sent, [Duration::ZERO]);
        let phase = self.view.ledger.teardown.as_ref().map(|teardown| teardown.phase);
        assert_eq!(phase, Some(Phase::Unknown));
    }

    /// Goes on to so long after the beginning.
    async fn at(&self, passed: Duration) {
        advance(passed - self.began.elapsed()).await;
    }

    /// A pass that does not wait for its schedule.
    fn prompted_pass(&mut self, read: Outcome) -> Ended {
        self.pass(read, true)
    }

    /// Does what is decided, as the shell does; every read of this pass shows the same.
    fn pass(&mut self, read: Outcome, prompted: bool) -> Ended {
        let read = Exchange::from(read);
        let unchanged_for = self.window.unchanged_for(&self.view);
        let mut pass = Pass { jitter: self.jitter, prompted, unchanged_for, ..Pass::default() };
        loop {
            match decide(&self.view, &pass, &self.rules, self.now()) {
                Step::AskCrd => pass.crd = Some(Crd::Serving),
                Step::ReadCredentials => {
                    let fingerprint = Fingerprint::from_stored("key".to_owned());
                    pass.credential = Some(Ok(Known { fingerprint, endpoint: "https://app.puffle.ai".to_owned() }));
                }
                Step::ReadAccount { .. } => pass.read = Some(self.read(&read)),
                Step::ReadBack => pass.read_back = Some(self.read(&read)),
                Step::Intend(mut ledger) => {
                    let teardown = ledger.teardown.as_mut().expect("an intent");
                    teardown.nonce = Some(format!("nonce {}", teardown.attempt));
                    self.view.ledger = ledger;
                    (pass.own_intent, pass.fresh) = (true, true);
                    pass.unchanged_for = self.anew();
                }
                Step::Send => {
                    self.sent.push(self.began.elapsed());
                    pass.sends += 1;
                    pass.unchanged_for = self.anew();
                    pass.answer = Some(self.answer.into());
                }
                Step::Wait(ledger, delay) => {
                    let reason = ledger.teardown.as_ref().map(|teardown| teardown.reason);
                    (self.view.ledger, self.due) = (ledger, delay);
                    return Ended::Waiting(reason.expect("a reason"));
                }
                Step::Release(proof) => return Ended::Released(Proof::record(&proof).reason),
                other => panic!("not in this history: {other:?}"),
            }
        }
    }

    fn read(&mut self, shows: &Exchange) -> Exchange {
        self.reads += 1;
        shows.clone()
    }

    fn anew(&self) -> Duration {
        self.window.forget(&self.view.uid);
        self.window.unchanged_for(&self.view)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("a time") + self.began.elapsed()
    }
}
