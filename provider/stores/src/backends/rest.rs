//! What the stores behind a plain HTTP interface have in common: address, client, and a login that is made once
//! and renewed when the server no longer takes it.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder};
use secret_value::{Secret, redaction};
use tokio::sync::{Mutex, OnceCell};

use super::StoreContext;
use crate::environment::Environment;
use crate::error::{Operation, Result};
use crate::http::{
    HttpClient, HttpOptions, JsonBody, Response, TlsOptions, base_url, bearer, join,
};

/// A login is made anew this long before its end.
const MARGIN: Duration = Duration::from_secs(30);

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    environment: Environment,
    options: HttpOptions,
    base: reqwest::Url,
    http: OnceCell<HttpClient>,
}

/// One request.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Segments of the path; each is escaped.
    pub(super) path: Vec<&'a str>,
    pub(super) query: Vec<(&'a str, &'a str)>,
    pub(super) body: Option<JsonBody>,
}

impl<'a> Call<'a> {
    pub(super) fn new(operation: Operation, method: Method, path: &[&'a str]) -> Self {
        Self {
            operation,
            method,
            path: path.to_vec(),
            query: Vec::new(),
            body: None,
        }
    }

    pub(super) fn query(mut self, query: &[(&'a str, &'a str)]) -> Self {
        self.query.extend_from_slice(query);
        self
    }

    pub(super) fn body(mut self, body: JsonBody) -> Self {
        self.body = Some(body);
        self
    }
}

impl Server {
    /// The server at `address`; the setting `ca_file` of the block holds for it.
    ///
    /// # Errors
    /// `config` for what is no address.
    fn new(context: &StoreContext<'_>, address: &str) -> Result<Self> {
        let ca_files: Vec<PathBuf> = context
            .setting("ca_file")
            .map(|file| context.environment.directory().join(file))
            .into_iter()
            .collect();
        Ok(Self {
            environment: context.environment.clone(),
            options: HttpOptions {
                tls: TlsOptions {
                    ca_files,
                    ..TlsOptions::default()
                },
                ..HttpOptions::default()
            },
            base: base_url("address", address)?,
            http: OnceCell::new(),
        })
    }

    /// Sends `call` without a login.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response> {
        let http = self.http().await?;
        http.send(call.operation, self.request(http, call)).await
    }

    async fn send_as(&self, call: &Call<'_>, token: &Secret) -> Result<Response> {
        let http = self.http().await?;
        let request = bearer(self.request(http, call), call.operation, token)?;
        http.send(call.operation, request).await
    }

    fn request(&self, http: &HttpClient, call: &Call<'_>) -> RequestBuilder {
        let url = join(&self.base, call.path.iter().copied());
        let request = http.request(call.method.clone(), url);
        let request = if call.query.is_empty() {
            request
        } else {
            request.query(&call.query)
        };
        match &call.body {
            Some(body) => body.add_to(request),
            None => request,
        }
    }

    async fn http(&self) -> Result<&HttpClient> {
        // Certificates are read when they are needed first.
        let make = || async { HttpClient::new(&self.environment, &self.options) };
        self.http.get_or_try_init(make).await
    }
}

/// A token with its end.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: Secret,
    /// `None` when it does not end by itself, or nobody says when.
    pub(super) ttl: Option<Duration>,
}

/// How a client comes to its token.
#[async_trait]
pub(super) trait LogIn: fmt::Debug + Send + Sync {
    /// Makes a token.
    async fn log_in(&self, operation: Operation, server: &Server) -> Result<Token>;

    /// Whether another token can be had when the server does not take the first any more.
    fn can_repeat(&self) -> bool;
}

/// A client that is logged in when first needed.
#[derive(Debug)]
pub(super) struct Client<L> {
    server: Server,
    login: L,
    held: Mutex<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    token: Secret,
    end: Option<Instant>,
}

impl<L: LogIn> Client<L> {
    pub(super) fn new(context: &StoreContext<'_>, address: &str, login: L) -> Result<Self> {
        Ok(Self {
            server: Server::new(context, address)?,
            login,
            held: Mutex::default(),
        })
    }

    /// Sends `call` with the login; once more with a new login when the old one has ended.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Response> {
        let token = self.token(call.operation).await?;
        let answer = self.server.send_as(call, &token).await?;
        if answer.status.as_u16() != 401 || !self.login.can_repeat() {
            return Ok(answer);
        }
        self.forget(&token).await;
        let token = self.token(call.operation).await?;
        self.server.send_as(call, &token).await
    }

    /// The token. Calls that need one at the same time wait for one login.
    async fn token(&self, operation: Operation) -> Result<Secret> {
        let mut held = self.held.lock().await;
        if let Some(Held { token, end }) = &*held
            && end.is_none_or(|end| end > Instant::now() + MARGIN)
        {
            return Ok(token.clone());
        }
        let Token { text, ttl } = self.login.log_in(operation, &self.server).await?;
        redaction::register(&text);
        *held = Some(Held {
            token: text.clone(),
            end: ttl.and_then(|ttl| Instant::now().checked_add(ttl)),
        });
        Ok(text)
    }

    /// Forgets `token`, unless another has taken its place.
    async fn forget(&self, token: &Secret) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| held.token == *token) {
            *held = None;
        }
    }
}
