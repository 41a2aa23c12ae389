//! The one HTTP client of stores: TLS, proxies, limits and errors are decided here.
//!
//! - TLS by rustls on ring; certificates of the system, or of a named authority alone.
//! - Never follows a redirect: a credential must not travel to a host that nobody named. A store that knows
//!   redirects looks at [`Response::redirect`] and decides.
//! - Bodies are secret until proven otherwise: they are held in memory that is overwritten, and never part of
//!   an error.
//!
//! Read [`HttpClient`] first.

mod credentials;
mod named;
mod proxy;
mod response;
mod secret_text;
mod tls;

use std::time::Duration;

use reqwest::{Method, Url};

use self::named::NamedClient;

#[cfg(any(feature = "azure", feature = "gcp"))]
pub(crate) use credentials::FormBody;
#[cfg(feature = "gcp")]
pub(crate) use credentials::basic;
pub(crate) use credentials::{JsonBody, bearer, nested_body, nested_members};
#[cfg(feature = "azure")]
pub(crate) use credentials::{body_with_secret, secret_header};
pub(crate) use response::Response;
pub(crate) use secret_text::SecretText;
pub(crate) use tls::{ClientIdentity, TlsOptions, certificate_problem};

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

/// Longest time to reach a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach servers; the default is what the environment of this process says.
#[derive(Clone, Debug, Default)]
pub(crate) struct HttpOptions {
    /// Certificates.
    pub(crate) tls: TlsOptions,
    /// Proxy for everything, instead of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`. `NO_PROXY` holds all
    /// the same.
    pub(crate) proxy: Option<String>,
    /// Use no proxy at all: for a server of this machine's own.
    pub(crate) direct: bool,
    /// Longest time for one request with its answer. Default: left to the layer around the store.
    pub(crate) timeout: Option<Duration>,
}

/// What servers are told about this program.
const USER_AGENT: &str = concat!("secretref/", env!("CARGO_PKG_VERSION"));

/// A client with its pool of connections. Cheap to clone; making one does no network input or output.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    /// Sends instead where servers go by another name than their host.
    named: Option<NamedClient>,
    timeout: Option<Duration>,
}

impl HttpClient {
    /// A client.
    ///
    /// # Errors
    /// `config` for certificates or a proxy that cannot be used, naming the file or setting.
    pub(crate) fn new(environment: &Environment, options: &HttpOptions) -> Result<Self> {
        let tls = tls::config(environment, &options.tls)?;
        let chosen = options.proxy.as_deref();
        let named = match tls::server_name(&options.tls)? {
            None => None,
            Some(name) => Some(NamedClient::new(
                tls.clone(),
                name,
                proxy::matcher(environment, chosen)?,
                USER_AGENT,
            )),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy();
        if !options.direct {
            for proxy in proxy::proxies(environment, chosen)? {
                builder = builder.proxy(proxy);
            }
        }
        if let Some(timeout) = options.timeout {
            builder = builder.timeout(timeout);
        }
        let client = builder.build().map_err(|error| {
            StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                "the HTTP client cannot be set up",
            )
            .with_source(error.without_url())
        })?;
        Ok(Self {
            client,
            named,
            timeout: options.timeout,
        })
    }

    /// A request to be filled in and given to [`HttpClient::send`].
    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `unavailable` or `timeout` when no whole answer came, to be tried again; `config` for a certificate
    /// that is not trusted; `too_large` for an answer over [`response::MAX_BYTES`].
    pub(crate) async fn send(
        &self,
        operation: Operation,
        request: reqwest::RequestBuilder,
    ) -> Result<Response> {
        let refuse = |error| transport(operation, error);
        let Some(named) = &self.named else {
            let answer = request.send().await.map_err(refuse)?;
            return Response::read(operation, answer).await;
        };
        let request = request.build().map_err(refuse)?;
        let whole =
            async { Response::read(operation, named.send(operation, request).await?).await };
        match self.timeout {
            None => whole.await,
            Some(timeout) => tokio::time::timeout(timeout, whole)
                .await
                .unwrap_or_else(|_| {
                    let late = Trouble {
                        timeout: true,
                        ..Trouble::default()
                    };
                    Err(late.described(operation))
                }),
        }
    }
}

/// The base address of a server: `https://host[:port][/path]`, without a final slash.
///
/// # Errors
/// `config`, naming the setting, for what is no such address or holds a user name.
pub(crate) fn base_url(setting: &str, text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        StoreError::new(
            ErrorKind::Config,
            Operation::Configure,
            format!("`{setting}` is no address of a server: {why}"),
        )
        .with_help("write `https://host`, with `:port` and a path where needed")
    };
    let url = Url::parse(text.trim_end_matches('/')).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(wrong("it does not start with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it holds a user name or password, which belongs into the login settings",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it holds `?` or `#`"));
    }
    Ok(url)
}

/// `base` with path segments appended; each is escaped.
pub(crate) fn join<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Why no answer came.
fn transport(operation: Operation, error: reqwest::Error) -> StoreError {
    let url = error.url();
    let trouble = Trouble {
        host: url.and_then(|url| Some(url.host_str()?.to_owned())),
        port: url.and_then(Url::port_or_known_default),
        certificate: tls::certificate_problem(&error),
        timeout: error.is_timeout(),
        connect: error.is_connect(),
        builder: error.is_builder(),
    };
    trouble
        .described(operation)
        .with_source(error.without_url())
}

/// What is known about why no answer came.
#[derive(Debug, Default)]
struct Trouble {
    host: Option<String>,
    port: Option<u16>,
    /// What is wrong with the certificate of the server.
    certificate: Option<String>,
    /// It took too long.
    timeout: bool,
    /// There was no connection.
    connect: bool,
    /// There was no request.
    builder: bool,
}

impl Trouble {
    fn described(self, operation: Operation) -> StoreError {
        let described = if let Some(problem) = self.certificate {
            StoreError::new(
                ErrorKind::Config,
                operation,
                format!("the certificate of the server is not trusted: {problem}"),
            )
            .with_help("name the authority that issued it in the store block, or the right address")
        } else if self.timeout {
            StoreError::new(
                ErrorKind::Timeout,
                operation,
                "the server did not answer in time",
            )
            .with_retry(Retry::Later)
        } else if self.connect {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the server cannot be reached",
            )
            .with_retry(Retry::Later)
            .with_help("check the address in the store block, the network and the proxy settings")
        } else if self.builder {
            StoreError::new(
                ErrorKind::Config,
                operation,
                "the request to the store cannot be made",
            )
        } else {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the connection to the server broke",
            )
            .with_retry(Retry::Later)
        };
        match (self.host, self.port) {
            (Some(host), Some(port)) => described.with_context("server", format!("{host}:{port}")),
            _ => described,
        }
    }
}

#[cfg(test)]
mod tests;
