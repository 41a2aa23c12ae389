//! Calls to key vaults. Before the first one, a vault is asked without a token what tokens it takes; only where it
//! names the application of key vaults does it get one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Method, Url};
use tokio::sync::OnceCell;

use super::account::{Account, Token, Wanted};
use super::challenge::Challenge;
use super::refusal;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{JsonBody, Response, bearer, join};

/// The newest interface that is generally available.
const VERSION: (&str, &str) = ("api-version", "2026-04-01");

/// The vaults that an account may open.
#[derive(Debug)]
pub(super) struct Vaults {
    pub(super) account: Arc<Account>,
    known: Mutex<HashMap<String, Arc<OnceCell<Wanted>>>>,
}

/// One call.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// The name of the vault.
    pub(super) vault: &'a str,
    /// Segments of the path; each is escaped.
    pub(super) path: &'a [&'a str],
    pub(super) body: Option<&'a JsonBody>,
}

impl<'a> Call<'a> {
    /// A call without a body.
    pub(super) fn new(
        operation: Operation,
        method: Method,
        vault: &'a str,
        path: &'a [&'a str],
    ) -> Self {
        Self {
            operation,
            method,
            vault,
            path,
            body: None,
        }
    }
}

impl Vaults {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self {
            account,
            known: Mutex::default(),
        }
    }

    /// Sends `call`, whatever the answer.
    ///
    /// # Errors
    /// When there is no login, the vault asks for a token of another application, or no answer comes.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Response> {
        let base = self.base(call)?;
        let mut url = join(&base, call.path.iter().copied());
        url.query_pairs_mut().append_pair(VERSION.0, VERSION.1);
        self.send_to(call, url).await
    }

    /// Gets the page at `next`, which an answer to `call` named.
    ///
    /// # Errors
    /// `integrity` when it is at another host; else as [`Vaults::send`].
    pub(super) async fn follow(&self, call: &Call<'_>, next: &str) -> Result<Response> {
        let base = self.base(call)?;
        match Url::parse(next) {
            Ok(url) if url.origin() == base.origin() => self.send_to(call, url).await,
            _ => Err(StoreError::new(
                ErrorKind::Integrity,
                call.operation,
                "the vault names another host for the next page, so no token is sent there",
            )
            .with_context("vault", call.vault)),
        }
    }

    fn base(&self, call: &Call<'_>) -> Result<Url> {
        let base = self.account.settings.vault(call.vault);
        base.map_err(|error| error.during(call.operation))
    }

    async fn send_to(&self, call: &Call<'_>, url: Url) -> Result<Response> {
        let cell = self.cell(call.vault);
        let ask = || async { self.ask(call, &url).await };
        let wanted = cell.get_or_try_init(ask).await?.clone();
        let token = self.account.token(call.operation, &wanted).await?;
        let answer = self.send_as(call, url.clone(), &token).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // The token was revoked or ended early, or the vault moved to another tenant: once more.
        self.account.forget(&token).await;
        let wanted = self.believed(call, &answer).await?;
        let token = self.account.token(call.operation, &wanted).await?;
        self.send_as(call, url, &token).await
    }

    fn cell(&self, vault: &str) -> Arc<OnceCell<Wanted>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(vault.to_ascii_lowercase()).or_default())
    }

    /// Asks the vault which tokens it takes, showing none.
    async fn ask(&self, call: &Call<'_>, url: &Url) -> Result<Wanted> {
        let http = self.account.http().await?;
        let answer = http
            .send(call.operation, http.request(Method::GET, url.clone()))
            .await?;
        if answer.status != 401 {
            if answer.status.is_success() {
                return Err(foreign(call, &answer, "it asks for no login"));
            }
            return Err(refusal::refusal(&answer, "the vault"));
        }
        self.believed(call, &answer).await
    }

    /// What the vault asks for, when it may get it.
    async fn believed(&self, call: &Call<'_>, answer: &Response) -> Result<Wanted> {
        let challenge = answer.header("www-authenticate").and_then(Challenge::read);
        let suffix = &self.account.settings.vault_suffix;
        let Some(challenge) = challenge.filter(|challenge| challenge.is_for(suffix)) else {
            let why = format!("it does not ask for a token of `https://{suffix}`");
            return Err(foreign(call, answer, &why));
        };
        let own = self.account.settings.tenant_id.as_deref();
        let listed = &self.account.settings.auxiliary_tenants;
        let tenant = challenge.tenant.filter(|tenant| {
            let is = |other: &str| tenant.eq_ignore_ascii_case(other);
            !own.is_some_and(is) && listed.iter().any(|other| is(other))
        });
        Ok(Wanted {
            tenant,
            ..Wanted::new(format!("https://{suffix}"))
        })
    }

    async fn send_as(&self, call: &Call<'_>, url: Url, token: &Token) -> Result<Response> {
        let http = self.account.http().await?;
        let request = http.request(call.method.clone(), url);
        let request = match call.body {
            Some(body) => body.add_to(request),
            None => request,
        };
        http.send(
            call.operation,
            bearer(request, call.operation, &token.text)?,
        )
        .await
    }
}

/// The error for who is no vault of this cloud.
fn foreign(call: &Call<'_>, answer: &Response, why: &str) -> StoreError {
    answer
        .error(
            ErrorKind::Config,
            format!("the server is no key vault of this cloud, so no token is sent there: {why}"),
        )
        .with_context("vault", call.vault)
        .with_help("check `vault_urls`, `vault_dns_suffix` and `cloud` in the `azure` block")
}
