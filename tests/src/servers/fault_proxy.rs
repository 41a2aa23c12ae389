//! A proxy between a client and a server that counts what passes and misbehaves on demand.
//!
//! It remembers methods, paths and names of headers, never values that could be secret; only whether a request
//! carried a text that it was told to watch for. Rules are looked at in the order they were added; the first that
//! fits a request decides about it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::FutureExt as _;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::authority::{Authority, Issued};
use super::http::{Body, Handler, HttpServer, Reply, full};

/// Headers whose values are recorded, because they select what a request does and are never secret.
const RECORDED_VALUES: [&str; 3] = ["x-amz-target", "x-vault-namespace", "x-vault-index"];

/// What happens to a request instead of being passed on, or on top of it.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Pass it on after this time.
    Delay(Duration),
    /// Pass it on at once, and the answer after this time.
    LateAnswer(Duration),
    /// Answer this status, headers and body.
    Status {
        /// Status code.
        status: u16,
        /// Additional headers, such as `retry-after`.
        headers: Vec<(&'static str, String)>,
        /// Body, sent as JSON.
        body: String,
    },
    /// Answer a page for people, as a proxy in between does.
    HtmlPage(u16),
    /// Pass on the answer with only this many bytes of its body, as a well-formed answer.
    ShortBody(usize),
    /// Pass on the answer and break the connection after this many bytes of its body.
    CutBody(usize),
    /// Reset the connection.
    Reset,
    /// Never answer.
    BlackHole,
    /// Answer 307 with this origin before the request's path.
    Redirect(String),
}

/// Which requests a fault is for, and how often.
#[derive(Clone, Debug)]
pub struct Rule {
    method: Option<&'static str>,
    target: Option<&'static str>,
    path: String,
    skip: u32,
    times: Option<u32>,
    fault: Fault,
}

impl Rule {
    /// `fault` for every request whose path begins with `path`.
    #[must_use]
    pub fn new(path: &str, fault: Fault) -> Self {
        Self {
            method: None,
            target: None,
            path: path.to_owned(),
            skip: 0,
            times: None,
            fault,
        }
    }

    /// Only for requests of `method`.
    #[must_use]
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    /// Only for calls of this operation of AWS, such as `secretsmanager.GetSecretValue`.
    #[must_use]
    pub fn target(mut self, target: &'static str) -> Self {
        self.target = Some(target);
        self
    }

    /// Only for the first `times` requests that fit.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Not for the first `count` requests that fit.
    #[must_use]
    pub fn after(mut self, count: u32) -> Self {
        self.skip = count;
        self
    }

    /// Whether the rule decides about this request; counts it if so.
    fn takes(&mut self, request: &Recorded) -> bool {
        let other_method = self.method.is_some_and(|wanted| wanted != request.method);
        let other_target = self
            .target
            .is_some_and(|wanted| request.target() != Some(wanted));
        if other_method || other_target || !request.path.starts_with(&self.path) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

/// A request that reached the proxy.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When.
    pub at: Instant,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// Names of its headers, sorted.
    pub header_names: Vec<String>,
    /// Values of the few headers that are never secret: `x-amz-target`, `x-vault-namespace`,
    /// `x-vault-index`.
    pub header_values: Vec<(String, String)>,
    /// Whether a rule decided about it.
    pub faulted: bool,
    /// Whether its body held a text that is watched for.
    pub watched: bool,
}

impl Recorded {
    /// The operation of AWS that it calls, such as `secretsmanager.GetSecretValue`.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        let mut values = self.header_values.iter();
        values
            .find(|(name, _)| name == "x-amz-target")
            .map(|(_, value)| value.as_str())
    }
}

struct Upstream {
    address: String,
    tls: Option<TlsConnector>,
}

struct Shared {
    upstream: Mutex<Upstream>,
    rules: Mutex<Vec<Rule>>,
    watched: Mutex<Vec<String>>,
    requests: Mutex<Vec<Recorded>>,
    under_way: Mutex<UnderWay>,
}

/// Requests that came and were not answered yet.
#[derive(Default)]
struct UnderWay {
    now: usize,
    most: usize,
}

/// Counts one request for as long as it lives, which ends early when the client goes away.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut under_way = lock(&shared.under_way);
        under_way.now += 1;
        under_way.most = under_way.most.max(under_way.now);
        drop(under_way);
        Self(Arc::clone(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        lock(&self.0.under_way).now -= 1;
    }
}

/// The proxy; it ends when this is dropped.
pub struct FaultProxy {
    server: HttpServer,
    secure: bool,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Passes plain HTTP on to `upstream`, such as `http://127.0.0.1:8200`.
    ///
    /// # Errors
    /// When `upstream` is no such address or no thread can be started.
    pub fn start(upstream: &str) -> Result<Self> {
        Self::launch(upstream, None, None)
    }

    /// Shows `certificate` to clients. An `https` upstream must have a certificate of `authority`.
    ///
    /// # Errors
    /// As [`FaultProxy::start`], and when certificate and key do not fit.
    pub fn start_tls(upstream: &str, certificate: &Issued, authority: &Authority) -> Result<Self> {
        Self::launch(upstream, Some(certificate), Some(authority))
    }

    fn launch(
        upstream: &str,
        certificate: Option<&Issued>,
        authority: Option<&Authority>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            upstream: Mutex::new(Upstream::new(upstream, authority)?),
            rules: Mutex::default(),
            watched: Mutex::default(),
            requests: Mutex::default(),
            under_way: Mutex::default(),
        });
        let handler: Handler = {
            let shared = Arc::clone(&shared);
            Arc::new(move |request| handle(Arc::clone(&shared), request).boxed())
        };
        let tls = certificate.map(Issued::server_config).transpose()?;
        Ok(Self {
            secure: tls.is_some(),
            server: HttpServer::start(tls, handler)?,
            shared,
        })
    }

    /// Where clients find it: an origin such as `http://127.0.0.1:1234`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// Its socket address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// From now on passes requests on to `upstream`.
    ///
    /// # Errors
    /// When `upstream` is no address.
    pub fn set_upstream(&self, upstream: &str, authority: Option<&Authority>) -> Result<()> {
        *lock(&self.shared.upstream) = Upstream::new(upstream, authority)?;
        Ok(())
    }

    /// Adds a rule behind those that are there.
    pub fn add(&self, rule: Rule) {
        lock(&self.shared.rules).push(rule);
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        lock(&self.shared.rules).clear();
    }

    /// From now on tells of each request whether its body holds `text`.
    pub fn watch(&self, text: &str) {
        lock(&self.shared.watched).push(text.to_owned());
    }

    /// Every request since the start or the last [`FaultProxy::forget`], oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.requests).clone()
    }

    /// How many requests of `method` there were whose path begins with `path`.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        lock(&self.shared.requests)
            .iter()
            .filter(|request| request.method == method && request.path.starts_with(path))
            .count()
    }

    /// How often `target`, an operation of AWS, was called.
    #[must_use]
    pub fn calls(&self, target: &str) -> usize {
        let requests = lock(&self.shared.requests);
        let calls = requests
            .iter()
            .filter(|request| request.target() == Some(target));
        calls.count()
    }

    /// How many requests were under way at the same time, at most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        lock(&self.shared.under_way).most
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        lock(&self.shared.requests).clear();
        let mut under_way = lock(&self.shared.under_way);
        under_way.most = under_way.now;
    }
}

impl Upstream {
    fn new(url: &str, authority: Option<&Authority>) -> Result<Self> {
        let url = url.trim_end_matches('/');
        if let Some(address) = url.strip_prefix("http://") {
            return Ok(Self {
                address: address.to_owned(),
                tls: None,
            });
        }
        let address = url
            .strip_prefix("https://")
            .with_context(|| format!("{url} is no HTTP address"))?;
        let authority =
            authority.with_context(|| format!("nothing says whom to trust for {url}"))?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(
            authority.certificate_pem().as_bytes(),
        )?)?;
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
        Ok(Self {
            address: address.to_owned(),
            tls: Some(TlsConnector::from(Arc::new(config))),
        })
    }
}

async fn handle(shared: Arc<Shared>, request: Request<Bytes>) -> Reply {
    let _counted = Counted::new(&shared);
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let mut recorded = record(&request, &path);
    recorded.watched = lock(&shared.watched)
        .iter()
        .any(|text| memchr::memmem::find(request.body(), text.as_bytes()).is_some());
    let fault = lock(&shared.rules)
        .iter_mut()
        .find_map(|rule| rule.takes(&recorded).then(|| rule.fault.clone()));
    recorded.faulted = fault.is_some();
    lock(&shared.requests).push(recorded);
    match fault {
        None => pass(&shared, request).await,
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            pass(&shared, request).await
        }
        Some(Fault::LateAnswer(time)) => {
            let reply = pass(&shared, request).await;
            tokio::time::sleep(time).await;
            reply
        }
        Some(Fault::Status {
            status,
            headers,
            body,
        }) => {
            let mut headers = headers;
            headers.push(("content-type", "application/json".to_owned()));
            answer(status, &headers, full(body))
        }
        Some(Fault::HtmlPage(status)) => answer(
            status,
            &[("content-type", "text/html".to_owned())],
            full(
                "<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Not now</h1></body></html>\n",
            ),
        ),
        Some(Fault::ShortBody(bytes)) => shorten(pass(&shared, request).await, bytes).await,
        Some(Fault::CutBody(bytes)) => cut(pass(&shared, request).await, bytes).await,
        Some(Fault::Reset) => Reply::Reset,
        Some(Fault::BlackHole) => Reply::Silence,
        Some(Fault::Redirect(origin)) => {
            answer(307, &[("location", format!("{origin}{path}"))], full(""))
        }
    }
}

fn record(request: &Request<Bytes>, path: &str) -> Recorded {
    let mut header_names: Vec<_> = request
        .headers()
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect();
    header_names.sort();
    let header_values = RECORDED_VALUES
        .iter()
        .filter_map(|name| {
            let value = request.headers().get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        })
        .collect();
    Recorded {
        at: Instant::now(),
        method: request.method().as_str().to_owned(),
        path: path.to_owned(),
        header_names,
        header_values,
        faulted: false,
        watched: false,
    }
}

/// Passes the request on; what a dead upstream means is told as a gateway does.
async fn pass(shared: &Shared, request: Request<Bytes>) -> Reply {
    match forward(shared, request).await {
        Ok(response) => Reply::Answer(response),
        Err(error) => answer(502, &[], full(format!("the upstream failed: {error:#}\n"))),
    }
}

async fn forward(shared: &Shared, request: Request<Bytes>) -> Result<Response<Body>> {
    let (address, tls) = {
        let upstream = lock(&shared.upstream);
        (upstream.address.clone(), upstream.tls.clone())
    };
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    match tls {
        None => exchange(TokioIo::new(stream), request).await,
        Some(connector) => {
            let host = address.rsplit_once(':').map_or(&*address, |(host, _)| host);
            let name = ServerName::try_from(host.to_owned())?;
            let stream = connector.connect(name, stream).await?;
            exchange(TokioIo::new(stream), request).await
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Bytes>) -> Result<Response<Body>>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    remove_connection_headers(&mut parts.headers);
    let response = sender
        .send_request(Request::from_parts(parts, Full::new(body)))
        .await?;
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    remove_connection_headers(&mut parts.headers);
    Ok(Response::from_parts(parts, full(body)))
}

/// These speak of one connection and of a body as it was sent there.
fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in ["connection", "keep-alive", "transfer-encoding", "upgrade"] {
        headers.remove(name);
    }
}

fn answer(status: u16, headers: &[(&'static str, String)], body: Body) -> Reply {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
    }
    Reply::Answer(response)
}

async fn shorten(reply: Reply, bytes: usize) -> Reply {
    let Reply::Answer(response) = reply else {
        return reply;
    };
    let (mut parts, body) = take(response).await;
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    let kept = body.slice(..bytes.min(body.len()));
    Reply::Answer(Response::from_parts(parts, full(kept)))
}

async fn cut(reply: Reply, bytes: usize) -> Reply {
    let Reply::Answer(response) = reply else {
        return reply;
    };
    let (mut parts, body) = take(response).await;
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let kept = body.slice(..bytes.min(body.len().saturating_sub(1)));
    let frames = [
        Ok(Frame::data(kept)),
        Err(std::io::Error::other("cut on purpose")),
    ];
    let body = StreamBody::new(futures::stream::iter(frames)).boxed();
    Reply::Answer(Response::from_parts(parts, body))
}

async fn take(response: Response<Body>) -> (hyper::http::response::Parts, Bytes) {
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    (parts, body)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
