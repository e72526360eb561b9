//! The same over TLS: who is believed, and that nothing is said to anybody else.

use std::net::{Ipv4Addr, SocketAddr};

use rcgen::{CertificateParams, date_time_ymd};
use sender_operator::teardown::outcome::{NotSent, Outcome};

use super::*;
use crate::authority::Authority;
use crate::peer::json;
use crate::relay::Relay;

async fn delete_over_tls(
    address: SocketAddr,
    roots: RootCertStore,
    limits: Limits,
    guard: impl FnOnce() -> Result<(), NotSent> + Send,
) -> Outcome {
    let client = ProviderClient::with(limits, roots, Arc::new(Answers::default()));
    let credential = credential(Provider::PostPress, &format!("https://{address}"));
    client.delete(&postpress(), &credential, guard).await.outcome
}

#[tokio::test]
async fn a_peer_that_proves_its_name_is_spoken_to_in_http_1_and_nothing_else_is_offered() {
    let authority = Authority::new();
    let peer = Peer::tls(Talk::Say(json("200 OK", ACKED)), authority.server(Ipv4Addr::LOCALHOST, |_| {})).await;
    assert_eq!(delete_over_tls(peer.address, authority.roots(), PATIENT, || Ok(())).await, Outcome::Acked);
    let seen = peer.only_connection().await;
    assert!(seen.tls && seen.text().contains(KEY));
    assert_eq!(seen.alpn, Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn the_guard_is_asked_after_the_handshake_and_before_the_first_byte() {
    let authority = Authority::new();
    let peer = Peer::tls(Talk::Say(json("200 OK", ACKED)), authority.server(Ipv4Addr::LOCALHOST, |_| {})).await;
    let outcome = delete_over_tls(peer.address, authority.roots(), PATIENT, || Err(NotSent::ViewChanged)).await;
    assert_eq!(outcome, Outcome::NotSent(NotSent::ViewChanged));
    let seen = peer.only_connection().await;
    assert!(seen.tls, "the handshake was complete");
    assert_eq!(seen.text(), "");
}

#[tokio::test]
async fn what_repeats_our_bytes_on_the_way_repeats_no_request() {
    let (authority, says) = (Authority::new(), || Talk::Hold(json("200 OK", ACKED)));
    let peer = Peer::tls(says(), authority.server(Ipv4Addr::LOCALHOST, |_| {})).await;
    let relay = Relay::to(peer.address, true).await;
    let outcome = delete_over_tls(relay.address, authority.roots(), PATIENT, || Ok(())).await;
    assert_eq!(outcome, Outcome::Acked);
    assert_eq!(relay.repeat_all(peer).await, 1);

    // The same relay before a peer that has no TLS.
    let peer = Peer::new(says()).await;
    let relay = Relay::to(peer.address, false).await;
    delete_at(&format!("http://{}", relay.address), PATIENT).await;
    assert_eq!(relay.repeat_all(peer).await, 3, "twice in its connection, once in another one");
}

#[tokio::test]
async fn a_peer_that_cannot_prove_its_name_gets_no_byte() {
    let authority = Authority::new();
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    };
    for (name, server) in [
        ("an unknown authority", Authority::new().server(Ipv4Addr::LOCALHOST, |_| {})),
        ("another name", authority.server(Ipv4Addr::new(127, 0, 0, 2), |_| {})),
        ("an expired certificate", authority.server(Ipv4Addr::LOCALHOST, expired)),
    ] {
        let peer = Peer::tls(Talk::Say(json("200 OK", ACKED)), server).await;
        let outcome =
            delete_over_tls(peer.address, authority.roots(), PATIENT, || unreachable!("nobody to send to")).await;
        assert_eq!(outcome, Outcome::NotSent(NotSent::TlsFailure), "{name}");
        assert_eq!(peer.only_connection().await.text(), "", "{name}");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_gets_no_request() {
    let impatient = Limits { connect: Duration::from_millis(300), ..PATIENT };
    // TLS 1.1 (RFC 4346): a ServerHello without extensions, in a record of that version.
    let hello = [&[2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0, 47, 0]].concat();
    let too_old = [&[22, 3, 2, 0, 42][..], &hello].concat();
    let talks = [
        Talk::Close,
        Talk::Greet(json("200 OK", ACKED)),
        Talk::Greet(b"garbage".to_vec()),
        Talk::Greet(too_old),
        Talk::Hold(Vec::new()),
        Talk::Reset(1),
    ];
    for talk in talks {
        let peer = Peer::new(talk).await;
        let outcome = delete_over_tls(peer.address, RootCertStore::empty(), impatient, || unreachable!("no TLS")).await;
        assert_eq!(outcome, Outcome::NotSent(NotSent::TlsFailure));
        let seen = peer.only_connection().await;
        assert!(!String::from_utf8_lossy(&seen.bytes).contains(KEY));
    }
}

#[test]
fn a_client_knows_how_many_authorities_it_trusts() {
    let trusting = |authorities: usize| {
        let mut roots = RootCertStore::empty();
        for _ in 0..authorities {
            roots.add(Authority::new().0.der().clone()).expect("a root");
        }
        ProviderClient::with(PATIENT, roots, Arc::new(Answers::default())).trust_roots()
    };
    assert_eq!([0, 1, 2].map(trusting), [0, 1, 2]);
}
