//! Requests to one server or cluster: headers, limits, redirects, and trying again inside a time budget.
//!
//! - A credential goes to the configured address and to hosts that the block lists, nowhere else.
//! - The index of the last answer is sent along, so that a standby never answers from before it.
//! - Knows nothing of what is asked for: see [`super::run`] for who asks.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use secret_value::Secret;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::refusal;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::{self, HttpClient, Response};

/// Requests under way at the same time.
const CONCURRENCY: usize = 16;
/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 2;
/// First wait before trying again, where the server names none.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest time between two attempts, unless the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long a cluster may take to choose a leader: with usual settings up to about 15 s.
const ELECTION: Duration = Duration::from_secs(20);

/// What an error says about a request that a standby sent on.
const SENT_ON_BY: &str = "sent on by";

const INDEX: &str = "x-vault-index";

/// A server or cluster.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) http: HttpClient,
    pub(super) base: Url,
    pub(super) namespace: Option<String>,
    /// Further hosts, `host:port`, that a standby may send requests to.
    pub(super) redirect_hosts: Vec<String>,
    /// Attempts after the first.
    pub(super) retries: u32,
    /// Longest time for all attempts of one request.
    pub(super) budget: Duration,
    places: Semaphore,
    index: Mutex<Option<HeaderValue>>,
}

/// One request.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Without the leading `v1`; segments are escaped when sent.
    pub(super) path: Vec<&'a str>,
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) body: Option<&'a Zeroizing<Vec<u8>>>,
    pub(super) headers: HeaderMap,
}

impl<'a> Call<'a> {
    /// A request for `path`, which is split at `/`.
    pub(super) fn new(operation: Operation, method: Method, path: &'a str) -> Self {
        Self {
            operation,
            method,
            path: path.split('/').collect(),
            query: Vec::new(),
            body: None,
            headers: HeaderMap::new(),
        }
    }

    pub(super) fn get(operation: Operation, path: &'a str) -> Self {
        Self::new(operation, Method::GET, path)
    }

    pub(super) fn post(operation: Operation, path: &'a str) -> Self {
        Self::new(operation, Method::POST, path)
    }

    pub(super) fn body(mut self, body: &'a Zeroizing<Vec<u8>>) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn query(mut self, name: &'a str, value: &impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub(super) fn token(self, token: &Secret) -> Result<Self> {
        let value = secret_header(self.operation, token)?;
        Ok(self.header("x-vault-token", value))
    }

    /// Whether the request may have done something although no answer came.
    fn leaves_traces(&self) -> bool {
        self.method != Method::GET
            && !self.path.starts_with(&["auth", "token", "renew-self"])
            && !self.ends_something()
    }

    /// Whether it only ends what may have ended already: asking twice does no harm, and not asking again leaves
    /// something behind.
    fn ends_something(&self) -> bool {
        self.path.starts_with(&["auth", "token", "revoke-self"])
            || self.path.starts_with(&["sys", "leases", "revoke"])
    }
}

/// A header that is left out of every rendering.
pub(super) fn secret_header(operation: Operation, secret: &Secret) -> Result<HeaderValue> {
    #[expect(
        clippy::disallowed_methods,
        reason = "credential header of a request to the store"
    )]
    let value = HeaderValue::from_bytes(secret.expose());
    let mut value = value.map_err(|_| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            "the token holds a character that no token has, such as a line break",
        )
        .with_help("look at where the token comes from; a file may hold the token and one line break at its end")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl Client {
    pub(super) fn new(http: HttpClient, base: Url) -> Self {
        Self {
            http,
            base,
            namespace: None,
            redirect_hosts: Vec::new(),
            retries: 2,
            budget: Duration::from_secs(28),
            places: Semaphore::new(CONCURRENCY),
            index: Mutex::default(),
        }
    }

    /// The address as people write it.
    pub(super) fn address(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Sends a request until there is an answer that waiting does not change, or the budget is used up.
    ///
    /// # Errors
    /// Those of the network; an answer that says no is an answer.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response> {
        let _place = self.places.acquire().await.map_err(|_| {
            StoreError::new(
                ErrorKind::Unavailable,
                call.operation,
                "the store was closed",
            )
        })?;
        let started = Instant::now();
        let end = started + self.budget;
        let mut wait = FIRST_WAIT;
        for attempt in 0.. {
            let left = end.saturating_duration_since(Instant::now());
            let outcome = tokio::time::timeout(left, self.follow(call)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(self.late(call.operation)));
            let hint = match &outcome {
                Ok(answer) => again(call, answer),
                Err(error) if call.leaves_traces() && !is_unreached(error) => Retry::Never,
                Err(error) => error.retry(),
            };
            let pause = match hint {
                Retry::Never => return settled(outcome),
                Retry::After(asked) => asked,
                Retry::Later => wait,
            };
            // A cluster that chooses a leader needs longer than a few attempts, and nobody else ends what this
            // run has opened.
            let patient = match &outcome {
                _ if self.retries > 0 && is_leaderless(&outcome) => started.elapsed() < ELECTION,
                Ok(answer) => call.ends_something() && answer.status.is_server_error(),
                Err(_) => false,
            };
            if (attempt >= self.retries && !patient) || Instant::now() + pause >= end {
                return settled(outcome);
            }
            tracing::debug!(attempt = attempt + 2, "trying the request again");
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Err(self.late(call.operation))
    }

    fn late(&self, operation: Operation) -> StoreError {
        StoreError::new(
            ErrorKind::Timeout,
            operation,
            format!(
                "the server gave no answer within {} s",
                self.budget.as_secs()
            ),
        )
        .with_context("server", self.address())
        .with_help("check that the server is well and can be reached from here")
    }

    /// One attempt, following redirects to hosts that are allowed.
    async fn follow(&self, call: &Call<'_>) -> Result<Response> {
        let mut url = http::join(
            &self.base,
            std::iter::once("v1").chain(call.path.iter().copied()),
        );
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        for redirects in 0..=MAX_REDIRECTS {
            let answer = self.http.send(call.operation, self.request(call, url));
            let answer = answer.await.map_err(|error| match redirects {
                0 => error,
                _ => error.with_context(SENT_ON_BY, self.address()),
            })?;
            self.remember(&answer);
            match answer.redirect() {
                None => return Ok(answer),
                Some(target) => {
                    self.check_redirect(call.operation, &target)?;
                    url = target;
                }
            }
        }
        Err(StoreError::new(
            ErrorKind::Unavailable,
            call.operation,
            "the servers send the request in a circle",
        )
        .with_context("server", self.address())
        .with_retry(Retry::Later))
    }

    fn request(&self, call: &Call<'_>, url: Url) -> reqwest::RequestBuilder {
        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header("x-vault-request", "true")
            .headers(call.headers.clone());
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        if let Some(index) = &*self.index.lock().unwrap_or_else(PoisonError::into_inner) {
            request = request.header(INDEX, index);
        }
        if let Some(body) = call.body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_vec());
        }
        request
    }

    fn remember(&self, answer: &Response) {
        if let Some(index) = answer.headers.get(INDEX) {
            *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(index.clone());
        }
    }

    fn check_redirect(&self, operation: Operation, target: &Url) -> Result<()> {
        let same = target.host_str() == self.base.host_str()
            && target.port_or_known_default() == self.base.port_or_known_default();
        let place = place(target);
        let listed = self.redirect_hosts.contains(&place);
        let plainer = self.base.scheme() == "https" && target.scheme() != "https";
        if (same || listed) && !plainer {
            return Ok(());
        }
        let why = if plainer {
            "the server sends requests on without encryption, so nothing was sent there"
        } else {
            "the server sends requests on to another host, which must not see the token"
        };
        Err(StoreError::new(ErrorKind::Config, operation, why)
            .with_context("server", self.address())
            .with_context("target", &place)
            .with_help(format!(
                "if `{place}` belongs to the cluster, add it to `redirect_hosts` of the store block; or let standby \
                 servers forward requests"
            )))
    }
}

/// The host and port of an address.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Whether an answer may be another one soon.
fn again(call: &Call<'_>, answer: &Response) -> Retry {
    if answer.status.is_success() || refusal::is_final(answer) {
        return Retry::Never;
    }
    match answer.status.as_u16() {
        // Refused before anything was done.
        412 | 425 | 429 | 503 => answer.retry(),
        // A seal that is being moved, a leader that is being chosen, or a broken backend.
        500 | 502 | 504 if !call.leaves_traces() || refusal::is_leaderless(answer) => {
            answer.retry()
        }
        _ => Retry::Never,
    }
}

/// Whether the request never left.
fn is_unreached(error: &StoreError) -> bool {
    error.kind() == ErrorKind::Unavailable && error.message() == "the server cannot be reached"
}

/// Whether a cluster is choosing a leader: it says so, a standby still points at the one that is gone, or what
/// stands in front finds no server that leads.
fn is_leaderless(outcome: &Result<Response>) -> bool {
    match outcome {
        Ok(answer) => {
            refusal::is_leaderless(answer)
                || (answer.status == StatusCode::SERVICE_UNAVAILABLE && !refusal::is_final(answer))
        }
        Err(error) => is_unreached(error) && error.context(SENT_ON_BY).is_some(),
    }
}

/// The attempts are over: nobody outside tries again.
fn settled(outcome: Result<Response>) -> Result<Response> {
    outcome.map_err(|error| error.with_retry(Retry::Never))
}
