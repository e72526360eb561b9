//! Where nothing may go: redirect targets, proxies, private addresses behind public names.

use std::process::Command;

use sender_operator::teardown::outcome::{NotSent, Outcome, Refusal};

use super::*;
use crate::peer::{Forbidden, answer, json};

#[tokio::test]
async fn a_redirect_is_refused_and_its_target_sees_no_connection() {
    let elsewhere = Forbidden::new();
    let peer = format!("http://{}/v1/accounts/acc_1", elsewhere.address());
    for location in [peer.as_str(), "/v1/accounts/other", "http://169.254.169.254/latest", "//localhost/x", ""] {
        for status in ["300 X", "301 X", "302 X", "303 X", "304 X", "305 X", "307 X", "308 X"] {
            let redirect = answer(status, &format!("Location: {location}\r\n"), "");
            let outcome = delete(Talk::Say(redirect), PATIENT).await.outcome;
            assert_eq!(outcome, Outcome::Refused(Refusal::Redirected), "{status} to {location:?}");
        }
    }
    let without_location =
        delete(Talk::Hold(b"HTTP/1.1 302 Found\r\nContent-Length: 9\r\n\r\n".to_vec()), PATIENT).await;
    assert_eq!(without_location.outcome, Outcome::Refused(Refusal::Redirected));
    assert!(elsewhere.is_untouched());
}

/// Environment variables belong to a whole process, so the call is made in one of its own: this test, once more.
#[tokio::test]
async fn proxies_named_in_the_environment_see_nothing() {
    const PEER: &str = "PEER_OF_THE_PROXY_TEST";
    if let Ok(base) = std::env::var(PEER) {
        assert_eq!(delete_at(&base, PATIENT).await.outcome, Outcome::Acked);
        return;
    }
    let proxy = Forbidden::new();
    let peer = Peer::new(Talk::Say(json("200 OK", ACKED))).await;
    let mut child = Command::new(std::env::current_exe().expect("this test's binary"));
    child.args(["--exact", "isolation::proxies_named_in_the_environment_see_nothing"]).env(PEER, peer.base());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, format!("http://{}", proxy.address()));
        child.env(name.to_lowercase(), format!("http://{}", proxy.address()));
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output()).await.expect("no panic").expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    peer.only_connection().await;
    assert!(proxy.is_untouched());
}

async fn delete_behind(resolver: Arc<dyn Resolve>, base: &str, limits: Limits) -> Outcome {
    let client = ProviderClient::with(limits, RootCertStore::empty(), resolver);
    let credential = credential(Provider::PostPress, base);
    client.delete(&postpress(), &credential, || unreachable!("there is nothing to connect to")).await.outcome
}

#[tokio::test]
async fn a_public_name_for_a_private_address_is_refused_without_a_connection() {
    let here = Forbidden::new();
    let base = format!("https://api.postpress.ai:{}", here.address().port());
    for address in [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "::ffff:127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
    ] {
        let addresses = vec![address.parse().expect("an address"), "127.0.0.1".parse().expect("an address")];
        let resolver = Arc::new(Answers { addresses, ..Answers::default() });
        let outcome = delete_behind(resolver, &base, PATIENT).await;
        assert_eq!(outcome, Outcome::NotSent(NotSent::AddressForbidden), "{address}");
    }
    assert!(here.is_untouched());
}

#[tokio::test]
async fn a_name_is_resolved_once_so_that_what_was_checked_is_what_is_connected_to() {
    /// A public address where nobody answers, and then this machine.
    struct Rebinds(AtomicUsize);
    impl Resolve for Rebinds {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
            let address = if first { "2000::1" } else { "127.0.0.1" };
            Box::pin(async move { Ok(vec![address.parse().expect("an address")]) })
        }
    }
    let here = Forbidden::new();
    let resolver = Arc::new(Rebinds(AtomicUsize::new(0)));
    let impatient = Limits { connect: Duration::from_millis(300), ..PATIENT };
    let base = format!("https://api.postpress.ai:{}", here.address().port());
    let outcome = delete_behind(resolver.clone(), &base, impatient).await;
    assert_eq!(outcome, Outcome::NotSent(NotSent::ConnectFailure));
    assert_eq!(resolver.0.load(Ordering::SeqCst), 1);
    assert!(here.is_untouched());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_means_that_nothing_was_sent() {
    struct Fails;
    impl Resolve for Fails {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            Box::pin(async { Err(io::Error::other("NXDOMAIN")) })
        }
    }
    struct Hangs;
    impl Resolve for Hangs {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            Box::pin(std::future::pending())
        }
    }
    let impatient = Limits { connect: Duration::from_millis(50), ..PATIENT };
    let resolvers: [Arc<dyn Resolve>; 3] = [Arc::new(Fails), Arc::new(Hangs), Arc::new(Answers::default())];
    for resolver in resolvers {
        let outcome = delete_behind(resolver, "https://api.postpress.ai", impatient).await;
        assert_eq!(outcome, Outcome::NotSent(NotSent::DnsFailure));
    }
}
