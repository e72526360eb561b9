//! In paused time, before a Lease that is kept as an API server keeps it.

use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::time::timeout;

use super::fake::{Fate, Server};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Leads until that is lost; then how, and how long after `since`.
async fn until_lost(leader: Leader, since: Instant) -> (Lost, Duration) {
    let stopping = CancellationToken::new();
    let lost = leader.lead(stopping.cancelled(), &stopping).await.expect_err("it is lost");
    (lost, since.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_stops_acting_ten_seconds_after_it_sent_the_last_request_that_went_well() {
    for fate in [Fate::Lost, Fate::Refused(500), Fate::Refused(403), Fate::Unanswered] {
        let way = Server::default().way();
        // Its answer came late; what counts is when it was asked.
        way.becomes(Fate::Slow(SECOND));
        let asked = Instant::now() + SECOND;
        let leader = way.leader("me").await;
        let term = leader.term();
        way.becomes(fate);
        let (lost, after) = until_lost(leader, asked).await;
        assert!(matches!(lost, Lost::RanOut { .. }), "{fate:?}: {lost}");
        assert!(after.abs_diff(RENEW_DEADLINE) < SECOND / 100, "{fate:?}: after {after:?}");
        assert!(!term.lasts(), "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_knows_by_the_clock_that_its_term_has_ended() {
    let way = Server::default().way();
    let leader = way.leader("me").await;
    let term = leader.term();
    sleep(RENEW_DEADLINE - SECOND / 100).await;
    assert!(term.lasts());
    sleep(SECOND / 50).await;
    assert!(!term.lasts(), "nobody renewed, and nobody told it");
    assert!(matches!(until_lost(leader, Instant::now()).await, (Lost::RanOut { .. }, after) if after.is_zero()));
}

#[tokio::test(start_paused = true)]
async fn a_leader_renews_through_lost_answers_refusals_and_edits_and_acts_on() {
    let server = Server::default();
    let way = server.way();
    let leader = way.leader("me").await;
    let term = leader.term();
    let stopping = CancellationToken::new();
    let disturb = async {
        for round in 0..40 {
            match round % 5 {
                0 => way.becomes(Fate::Unanswered),
                1 => way.becomes(Fate::Refused(503)),
                2 => server.edit(|lease| *lease = None),
                3 => server.edit(|lease| lease.as_mut().unwrap()["spec"]["holderIdentity"] = json!(null)),
                _ => server.edit(|lease| lease.as_mut().unwrap()["metadata"]["labels"] = json!({"by": "hand"})),
            }
            sleep(3 * SECOND).await;
            way.becomes(Fate::Served);
            sleep(5 * SECOND).await;
            assert!(term.lasts(), "round {round}");
            assert_eq!(server.holder().as_deref(), Some("me"), "round {round}");
        }
    };
    assert_eq!(leader.lead(disturb, &stopping).await, Ok(()));
    assert!(!stopping.is_cancelled());
    assert_eq!(server.holder(), None, "it is given back");
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_lease_another_one_has_stops_acting_at_its_next_renewal_and_what_is_in_flight_is_awaited() {
    let server = Server::default();
    let way = server.way();
    let leader = way.leader("me").await;
    let term = leader.term();
    server.edit(|lease| lease.as_mut().unwrap()["spec"]["holderIdentity"] = json!("thief"));
    let stopping = CancellationToken::new();
    let in_flight = async {
        stopping.cancelled().await;
        assert!(!term.lasts(), "nothing new begins");
        sleep(60 * SECOND).await;
    };
    let began = Instant::now();
    let lost = leader.lead(in_flight, &stopping).await.expect_err("it is lost");
    assert!(lost.to_string().contains("thief holds the Lease operators/sender-operator"), "{lost}");
    let noticed = began.elapsed() - 60 * SECOND;
    assert!(noticed <= pause(Jitter(u32::MAX)) && noticed >= RETRY_PERIOD, "{noticed:?}");
    assert_eq!(server.holder().as_deref(), Some("thief"), "what another one holds is left alone");
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_held_until_the_last_request_has_ended_and_then_the_next_one_has_it_at_once() {
    let server = Server::default();
    let leader = server.way().leader("first").await;
    let second = tokio::spawn({
        let way = server.way();
        async move { (way.leader("second").await, Instant::now()) }
    });
    let ended = Arc::new(Mutex::new(None));
    let last_request = async {
        sleep(60 * SECOND).await;
        *ended.lock().unwrap() = Some(Instant::now());
    };
    assert_eq!(leader.lead(last_request, &CancellationToken::new()).await, Ok(()));
    let (_, acquired) = second.await.unwrap();
    let after = acquired - ended.lock().unwrap().unwrap();
    assert!(after <= pause(Jitter(u32::MAX)), "it waited {after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_died_is_followed_after_its_lease_ran_out_and_one_that_only_lost_the_lease_object_is_not() {
    let server = Server::default();
    drop(server.way().leader("dead").await);
    let died = Instant::now();
    let second = server.way().leader("second").await;
    let waited = died.elapsed();
    assert_eq!(second.term().since(), Instant::now(), "what it inherits it has inherited now");
    assert!((LEASE_DURATION..LEASE_DURATION + 2 * pause(Jitter(u32::MAX))).contains(&waited), "{waited:?}");

    let third = server.way().candidate("third");
    let standing = third.standing();
    let stopping = CancellationToken::new();
    let deleted_again_and_again = async {
        for _ in 0..10 {
            sleep(7 * SECOND).await;
            server.edit(|lease| *lease = None);
        }
        assert_eq!(*standing.borrow(), Standing::StandsBy("second".to_owned()));
        stopping.cancel();
    };
    let never = CancellationToken::new();
    let (third, led) = tokio::join!(third.acquire(&stopping), second.lead(deleted_again_and_again, &never));
    assert!(third.is_none(), "it never led");
    assert_eq!(led, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_may_not_be_written_is_said_with_the_rights_to_grant_and_had_as_soon_as_they_are() {
    let way = Server::default().way();
    let candidate = way.candidate("me");
    let standing = candidate.standing();
    for (code, parts) in [
        (403, ["get, create and update on leases.coordination.k8s.io", "--leader-election=false"]),
        (500, ["sender-operator in namespace operators", "500"]),
    ] {
        way.becomes(Fate::Refused(code));
        let stopping = CancellationToken::new();
        let (led, ()) = tokio::join!(way.candidate("other").acquire(&stopping), async {
            sleep(30 * SECOND).await;
            stopping.cancel();
        });
        assert!(led.is_none(), "{code}");
        let candidate = way.candidate("asked once");
        let standing = candidate.standing();
        let _ = timeout(SECOND, candidate.acquire(&CancellationToken::new())).await;
        let Standing::Unknown(why) = standing.borrow().clone() else { panic!("{standing:?}") };
        assert!(parts.iter().all(|part| why.contains(part)), "{code}: {why}");
    }
    way.becomes(Fate::Served);
    assert!(candidate.acquire(&CancellationToken::new()).await.is_some());
    assert_eq!(*standing.borrow(), Standing::Acts);
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_taking_the_lease_leaves_no_dead_holder_behind() {
    let server = Server::default();
    let way = server.way();
    way.becomes(Fate::Slow(SECOND));
    let stopping = CancellationToken::new();
    let stop = async {
        // The read is answered, the write on its way.
        sleep(3 * SECOND / 2).await;
        assert_eq!(server.writes(), 1);
        stopping.cancel();
    };
    let (leader, ()) = tokio::join!(way.candidate("me").acquire(&stopping), stop);
    let leader = leader.expect("the write is not given up");
    assert_eq!(leader.lead(async {}, &stopping).await, Ok(()));
    assert_eq!(server.holder(), None);
}

#[tokio::test(start_paused = true)]
async fn of_replicas_that_lose_requests_and_die_at_random_never_two_act_at_once_and_some_time_one_does() {
    const REPLICAS: usize = 3;
    for seed in 0..20 {
        let server = Server::default();
        let terms: Arc<Mutex<Vec<Option<Term>>>> = Arc::new(Mutex::new(vec![None; REPLICAS]));
        let mut ways = Vec::new();
        let mut replicas = tokio::task::JoinSet::new();
        for number in 0..REPLICAS {
            let (way, terms) = (server.way(), Arc::clone(&terms));
            ways.push(way.clone());
            replicas.spawn(async move {
                let mut rng = StdRng::seed_from_u64(seed * 100 + number as u64);
                for life in 0.. {
                    let stopping = CancellationToken::new();
                    let leader = way.candidate(&format!("{number}-{life}")).acquire(&stopping).await.unwrap();
                    terms.lock().unwrap()[number] = Some(leader.term());
                    let acting = sleep(Duration::from_millis(rng.random_range(0..60_000)));
                    if rng.random_bool(0.3) {
                        // It dies: nobody renews, nobody gives back, and what it thought does not matter any more.
                        acting.await;
                        terms.lock().unwrap()[number] = None;
                    } else {
                        let _ = leader.lead(acting, &stopping).await;
                    }
                }
            });
        }
        let mut rng = StdRng::seed_from_u64(seed);
        let mut led = 0;
        for _ in 0..5_000 {
            sleep(SECOND / 10).await;
            let acting = terms.lock().unwrap().iter().flatten().filter(|term| term.lasts()).count();
            assert!(acting <= 1, "seed {seed}: {acting} act");
            led += acting;
            if rng.random_bool(0.05) {
                let fates = [Fate::Served, Fate::Slow(3 * SECOND), Fate::Unanswered, Fate::Lost, Fate::Refused(500)];
                ways[rng.random_range(0..REPLICAS)].becomes(fates[rng.random_range(0..fates.len())]);
            }
        }
        assert!(led > 0, "seed {seed}: nobody ever led");
    }
}

#[test]
fn a_holder_is_named_after_its_host_within_bounds_and_each_process_has_its_own_name() {
    assert_eq!(identity("pod-1", 10), "pod-1_0000000a");
    assert_eq!(identity(&"x".repeat(300), u32::MAX).len(), 63 + 9);
    assert_eq!(identity("a b\n\u{fc}", 0), "ab_00000000");
}

#[test]
fn the_next_try_is_never_sooner_than_the_retry_period_nor_much_later() {
    assert_eq!(pause(Jitter(0)), RETRY_PERIOD);
    assert_eq!(pause(Jitter(u32::MAX)), RETRY_PERIOD + RETRY_PERIOD / 5);
}
