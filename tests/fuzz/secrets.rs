//! A Secret: `api-key`, a NUL, and where one follows, `base-url`.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sender_operator::crd::{API_KEY, BASE_URL};
use sender_operator::credentials::Credential;
use sender_operator::provider::endpoint::HostPolicy;
use sender_operator::teardown::target::Provider;

use k8s_openapi::ByteString;

use crate::run::fuzz;

#[test]
fn no_secret_makes_the_operator_say_a_key_or_send_what_no_header_can_carry() {
    fuzz("secrets", 100, secret(), promise);
}

fn secret() -> BoxedStrategy<Vec<u8>> {
    let key = prop_oneof![3 => "[!-~]{1,40}", 1 => "[ -~]{0,40}\n?", 1 => any::<String>(), 1 => "[!-~]{1020,1030}"];
    let tails = vec!["", "/", "/v1", "/a/b", "/../x", "?q", "#f", ":443", ":0", " ", "\n"];
    let hosts = vec!["api.postpress.ai", "app.puffle.ai", "example.com", "localhost", "127.0.0.1", "[::1]"];
    let base = (select(vec!["https://", "http://", "ftp://", ""]), select(hosts), select(tails))
        .prop_map(|(a, b, c)| format!("{a}{b}{c}"));
    let pasted = any::<bool>();
    (key, option::of((base, pasted)))
        .prop_map(|(key, base)| match base {
            None => key.into_bytes(),
            Some((base, false)) => format!("{key}\0{base}").into_bytes(),
            // Somebody pasted the key into the URL.
            Some((base, true)) => format!("{key}\0https://{key}.{base}").into_bytes(),
        })
        .boxed()
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    let mut entries = input.splitn(2, |byte| *byte == 0);
    let (key, base) = (entries.next().unwrap_or_default(), entries.next());
    let mut data = vec![(API_KEY.to_owned(), ByteString(key.to_vec()))];
    data.extend(base.map(|base| (BASE_URL.to_owned(), ByteString(base.to_vec()))));
    let data = data.into_iter().collect();
    let text = String::from_utf8_lossy(key);
    let hidden = |shown: &str| key.len() < 8 || !shown.to_lowercase().contains(&text.to_lowercase());
    for provider in [Provider::PostPress, Provider::Puffle] {
        match Credential::from_secret(&data, provider, "uid", &HostPolicy::default()) {
            Ok(credential) => {
                prop_assert!((1..=1024).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic));
                let endpoint = credential.endpoint.to_string();
                prop_assert!(hidden(&endpoint) && credential.endpoint.tls(), "{}", endpoint);
                let print = serde_json::to_string(&credential.fingerprint).expect("JSON");
                prop_assert!(print.len() == 34 && print.trim_matches('"').bytes().all(|byte| byte.is_ascii_hexdigit()));
                prop_assert!(hidden(&print));
                let other = Credential::from_secret(&data, provider, "another uid", &HostPolicy::default());
                prop_assert!(other.is_ok_and(|other| other.fingerprint != credential.fingerprint), "bound to the uid");
            }
            Err(fault) => {
                for shown in [fault.to_string(), format!("{fault:?}")] {
                    prop_assert!(hidden(&shown), "{}", shown);
                    let readable =
                        shown.len() <= 512 && shown.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
                    prop_assert!(readable, "{}", shown);
                }
            }
        }
    }
    Ok(())
}
