//! Every byte that a provider sends over a connection, from the status line on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use k8s_openapi::ByteString;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use rustls::RootCertStore;
use sender_operator::crd::{API_KEY, BASE_URL};
use sender_operator::credentials::Credential;
use sender_operator::provider::endpoint::HostPolicy;
use sender_operator::provider::http::{Limits, ProviderClient};
use sender_operator::provider::wire::SystemResolver;
use sender_operator::teardown::outcome::Outcome;
use sender_operator::teardown::target::{Provider, Target};
use tokio::runtime::Runtime;

use crate::answers::printable;
use crate::run::fuzz;

const ID: &str = "0b4fc1a2-0000-4000-8000-0123456789ab";
const KEY: &str = "any_live_5f1d8c0a9b7e6f4433221100";

#[test]
fn whatever_bytes_a_provider_sends_the_outcome_is_what_they_say_and_shows_no_key() {
    fuzz("wire", 5, exchange(), promise);
}

fn exchange() -> BoxedStrategy<Vec<u8>> {
    let status = select(vec![
        "200 OK",
        "200 OK",
        "404 Not Found",
        "401 X",
        "429 X",
        "302 Found",
        "204 No Content",
        "100 Continue",
    ]);
    let header = select(vec![
        "Content-Type: application/json",
        "content-type: text/html",
        "Retry-After: 99999",
        "Retry-After: 0",
        "Content-Encoding: gzip",
        "Transfer-Encoding: chunked",
        "Content-Length: 5",
        "Location: /x",
        "Link: </n>; rel=next",
        "Connection: close",
        "X: \u{fe}",
    ]);
    let body = select(vec![
        r#"{"object":"AccountDeleted"}"#.to_owned(),
        r#"{"success":true}"#.to_owned(),
        format!(r#"{{"object":"Account","id":"{ID}"}}"#),
        format!(r#"{{"accounts":[{{"id":"{ID}","type":"email","status":"active"}}]}}"#),
        r#"{"type":"errors/resource_not_found","title":"t","status":404}"#.to_owned(),
        format!(r#"{{"type":"errors/{KEY}","title":"{KEY}","status":401}}"#),
        "1b\r\n{\"object\":\"AccountDeleted\"}\r\n0\r\n\r\n".to_owned(),
    ]);
    (status, vec(header, 0..4), body, any::<bool>())
        .prop_map(|(status, headers, body, measured)| {
            let json = "Content-Type: application/json";
            let length = if measured { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
            let headers = headers.iter().chain(&[json]).map(|header| format!("{header}\r\n")).collect::<String>();
            format!("HTTP/1.1 {status}\r\n{headers}{length}\r\n{body}").into_bytes()
        })
        .boxed()
}

/// Says the same to everybody who asks.
struct Peer {
    address: SocketAddr,
    says: Arc<Mutex<Vec<u8>>>,
}

static PEER: LazyLock<Peer> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let peer = Peer { address: listener.local_addr().expect("its address"), says: Arc::default() };
    let says = Arc::clone(&peer.says);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), mut request) = (stream, Vec::new()) else { continue };
            let mut piece = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(count) if count > 0 => request.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            // Whoever does not want to hear it any more is gone.
            let _ = stream.write_all(&says.lock().expect("the lock").clone());
        }
    });
    peer
});
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn credential(provider: Provider) -> Credential {
    let entry = |name: &str, text: String| (name.to_owned(), ByteString(text.into_bytes()));
    let data = [entry(API_KEY, KEY.to_owned()), entry(BASE_URL, format!("http://{}", PEER.address))].into();
    let hosts = HostPolicy::new(["api.postpress.ai"], true).expect("a policy");
    Credential::from_secret(&data, provider, "uid", &hosts).expect("a credential")
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    *PEER.says.lock().expect("the lock") = input.to_vec();
    let within = Duration::from_secs(20);
    let limits = Limits { connect: within, delete: within, read: within, ..Limits::default() };
    let client = ProviderClient::with(limits, RootCertStore::empty(), Arc::new(SystemResolver));
    let postpress = Target::PostPress { account_id: ID.to_owned() };
    let email = Target::PuffleEmail { account_id: ID.to_owned() };
    let contains = |word: &str| input.windows(word.len()).any(|window| window == word.as_bytes());
    for (target, success) in [(&postpress, "AccountDeleted"), (&email, "success")] {
        let credential = credential(target.provider());
        let exchange = RUNTIME.block_on(client.delete(target, &credential, || Ok(())));
        printable(&exchange)?;
        prop_assert!(!credential.key.shows_in(&format!("{exchange:?}")), "{:?}", exchange);
        prop_assert!(exchange.outcome != Outcome::Acked || (contains("200") && contains(success)), "{:?}", exchange);
        let envelope = contains("resource_not_found") || target == &email && contains("error");
        prop_assert!(exchange.outcome != Outcome::Gone || (contains("404") && envelope), "{:?}", exchange);
        prop_assert!(!matches!(exchange.outcome, Outcome::Alive | Outcome::SoftGone), "{:?}", exchange);
    }
    let read = RUNTIME.block_on(client.read_account(&postpress, &credential(Provider::PostPress)));
    printable(&read)?;
    prop_assert!(read.outcome != Outcome::Alive || (contains("200") && contains(ID)), "{:?}", read);
    prop_assert!(!matches!(read.outcome, Outcome::Acked | Outcome::SoftGone), "{:?}", read);
    match RUNTIME.block_on(client.list_accounts(&credential(Provider::Puffle))) {
        Ok(list) => prop_assert!(contains("200") && contains("accounts") && list.len() < input.len()),
        Err(exchange) => {
            printable(&exchange)?;
            let claims =
                matches!(exchange.outcome, Outcome::Acked | Outcome::Gone | Outcome::Alive | Outcome::SoftGone);
            prop_assert!(!claims, "{:?}", exchange);
        }
    }
    Ok(())
}
