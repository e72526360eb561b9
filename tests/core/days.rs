//! What an object costs that waits for days: each pass is driven to its end by the product's own decisions, and the clock
//! goes on by the delay that each asks for. A thousand of them cost a thousand times that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sender_operator::backoff::Jitter;
use sender_operator::reason::Reason;
use sender_operator::teardown::ledger::Ledger;
use sender_operator::teardown::outcome::{Exchange, Outcome, Refusal, Unknown};
use sender_operator::teardown::view::{Crd, Fault, Known, Pass, Step, Twin, View};
use sender_operator::teardown::{decide, target::Target};

use crate::any::{RULES, now};
use crate::given::{Given, deleting_twin, disconnect, email, given, postpress, purge};

/// No pass takes more steps.
const STEPS: usize = 48;

/// What three days cost this process, the API server and the provider.
#[derive(Debug, Default)]
struct Cost {
    passes: u32,
    /// GETs of the object itself, its Secret, its twins and the CRD.
    gets: u32,
    status_writes: u32,
    /// Passes with a call of the provider.
    tries: u32,
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
        given.pass.crd = None;
        let (read, answer) = (Outcome::Alive.into(), Outcome::Unknown(Unknown::Unavailable).into());
        let Given { view, pass } = given;
        Self { view, pass, secret, read, answer, at: now(), unchanged_since: now(), cost: Cost::default() }
    }

    /// Three days of it, and why it waits at their end.
    fn three_days(mut self) -> (Cost, Reason) {
        let end = now() + SignedDuration::from_hours(72);
        while self.at < end {
            let calls = self.cost.calls;
            let delay = self.pass();
            self.cost.tries += u32::from(self.cost.calls > calls);
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
            let step = decide(&self.view, &pass, &RULES, self.at);
            self.cost.gets += match &step {
                Step::AskTwins(twins) => u32::try_from(twins.len()).expect("a few"),
                Step::AskCrd | Step::AskLiveTwin(_) | Step::ReadCredentials | Step::Freshen => 1,
                _ => 0,
            };
            match step {
                Step::AskCrd => pass.crd = Some(Crd::Serving),
                Step::AskLiveTwin(uid) => pass.live_twins_asked.push((uid, false)),
                Step::ReadCredentials => pass.credential = Some(self.secret.clone()),
                Step::ReadAccount { .. } => pass.read = Some(self.called(self.read.clone())),
                Step::ReadBack => pass.read_back = Some(self.called(self.read.clone())),
                Step::Record(ledger) => {
                    let counted = ledger.attempts() - self.view.ledger.attempts();
                    pass.recorded += u32::try_from(counted).expect("attempts are counted up");
                    pass.fresh = true;
                    self.write(ledger);
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
fn what_waits_for_a_person_or_a_twin_costs_a_status_write_in_a_quarter_of_an_hour_and_no_call() {
    let missing = Fault { reason: Reason::SecretMissing, subject: Some("key".to_owned()) };
    let live_twin = Twin { deleting: false, active: false, ..deleting_twin("twin") };
    let changed = |change: &dyn Fn(&mut Given)| given(disconnect()).changed(change);
    // How often it is looked at, in seconds, where nothing happens.
    for (reason, looked_at_every, given) in [
        (Reason::Suspended, 900, changed(&|given| given.view.gates.suspended = true)),
        (Reason::DeletionProtected, 900, changed(&|given| given.view.gates.protected = true)),
        (Reason::ConfirmationMissing, 900, changed(&|given| given.view.gates.unconfirmed = true)),
        (Reason::DeletionBudgetSpent, 900, changed(&|given| given.pass.within_budget = Some(false))),
        (Reason::TwinDeleting, 15, changed(&|given| given.pass.twins = vec![deleting_twin("twin")])),
        (Reason::TwinLive, 15, changed(&|given| given.pass.twins = vec![live_twin.clone()])),
        (Reason::SecretMissing, 30, changed(&|given| given.pass.credential = Some(Err(missing.clone())))),
    ] {
        let (cost, said) = Waiting::of(given).three_days();
        println!("{reason}: {cost:?}");
        assert_eq!((said, cost.calls), (reason, 0));
        // Up to a tenth is jitter.
        let most = |seconds: u32| 3 * 86_400 / seconds * 115 / 100;
        assert!(cost.status_writes <= most(900) && cost.passes <= most(looked_at_every), "{reason}: {cost:?}");
        assert!(cost.gets <= 2 * cost.passes, "{reason}: {cost:?}");
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
        assert!(cost.tries > 0 && cost.tries < 3 * 24 * 12, "{cost:?}");
        // A read before and one after the DELETE; an intent, its end and what is said at last.
        assert!(cost.calls <= 3 * cost.tries && cost.status_writes <= 3 * cost.tries, "{cost:?}");
        // The Secret is looked at twice a minute, with the CRD, where a key is blamed.
        assert!(cost.passes < 9_000 && cost.gets <= 3 * cost.passes, "{cost:?}");
    }
}
