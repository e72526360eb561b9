use super::*;

const KEY: &str = "pk_live_0123456789abcdef";

fn secret(entries: &[(&str, &[u8])]) -> BTreeMap<String, ByteString> {
    entries.iter().map(|(name, bytes)| ((*name).to_owned(), ByteString(bytes.to_vec()))).collect()
}

fn read(entries: &[(&str, &[u8])]) -> Result<Credential, SecretFault> {
    Credential::from_secret(&secret(entries), Provider::Puffle, "uid", &HostPolicy::default())
}

fn fault(entries: &[(&str, &[u8])]) -> SecretFault {
    read(entries).err().expect("a fault")
}

fn print(uid: &str, base: &str, key: &str) -> Fingerprint {
    let data = secret(&[(API_KEY, key.as_bytes()), (BASE_URL, base.as_bytes())]);
    let hosts = HostPolicy::new(["app.puffle.ai", "puffle.example.com"], false).expect("a policy");
    let read = Credential::from_secret(&data, Provider::Puffle, uid, &hosts);
    read.map(|credential| credential.fingerprint).map_err(|fault| fault.to_string()).expect("a credential")
}

#[test]
fn a_key_alone_goes_to_its_providers_own_endpoint() {
    for (provider, base, key) in [
        (Provider::PostPress, "https://api.postpress.ai/v1", "pp_live_0123456789abcdef"),
        (Provider::PostPress, "https://api.postpress.ai/v1", "of a later kind".replace(' ', "_").as_str()),
        (Provider::Puffle, "https://app.puffle.ai", KEY),
    ] {
        let data = secret(&[(API_KEY, key.as_bytes()), ("note", b"\xff")]);
        let credential = Credential::from_secret(&data, provider, "uid", &HostPolicy::default()).expect("a credential");
        assert_eq!(credential.endpoint.to_string(), base);
        assert_eq!(credential.key.expose(), key);
    }
}

#[test]
fn a_key_goes_to_no_other_provider_than_its_own_and_a_sandboxs_to_none() {
    for (provider, key, defect) in [
        (Provider::PostPress, KEY, KeyDefect::AnotherProviders),
        (Provider::Puffle, "pp_live_0123456789abcdef", KeyDefect::AnotherProviders),
        (Provider::Puffle, "pp_test_0123456789abcdef", KeyDefect::AnotherProviders),
        (Provider::PostPress, "pp_test_0123456789abcdef", KeyDefect::Sandbox),
    ] {
        let data = secret(&[(API_KEY, key.as_bytes())]);
        let fault = Credential::from_secret(&data, provider, "uid", &HostPolicy::default()).err();
        assert_eq!(fault, Some(SecretFault::KeyMalformed(defect)), "{provider:?}");
    }
    for (provider, base, host) in [
        (Provider::PostPress, "https://app.puffle.ai", "app.puffle.ai"),
        (Provider::Puffle, "https://API.postpress.ai/v1", "api.postpress.ai"),
    ] {
        let data = secret(&[(API_KEY, b"of_a_later_kind"), (BASE_URL, base.as_bytes())]);
        let fault = Credential::from_secret(&data, provider, "uid", &HostPolicy::default()).err();
        assert_eq!(fault, Some(SecretFault::HostNotAllowed { host: host.to_owned() }), "{provider:?}");
    }
}

#[test]
fn what_cannot_be_a_key_is_refused_by_what_is_wrong_with_it() {
    assert_eq!(fault(&[]), SecretFault::KeyMissing);
    assert_eq!(fault(&[("apiKey", KEY.as_bytes())]), SecretFault::KeyMissing);
    assert_eq!(fault(&[(API_KEY, b"")]), SecretFault::KeyEmpty);
    for (bytes, defect) in [
        (&b"pk_live_x\n"[..], KeyDefect::TrailingNewline),
        (b"pk_live_x\r\n", KeyDefect::TrailingNewline),
        (b"\n", KeyDefect::TrailingNewline),
        (b" pk_live_x", KeyDefect::Whitespace),
        (b"pk_live_x ", KeyDefect::Whitespace),
        (b"Bearer pk_live_x", KeyDefect::Whitespace),
        (b"a\nb", KeyDefect::Whitespace),
        (b"a\r\nX-Other: b", KeyDefect::Whitespace),
        ("a\u{a0}b".as_bytes(), KeyDefect::Whitespace),
        (b"a\0b", KeyDefect::IllegalCharacter),
        (b"a\x7fb", KeyDefect::IllegalCharacter),
        ("schlüssel".as_bytes(), KeyDefect::IllegalCharacter),
        (b"\xff\xfe", KeyDefect::NotUtf8),
        (&[b'a'; 1025], KeyDefect::TooLong),
    ] {
        assert_eq!(
            fault(&[(API_KEY, bytes)]),
            SecretFault::KeyMalformed(defect),
            "{:?}",
            bytes.escape_ascii().to_string()
        );
    }
    assert!(read(&[(API_KEY, &[b'a'; 1024])]).is_ok());
}

#[test]
fn a_base_url_that_may_not_have_the_key_is_refused() {
    let with = |base: &[u8]| fault(&[(API_KEY, KEY.as_bytes()), (BASE_URL, base)]);
    assert_eq!(with(b"http://app.puffle.ai"), SecretFault::NotHttps);
    assert_eq!(with(b"https://evil.example/x"), SecretFault::HostNotAllowed { host: "evil.example".to_owned() });
    assert_eq!(with(b"\xff"), SecretFault::BaseUrl(BaseUrlDefect::NotUtf8));
    for base in ["", "https://app.puffle.ai\n", "https://u:p@app.puffle.ai", "https://app.puffle.ai?x"] {
        assert!(matches!(with(base.as_bytes()), SecretFault::BaseUrl(BaseUrlDefect::Malformed(_))), "{base:?}");
    }
}

#[test]
fn no_fault_shows_a_byte_of_the_key() {
    let pasted = "0123456789abcdef0123456789abcdef";
    for base in [format!("https://{pasted}"), format!("https://{}.example/", pasted.to_uppercase()), pasted.to_owned()]
    {
        let fault = fault(&[(API_KEY, pasted.as_bytes()), (BASE_URL, base.as_bytes())]);
        assert_eq!(fault, SecretFault::BaseUrl(BaseUrlDefect::ContainsKey));
    }
    let quoted = format!("\"{pasted}\"");
    let base = format!("https://{pasted}.example");
    let fault_of_quoted = fault(&[(API_KEY, quoted.as_bytes()), (BASE_URL, base.as_bytes())]);
    assert_eq!(fault_of_quoted, SecretFault::BaseUrl(BaseUrlDefect::ContainsKey));
    for bytes in [&b"pk_live_x\n"[..], b"pk live x", b"pk_live_x\0", b"\xffpk_live_x"] {
        assert!(!format!("{0} {0:?}", fault(&[(API_KEY, bytes)])).contains("live"));
    }
}

#[test]
fn a_fingerprint_is_128_bits_in_hex_and_depends_on_uid_endpoint_and_key() {
    let first = print("uid", "https://app.puffle.ai", KEY);
    assert_eq!(first.as_str().len(), 32);
    assert!(first.as_str().bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    assert_eq!(first, print("uid", "https://APP.puffle.ai:443/", KEY));
    assert_ne!(first, print("uid2", "https://app.puffle.ai", KEY));
    assert_ne!(first, print("uid", "https://puffle.example.com", KEY));
    assert_ne!(first, print("uid", "https://app.puffle.ai/x", KEY));
    assert_ne!(first, print("uid", "https://app.puffle.ai", "pk_live_0123456789abcdee"));
}

#[test]
fn a_fingerprint_is_what_any_hmac_tool_computes() {
    // printf 'https://app.puffle.ai\0key' | openssl dgst -sha256 -hmac uid
    assert_eq!(print("uid", "https://app.puffle.ai", "key").as_str(), "c373ef7063e51e44aa89c0d8ad141bb2");
}

#[test]
fn a_piece_of_a_key_in_a_text_is_found_in_any_case() {
    let key = ApiKey::from_bytes(KEY.as_bytes()).expect("a key");
    for text in [KEY, "xPK_LIVE_0y", "errors/89abcdef"] {
        assert!(key.shows_in(text), "{text}");
    }
    for text in ["", "pk_live", "errors/resource_not_found", "9abcdef"] {
        assert!(!key.shows_in(text), "{text}");
    }
    let short = ApiKey::from_bytes(b"k-1").expect("a key");
    assert!(short.shows_in("xk-1y") && !short.shows_in("k-2"));
}
