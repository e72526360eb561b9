//! Each call of a deletion fails once, in every way an API server and a network can fail it. One operator per fault; one
//! object per kind and call, for which that call meets the fault.

use fault_proxy::{Call, Fault, On, RuleHandle};
use futures::future::join_all;
use tokio::sync::OnceCell;

use crate::kind::{Kind, SECRET, SUBJECT};
use crate::life::Life;
use crate::verdict::failure;

/// All that have an object of their own.
const KINDS: [Kind; 5] = [Kind::PostPress, Kind::Email, Kind::Disconnect, Kind::Disconnected, Kind::Purge];

fn is_any(_: Call) -> bool {
    true
}

/// A way to fail.
pub type Faulty = (&'static str, fn() -> Fault);

const WRONG_KIND: Faulty =
    ("wrong-kind", || Fault::body("a wrong kind", r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}"#));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_meets_another_one_is_decided_again() {
    every_call(is_any, &[("409", || Fault::status(409)), ("422", || Fault::status(422)), ("replay", Fault::replay)])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_throttled_or_fails_is_made_again() {
    every_call(
        is_any,
        &[
            ("429-1s", || Fault::throttled(1)),
            ("429-1h", || Fault::throttled(3600)),
            // Not the API server's own, which would name what it did not find.
            ("404", || Fault::status(404)),
            ("500", || Fault::status(500)),
            ("502", || Fault::status(502)),
            ("503", || Fault::status(503)),
            ("504", || Fault::status(504)),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_answer_is_lost_after_it_took_effect_is_understood() {
    every_call(
        is_any,
        &[
            ("503-late", || Fault::status(503).after_commit()),
            ("504-late", || Fault::status(504).after_commit()),
            ("409-late", || Fault::status(409).after_commit()),
            ("cut-late", || Fault::cut().after_commit()),
            ("swallow-late", || Fault::swallow().after_commit()),
            ("truncate", Fault::truncate),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_never_arrives_is_made_again() {
    every_call(is_any, &[("cut", Fault::cut), ("swallow", Fault::swallow)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_refused_is_made_again_when_it_is_allowed() {
    every_call(
        is_any,
        &[
            ("401", || Fault::status(401)),
            ("403", || Fault::status(403)),
            ("403-late", || Fault::status(403).after_commit()),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_no_object_is_not_believed() {
    every_call(
        is_any,
        &[
            ("garbage", || Fault::body("garbage", "<html>")),
            ("garbage-late", || Fault::body("garbage", "<html>").after_commit()),
        ],
    )
    .await;
    every_call(is_any, &[WRONG_KIND]).await;
}

async fn every_call(calls: fn(Call) -> bool, faults: &[Faulty]) {
    let asked = std::env::var("PLAN").ok();
    let asked_for = |(name, _): &&Faulty| asked.as_ref().is_none_or(|plan| plan.starts_with(&format!("api/{name}/")));
    let failed = join_all(faults.iter().filter(asked_for).map(|(name, fault)| once_everywhere(name, *fault, calls)))
        .await
        .concat();
    assert!(failed.is_empty(), "{} plans failed:\n{}", failed.len(), failed.join("\n"));
}

/// One object's plan: this call about it fails once.
struct Case {
    kind: Kind,
    call: Call,
    deleting: bool,
    name: String,
    account: String,
}

impl Case {
    fn plan(&self, fault: &str) -> String {
        format!("api/{fault}/{}", self.name)
    }

    fn arm(&self, life: &Life, fault: fn() -> Fault) -> RuleHandle {
        life.proxy.rule(On::call(self.call).about(&self.name), fault())
    }
}

/// The calls about its object or Secret that an undisturbed deletion of this kind makes, and whether it is after the mark.
pub async fn calls_of(kind: Kind) -> Vec<(Call, bool)> {
    let life = Life::undisturbed(kind).await;
    let marked = *life.marked.get().expect("it was marked");
    let mut calls = Vec::new();
    for entry in life.proxy.trace() {
        let ours = entry.about.as_deref().is_some_and(|about| [SUBJECT, SECRET].contains(&about));
        let deleting = entry.arrived > marked;
        // An observation that a write or the mark overtakes ends, in some runs, with a look at what overtook it.
        let looks = entry.call == Call::GetAccount && kind.is_written_ahead();
        let observes = deleting && matches!(entry.call, Call::AddFinalizer | Call::HoldSecret | Call::WriteEvidence);
        let call = (entry.call, deleting);
        if ours && !looks && !observes && !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

/// An object for each call of each kind.
async fn cases() -> Vec<Case> {
    static CALLS: OnceCell<Vec<(Kind, Call, bool)>> = OnceCell::const_new();
    let of = async |kind| calls_of(kind).await.into_iter().map(move |(call, deleting)| (kind, call, deleting));
    let references = async || join_all(KINDS.into_iter().map(of)).await.into_iter().flatten().collect();
    let numbered = CALLS.get_or_init(references).await.iter().enumerate();
    let case = |(number, &(kind, call, deleting))| Case {
        kind,
        call,
        deleting,
        name: format!("{kind:?}-{call}-{}", if deleting { "deleting" } else { "living" }).to_lowercase(),
        account: kind.nth_account(number),
    };
    numbered.map(case).collect()
}

async fn once_everywhere(name: &str, fault: fn() -> Fault, calls: fn(Call) -> bool) -> Vec<String> {
    let mut cases = cases().await;
    cases.retain(|case| calls(case.call));
    if let Ok(asked) = std::env::var("PLAN") {
        cases.retain(|case| asked == case.plan(name) || asked == format!("api/{name}/"));
    }
    let life = Life::observing("fault").await;
    let run = async { run(&life, &cases, fault).await };
    if let Some(failure) = failure(run).await {
        // Each word of the failure that is an object's name leads to its timeline.
        let mut about: Vec<_> = cases.iter().filter(|case| failure.contains(&case.name)).collect();
        about.truncate(3);
        let words: Vec<&str> = about.iter().flat_map(|case| [case.name.as_str(), case.account.as_str()]).collect();
        eprintln!("--- api/{name}: {failure}\n{}", life.timeline(&words));
        let plans = about.iter().map(|case| case.plan(name)).collect::<Vec<_>>();
        let plan = plans.first().cloned().unwrap_or(format!("api/{name}/"));
        return vec![format!(
            "PLAN='{plan}' cargo test --test plans api_faults::   # {}",
            failure.lines().next().unwrap_or_default()
        )];
    }
    Vec::new()
}

async fn run(life: &Life, cases: &[Case], fault: fn() -> Fault) {
    let mut armed: Vec<(&Case, RuleHandle)> = Vec::new();
    armed.extend(cases.iter().filter(|case| !case.deleting).map(|case| (case, case.arm(life, fault))));
    join_all(cases.iter().map(async |case| {
        let key = life.bed.key();
        case.kind.create(&life.bed, &case.name, &case.account, &case.name, &key).await;
    }))
    .await;
    life.start();
    for case in cases {
        life.bed.until_reason(&case.name, case.kind.at_rest()).await;
    }
    armed.extend(cases.iter().filter(|case| case.deleting).map(|case| (case, case.arm(life, fault))));
    // About no object, so that one rule is for all.
    life.proxy.rule(On::call(Call::GetCrd), fault());
    join_all(cases.iter().map(|case| life.bed.mark(&case.name))).await;
    for case in cases {
        life.bed.until_gone(&case.name).await;
    }
    for (case, rule) in &armed {
        life.bed.eventually(&format!("{} met its fault", case.name), async || rule.hits() > 0).await;
    }
    for case in cases {
        life.judge_one(case.kind, &case.name, &case.account, &case.name).await;
    }
    life.judge_all().await;
}
