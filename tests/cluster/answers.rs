//! What a provider answers is believed only where it is what the provider documents, and only from where it was asked.

use jiff::SignedDuration;
use provider_simulator::{Answer, Fault, FaultHandle, Listener, On, Simulator, State};

use crate::bed::{Bed, Kind, Sender, message};

const JSON: &str = "application/json; charset=utf-8";

#[tokio::test]
async fn a_success_that_postpress_does_not_document_releases_nothing() {
    let right = r#"{"object":"AccountDeleted"}"#;
    let bodies = [
        ("empty", Fault::status(200)),
        ("empty-object", Fault::body(200, JSON, "{}")),
        ("null", Fault::body(200, JSON, "null")),
        ("array", Fault::body(200, JSON, format!("[{right}]"))),
        ("other-object", Fault::body(200, JSON, r#"{"object":"Account"}"#)),
        ("puffle", Fault::body(200, JSON, r#"{"success":true}"#)),
        ("twice", Fault::body(200, JSON, r#"{"object":"AccountDeleted","object":"Account"}"#)),
        ("trailing", Fault::body(200, JSON, format!("{right} trailing"))),
        ("bom", Fault::body(200, JSON, format!("\u{feff}{right}"))),
        ("cut", Fault::body(200, JSON, r#"{"object":"AccountDel"#)),
        ("short", Fault::body(200, JSON, right).cut_in_body(right.len() - 1)),
        ("html", Fault::html(200, "<html><body>Welcome to the hotel</body></html>")),
        ("text-html", Fault::body(200, "text/html; charset=utf-8", right)),
        ("no-type", Fault::answer(Answer::new(200).body(right))),
        ("gzip", Fault::body(200, JSON, right).header("content-encoding", "gzip")),
        ("created", Fault::body(201, JSON, right)),
        ("accepted", Fault::body(202, JSON, right)),
        ("non-authoritative", Fault::body(203, JSON, right)),
        ("no-content", Fault::status(204)),
        ("partial", Fault::body(206, JSON, right)),
        ("huge", Fault::body(200, JSON, right).huge_body(1 << 20)),
        ("no-http", Fault::raw(right)),
    ];
    releases_nothing("wrong-postpress", Kind::PostPress, &bodies).await;
}

#[tokio::test]
async fn a_success_that_puffle_does_not_document_releases_nothing() {
    let right = r#"{"success":true}"#;
    let bodies = [
        ("empty", Fault::status(200)),
        ("empty-object", Fault::body(200, JSON, "{}")),
        ("null", Fault::body(200, JSON, "null")),
        ("false", Fault::body(200, JSON, r#"{"success":false}"#)),
        ("text", Fault::body(200, JSON, r#"{"success":"true"}"#)),
        ("one", Fault::body(200, JSON, r#"{"success":1}"#)),
        ("more", Fault::body(200, JSON, r#"{"success":true,"pending":true}"#)),
        ("twice", Fault::body(200, JSON, r#"{"success":true,"success":true}"#)),
        ("error", Fault::body(200, JSON, r#"{"error":{"code":"not_found","message":"Account not found"}}"#)),
        ("postpress", Fault::body(200, JSON, r#"{"object":"AccountDeleted"}"#)),
        ("trailing", Fault::body(200, JSON, format!("{right}{right}"))),
        ("html", Fault::html(200, "<html><body>Please log in</body></html>")),
        ("text-html", Fault::body(200, "text/html", right)),
        ("no-type", Fault::answer(Answer::new(200).body(right))),
        ("short", Fault::body(200, JSON, right).cut_in_body(right.len() - 1)),
        ("accepted", Fault::body(202, JSON, right)),
        ("no-content", Fault::status(204)),
        ("reset-content", Fault::status(205)),
    ];
    releases_nothing("wrong-puffle", Kind::Email, &bodies).await;
}

async fn releases_nothing(bed: &str, kind: Kind, bodies: &[(&str, Fault)]) {
    let bed = Bed::new(bed).await;
    let senders: Vec<_> = bodies.iter().map(|(name, _)| bed.sender(kind, name)).collect();
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    for (sender, (_, answer)) in senders.iter().zip(bodies) {
        bed.sim.fault(On::delete().account(&sender.account), answer.clone());
    }

    bed.delete_all().await;
    let tried_twice = |object: &serde_json::Value| object["status"]["teardown"]["tries"].as_i64() >= Some(2);
    for sender in &senders {
        let object = bed.until(&sender.name, "tried twice", tried_twice).await;
        let expected = if sender.name == "short" { "ConnectionLost" } else { "UnexpectedAnswer" };
        bed.until_waiting(&sender.name, expected).await;
        assert_eq!(object["status"]["teardown"].get("acked"), None, "{}", sender.name);
    }
    assert_eq!(bed.objects().await.len(), senders.len(), "none is released");
    assert_eq!(operator.receipts(), Vec::<serde_json::Value>::new());
    bed.sim.clear_faults();
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    for sender in &senders {
        assert_eq!(operator.proof(&sender.name), "ReadBack", "{}", sender.name);
    }
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_no_byte_reaches_the_place_it_points_to() {
    let bed = Bed::new("redirects").await;
    let elsewhere = Listener::start().await.expect("a listener");
    let statuses =
        [(301, "moved-permanently"), (302, "found"), (303, "see-other"), (307, "temporary"), (308, "permanent")];
    let named = |(_, name): &(u16, &str)| bed.sender(Kind::PostPress, name);
    let senders = [statuses.iter().map(named).collect(), bed.senders()].concat();
    let new_home = Simulator::start().await.expect("a second simulator");
    let moved = bed.sender(Kind::PostPress, "moved");
    let all = [&senders[..], std::slice::from_ref(&moved)].concat();
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&all).await;
    let redirects: Vec<_> = all
        .iter()
        .zip(statuses.iter().cycle())
        .map(|(sender, (status, _))| {
            let location = format!("{}/accounts/{}", elsewhere.url(), sender.account);
            bed.sim.fault(On::any().key(&sender.key), Fault::redirect(*status, &location))
        })
        .collect();

    bed.delete_all().await;
    for sender in &all {
        let object = bed.until_waiting(&sender.name, "EndpointRedirects").await;
        assert!(message(&object).contains(&format!("base-url in Secret {}", sender.name)), "{}", message(&object));
    }
    let calls = |sender: &Sender| bed.sim.log().with_key(&sender.key).len();
    for sender in &all {
        let before = calls(sender);
        bed.eventually("it is tried again", async || calls(sender) > before).await;
        assert_eq!(bed.truth(&sender.account).0, State::Connected, "{}", sender.name);
    }
    // Obeying the message: the base URL is set to the final address, where the account is now.
    moved.connect(&new_home, &moved.key);
    assert!(bed.sim.remove(&moved.account));
    bed.apply(&moved.secret(&new_home, &moved.key)).await;
    bed.until_gone("moved").await;
    assert_eq!(new_home.log().state(&moved.account), State::Gone);
    redirects.iter().for_each(FaultHandle::clear);
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    assert_eq!((elsewhere.connections(), elsewhere.bytes()), (0, 0));
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_redirect_does_not_say_that_a_linkedin_delete_was_not_applied() {
    /// The beds' `--outcome-window`, less what the log's clock and the operator's may differ by.
    const WINDOW: SignedDuration = SignedDuration::from_millis(2_980);
    let bed = Bed::new("redirected-delete").await;
    let (late, applied) = (bed.sender(Kind::LinkedIn, "late"), bed.sender(Kind::LinkedIn, "applied"));
    let elsewhere = Listener::start().await.expect("a listener");
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&[late.clone(), applied.clone()]).await;
    let see_other = Fault::redirect(303, &elsewhere.url());
    bed.sim.fault(On::delete().account(&late.account).times(1), see_other.clone());
    bed.sim.fault(On::delete().account(&applied.account).times(1), see_other.applied());

    bed.delete_all().await;
    bed.until_all_gone(&[late.clone(), applied.clone()]).await;
    let log = bed.sim.log();
    let [first, second] = log.deletes(&late.account)[..] else { panic!("two DELETEs, one of them redirected:\n{log}") };
    let ended = first.ended.expect("it has ended").at;
    assert!(second.arrived.at.duration_since(ended) >= WINDOW, "sent again within the window: {first:#?}\n{second:#?}");
    assert_eq!(bed.truth(&late.account), (State::Disconnected, 2, 1));
    assert_eq!(bed.truth(&applied.account), (State::Disconnected, 1, 1), "a read shows what the redirect hid");
    assert_eq!(elsewhere.connections(), 0);
    bed.finish(operator).await;
}
