//! The real API server.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, RETRY_AFTER};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::kubeconfig::{Cluster, KubeconfigError};
use crate::wire::{Answer, Request};

/// How to reach it.
pub(crate) struct Upstream {
    authority: String,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Upstream {
    pub(crate) fn new(cluster: &Cluster) -> Result<Self, KubeconfigError> {
        let tls = |error: &dyn std::fmt::Display| KubeconfigError::Tls(error.to_string());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(cluster.ca.iter().cloned());
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| tls(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (host, _) = cluster.authority.rsplit_once(':').ok_or(KubeconfigError::Shape)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(&error))?;
        Ok(Self { authority: cluster.authority.clone(), name, connector: TlsConnector::from(Arc::new(config)) })
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // It ends with its sender, or when the API server closes it: the next request then opens another.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// The connection to the API server that stands behind one connection of the operator.
#[derive(Default)]
pub(crate) struct Link(Option<SendRequest<Full<Bytes>>>);

impl Link {
    /// Sends a request on and returns the answer as it begins.
    pub(crate) async fn send(
        &mut self,
        upstream: &Upstream,
        request: &Request,
    ) -> io::Result<http::Response<Incoming>> {
        let open = match self.0.take() {
            Some(mut sender) => sender.ready().await.ok().map(|()| sender),
            None => None,
        };
        let mut sender = match open {
            Some(sender) => sender,
            None => upstream.connect().await?,
        };
        let mut on = http::Request::builder().method(request.method.as_str()).uri(request.target.as_str());
        if let Some(headers) = on.headers_mut() {
            *headers = request.headers.clone();
            headers.remove(CONNECTION);
            headers.remove(CONTENT_LENGTH);
            headers.insert(HOST, HeaderValue::from_str(&upstream.authority).map_err(io::Error::other)?);
        }
        let on = on.body(Full::new(request.body.clone())).map_err(io::Error::other)?;
        let response = sender.send_request(on).await.map_err(io::Error::other)?;
        self.0 = Some(sender);
        Ok(response)
    }

    /// Sends a request on and returns the whole answer.
    pub(crate) async fn ask(&mut self, upstream: &Upstream, request: &Request) -> io::Result<Answer> {
        let response = self.send(upstream, request).await?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Answer { status, retry_after, body })
    }
}
