//! A Secret that is missing, or whose entries cannot be used, is blamed by name; nothing is sent until it is mended.

use provider_simulator::{Provider, State};
use serde_json::{Value, json};

use crate::bed::{Bed, Kind, message, secret};

#[tokio::test]
async fn a_secret_that_cannot_be_used_is_blamed_by_name_its_key_goes_nowhere_and_mended_it_is_used() {
    let bed = Bed::new("unusable-secret").await;
    let right = bed.sim.postpress_url();
    type Entries<'a> = Option<&'a dyn Fn(&str) -> Value>;
    let at = |url: &'static str| move |key: &str| json!({"api-key": key, "base-url": url});
    let no_key = |_: &str| json!({"base-url": right});
    let empty = |_: &str| json!({"api-key": "", "base-url": right});
    let newline = |key: &str| json!({"api-key": format!("{key}\n"), "base-url": right});
    let bearer = |key: &str| json!({"api-key": format!("Bearer {key}"), "base-url": right});
    let foreign = |key: &str| json!({"api-key": format!("pp_live_{key}"), "base-url": bed.sim.puffle_url()});
    let sandbox = |key: &str| json!({"api-key": format!("pp_test_{key}"), "base-url": right});
    let disallowed = at("https://api.postpress.example/v1");
    let lookalike = at("https://app.puffle.ai.example.com");
    let plain_http = at("http://api.postpress.ai/v1");
    let plain_puffle = at("http://app.puffle.ai");
    let address = at("https://203.0.113.7/v1");
    let user_info = at("https://api.postpress.ai@evil.example/v1");
    let keyed = |key: &str| json!({"api-key": key, "base-url": format!("{right}/{key}")});
    let rows: [(Kind, &str, Entries<'_>, &str, &str); 14] = [
        (Kind::PostPress, "missing", None, "SecretMissing", "Secret missing does not exist in namespace"),
        (Kind::PostPress, "no-key", Some(&no_key), "ApiKeyMissing", "Secret no-key has no key api-key"),
        (Kind::Purge, "empty", Some(&empty), "ApiKeyMissing", "Secret empty has no key api-key, or it is empty"),
        (
            Kind::LinkedIn,
            "newline",
            Some(&newline),
            "ApiKeyMalformed",
            "api-key in Secret newline is not sent: ends with a newline",
        ),
        (
            Kind::Email,
            "bearer",
            Some(&bearer),
            "ApiKeyMalformed",
            "api-key in Secret bearer is not sent: contains white space",
        ),
        (Kind::Email, "foreign", Some(&foreign), "ApiKeyMalformed", "is a key of another provider than this object's"),
        (Kind::PostPress, "sandbox", Some(&sandbox), "ApiKeyMalformed", "is a test key (pp_test_)"),
        (
            Kind::PostPress,
            "host",
            Some(&disallowed),
            "HostNotAllowed",
            "Secret host names a host that is not allowed: api.postpress.example",
        ),
        (
            Kind::Email,
            "lookalike",
            Some(&lookalike),
            "HostNotAllowed",
            "Secret lookalike names a host that is not allowed: app.puffle.ai.example.com",
        ),
        (
            Kind::PostPress,
            "http",
            Some(&plain_http),
            "BaseUrlMalformed",
            "base-url in Secret http is not usable: it does not begin with https://",
        ),
        (Kind::LinkedIn, "http-puffle", Some(&plain_puffle), "BaseUrlMalformed", "it does not begin with https://"),
        (Kind::PostPress, "address", Some(&address), "BaseUrlMalformed", "its host is an IP address"),
        (Kind::PostPress, "user-info", Some(&user_info), "BaseUrlMalformed", "user name or password"),
        (Kind::PostPress, "keyed", Some(&keyed), "BaseUrlMalformed", "it contains the key"),
    ];
    let senders = rows.map(|(kind, name, ..)| bed.sender(kind, name));
    let broken = senders
        .iter()
        .zip(&rows)
        .filter_map(|(sender, (_, name, entries, ..))| entries.map(|entries| secret(name, &entries(&sender.key))));
    let objects = senders.iter().map(|sender| bed.object_of(sender, &json!({})));
    let operator = bed.operator(&[]).await;
    bed.apply_all(&broken.chain(objects).collect::<Vec<_>>()).await;
    for (kind, name, _, reason, _) in &rows {
        let object = bed.until_reason(name, reason).await;
        let provider = if *kind == Kind::PostPress { "PostPress" } else { "Puffle" };
        assert_eq!(object["status"]["account"]["provider"], provider, "{name}: known before the first read");
    }

    bed.delete_all().await;
    for (_, name, _, reason, said) in &rows {
        let object = bed.until_waiting(name, reason).await;
        assert!(message(&object).contains(said), "{name}: {}", message(&object));
        assert_eq!(object["status"]["teardown"]["phase"], "Held", "{name}");
    }
    let connections = Provider::ALL.map(|provider| bed.sim.log().connections(provider));
    assert_eq!(connections, [0, 0], "no key of these was sent anywhere");
    bed.apply_all(&senders.iter().map(|sender| sender.secret(&bed.sim, &sender.key)).collect::<Vec<_>>()).await;
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}

#[tokio::test]
async fn a_secret_that_is_deleted_before_its_objects_holds_them_until_it_is_created_again() {
    let bed = Bed::new("deleted-secret").await;
    let senders = bed.senders();
    let operator = bed.operator(&["--secret-hold", "false", "--observe-interval", "1s"]).await;
    bed.adopt_connected(&senders).await;
    bed.kubectl(&["delete", "secret", "--all", "--timeout=60s"]).await;
    for sender in &senders {
        bed.until_reason(&sender.name, "SecretMissing").await;
    }

    bed.delete_all().await;
    for sender in &senders {
        let object = bed.until_waiting(&sender.name, "SecretMissing").await;
        let typed = format!("kubectl create secret generic {} -n {}", sender.name, bed.namespace);
        assert!(message(&object).contains(&typed), "{}", message(&object));
        assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0));
    }
    bed.apply_all(&senders.iter().map(|sender| sender.secret(&bed.sim, &sender.key)).collect::<Vec<_>>()).await;
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    bed.finish(operator).await;
}
