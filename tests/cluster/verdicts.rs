//! What each answer to a DELETE means: the reason that the object shows while the provider answers so, and that it is not
//! let go.

use provider_simulator::{Fault, On, State};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, message};

const JSON: &str = "application/json";
/// What no message, Event or log may pass on.
const RUDE: &str = "\u{1b}[31m%s%n\r\nX-Injected: yes <script>";

/// By status, in an envelope that is not the provider's own.
fn by_status() -> Vec<(String, Kind, Fault, &'static str)> {
    let foreign = |status: u16| Fault::json(status, json!({"message": RUDE}));
    let rows = [
        (&[201, 202, 204, 206, 207, 226, 299][..], "UnexpectedAnswer"),
        (&[301, 302, 303, 307, 308], "EndpointRedirects"),
        (
            &[400, 401, 402, 403, 404, 405, 409, 410, 412, 418, 421, 423, 425, 426, 428, 429, 431, 451, 500, 501],
            "UnexpectedAnswer",
        ),
        (&[600, 999], "UnexpectedAnswer"),
    ];
    let row = |status: u16, reason| (format!("status-{status}"), Kind::PostPress, foreign(status), reason);
    rows.into_iter().flat_map(|(statuses, reason)| statuses.iter().map(move |status| row(*status, reason))).collect()
}

/// By what the providers' own pages say.
fn by_page() -> Vec<(String, Kind, Fault, &'static str)> {
    let postpress = [
        ("errors/invalid_resource_identifier", "InvalidAccountId"),
        ("errors/disconnected_account", "AccountLoginFailed"),
        ("errors/service_unavailable", "ProviderUnavailable"),
    ];
    let puffle = [
        (400, "bad_request", "RequestRefused"),
        (401, "unauthorized", "CredentialsInvalid"),
        (403, "forbidden", "CredentialsForbidden"),
        (429, "rate_limited", "Throttled"),
        (500, "internal_error", "ProviderError"),
    ];
    let named = |kind: &str| kind.rsplit('/').next().unwrap_or_default().replace('_', "-");
    let postpress = postpress.map(|(of, reason)| (named(of), Kind::PostPress, Fault::postpress_error(of), reason));
    let puffle = puffle.map(|(status, code, reason)| {
        (format!("puffle-{}", named(code)), Kind::Email, Fault::puffle_error(status, code, RUDE), reason)
    });
    // Of a newer page, an inconsistent one, and a success that is another one's.
    let odd = [
        ("unknown-type", Fault::postpress_undocumented(404, "errors/newer_than_us"), "UnexpectedAnswer"),
        ("wrong-envelope", Fault::puffle_error(404, "not_found", "Account not found"), "UnexpectedAnswer"),
        ("deep", Fault::body(200, JSON, "[".repeat(10_000)), "UnexpectedAnswer"),
        ("vanishing", Fault::own().not_applied().cut_in_head(), "ConnectionLost"),
    ];
    let odd = odd.map(|(name, fault, reason)| (name.to_owned(), Kind::PostPress, fault, reason));
    postpress.into_iter().chain(puffle).chain(odd).collect()
}

#[tokio::test]
async fn each_answer_to_a_delete_has_its_reason_and_none_but_the_documented_success_releases() {
    let bed = Bed::new("verdicts").await;
    let rows = [by_status(), by_page()].concat();
    let senders: Vec<_> = rows.iter().map(|(name, kind, ..)| bed.sender(*kind, name)).collect();
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(&senders).await;
    for (sender, (_, _, answer, _)) in senders.iter().zip(&rows) {
        // It says the key back, too.
        bed.sim.fault(On::delete().account(&sender.account), answer.clone().header("x-request-id", &sender.key));
    }

    bed.delete_all().await;
    for (sender, (name, .., reason)) in senders.iter().zip(&rows) {
        let object = bed.until_waiting(name, reason).await;
        let shown = format!("{}{}", message(&object), object["status"]);
        assert!(!shown.contains("X-Injected") && !shown.chars().any(char::is_control), "{name}: {shown}");
        assert_eq!(bed.truth(&sender.account).0, State::Connected, "{name}");
    }
    assert_eq!(bed.objects().await.len(), rows.len(), "none is released");
    assert_eq!(operator.receipts(), Vec::<Value>::new());
    bed.sim.clear_faults();
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}
