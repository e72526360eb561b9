//! Answers and effects that come late, apart, or never.

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use provider_simulator::{Effect, Ending, Fault, Provider, State};
use support::{EMAIL, KEY, LINKEDIN, ask, last, listed, postpress, puffle_delete, puffle_list, with_fault};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_held_answer_comes_when_it_is_released_and_its_effect_was_before() {
    let (sim, handle) = with_fault(Fault::own().hold()).await;
    let mut client = ask(&sim, Provider::Puffle, "DELETE", &format!("/api/accounts/{EMAIL}"), KEY).await;

    sim.wait_for("the answer to be held", |_| handle.waiting() == 1).await.unwrap();
    assert_eq!((sim.log().state(EMAIL), sim.log().in_flight()), (State::Gone, 1));
    assert!(!sim.log().entries().last().unwrap().seen);

    handle.release();
    assert_eq!(client.reply().await.unwrap().status, 200);
    assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::Answered, true));
}

#[tokio::test]
async fn a_client_that_gives_up_on_a_held_answer_has_not_seen_it() {
    let (sim, handle) = with_fault(Fault::own().hold()).await;
    let client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
    sim.wait_for("the answer to be held", |_| handle.waiting() == 1).await.unwrap();

    drop(client);

    sim.wait_for("the client to be missed", |log| log.in_flight() == 0).await.unwrap();
    assert_eq!(last(&sim.log()), (Effect::Deleted, None, Ending::ClientLeft, false));
    assert_eq!(handle.waiting(), 0);
}

#[tokio::test]
async fn an_effect_can_come_after_its_answer() {
    for fault in [Fault::own(), Fault::status(504)] {
        let (sim, handle) = with_fault(fault.applied_when_released()).await;

        puffle_delete(&sim, LINKEDIN, KEY).await.unwrap();
        assert_eq!((sim.log().state(LINKEDIN), sim.log().pending_effects()), (State::Connected, 1));
        let list = puffle_list(&sim, KEY).await.unwrap();
        assert_eq!(listed(&list, LINKEDIN).as_deref(), Some("connected"));

        handle.release();
        sim.wait_for("the effect", |log| log.pending_effects() == 0).await.unwrap();
        let log = sim.log();
        let delete = log.effective_deletes(LINKEDIN)[0];
        assert_eq!(log.state(LINKEDIN), State::Disconnected);
        assert!(delete.effect_at.unwrap().order > delete.ended.unwrap().order, "the order tells it");
    }
}

#[tokio::test]
async fn an_effect_can_come_after_the_client_has_given_up() {
    let (sim, handle) = with_fault(Fault::own().hold().applied_when_released()).await;
    let client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
    sim.wait_for("the request to be held", |_| handle.waiting() == 1).await.unwrap();
    drop(client);
    sim.wait_for("the client to be missed", |log| log.in_flight() == 0).await.unwrap();
    assert_eq!((sim.log().state("acc_1"), sim.log().pending_effects()), (State::Connected, 1));

    handle.release();

    sim.wait_for("the effect", |log| log.state("acc_1") == State::Gone).await.unwrap();
    assert_eq!(last(&sim.log()), (Effect::Deleted, None, Ending::ClientLeft, false));
}

#[tokio::test]
async fn latency_comes_before_the_effect() {
    let delay = Duration::from_millis(50);
    let (sim, _) = with_fault(Fault::own().delay(delay)).await;

    postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    let log = sim.log();
    let delete = log.effective_deletes("acc_1")[0];
    let waited = delete.effect_at.unwrap().at.duration_since(delete.arrived.at);
    assert!(waited.unsigned_abs() >= delay, "{waited:?}");
}

#[tokio::test]
async fn latency_does_not_end_with_the_client() {
    let (sim, _) = with_fault(Fault::own().delay(Duration::from_millis(200))).await;

    drop(ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await);

    sim.wait_for("the effect", |log| log.state("acc_1") == State::Gone).await.unwrap();
}

#[tokio::test]
async fn a_cut_comes_with_the_effect_or_without_it() {
    let cases = [
        (Fault::cut_after_applying(), State::Disconnected, ErrorKind::UnexpectedEof),
        (Fault::cut_without_applying(), State::Connected, ErrorKind::UnexpectedEof),
        (Fault::cut_after_applying().reset(), State::Disconnected, ErrorKind::ConnectionReset),
        (Fault::cut_in_request(), State::Connected, ErrorKind::ConnectionReset),
    ];
    for (fault, state, error) in cases {
        let shown = format!("{fault:?}");
        let (sim, _) = with_fault(fault).await;

        let lost = puffle_delete(&sim, LINKEDIN, KEY).await.unwrap_err();

        assert_eq!((lost.kind(), sim.log().state(LINKEDIN)), (error, state), "{shown}");
        let (_, status, ending, seen) = last(&sim.log());
        assert_eq!((status, ending, seen), (None, Ending::Cut, false), "{shown}");
    }
}

#[tokio::test]
async fn an_answer_can_be_cut_in_its_head_or_body() {
    let (sim, _) = with_fault(Fault::own().cut_in_head()).await;
    let lost = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::InvalidData, "something came, but no head");
    assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::Cut, false));

    for (bytes, came) in [(0, 0), (5, 5), (1000, 26)] {
        let (sim, _) = with_fault(Fault::own().cut_in_body(bytes)).await;
        let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
        assert_eq!((reply.status, reply.body.len(), reply.announced), (200, came, Some(27)));
        assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::Cut, false));
    }
}

#[tokio::test]
async fn a_hanging_request_is_in_flight_until_the_client_leaves_or_it_is_released() {
    for (fault, state) in
        [(Fault::hang_after_applying(), State::Gone), (Fault::hang_without_applying(), State::Connected)]
    {
        let (sim, handle) = with_fault(fault).await;
        let client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
        sim.wait_for("the request to hang", |_| handle.waiting() == 1).await.unwrap();
        let (_, _, ending, seen) = last(&sim.log());
        assert_eq!((ending, seen, sim.log().in_flight()), (Ending::Hung, false, 1));
        assert_eq!(sim.log().state("acc_1"), state);
        drop(client);
        sim.wait_for("the client to be missed", |log| log.in_flight() == 0).await.unwrap();

        let mut second = ask(&sim, Provider::Puffle, "DELETE", &format!("/api/accounts/{EMAIL}"), KEY).await;
        sim.wait_for("the request to hang", |_| handle.waiting() == 1).await.unwrap();
        handle.release();
        assert!(second.reply().await.is_err(), "released, it is cut");
        let (_, _, ending, seen) = last(&sim.log());
        assert_eq!((ending, seen), (Ending::Hung, false));
    }
}

#[tokio::test]
async fn an_answer_can_stall_in_its_body() {
    let (sim, handle) = with_fault(Fault::own().stall_in_body(3)).await;
    let mut client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
    sim.wait_for("the stall", |_| handle.waiting() == 1).await.unwrap();
    assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::Hung, false));

    handle.release();

    let reply = client.reply().await.unwrap();
    assert_eq!((reply.body.as_slice(), reply.is_whole()), (&b"{\"o"[..], false));
}

#[tokio::test]
async fn a_dripping_answer_ends_with_the_client() {
    let (sim, _) = with_fault(Fault::own().drip(1, Duration::from_secs(3600))).await;
    let mut client = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
    assert_eq!(client.stream.read(&mut [0; 64]).await.unwrap(), 1);

    drop(client);

    sim.wait_for("the client to be missed", |log| log.in_flight() == 0).await.unwrap();
    assert_eq!(last(&sim.log()), (Effect::Deleted, Some(200), Ending::ClientLeft, false));
}

#[tokio::test]
async fn a_key_revoked_meanwhile_does_not_stop_a_late_effect() {
    let (sim, handle) = with_fault(Fault::status(504).applied_when_released()).await;
    postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    sim.revoke_key(KEY);
    handle.release();

    sim.wait_for("the effect", |log| log.state("acc_1") == State::Gone).await.unwrap();
}
