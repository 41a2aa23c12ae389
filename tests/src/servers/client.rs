//! A small blocking HTTP client for what tests do with a server themselves.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::tls::{ClientCert, RootCerts, TlsConfig, TlsProvider};

use super::authority::Authority;

/// Bound on one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bound on the size of an answer.
const LARGEST_BYTES: u64 = 64 * 1024 * 1024;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// Its body; null when there is none, a string when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// For every other status, with the body.
    pub fn success(self) -> Result<Value> {
        if (200..300).contains(&self.status) {
            Ok(self.body)
        } else {
            bail!("the server answered {}: {}", self.status, self.body)
        }
    }
}

/// The client: one base address, fixed headers.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:8200`, that trusts nothing but
    /// `authority`.
    ///
    /// # Errors
    /// When the authority's certificate is none.
    pub fn new(base: &str, authority: Option<&Authority>) -> Result<Self> {
        let tls = authority
            .map(|authority| trust(authority, None))
            .transpose()?;
        Ok(Self::with_tls(base, tls))
    }

    /// A client that shows a certificate for `name`, issued by `authority`.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn with_certificate(base: &str, authority: &Authority, name: &str) -> Result<Self> {
        Ok(Self::with_tls(base, Some(trust(authority, Some(name))?)))
    }

    fn with_tls(base: &str, tls: Option<TlsConfig>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE));
        let config = match tls {
            Some(tls) => config.tls_config(tls),
            None => config,
        };
        Self {
            agent: config.build().into(),
            base: base.trim_end_matches('/').to_owned(),
            headers: Vec::new(),
        }
    }

    /// The same client, sending one more header with each request.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends `method` to `path`, with `body` when there is one.
    ///
    /// # Errors
    /// When no answer arrives; a status that says no is an answer.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = match body {
            Some(body) => {
                if !self.headers.iter().any(|(name, _)| *name == "content-type") {
                    // Only this kind of change is known to the servers.
                    let kind = match method {
                        "PATCH" => "application/merge-patch+json",
                        _ => "application/json",
                    };
                    request = request.header("content-type", kind);
                }
                self.agent.run(request.body(serde_json::to_vec(body)?)?)
            }
            None => self.agent.run(request.body(())?),
        };
        let mut response = response.with_context(|| format!("{method} {}{path}", self.base))?;
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(LARGEST_BYTES)
            .read_to_vec()?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&text)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&text).into_owned()))
        };
        Ok(Answer { status, body })
    }

    /// Status of a `GET`, `None` when nobody answers: for waiting until a server is there.
    #[must_use]
    pub fn status(&self, path: &str) -> Option<u16> {
        self.send("GET", path, None)
            .ok()
            .map(|answer| answer.status)
    }
}

fn trust(authority: &Authority, name: Option<&str>) -> Result<TlsConfig> {
    let certificate = ureq::tls::Certificate::from_pem(authority.certificate_pem().as_bytes())?;
    let mut config = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&[certificate]));
    if let Some(name) = name {
        let issued = authority.client_certificate(name)?;
        let chain =
            [ureq::tls::Certificate::from_pem(issued.certificate_pem.as_bytes())?.to_owned()];
        let key = ureq::tls::PrivateKey::from_pem(issued.key_pem.as_bytes())?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(config.build())
}
