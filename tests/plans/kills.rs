//! The operator is killed at every call of a deletion, before it, after its effect and after its answer. The next one
//! finishes, and no account gets an effective DELETE too many.

use fault_proxy::{Call, Moment};
use futures::{StreamExt, stream};
use provider_simulator as provider;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::bed::at_once;
use crate::kind::Kind;
use crate::life::Life;
use crate::plan::{Boundary, Plan, Strike};
use crate::verdict::failure;

/// So many pairs of each kind, unless all are asked for.
const PAIRS: usize = 3;
/// So many single kills of a kind that shares most of its calls with another one.
const VARIANT: usize = 12;
/// At most one plan in so many may find no call to be killed at: some calls are made in some runs only.
const MOST_UNMET: usize = 6;
/// The same with pairs among them: a first kill may leave nothing for the second.
const MOST_UNMET_WITH_PAIRS: usize = 5;
/// After so many plans it is said how many there were.
const PROGRESS: usize = 50;
const SEED: u64 = 20_260_101;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postpress_deletion_survives_a_kill_at_each_of_its_calls() {
    every_boundary(Kind::PostPress).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_deletion_survives_a_kill_at_each_of_its_calls() {
    every_boundary(Kind::Email).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnect_survives_a_kill_at_each_of_its_calls_and_has_one_effect() {
    every_boundary(Kind::Disconnect).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_disconnected_already_gets_no_delete_wherever_the_operator_is_killed() {
    every_boundary(Kind::Disconnected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_survives_a_kill_at_each_of_its_calls() {
    every_boundary(Kind::Purge).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_handed_on_wherever_its_keeper_is_killed() {
    every_boundary(Kind::Keeper).await;
}

async fn every_boundary(kind: Kind) {
    if let Ok(name) = std::env::var("PLAN") {
        // Another kind's, or another suite's, is not ours.
        if name.starts_with(&format!("{kind:?}/")) {
            all(vec![name.parse().unwrap_or_else(|wrong| panic!("PLAN={name}: {wrong}"))]).await;
        }
        return;
    }
    let boundaries = boundaries(kind).await;
    let one = |boundary: &(Boundary, u64), moment| Strike { at: boundary.0, nth: boundary.1, moment };
    let singles = boundaries.iter().flat_map(|boundary| Moment::ALL.map(|moment| one(boundary, moment)));
    let singles: Vec<_> = singles.filter(|strike| is_a_point(*strike)).collect();
    let pairs = pairs(kind, &singles);
    let singles: Vec<_> = singles.into_iter().map(|strike| Plan { kind, strikes: vec![strike] }).collect();
    let (mut chosen, among) = match kind {
        Kind::Purge | Kind::Keeper => (sample(singles, VARIANT), "sampled"),
        _ => (singles, "all"),
    };
    let kills = chosen.len();
    chosen.extend(sample(pairs, PAIRS));
    println!(
        "{kind:?}: {} boundaries, {among}: {kills} single kills, {} pairs",
        boundaries.len(),
        chosen.len() - kills
    );
    all(chosen).await;
}

/// So many of these, as the seed picks them; with `TORTURE` so many as it says, all of them if it says `all`.
fn sample(plans: Vec<Plan>, number: usize) -> Vec<Plan> {
    let number = match std::env::var("TORTURE") {
        Err(_) => number,
        Ok(all) if all == "all" => plans.len(),
        Ok(many) => many.parse().expect("TORTURE is a number of plans, or all"),
    };
    let seed = std::env::var("PLANS_SEED").map_or(SEED, |seed| seed.parse().expect("PLANS_SEED is a number"));
    println!("PLANS_SEED={seed} picks {} of {}", number.min(plans.len()), plans.len());
    plans.choose_multiple(&mut StdRng::seed_from_u64(seed), number).cloned().collect()
}

/// A read has no effect at the provider: before and after it are the same.
fn is_a_point(strike: Strike) -> bool {
    strike.at != Boundary::Provider(provider::Call::Read) || strike.moment != Moment::AfterCommit
}

/// The calls of an undisturbed deletion of this kind, in order, each with its number among its like.
async fn boundaries(kind: Kind) -> Vec<(Boundary, u64)> {
    let life = Life::undisturbed(kind).await;
    let trace = life.proxy.trace();
    let mut rows: Vec<_> = trace.iter().map(|entry| (entry.arrived, (Boundary::Api(entry.call), entry.nth))).collect();
    // What follows the release is the Event, and whatever the operator looks at of its own accord.
    let released = trace.iter().position(|entry| entry.call == Call::Release).expect("a release");
    let after: Vec<_> = rows.split_off(released + 1);
    rows.extend(after.into_iter().filter(|(_, (boundary, _))| *boundary == Boundary::Api(Call::Event)));
    let mut counts = [0, 0];
    for entry in life.bed.sim.log().entries() {
        let count = &mut counts[usize::from(entry.call == provider::Call::Delete)];
        *count += 1;
        rows.push((entry.arrived.at, (Boundary::Provider(entry.call), *count)));
    }
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, boundary)| boundary).collect()
}

/// Pairs of kills: the second at a point at or after the first, counted anew because the next operator begins anew.
fn pairs(kind: Kind, singles: &[Strike]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (place, first) in singles.iter().enumerate() {
        for second in &singles[place..] {
            let before = singles[place..].iter().filter(|other| other.at == second.at && other.moment == second.moment);
            let nth = before.take_while(|other| other.nth < second.nth).count() as u64 + 1;
            plans.push(Plan { kind, strikes: vec![*first, Strike { nth, ..*second }] });
        }
    }
    plans
}

/// Runs them, a few at once, and fails with all that failed.
async fn all(plans: Vec<Plan>) {
    let Some(kind) = plans.first().map(|plan| plan.kind) else { return };
    let number = plans.len();
    let mut running = stream::iter(plans).map(run).buffer_unordered(at_once());
    let mut ended = Vec::new();
    while let Some(one) = running.next().await {
        ended.push(one);
        if ended.len() % PROGRESS == 0 {
            println!("{kind:?}: {} of {number} plans", ended.len());
        }
    }
    let failed: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().err()).map(Plan::command).collect();
    assert!(failed.is_empty(), "{} of {number} plans failed:\n{}", failed.len(), failed.join("\n"));
    let met = |kills| ended.iter().flatten().filter(move |(strikes, _)| *strikes == kills).map(|(_, met)| *met);
    let unmet = |kills| (met(kills).filter(|met| !met).count(), met(kills).count());
    let ((single, singles), (pair, pairs)) = (unmet(1), unmet(2));
    println!("{kind:?}: not every kill was met in {single} of {singles} plans, and in {pair} of {pairs} pairs");
    assert!(single <= singles / MOST_UNMET, "in {single} of {singles} plans the kill was not met");
    let unmet = single + pair;
    assert!(unmet <= number / MOST_UNMET_WITH_PAIRS, "in {unmet} of {number} plans not every kill was met");
}

/// Runs one; of how many kills, and whether every one was met.
async fn run(plan: Plan) -> Result<(usize, bool), Plan> {
    let life = Life::new("kill").await;
    let judged = async {
        life.delete_under(plan.kind, &plan.strikes).await;
        life.judge(plan.kind).await;
    };
    let Some(failure) = failure(judged).await else {
        return Ok((plan.strikes.len(), life.was_struck(plan.strikes.len())));
    };
    eprintln!("--- {plan}: {failure}\n{}", life.timeline(&[]));
    Err(plan)
}
