//! A base URL, a line end, and an account's id: where a key goes, and nowhere else.

use http::Uri;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sender_operator::account;
use sender_operator::crd::SenderAccountSpec;
use sender_operator::provider::endpoint::{Endpoint, HostPolicy};
use sender_operator::teardown::target::{Provider, Target};
use serde_json::json;

use crate::run::fuzz;

const HOSTS: [&str; 2] = ["api.postpress.ai", "app.puffle.ai"];

#[test]
fn a_key_goes_to_an_allowed_host_over_https_and_an_id_is_one_segment_of_the_path() {
    fuzz("endpoints", 100, endpoint(), promise);
}

fn endpoint() -> BoxedStrategy<Vec<u8>> {
    let piece = || {
        let pieces = vec![
            "https://",
            "http://",
            "HTTPS://",
            "//",
            "/",
            "api.postpress.ai",
            "API.PostPress.AI",
            "app.puffle.ai",
            "example.com",
            "user:pass@",
            "@",
            ":443",
            ":80",
            ":99999",
            ":",
            "?",
            "#",
            "..",
            ".",
            "v1",
            "%2f",
            "\\",
            " ",
            "\t",
            "[::1]",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "xn--e1afmkfd.com",
            ".",
            "é",
        ];
        select(pieces)
    };
    let url = prop_oneof![
        prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat()),
        (select(HOSTS.to_vec()), "(/[a-z0-9._~-]{1,8}){0,4}/?")
            .prop_map(|(host, path)| format!("https://{host}{path}")),
    ];
    let id = prop_oneof![
        "acc_[A-Z0-9]{8}",
        "[0-9a-fA-F]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
        "[!-~]{0,30}",
        any::<String>()
    ];
    (url, id).prop_map(|(url, id)| format!("{url}\n{id}").into_bytes()).boxed()
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(input);
    let (url, id) = text.split_once('\n').unwrap_or((&text, ""));
    let endpoints = match Endpoint::parse(url, &HostPolicy::default()) {
        Err(fault) => {
            let shown = fault.to_string();
            prop_assert!(shown.len() <= 600 && shown.bytes().all(|b| b.is_ascii_graphic() || b == b' '), "{}", shown);
            vec![]
        }
        Ok(endpoint) => {
            // Judged by another parser than the operator's.
            let uri: Uri = url.parse().map_err(|error| TestCaseError::fail(format!("{url}: {error}")))?;
            prop_assert!(uri.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")), "{}", url);
            let host = uri.host().unwrap_or_default().to_ascii_lowercase();
            prop_assert!(HOSTS.contains(&host.as_str()), "{}", url);
            prop_assert!(uri.query().is_none() && !url.contains(['@', '#', '?', '%', '\\', ' ']), "{}", url);
            let canonical = endpoint.to_string();
            let again = Endpoint::parse(&canonical, &HostPolicy::default());
            prop_assert_eq!(again.as_ref(), Ok(&endpoint), "one spelling");
            prop_assert!(endpoint.tls() && endpoint.list_path().ends_with("/api/accounts"));
            vec![endpoint]
        }
    };
    let usual = [Provider::PostPress, Provider::Puffle].map(|provider| {
        Endpoint::parse(Endpoint::default_base(provider), &HostPolicy::default()).expect("its own base URL")
    });
    let targets = [
        json!({"postpress": {"accountId": id}}),
        json!({"puffle": {"accountId": id, "channel": "Email"}}),
        json!({"puffle": {"accountId": id, "channel": "LinkedIn", "teardown": "Purge"}}),
    ];
    for endpoint in usual.iter().chain(&endpoints) {
        for provider in &targets {
            let spec = json!({"provider": provider, "credentialsRef": {"name": "key"}});
            let spec: SenderAccountSpec = serde_json::from_value(spec).expect("a spec");
            let accepted = account::target(&spec);
            if let Ok(target) = &accepted {
                is_one_segment(endpoint, target)?;
            }
            // What admission would refuse is one segment all the same, or no request at all.
            is_one_segment(endpoint, &Target::PostPress { account_id: id.to_owned() })?;
        }
    }
    Ok(())
}

fn is_one_segment(endpoint: &Endpoint, target: &Target) -> Result<(), TestCaseError> {
    let Ok(path) = endpoint.account_path(target) else {
        prop_assert!(matches!(target.account_id(), "" | "." | ".."));
        return Ok(());
    };
    let collection = match target.provider() {
        Provider::PostPress => "/accounts/",
        Provider::Puffle => "/api/accounts/",
    };
    let url = endpoint.account_url(target).expect("as its path");
    let (base, segment) = url.rsplit_once('/').expect("a path");
    prop_assert_eq!(format!("{base}/"), format!("{endpoint}{collection}"));
    let ends = path.ends_with(&format!("{collection}{segment}"));
    prop_assert!(ends && !matches!(segment, "" | "." | ".."), "{}", path);
    prop_assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)), "{}", segment);
    prop_assert_eq!(percent_decode_str(segment).decode_utf8().expect("as it was"), target.account_id());
    // No request can be made of a longer one, and so none is sent; the CRD admits 128 characters.
    if url.len() >= usize::from(u16::MAX) {
        return Ok(());
    }
    let uri: Uri = url.parse().map_err(|error| TestCaseError::fail(format!("{url}: {error}")))?;
    prop_assert_eq!(uri.path_and_query().map(|path| path.as_str()), Some(path.as_str()));
    Ok(())
}
