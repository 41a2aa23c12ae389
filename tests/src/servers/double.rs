//! What doubles of interfaces over HTTP have in common: a request taken apart, state behind a lock, a limit on
//! requests, TLS.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use futures::FutureExt as _;
use hyper::Request;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use rustls::ServerConfig;
use serde_json::Value;

use super::authority::Issued;
use super::http::{Handler, HttpServer, PeerCertificate, Reply, json};

/// A request taken apart.
pub(super) struct Asked {
    pub(super) method: String,
    /// Segments of the path, decoded.
    pub(super) path: Vec<String>,
    /// Parameters of the query, decoded.
    pub(super) query: BTreeMap<String, String>,
    /// The token of `Authorization: Bearer`.
    pub(super) token: Option<String>,
    /// The body; null when it is no JSON.
    pub(super) body: Value,
    /// The body read as a form, decoded.
    pub(super) form: BTreeMap<String, String>,
    /// The bytes of the body.
    pub(super) raw: Bytes,
    /// The certificate that the client proved to have, DER.
    pub(super) certificate: Option<Vec<u8>>,
    headers: HeaderMap,
}

impl Asked {
    fn read(request: &Request<Bytes>) -> Self {
        let path = request.uri().path().split('/').skip(1);
        let authorization = request.headers().get(AUTHORIZATION);
        let token = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let certificate = request.extensions().get::<PeerCertificate>();
        Self {
            method: request.method().to_string(),
            path: path.map(|segment| decode(segment, false)).collect(),
            query: pairs(request.uri().query().unwrap_or_default()),
            token: token.map(str::to_owned),
            body: serde_json::from_slice(request.body()).unwrap_or(Value::Null),
            form: pairs(&String::from_utf8_lossy(request.body())),
            raw: request.body().clone(),
            certificate: certificate.map(|found| found.0.to_vec()),
            headers: request.headers().clone(),
        }
    }

    /// A header; empty when there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// A field of a form; empty when there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// Method and path, for matching.
    pub(super) fn route(&self) -> (&str, Vec<&str>) {
        let path = self.path.iter().map(String::as_str);
        (&self.method, path.collect())
    }

    /// A parameter of the query; empty when there is none.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A text member of the body; empty when there is none.
    pub(super) fn member(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

/// Names and values of a query or a form, decoded.
fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name, true), decode(value, true)))
        .collect()
}

/// Undoes percent-encoding; in a query `+` is a blank.
pub(super) fn decode(text: &str, is_query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let escape = after.get(..2).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        match (first, escape) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) if is_query => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The state of a double and how it answers.
pub(super) trait Behaviour: Send + 'static {
    /// Answers one request.
    fn answer(&mut self, asked: &Asked) -> Reply;

    /// What is said to those who ask too much.
    fn slow_down(&self) -> Value;
}

struct Inner<B> {
    behaviour: B,
    /// Requests that are still answered; `None` is no limit.
    left: Option<u32>,
    requests: u32,
}

/// A running double; it ends when this is dropped.
pub(super) struct Double<B> {
    server: HttpServer,
    secure: bool,
    inner: Arc<Mutex<Inner<B>>>,
}

impl<B: Behaviour> Double<B> {
    /// Starts it, with TLS where there is a certificate.
    pub(super) fn start(behaviour: B, certificate: Option<&Issued>) -> Result<Self> {
        let tls = certificate.map(Issued::server_config).transpose()?;
        Self::with_tls(behaviour, tls)
    }

    /// Starts it with these settings of TLS, if any.
    pub(super) fn with_tls(behaviour: B, tls: Option<Arc<ServerConfig>>) -> Result<Self> {
        let inner = Arc::new(Mutex::new(Inner {
            behaviour,
            left: None,
            requests: 0,
        }));
        let handler: Handler = {
            let inner = Arc::clone(&inner);
            Arc::new(move |request| {
                let reply = lock(&inner).handle(&request);
                async move { reply }.boxed()
            })
        };
        Ok(Self {
            secure: tls.is_some(),
            server: HttpServer::start(tls, handler)?,
            inner,
        })
    }

    pub(super) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }

    /// From now on answers `requests` more and tells all others to slow down.
    pub(super) fn limit(&self, requests: Option<u32>) {
        lock(&self.inner).left = requests;
    }

    /// How many requests came since the last time this was asked.
    pub(super) fn count(&self) -> u32 {
        std::mem::take(&mut lock(&self.inner).requests)
    }

    /// Changes the state.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut B) -> T) -> T {
        change(&mut lock(&self.inner).behaviour)
    }
}

impl<B: Behaviour> Inner<B> {
    fn handle(&mut self, request: &Request<Bytes>) -> Reply {
        self.requests += 1;
        if let Some(left) = &mut self.left {
            if *left == 0 {
                let mut reply = json(429, &self.behaviour.slow_down());
                if let Reply::Answer(response) = &mut reply {
                    let seconds = HeaderValue::from_static("1");
                    response.headers_mut().insert(RETRY_AFTER, seconds);
                }
                return reply;
            }
            *left -= 1;
        }
        self.behaviour.answer(&Asked::read(request))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random hexadecimal digits.
pub(super) fn random(digits: usize) -> String {
    let mut text = String::new();
    while text.len() < digits {
        text.push_str(&format!("{:016x}", rand::random::<u64>()));
    }
    text.truncate(digits);
    text
}
