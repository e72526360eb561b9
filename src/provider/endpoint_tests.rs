use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<String, EndpointFault> {
    Endpoint::parse(text, &HostPolicy::default()).map(|endpoint| endpoint.to_string())
}

fn parse_in_a_test_bed(text: &str) -> Result<String, EndpointFault> {
    let policy = HostPolicy::new(["app.puffle.ai"], true).expect("a policy");
    Endpoint::parse(text, &policy).map(|endpoint| endpoint.to_string())
}

#[test]
fn a_base_url_has_one_canonical_spelling() {
    for (written, canonical) in [
        ("https://api.postpress.ai/v1", "https://api.postpress.ai/v1"),
        ("https://api.postpress.ai/v1/", "https://api.postpress.ai/v1"),
        ("HTTPS://API.PostPress.ai:443/api/v1", "https://api.postpress.ai/api/v1"),
        ("https://app.puffle.ai", "https://app.puffle.ai"),
        ("https://app.puffle.ai/", "https://app.puffle.ai"),
        ("https://app.puffle.ai:8443/a.b/~c_d-e", "https://app.puffle.ai:8443/a.b/~c_d-e"),
    ] {
        assert_eq!(parse(written).as_deref(), Ok(canonical), "{written}");
    }
}

#[test]
fn both_default_base_urls_are_allowed_by_the_default_policy() {
    for provider in [Provider::PostPress, Provider::Puffle] {
        let base = Endpoint::default_base(provider);
        assert_eq!(parse(base).as_deref(), Ok(base));
    }
}

#[test]
fn what_no_base_url_may_have_is_refused_by_name() {
    let host = |host: &str| EndpointFault::HostNotAllowed { host: host.to_owned() };
    for (written, fault) in [
        ("", EndpointFault::NotAUrl),
        ("api.postpress.ai/v1", EndpointFault::NotAUrl),
        ("https:/api.postpress.ai", EndpointFault::NotAUrl),
        ("https://", EndpointFault::NotAUrl),
        ("https:///v1", EndpointFault::NotAUrl),
        ("https://api.postpress.ai:", EndpointFault::NotAUrl),
        ("https://api.postpress.ai:0", EndpointFault::NotAUrl),
        ("https://api.postpress.ai:65536", EndpointFault::NotAUrl),
        ("https://api.postpress.ai:+443", EndpointFault::NotAUrl),
        ("https://api.postpress.ai::443", EndpointFault::NotAUrl),
        ("https://api.postpress.ai.", EndpointFault::NotAUrl),
        ("https://-a.ai", EndpointFault::NotAUrl),
        ("https://api.postpress.ai\\@evil.example", EndpointFault::UserInfo),
        ("https://api_postpress.ai", EndpointFault::NotAUrl),
        ("https://api.postpress%2eai", EndpointFault::NotAUrl),
        ("ftp://api.postpress.ai", EndpointFault::NotHttps),
        ("http://api.postpress.ai/v1", EndpointFault::NotHttps),
        ("https://user@api.postpress.ai", EndpointFault::UserInfo),
        ("https://user:password@api.postpress.ai", EndpointFault::UserInfo),
        ("https://api.postpress.ai@evil.example", EndpointFault::UserInfo),
        ("https://api.postpress.ai/v1?x=1", EndpointFault::Query),
        ("https://api.postpress.ai?x=1", EndpointFault::Query),
        ("https://api.postpress.ai/v1#x", EndpointFault::Fragment),
        ("https://evil.example#.postpress.ai", EndpointFault::Fragment),
        ("https://api.postpress.ai/v1/..", EndpointFault::Path),
        ("https://api.postpress.ai/./v1", EndpointFault::Path),
        ("https://api.postpress.ai//v1", EndpointFault::Path),
        ("https://api.postpress.ai/v1//", EndpointFault::Path),
        ("https://api.postpress.ai/%2e%2e/v1", EndpointFault::Path),
        ("https://api.postpress.ai/v1\\x", EndpointFault::Path),
        ("https://api.postpress.ai/v1 ", EndpointFault::IllegalCharacter),
        ("https://api.postpress.ai/v1\n", EndpointFault::IllegalCharacter),
        ("https://api.postpress.ai/v1\0", EndpointFault::IllegalCharacter),
        ("https://аpi.postpress.ai/v1", EndpointFault::IllegalCharacter),
        ("https://evil.example/v1", host("evil.example")),
        ("https://api.postpress.ai.evil.example", host("api.postpress.ai.evil.example")),
        ("https://xapi.postpress.ai", host("xapi.postpress.ai")),
        ("https://postpress.ai", host("postpress.ai")),
        ("https://localhost", host("localhost")),
        ("https://127.0.0.1", EndpointFault::IpAddress),
        ("https://10.0.0.1", EndpointFault::IpAddress),
        ("https://1.1.1.1", EndpointFault::IpAddress),
        ("https://127.1", EndpointFault::IpAddress),
        ("https://2130706433", EndpointFault::IpAddress),
        ("https://0x7f.0.0.0x1", EndpointFault::IpAddress),
        ("https://[::1]", EndpointFault::IpAddress),
        ("https://[::ffff:127.0.0.1]", EndpointFault::IpAddress),
        ("https://[::1", EndpointFault::NotAUrl),
        ("https://[fe80::1%25eth0]", EndpointFault::NotAUrl),
    ] {
        assert_eq!(parse(written), Err(fault), "{written:?}");
    }
}

#[test]
fn a_base_url_is_at_most_1024_characters_long() {
    let long = |length: usize| format!("{:v<length$}", "https://api.postpress.ai/");
    assert_eq!(parse(&long(1024)), Ok(long(1024)));
    assert_eq!(parse(&long(1025)), Err(EndpointFault::IllegalCharacter));
    assert_eq!(parse(&long(2000)), Err(EndpointFault::IllegalCharacter));
}

#[test]
fn the_test_flag_admits_literal_loopback_addresses_and_nothing_else() {
    for (written, canonical) in [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.10/v1", "http://127.8.9.10/v1"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://127.0.0.1:8443/v1", "https://127.0.0.1:8443/v1"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        ("https://app.puffle.ai", "https://app.puffle.ai"),
    ] {
        assert_eq!(parse_in_a_test_bed(written).as_deref(), Ok(canonical), "{written}");
    }
    for (written, fault) in [
        ("http://app.puffle.ai", EndpointFault::NotHttps),
        ("http://localhost:8080", EndpointFault::HostNotAllowed { host: "localhost".to_owned() }),
        ("http://10.0.0.1", EndpointFault::IpAddress),
        ("http://0.0.0.0", EndpointFault::IpAddress),
        ("http://169.254.169.254", EndpointFault::IpAddress),
        ("http://[::ffff:127.0.0.1]", EndpointFault::IpAddress),
        ("http://127.1", EndpointFault::IpAddress),
    ] {
        assert_eq!(parse_in_a_test_bed(written), Err(fault), "{written}");
    }
}

#[test]
fn an_allowed_host_is_a_bare_dns_name_in_any_case() {
    let policy = HostPolicy::new(["API.Example.com"], false).expect("a policy");
    assert!(Endpoint::parse("https://api.example.COM/v1", &policy).is_ok());
    for host in [
        "",
        "https://a.example",
        "a.example:443",
        "a.example/v1",
        "*.example",
        "127.0.0.1",
        "[::1]",
        "a..b",
        " a",
        "-a",
        "a-",
    ] {
        assert_eq!(HostPolicy::new([host], false), Err(NotAHostName(host.to_owned())), "{host:?}");
    }
    // RFC 1123 §2.1: labels of 63 characters, 253 together.
    let label = |length: usize| "a".repeat(length);
    let name = |last: usize| [label(63), label(63), label(63), label(last)].join(".");
    for (host, allowed) in [(label(63), true), (label(64), false), (name(61), true), (name(62), false)] {
        assert_eq!(HostPolicy::new([&host], false).is_ok(), allowed, "{}", host.len());
    }
}

fn postpress(id: &str) -> Target {
    Target::PostPress { account_id: id.to_owned() }
}

#[test]
fn an_account_has_its_providers_path_below_the_base() {
    let base = Endpoint::parse("https://api.postpress.ai/api/v1", &HostPolicy::default()).expect("an endpoint");
    assert_eq!(base.account_url(&postpress("acc_1")).as_deref(), Ok("https://api.postpress.ai/api/v1/accounts/acc_1"));
    let base = Endpoint::parse("https://app.puffle.ai", &HostPolicy::default()).expect("an endpoint");
    let target = Target::PuffleEmail { account_id: "0b4f".to_owned() };
    assert_eq!(base.account_url(&target).as_deref(), Ok("https://app.puffle.ai/api/accounts/0b4f"));
    assert_eq!(base.list_path(), "/api/accounts");
}

#[test]
fn an_id_is_one_path_segment_whatever_it_contains() {
    let base = Endpoint::parse("https://api.postpress.ai/v1", &HostPolicy::default()).expect("an endpoint");
    for (id, segment) in [
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("%2f", "%252f"),
        ("a?b#c", "a%3Fb%23c"),
        ("a b", "a%20b"),
        ("...", "..."),
        ("é", "%C3%A9"),
        ("a\r\nb", "a%0D%0Ab"),
    ] {
        assert_eq!(base.account_path(&postpress(id)), Ok(format!("/v1/accounts/{segment}")), "{id:?}");
    }
    for id in ["", ".", ".."] {
        assert_eq!(base.account_path(&postpress(id)), Err(NotASegment), "{id:?}");
    }
}

proptest! {
    #[test]
    fn no_text_leads_anywhere_but_to_an_allowed_host(text in "(https?|ftp)?(://)?([a-z@.:/\\\\?#%\\[\\]0-9-]|api\\.postpress\\.ai){0,40}") {
        if let Ok(canonical) = parse(&text) {
            prop_assert!(canonical.starts_with("https://api.postpress.ai") || canonical.starts_with("https://app.puffle.ai"));
            prop_assert_eq!(parse(&canonical), Ok(canonical.clone()));
            let uri: http::Uri = canonical.parse().expect("a URI");
            prop_assert!(matches!(uri.host(), Some("api.postpress.ai" | "app.puffle.ai")));
        }
    }

    #[test]
    fn every_id_stays_below_the_collection(id in any::<String>()) {
        let base = Endpoint::parse("https://api.postpress.ai/v1", &HostPolicy::default()).expect("an endpoint");
        if let Ok(path) = base.account_path(&postpress(&id)) {
            prop_assert_eq!(path.matches('/').count(), 3);
            let uri: http::Uri = path.parse().expect("a URI");
            prop_assert_eq!(uri.path(), path.as_str());
            prop_assert_eq!(uri.query(), None);
        }
    }
}
