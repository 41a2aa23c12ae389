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
mod proxy;
mod response;
mod secret_text;
mod tls;

use std::time::Duration;

use reqwest::{Method, Url};

#[cfg(feature = "azure")]
pub(crate) use credentials::{FormBody, body_with_secret, secret_header};
pub(crate) use credentials::{JsonBody, bearer, nested_body, nested_members};
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
    /// Longest time for one request with its answer. Default: left to the layer around the store.
    pub(crate) timeout: Option<Duration>,
}

/// A client with its pool of connections. Cheap to clone; making one does no network input or output.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A client.
    ///
    /// # Errors
    /// `config` for certificates or a proxy that cannot be used, naming the file or setting.
    pub(crate) fn new(environment: &Environment, options: &HttpOptions) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("secretref/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls::config(environment, &options.tls)?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy();
        for proxy in proxy::proxies(environment, options.proxy.as_deref())? {
            builder = builder.proxy(proxy);
        }
        if let Some(timeout) = options.timeout {
            builder = builder.timeout(timeout);
        }
        builder.build().map(Self).map_err(|error| {
            StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                "the HTTP client cannot be set up",
            )
            .with_source(error.without_url())
        })
    }

    /// A request to be filled in and given to [`HttpClient::send`].
    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.0.request(method, url)
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
        let answer = request
            .send()
            .await
            .map_err(|error| transport(operation, error))?;
        Response::read(operation, answer).await
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
    let host = error
        .url()
        .and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
    let error = error.without_url();
    let certificate = tls::certificate_problem(&error);
    let described = if let Some(problem) = certificate {
        StoreError::new(
            ErrorKind::Config,
            operation,
            format!("the certificate of the server is not trusted: {problem}"),
        )
        .with_help("name the authority that issued it in the store block, or the right address")
    } else if error.is_timeout() {
        StoreError::new(
            ErrorKind::Timeout,
            operation,
            "the server did not answer in time",
        )
        .with_retry(Retry::Later)
    } else if error.is_connect() {
        StoreError::new(
            ErrorKind::Unavailable,
            operation,
            "the server cannot be reached",
        )
        .with_retry(Retry::Later)
        .with_help("check the address in the store block, the network and the proxy settings")
    } else if error.is_builder() {
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
    let described = match host {
        Some((host, port)) => described.with_context("server", format!("{host}:{port}")),
        None => described,
    };
    described.with_source(error)
}

#[cfg(test)]
mod tests;
