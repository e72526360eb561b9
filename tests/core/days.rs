//! What an object costs that waits for days: each pass is driven to its end by the product's own decisions, and the clock
//! goes on by the delay that each asks for. A thousand of them cost a thousand times that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sender_operator::backoff::Jitter;
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::Ledger;
use sender_operator::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};
use sender_operator::teardown::view::{Fault, Known, Pass, Step, View};
use sender_operator::teardown::{decide, target::Target};

use crate::any::{RULES, now};
use crate::given::{Given, deleting_twin, disconnect, email, given, postpress, purge};

/// No pass takes more steps.
const STEPS: usize = 48;

/// What three days cost this process, the API server and the provider.
#[derive(Debug, Default)]
struct Cost {
    passes: u32,
    secret_reads: u32,
    status_writes: u32,
    calls: u32,
}

/// One object, and what it meets in every pass.
struct Waiting {
    view: View,
    pass: Pass,
    secret: Result<Known, Fault>,
    read: Exchange,
    answer: Exchange,
    at: Timestamp,
    unchanged_since: Timestamp,
    cost: Cost,
}

impl Waiting {
    fn of(mut given: Given) -> Self {
        let secret = given.pass.credential.take().expect("a key");
        let (read, answer) = (Outcome::Alive.into(), Outcome::Unknown(Unknown::Unavailable).into());
        let Given { view, pass } = given;
        Self { view, pass, secret, read, answer, at: now(), unchanged_since: now(), cost: Cost::default() }
    }

    /// Three days of it, and why it waits at their end.
    fn three_days(mut self) -> (Cost, Reason) {
        let end = now() + SignedDuration::from_hours(72);
        while self.at < end {
            let delay = self.pass();
            assert!(delay >= Duration::from_millis(10) && delay <= Duration::from_secs(900), "{delay:?}");
            self.at += SignedDuration::try_from(delay).expect("at most 15 minutes");
            self.cost.passes += 1;
        }
        (self.cost, self.view.ledger.teardown.expect("it waits").reason)
    }

    /// One pass to its end, as the operator drives it; how long it waits then.
    fn pass(&mut self) -> Duration {
        let mut pass = self.pass.clone();
        // Evenly spread, and the same in every run.
        pass.jitter = Jitter((self.cost.passes + 1).wrapping_mul(0x9E37_79B9));
        pass.unchanged_for = Duration::try_from(self.at.duration_since(self.unchanged_since)).expect("it goes on");
        for _ in 0..STEPS {
            match decide(&self.view, &pass, &RULES, self.at) {
                Step::ReadCredentials => {
                    self.cost.secret_reads += 1;
                    pass.credential = Some(self.secret.clone());
                }
                Step::ReadAccount { .. } => pass.read = Some(self.called(self.read.clone())),
                Step::ReadBack => pass.read_back = Some(self.called(self.read.clone())),
                Step::Record(ledger) => {
                    self.write(ledger);
                    (pass.fresh, pass.recorded) = (true, pass.sends);
                }
                Step::Intend(mut ledger) => {
                    ledger.teardown.as_mut().expect("it has begun").nonce = Some(self.cost.status_writes.to_string());
                    self.write(ledger);
                    (pass.fresh, pass.own_intent, pass.unchanged_for) = (true, true, Duration::ZERO);
                }
                Step::AskTwins(_) => pass.unsettled_twin = Some(None),
                Step::Freshen => pass.fresh = true,
                Step::Send => {
                    pass.sends += 1;
                    pass.answer = Some(self.called(self.answer.clone()));
                }
                Step::Wait(ledger, delay) => {
                    self.write(ledger);
                    return delay;
                }
                step => panic!("{step:?} at {}", self.at),
            }
        }
        panic!("a pass did not end: {:?}", self.view);
    }

    fn called(&mut self, exchange: Exchange) -> Exchange {
        self.cost.calls += 1;
        exchange
    }

    /// As the operator does: what is there already is not written.
    fn write(&mut self, ledger: Ledger) {
        let attempt = |ledger: &Ledger| ledger.teardown.as_ref().map(|t| (t.attempt, t.nonce.clone()));
        if attempt(&ledger) != attempt(&self.view.ledger) {
            self.unchanged_since = self.at;
        }
        if ledger != self.view.ledger {
            self.cost.status_writes += 1;
            self.view.ledger = ledger;
        }
    }
}

#[test]
fn what_only_a_person_can_end_costs_a_status_write_in_a_quarter_of_an_hour_and_no_call() {
    let missing = Fault { reason: Reason::SecretMissing, subject: Some("key".to_owned()) };
    let changed = |change: &dyn Fn(&mut Given)| given(disconnect()).changed(change);
    for (reason, given) in [
        (Reason::Suspended, changed(&|given| given.view.gates.suspended = true)),
        (Reason::DeletionProtected, changed(&|given| given.view.gates.protected = true)),
        (Reason::ConfirmationMissing, changed(&|given| given.view.gates.unconfirmed = true)),
        (Reason::TwinDeleting, changed(&|given| given.pass.twins = vec![deleting_twin("twin")])),
        (Reason::SecretMissing, changed(&|given| given.pass.credential = Some(Err(missing.clone())))),
    ] {
        let waiting = Waiting::of(given);
        let (cost, said) = waiting.three_days();
        println!("{reason}: {cost:?}");
        assert_eq!(said, reason);
        assert_eq!(cost.calls, 0, "{reason}");
        // Three days have 288 quarters of an hour, and up to a tenth of each is jitter; a Secret is read twice a minute.
        assert!(cost.status_writes <= 330 && cost.secret_reads <= 8_900, "{reason}: {cost:?}");
    }
}

#[test]
fn what_fails_for_days_is_tried_less_than_once_in_five_minutes() {
    let kinds: [fn() -> Target; 4] = [postpress, email, disconnect, purge];
    let unavailable = || Exchange::from(Outcome::Unknown(Unknown::Unavailable));
    let refused = || Exchange::from(Outcome::Refused(Refusal::Credentials));
    for (kind, (read, answer)) in kinds.into_iter().flat_map(|kind| {
        let cases = [(Outcome::Alive.into(), unavailable()), (unavailable(), unavailable()), (refused(), refused())];
        cases.map(|case| (kind, case))
    }) {
        let mut waiting = Waiting::of(given(kind()).seen("here", 0));
        (waiting.read, waiting.answer) = (read.clone(), answer);
        let (cost, said) = waiting.three_days();
        println!("{:?} {:?}: {said}, {cost:?}", kind().kind(), read.outcome);
        // A try is a read, the DELETE or both, and may be written ahead.
        let most = 2 * 3 * 24 * 12;
        assert!(cost.calls > 0 && cost.calls < most && cost.status_writes < most, "{cost:?}");
    }
}
