//! The listener, and what a test does with it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::call::Call;
use crate::exchange;
use crate::fault::Fault;
use crate::kubeconfig::{Cluster, KubeconfigError};
use crate::rule::{On, RuleHandle, Rules};
use crate::trace::{Entry, Trace};
use crate::upstream::Upstream;
use crate::watch::Events;
use crate::wire::Answer;

/// A proxy for one operator. It lives on the multi-threaded runtime it was started on, and ends when it is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    kubeconfig: PathBuf,
    acceptor: watch::Sender<TlsAcceptor>,
    accepting: AbortHandle,
    _dir: tempfile::TempDir,
}

pub(crate) struct Shared {
    pub(crate) rules: Rules,
    pub(crate) trace: Trace,
    pub(crate) events: Events,
    pub(crate) upstream: Upstream,
    lists: Mutex<Vec<Answer>>,
    /// So many objects are on one page of a list; 0: as many as the operator asks for.
    page: AtomicUsize,
}

impl Shared {
    /// The target of a list, asking for shorter pages where they are wanted.
    pub(crate) fn in_pages(&self, target: &str) -> String {
        let (page, (path, query)) = (self.page.load(Ordering::Relaxed), target.split_once('?').unwrap_or((target, "")));
        if page == 0 {
            return target.to_owned();
        }
        let rest = query.split('&').filter(|parameter| !parameter.is_empty() && !parameter.starts_with("limit="));
        format!("{path}?limit={page}{}", rest.map(|parameter| format!("&{parameter}")).collect::<String>())
    }

    /// Remembers a list.
    pub(crate) fn keep(&self, call: Call, answer: &Answer) {
        if call == Call::ListAccounts && answer.status == 200 {
            self.lists.lock().unwrap_or_else(PoisonError::into_inner).push(answer.clone());
        }
    }

    /// The `n`th list (from 1).
    pub(crate) fn list(&self, n: usize) -> Option<Answer> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        n.checked_sub(1).and_then(|place| lists.get(place)).cloned()
    }
}

impl Proxy {
    /// A proxy before the API server of this kubeconfig.
    ///
    /// # Errors
    /// The kubeconfig cannot be used, or no port was to be had.
    pub async fn start(kubeconfig: &Path) -> Result<Self, KubeconfigError> {
        let cluster = Cluster::read(kubeconfig)?;
        let shared = Arc::new(Shared {
            rules: Rules::default(),
            trace: Trace::default(),
            events: Events::default(),
            upstream: Upstream::new(&cluster)?,
            lists: Mutex::default(),
            page: AtomicUsize::new(0),
        });
        let (tls, ca) = identity()?;
        let (acceptor, current) = watch::channel(tls);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let dir = tempfile::tempdir()?;
        let kubeconfig = cluster.write(dir.path(), &format!("https://{address}"), &ca)?;
        let accepting = tokio::spawn(accept(listener, current, Arc::clone(&shared))).abort_handle();
        Ok(Self { shared, address, kubeconfig, acceptor, accepting, _dir: dir })
    }

    /// The same user's kubeconfig, leading here.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection; who connects from now on meets a certificate of another authority, which this returns in PEM.
    ///
    /// # Errors
    /// No certificate was to be had.
    pub fn change_authority(&self) -> Result<String, KubeconfigError> {
        let (tls, ca) = identity()?;
        self.acceptor.send_replace(tls);
        Ok(ca)
    }

    /// Sets a rule. Of several that match a call the one set first takes it.
    pub fn rule(&self, on: On, fault: Fault) -> RuleHandle {
        self.shared.rules.add(on, fault)
    }

    /// Forgets every rule; what is under way goes on.
    pub fn clear_rules(&self) {
        self.shared.rules.clear();
    }

    /// From now on a list comes in pages of so many objects.
    pub fn page_size(&self, objects: usize) {
        self.shared.page.store(objects, Ordering::Relaxed);
    }

    /// What happens to the events of the watches.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Every call so far, in the order of arrival.
    pub fn trace(&self) -> Vec<Entry> {
        self.shared.trace.entries()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A certificate of our own for the loopback address, and the same in PEM for those who shall trust it.
fn identity() -> Result<(TlsAcceptor, String), KubeconfigError> {
    let tls = |error: &dyn std::fmt::Display| KubeconfigError::Tls(error.to_string());
    let mut params = CertificateParams::new(Vec::new()).map_err(|error| tls(&error))?;
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    let key = KeyPair::generate().map_err(|error| tls(&error))?;
    let certificate = params.self_signed(&key).map_err(|error| tls(&error))?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| tls(&error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(|error| tls(&error))?;
    Ok((TlsAcceptor::from(Arc::new(config)), certificate.pem()))
}

async fn accept(
    listener: TcpListener,
    mut acceptor: watch::Receiver<TlsAcceptor>,
    shared: Arc<Shared>,
) -> io::Result<()> {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            Ok(()) = acceptor.changed() => {
                connections.shutdown().await;
                continue;
            }
        };
        let (acceptor, shared) = (acceptor.borrow().clone(), Arc::clone(&shared));
        connections.spawn(async move {
            stream.set_nodelay(true)?;
            exchange::serve(acceptor.accept(stream).await?, &shared).await
        });
        while connections.try_join_next().is_some() {}
    }
}
