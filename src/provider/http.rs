//! The provider client: builds the requests, sends each once, and says what came of it.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, LINK, RETRY_AFTER,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::Empty;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::list::AccountList;
use super::wire::{Reply, Resolve, SystemResolver, Wire};
use super::{postpress, puffle, retry_after};
use crate::credentials::Credential;
use crate::teardown::outcome::{Exchange, NotSent, Outcome, Refusal, Unknown};
use crate::teardown::target::{Provider, Target};

/// Bounds on every call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For each of name resolution, TCP and TLS.
    pub connect: Duration,
    /// For a whole DELETE: Puffle asks up to three upstreams before it answers.
    pub delete: Duration,
    /// For a whole read.
    pub read: Duration,
    /// The body of an answer, in bytes.
    pub body: usize,
    /// The body of a list, in bytes.
    pub list: usize,
}

/// A DELETE ends within this time, with its answer or without.
pub const LONGEST_DELETE: Duration = Duration::from_secs(60);

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            delete: LONGEST_DELETE,
            read: Duration::from_secs(30),
            body: 64 * 1024,
            list: 16 * 1024 * 1024,
        }
    }
}

/// Asks the providers. Each call opens a connection of its own and makes one request.
pub struct ProviderClient {
    wire: Wire,
    limits: Limits,
    trust_roots: usize,
}

impl ProviderClient {
    /// A client that trusts the system's certificate authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others) and asks
    /// the system's resolver.
    pub fn new(limits: Limits) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with(limits, roots, Arc::new(SystemResolver))
    }

    /// A client with these certificate authorities and this resolver.
    pub fn with(limits: Limits, roots: RootCertStore, resolver: Arc<dyn Resolve>) -> Self {
        let trust_roots = roots.len();
        Self { wire: Wire { tls: Arc::new(tls(roots)), resolver, step: limits.connect }, limits, trust_roots }
    }

    /// How many certificate authorities are trusted. With none, every call over https ends in `TlsFailure`.
    pub fn trust_roots(&self) -> usize {
        self.trust_roots
    }

    /// Sends one DELETE. `guard` is asked once, with the connection ready, immediately before the bytes go; its refusal means
    /// that not one was sent. Dropping the future closes the connection: what was sent stays sent.
    pub async fn delete(
        &self,
        target: &Target,
        credential: &Credential,
        guard: impl FnOnce() -> Result<(), NotSent> + Send,
    ) -> Exchange {
        let classify = |answer: &Answer<'_>| match target.provider() {
            Provider::PostPress => postpress::classify_delete(answer),
            Provider::Puffle => puffle::classify_delete(answer),
        };
        self.account(Method::DELETE, target, credential, self.limits.delete, guard, classify).await
    }

    /// Reads one account by its id, where the provider has such a read ([`Target::has_read_by_id`]).
    pub async fn read_account(&self, target: &Target, credential: &Credential) -> Exchange {
        let classify = |answer: &Answer<'_>| match target.provider() {
            Provider::PostPress => postpress::classify_read(answer, target.account_id()),
            // Puffle has no GET of one account: nothing it could answer is documented.
            Provider::Puffle => answer.means(Outcome::Unknown(Unknown::UnexpectedBody)),
        };
        self.account(Method::GET, target, credential, self.limits.read, || Ok(()), classify).await
    }

    /// Reads Puffle's list of all accounts of a key.
    pub async fn list_accounts(&self, credential: &Credential) -> Result<AccountList, Exchange> {
        let deadline = Instant::now() + self.limits.read;
        let path = credential.endpoint.list_path();
        let mut reply = self.send(Method::GET, &path, Provider::Puffle, credential, deadline, || Ok(())).await?;
        if reply.head.status != StatusCode::OK {
            return Err(settle(&mut reply, credential, puffle::classify_list_error).await);
        }
        reply.left = self.limits.list;
        let read = match answer(&reply.head, &[]).is_json() {
            true => timeout_at(deadline, read_list(&mut reply)).await.unwrap_or(Err(Unknown::TimedOut)),
            false => Err(Unknown::UnexpectedBody),
        };
        match read {
            Err(why) => Err(answer(&reply.head, &[]).means(Outcome::Unknown(why))),
            // A hint at a further page may also stand in the headers.
            Ok(list) if reply.head.headers.contains_key(LINK) => Ok(list.with_more_to_come()),
            Ok(list) => Ok(list),
        }
    }

    async fn account(
        &self,
        method: Method,
        target: &Target,
        credential: &Credential,
        within: Duration,
        guard: impl FnOnce() -> Result<(), NotSent> + Send,
        classify: impl Fn(&Answer<'_>) -> Exchange,
    ) -> Exchange {
        let deadline = Instant::now() + within;
        let Ok(path) = credential.endpoint.account_path(target) else {
            return Outcome::Refused(Refusal::InvalidAccountId).into();
        };
        match self.send(method, &path, target.provider(), credential, deadline, guard).await {
            Ok(mut reply) => settle(&mut reply, credential, classify).await,
            Err(outcome) => outcome.into(),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        provider: Provider,
        credential: &Credential,
        deadline: Instant,
        guard: impl FnOnce() -> Result<(), NotSent>,
    ) -> Result<Reply, Outcome> {
        let request = request(method, path, provider, credential).ok_or(Outcome::Refused(Refusal::Request))?;
        self.wire.send(&credential.endpoint, request, deadline, self.limits.body, guard).await
    }
}

fn tls(roots: RootCertStore) -> ClientConfig {
    let versions = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions();
    #[allow(clippy::expect_used, reason = "fails only for a crypto provider without a cipher suite of TLS 1.2 and 1.3")]
    let builder = versions.expect("ring has cipher suites for TLS 1.2 and 1.3");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    // Each connection checks the certificate anew. ALPN offers nothing, so nobody answers in HTTP/2.
    config.resumption = Resumption::disabled();
    config
}

/// `None` where something cannot stand in a request, which the checks of endpoint, id and key leave no room for.
fn request(method: Method, path: &str, provider: Provider, credential: &Credential) -> Option<Request<Empty<Bytes>>> {
    let (name, mut key) = match provider {
        Provider::PostPress => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(credential.key.expose())),
        Provider::Puffle => (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", credential.key.expose()))),
    };
    if let Ok(key) = &mut key {
        key.set_sensitive(true);
    }
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, credential.endpoint.authority())
        .header(USER_AGENT, concat!("sender-operator/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json")
        .header(CONNECTION, "close")
        .header(name, key.ok()?)
        .body(Empty::new())
        .ok()
}

async fn settle(reply: &mut Reply, credential: &Credential, classify: impl Fn(&Answer<'_>) -> Exchange) -> Exchange {
    // A redirect is judged by its status: there is no reason to wait for what else it says.
    let body = if reply.head.status.is_redirection() { Ok(Vec::new()) } else { reply.collect().await };
    let exchange = match &body {
        Ok(body) => classify(&answer(&reply.head, body)),
        Err(why) => answer(&reply.head, &[]).means(Outcome::Unknown(*why)),
    };
    let error_type = exchange.error_type.filter(|text| !credential.key.shows_in(text));
    Exchange { error_type, ..exchange }
}

fn answer<'a>(head: &'a http::response::Parts, body: &'a [u8]) -> Answer<'a> {
    let headers = &head.headers;
    let identity =
        headers.get_all(CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let plain = headers.get_all(CONTENT_LENGTH).iter().all(|value| value.as_bytes().iter().all(u8::is_ascii_digit));
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count() + headers.get_all(TRANSFER_ENCODING).iter().count();
    let waits = headers.get_all(RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
    Answer {
        status: head.status.as_u16(),
        content_type: the_one(headers, &CONTENT_TYPE),
        opaque: !identity || !plain || lengths > 1,
        retry_after: retry_after::parse(waits, the_one(headers, &DATE), SystemTime::now()),
        body,
    }
}

/// A header's value, where there is exactly one.
fn the_one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Reads the list while it arrives, on a thread of its own, so that it never stands in memory as a whole.
async fn read_list(reply: &mut Reply) -> Result<AccountList, Unknown> {
    let (sender, receiver) = mpsc::channel(8);
    let reading = tokio::task::spawn_blocking(|| AccountList::read(Incoming { receiver, current: Bytes::new() }));
    while let Some(data) = reply.next().await? {
        // The reader stops listening when it has seen that this is no list.
        if sender.send(data).await.is_err() {
            break;
        }
    }
    drop(sender);
    reading.await.ok().flatten().ok_or(Unknown::UnexpectedBody)
}

/// The arriving pieces as a reader. Ends when the sender is dropped, a failed transfer included.
struct Incoming {
    receiver: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(data) => self.current = data,
                None => return Ok(0),
            }
        }
        (&mut self.current).reader().read(buffer)
    }
}
