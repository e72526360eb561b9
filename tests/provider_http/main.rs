//! The provider client over real sockets: what it sends, what it never does, and what every way to fail means.

mod authority;
mod failures;
mod isolation;
mod lists;
#[cfg(target_os = "linux")]
mod memory;
mod peer;
mod relay;
mod requests;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::ByteString;
use rustls::RootCertStore;
use sender_operator::crd::{API_KEY, BASE_URL};
use sender_operator::credentials::Credential;
use sender_operator::provider::endpoint::HostPolicy;
use sender_operator::provider::http::{Limits, ProviderClient};
use sender_operator::provider::wire::Resolve;
use sender_operator::teardown::outcome::{Exchange, NotSent};
use sender_operator::teardown::target::{Provider, Target};

use peer::{Peer, Talk};

const KEY: &str = "any_live_5f1d8c0a9b7e6f4433221100";
const ACKED: &str = r#"{"object":"AccountDeleted"}"#;
const GONE: &str = r#"{"title":"t","type":"errors/resource_not_found","status":404}"#;

/// Long enough that only what never comes is late.
const PATIENT: Limits = Limits {
    connect: peer::GENEROUS,
    delete: peer::GENEROUS,
    read: peer::GENEROUS,
    body: 64 * 1024,
    list: 16 * 1024 * 1024,
};

/// For peers from whom nothing more comes.
const IMPATIENT: Limits = Limits { delete: Duration::from_millis(300), read: Duration::from_millis(300), ..PATIENT };

fn postpress() -> Target {
    Target::PostPress { account_id: "acc_1".to_owned() }
}

fn puffle() -> Target {
    Target::PuffleLinkedInDisconnect { account_id: "0b4fc1a2-0000-4000-8000-0123456789ab".to_owned() }
}

fn credential(provider: Provider, base: &str) -> Credential {
    let entry = |name: &str, text: &str| (name.to_owned(), ByteString(text.as_bytes().to_vec()));
    let data: BTreeMap<_, _> = [entry(API_KEY, KEY), entry(BASE_URL, base)].into();
    let hosts = HostPolicy::new(["api.postpress.ai"], true).expect("a policy");
    Credential::from_secret(&data, provider, "uid", &hosts).expect("a credential")
}

/// A resolver that answers the same to every question, and counts them.
#[derive(Default)]
struct Answers {
    addresses: Vec<IpAddr>,
    asked: AtomicUsize,
}

impl Resolve for Answers {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(self.addresses.clone()) })
    }
}

fn client(limits: Limits) -> ProviderClient {
    ProviderClient::with(limits, RootCertStore::empty(), Arc::new(Answers::default()))
}

/// A DELETE that nothing forbids.
async fn delete_at(base: &str, limits: Limits) -> Exchange {
    client(limits).delete(&postpress(), &credential(Provider::PostPress, base), || Ok::<(), NotSent>(())).await
}

/// A DELETE of a PostPress account at a peer that talks like this; one connection, closed, is all there may be.
async fn delete(talk: Talk, limits: Limits) -> Exchange {
    let peer = Peer::new(talk).await;
    let exchange = delete_at(&peer.base(), limits).await;
    peer.only_connection().await;
    exchange
}
