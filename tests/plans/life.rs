//! A bed, a proxy, and the operators that follow one another in it.

use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fault_proxy::{Call, Entry, Fault, Moment, On, Proxy};
use jiff::Timestamp;
use provider_simulator::{self as provider, FaultHandle, Log};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use crate::bed::{Bed, Operator};
use crate::kind::{HEIR, Kind, SECRET, SUBJECT};
use crate::plan::{Boundary, Strike};
use crate::verdict::failure;

/// Short waits, so that a plan is over in seconds; and no reads but those of the teardown.
pub const FLAGS: [&str; 6] = ["--max-backoff", "1s", "--outcome-window", "1s", "--observe-interval", "1h"];
/// The same, but what was refused to a live object is soon tried again.
pub const OBSERVING: [&str; 6] = ["--max-backoff", "1s", "--outcome-window", "1s", "--observe-interval", "2s"];

/// One plan's world.
pub struct Life {
    pub bed: Bed,
    pub proxy: Proxy,
    pub crew: Arc<Crew>,
    flags: &'static [&'static str],
    /// When the object was marked for deletion.
    pub marked: OnceLock<Timestamp>,
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

    /// The operator that was started last.
    pub fn running(&self) -> Pid {
        let operators = self.operators();
        let last = operators.last().expect("an operator runs");
        Pid::from_raw(last.pid().cast_signed()).expect("a process id")
    }

    /// Sends one of the operators a signal.
    pub fn signal_to(&self, operator: Pid, signal: Signal) {
        kill_process(operator, signal).expect("it can be signalled");
    }

    /// SIGKILL: it loses its memory, and nothing else.
    pub fn kill(&self) {
        self.signal_to(self.running(), Signal::KILL);
        self.killed.send_modify(|killed| *killed += 1);
    }

    /// How many were killed.
    fn killed(&self) -> usize {
        *self.killed.borrow()
    }

    /// Where the admin port of the last one is.
    pub fn admin_address(&self) -> String {
        self.operators().last().expect("an operator runs").admin_address()
    }

    /// What all of them wrote.
    pub fn log(&self) -> String {
        self.operators().iter().map(Operator::log).collect()
    }
}

impl Life {
    /// A world without an operator yet.
    pub async fn new(name: &str) -> Self {
        Self::with(Bed::new(name).await, &FLAGS).await
    }

    /// The same, where operators read live objects every two seconds.
    pub async fn observing(name: &str) -> Self {
        Self::with(Bed::new(name).await, &OBSERVING).await
    }

    /// On this bed, with these flags.
    pub async fn with(bed: Bed, flags: &'static [&'static str]) -> Self {
        let proxy = Proxy::start(bed.plane.kubeconfig()).await.expect("a proxy");
        Self { bed, proxy, crew: Arc::default(), flags, marked: OnceLock::new() }
    }

    /// Runs a plan of this name, unless another one is asked for, and shows what happened if it fails.
    pub async fn plan(name: &str, steps: impl AsyncFnOnce(&Self)) {
        Self::plan_with(name, &FLAGS, steps).await;
    }

    /// The same with other flags.
    pub async fn plan_with(name: &str, flags: &'static [&'static str], steps: impl AsyncFnOnce(&Self)) {
        if std::env::var("PLAN").is_ok_and(|plan| plan != name) {
            return;
        }
        Self::with(Bed::new("plan").await, flags).await.run(name, steps).await;
    }

    /// The same on a control plane of its own, for what would disturb every other plan.
    pub async fn plan_alone(name: &str, flags: &'static [&'static str], steps: impl AsyncFnOnce(&Self)) {
        if std::env::var("PLAN").is_ok_and(|plan| plan != name) {
            return;
        }
        let (bed, _alone) = Bed::alone(name).await;
        Self::with(bed, flags).await.run(name, steps).await;
    }

    async fn run(&self, name: &str, steps: impl AsyncFnOnce(&Self)) {
        if let Some(failure) = failure(steps(self)).await {
            panic!("{failure}\n{}\nPLAN='{name}' cargo test --test plans", self.timeline(&[]));
        }
    }

    /// Starts an operator that has adopted and observed the object.
    pub async fn at_rest(&self, kind: Kind) {
        self.start();
        let key = self.bed.key();
        kind.create(&self.bed, SUBJECT, kind.account(), SECRET, &key).await;
        self.bed.until_reason(SUBJECT, kind.at_rest()).await;
    }

    /// A deletion of this kind that nothing disturbs, to its last call: the reference.
    pub async fn undisturbed(kind: Kind) -> Self {
        let life = Self::new("reference").await;
        life.delete_under(kind, &[]).await;
        life.bed.eventually("the last call", async || life.is_over()).await;
        life.judge(kind).await;
        let known = life.proxy.trace().iter().all(|entry| entry.call != Call::Other);
        assert!(known, "a call that nobody recognises:\n{}", life.timeline(&[]));
        life
    }

    /// Starts the next operator.
    pub fn start(&self) {
        // Under the lock: whoever kills at its first call finds it.
        let mut operators = self.crew.operators();
        operators.push(self.bed.start_operator(self.proxy.kubeconfig(), &[&self.bed.namespace], self.flags));
    }

    /// Takes an operator that was started in another way for the one that runs.
    pub fn take(&self, operator: Operator) {
        self.crew.operators().push(operator);
    }

    /// What the next operator would be started with.
    pub fn command(&self) -> Command {
        self.bed.operator_command(self.proxy.kubeconfig(), &[&self.bed.namespace], self.flags)
    }

    /// Waits until one of the operators has logged a line that holds all of these.
    pub async fn until_logged(&self, parts: &[&str]) {
        let logged = async || self.crew.log().lines().any(|line| parts.iter().all(|part| line.contains(part)));
        self.bed.eventually(&format!("a log line with {parts:?}"), logged).await;
    }

    /// A deletion of this kind, from the creation of the object to its end, struck so.
    pub async fn delete_under(&self, kind: Kind, strikes: &[Strike]) {
        let deleted = async {
            self.delete(kind).await;
            self.until_struck_or_over(strikes.len()).await;
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
        self.marked.get_or_init(Timestamp::now);
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

    /// Waits until so many strikes were met, or until no call is to come that could meet them: some are made in some runs
    /// only, and of two kills the first may leave nothing for the second.
    async fn until_struck_or_over(&self, strikes: usize) {
        let met = async || self.was_struck(strikes) || self.is_over();
        self.bed.eventually("every kill was met, or the last call made", met).await;
    }

    /// After the release come an Event and, of an operator that was started since, a watch with nothing to show.
    fn is_over(&self) -> bool {
        let trace = self.proxy.trace();
        let Some(released) = trace.iter().rposition(|entry| entry.call == Call::Release && entry.is_done()) else {
            return false;
        };
        let last = |entry: &Entry| matches!(entry.call, Call::Event | Call::WatchAccounts) && entry.answered.is_some();
        trace[released..].iter().any(last)
    }

    /// Whether every one of so many strikes was met.
    pub fn was_struck(&self, strikes: usize) -> bool {
        self.crew.killed() >= strikes
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
