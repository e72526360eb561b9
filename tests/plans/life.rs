//! A bed, a proxy, and the operators that follow one another in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fault_proxy::{Call, Fault, Moment, On, Proxy};
use provider_simulator::{self as provider, FaultHandle, Log};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::bed::{Bed, Operator};
use crate::kind::{HEIR, Kind, SECRET, SUBJECT};
use crate::plan::{Boundary, Strike};

/// No reads but those of the teardown; short waits, so that a plan is over in seconds.
const FLAGS: [&str; 6] = ["--observe-interval", "1h", "--max-backoff", "1s", "--outcome-window", "1s"];
/// A strike that nothing leads to is noticed after so long.
const UNMET: Duration = Duration::from_secs(30);

/// One plan's world.
pub struct Life {
    pub bed: Bed,
    pub proxy: Proxy,
    pub crew: Arc<Crew>,
}

/// The operators, of which the last one runs.
#[derive(Default)]
pub struct Crew {
    operators: Mutex<Vec<Operator>>,
    killed: watch::Sender<usize>,
}

impl Crew {
    fn operators(&self) -> MutexGuard<'_, Vec<Operator>> {
        self.operators.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the running operator a signal.
    pub fn signal(&self, signal: Signal) {
        let operators = self.operators();
        let last = operators.last().expect("an operator runs");
        let pid = Pid::from_raw(last.pid().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("it can be signalled");
    }

    /// SIGKILL: it loses its memory, and nothing else.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        self.killed.send_modify(|killed| *killed += 1);
    }

    /// How many were killed.
    pub fn killed(&self) -> usize {
        *self.killed.borrow()
    }

    /// What all of them wrote.
    pub fn log(&self) -> String {
        self.operators().iter().map(Operator::log).collect()
    }
}

impl Life {
    /// A world without an operator yet.
    pub async fn new(name: &str) -> Self {
        let bed = Bed::new(name).await;
        let proxy = Proxy::start(bed.plane.kubeconfig()).await.expect("a proxy");
        Self { bed, proxy, crew: Arc::default() }
    }

    /// Starts the next operator.
    pub fn start(&self) {
        // Under the lock: whoever kills at its first call finds it.
        let mut operators = self.crew.operators();
        operators.push(self.bed.start_operator(self.proxy.kubeconfig(), &[&self.bed.namespace], &FLAGS));
    }

    /// A deletion of this kind, from the creation of the object to its end, struck so.
    pub async fn delete_under(&self, kind: Kind, strikes: &[Strike]) {
        let deleted = async {
            self.delete(kind).await;
            // Of two kills the first may leave nothing for the second to meet.
            self.until_struck(strikes.len().min(1)).await;
        };
        tokio::select! {
            () = deleted => {}
            () = self.strike(strikes) => unreachable!("somebody always looks after the operator"),
        }
    }

    async fn delete(&self, kind: Kind) {
        let key = self.bed.key();
        kind.create(&self.bed, SUBJECT, kind.account(), SECRET, &key).await;
        self.bed.until_reason(SUBJECT, kind.at_rest()).await;
        if kind == Kind::Keeper {
            kind.create_heir(&self.bed, &key).await;
            self.bed.until_reason(HEIR, kind.at_rest()).await;
        }
        self.bed.mark(SUBJECT).await;
        self.bed.until_gone(SUBJECT).await;
    }

    /// Looks after the operator: each time it is killed another one starts, with the next strike before it.
    async fn strike(&self, strikes: &[Strike]) {
        let mut killed = self.crew.killed.subscribe();
        for (number, strike) in strikes.iter().enumerate() {
            let armed = self.arm(strike);
            self.start();
            tokio::select! {
                struck = killed.wait_for(|killed| *killed > number) => drop(struck),
                () = armed.at_provider(self) => {}
            }
            armed.disarm();
        }
        self.start();
        std::future::pending().await
    }

    fn arm(&self, strike: &Strike) -> Armed {
        let crew = Arc::clone(&self.crew);
        match strike.at {
            Boundary::Api(call) => {
                let on = On::call(call).nth(strike.nth);
                self.proxy.rule(on, Fault::kill(strike.moment, move || crew.kill()));
                Armed::Api
            }
            Boundary::Provider(call) => {
                let before = strike.moment == Moment::Before;
                let own = provider::Fault::own();
                let fault = match (before, strike.moment) {
                    (_, Moment::AfterAnswer) => own,
                    (true, _) => own.not_applied().hold(),
                    (false, _) => own.hold(),
                };
                let fault = self.bed.sim.fault(provider::On::call(call).nth(strike.nth), fault);
                Armed::Provider { fault, answered: strike.moment == Moment::AfterAnswer }
            }
        }
    }

    /// Waits until so many strikes were met.
    async fn until_struck(&self, strikes: usize) {
        let began = Instant::now();
        while self.crew.killed() < strikes {
            assert!(began.elapsed() < UNMET, "{} of {strikes} kills were met: the others' calls never came", self.crew.killed());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the API server has seen this call after the release.
    pub async fn until_called_after_release(&self, call: Call) {
        let called = async || {
            let trace = self.proxy.trace();
            trace.iter().rev().take_while(|entry| entry.call != Call::Release).any(|entry| entry.call == call && entry.answered.is_some())
        };
        self.bed.eventually(&format!("{call} after the release"), called).await;
    }
}

enum Armed {
    Api,
    Provider { fault: FaultHandle, answered: bool },
}

impl Armed {
    /// Kills when the provider has come so far with the request; the proxy kills by itself.
    async fn at_provider(&self, life: &Life) {
        let Self::Provider { fault, answered } = self else { return std::future::pending().await };
        let met = |log: &Log| match answered {
            true => log.entries().any(|entry| entry.fault == Some(fault.id()) && entry.seen),
            false => fault.waiting() > 0,
        };
        if life.bed.sim.wait_for("the request to be killed at", met).await.is_err() {
            return std::future::pending().await;
        }
        life.crew.kill();
    }

    fn disarm(&self) {
        if let Self::Provider { fault, .. } = self {
            fault.clear();
            fault.release();
        }
    }
}
