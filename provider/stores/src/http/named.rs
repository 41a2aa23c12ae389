//! Requests to a server that goes by another name than its host: the name is asked for when the connection is made
//! (SNI), so that whatever serves several names shows the right certificate, and the certificate must have it. The
//! host stays the one of the address, for the way there and in the request.
//!
//! The client of `reqwest` always asks for the host; this is the same client one level below.

use std::error::Error as _;

use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use reqwest::ResponseBuilderExt as _;
use reqwest::header::{HeaderValue, USER_AGENT};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tower::ServiceExt as _;
use tower::util::{BoxCloneSyncService, service_fn};

use super::{CONNECT_TIMEOUT, Trouble};
use crate::error::{Operation, Result};

type Connection = hyper_util::rt::TokioIo<tokio::net::TcpStream>;
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Way = BoxCloneSyncService<http::Uri, Connection, Failure>;

/// A client whose connections all ask for one name.
#[derive(Clone, Debug)]
pub(super) struct NamedClient {
    client: Client<hyper_rustls::HttpsConnector<Way>, reqwest::Body>,
    user_agent: &'static str,
}

impl NamedClient {
    pub(super) fn new(
        tls: ClientConfig,
        name: ServerName<'static>,
        proxies: Matcher,
        user_agent: &'static str,
    ) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .with_server_name_resolver(FixedServerNameResolver::new(name))
            .enable_http1()
            .wrap_connector(way(proxies));
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            user_agent,
        }
    }

    /// Sends a request; the answer has its body still to be read.
    pub(super) async fn send(
        &self,
        operation: Operation,
        request: reqwest::Request,
    ) -> Result<reqwest::Response> {
        let url = request.url().clone();
        let refuse = |error: reqwest::Error| super::transport(operation, error);
        let mut request = http::Request::<reqwest::Body>::try_from(request).map_err(refuse)?;
        request
            .headers_mut()
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(self.user_agent));
        let answer = self.client.request(request).await.map_err(|error| {
            let trouble = Trouble {
                host: url.host_str().map(str::to_owned),
                port: url.port_or_known_default(),
                certificate: super::tls::certificate_problem(&error),
                timeout: is_timeout(&error),
                connect: error.is_connect(),
                builder: false,
            };
            trouble.described(operation).with_source(error)
        })?;
        let (parts, body) = answer.into_parts();
        let mut builder = http::Response::builder()
            .status(parts.status)
            .version(parts.version)
            .url(url);
        if let Some(headers) = builder.headers_mut() {
            *headers = parts.headers;
        }
        let answer = builder
            .body(reqwest::Body::wrap(body))
            .map_err(|error| Trouble::default().described(operation).with_source(error))?;
        Ok(answer.into())
    }
}

/// Connections to hosts, through proxies where there are any.
fn way(proxies: Matcher) -> Way {
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    direct.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let proxies = std::sync::Arc::new(proxies);
    BoxCloneSyncService::new(service_fn(move |target: http::Uri| {
        let (direct, proxies) = (direct.clone(), std::sync::Arc::clone(&proxies));
        async move {
            match proxies.intercept(&target) {
                None => direct.oneshot(target).await.map_err(Failure::from),
                Some(proxy) => {
                    let mut tunnel = Tunnel::new(proxy.uri().clone(), direct);
                    if let Some(login) = proxy.basic_auth() {
                        tunnel = tunnel.with_auth(login.clone());
                    }
                    tunnel.oneshot(target).await.map_err(Failure::from)
                }
            }
        }
    }))
}

fn is_timeout(error: &hyper_util::client::legacy::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && error.kind() == std::io::ErrorKind::TimedOut
        {
            return true;
        }
        next = error.source();
    }
    false
}
