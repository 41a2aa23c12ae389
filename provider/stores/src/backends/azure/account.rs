//! What the stores of a block have in common: clients, the login that works, and tokens by application. Made on
//! first use, once; building a store reads no file and asks nobody.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secret_value::{Secret, redaction};
use tokio::sync::{Mutex, OnceCell};

use super::login::{Login, Step};
use super::settings::{AzureSettings, Source};
use crate::backends::StoreContext;
use crate::blocks::Settings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{HttpClient, HttpOptions, TlsOptions};
use crate::identity::IdentityTokens;

/// Tokens that end sooner than this are replaced before they are used.
const MARGIN: Duration = Duration::from_secs(120);

/// Who this run is in Azure.
pub(super) struct Account {
    pub(super) environment: Environment,
    pub(super) settings: AzureSettings,
    pub(super) identity: Arc<IdentityTokens>,
    steps: Vec<Step>,
    http: OnceCell<HttpClient>,
    near: OnceCell<HttpClient>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// The step that gave a token before.
    works: Option<usize>,
    tokens: HashMap<Wanted, Token>,
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// The application, such as `https://vault.azure.net`.
    pub(super) resource: String,
    /// The tenant, when it is another than that of the login.
    pub(super) tenant: Option<String>,
}

impl Wanted {
    /// A token for `resource` in the tenant of the login.
    pub(super) fn new(resource: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            tenant: None,
        }
    }

    /// As Microsoft Entra calls everything that was granted to the login.
    pub(super) fn scope(&self) -> String {
        format!("{}/.default", self.resource)
    }
}

/// An access token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: Secret,
    end: Instant,
}

impl Token {
    /// A token that holds for `ttl` from now.
    pub(super) fn new(text: Secret, ttl: Duration) -> Self {
        let now = Instant::now();
        Self {
            text,
            end: now.checked_add(ttl).unwrap_or(now),
        }
    }

    /// Time left.
    pub(super) fn ttl(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// When it ends.
    pub(super) fn expires(&self) -> Timestamp {
        Timestamp::now()
            .saturating_add(self.ttl())
            .unwrap_or(Timestamp::MAX)
    }
}

/// What came of trying a login.
pub(super) enum Attempt {
    /// It works.
    Token(Token),
    /// It is not there, and why; another may be.
    Absent(String),
}

impl Account {
    /// The account of the block that `context` is about.
    ///
    /// # Errors
    /// `config` for a setting that makes no sense.
    pub(super) fn of(context: &StoreContext<'_>) -> Result<Arc<Self>> {
        context.share(|| {
            let none = Settings::new();
            let source = Source {
                environment: context.environment,
                settings: context.settings.unwrap_or(&none),
            };
            let settings = AzureSettings::read(source)?;
            Ok(Self {
                steps: super::login::steps(source, &settings)?,
                settings,
                environment: context.environment.clone(),
                identity: Arc::clone(context.identity),
                http: OnceCell::new(),
                near: OnceCell::new(),
                held: Mutex::default(),
            })
        })
    }

    /// The client for everything far away.
    pub(super) async fn http(&self) -> Result<&HttpClient> {
        // Certificates are read when they are needed first.
        let make = || async { self.client(false) };
        self.http.get_or_try_init(make).await
    }

    /// The client for services beside this process, which no proxy can reach.
    pub(super) async fn near(&self) -> Result<&HttpClient> {
        let make = || async { self.client(true) };
        self.near.get_or_try_init(make).await
    }

    fn client(&self, direct: bool) -> Result<HttpClient> {
        HttpClient::new(
            &self.environment,
            &HttpOptions {
                tls: TlsOptions {
                    ca_files: self.settings.ca_file.iter().cloned().collect(),
                    ..TlsOptions::default()
                },
                direct,
                ..HttpOptions::default()
            },
        )
    }

    /// A token, kept until shortly before its end. Calls that need one at the same time wait for one login.
    ///
    /// # Errors
    /// `config` when there is no login, with all that were looked for; `permission_denied` when one is refused.
    pub(super) async fn token(&self, operation: Operation, wanted: &Wanted) -> Result<Token> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.tokens.get(wanted)
            && token.ttl() > MARGIN
        {
            return Ok(token.clone());
        }
        let (works, token) = self.log_in(operation, wanted, held.works).await?;
        redaction::register(&token.text);
        held.works = Some(works);
        held.tokens.insert(wanted.clone(), token.clone());
        Ok(token)
    }

    /// Forgets a token that was refused, unless another has taken its place.
    pub(super) async fn forget(&self, refused: &Token) {
        let mut held = self.held.lock().await;
        held.tokens.retain(|_, token| token.text != refused.text);
    }

    /// Makes sure that there is a login to try; asks nobody.
    ///
    /// # Errors
    /// `config`, with all that were looked for.
    pub(super) fn check(&self, operation: Operation) -> Result<()> {
        if self.steps.iter().any(|step| step.login.is_ok()) {
            return Ok(());
        }
        let reasons = self.steps.iter().filter_map(|step| {
            let reason = step.login.as_ref().err()?;
            Some((step.name, reason.clone()))
        });
        Err(nothing(operation, reasons.collect()))
    }

    async fn log_in(
        &self,
        operation: Operation,
        wanted: &Wanted,
        works: Option<usize>,
    ) -> Result<(usize, Token)> {
        let mut tried = Vec::new();
        for (place, step) in self.steps.iter().enumerate() {
            if works.is_some_and(|works| works != place) {
                continue;
            }
            let absent = match &step.login {
                Err(reason) => reason.clone(),
                Ok(login) => match self.attempt(operation, login, wanted).await {
                    Ok(Attempt::Token(token)) => {
                        tracing::debug!("logged in to Azure by {}", step.name);
                        return Ok((place, token));
                    }
                    Ok(Attempt::Absent(reason)) => reason,
                    Err(error) => {
                        return Err(error.during(operation).with_context("login", step.name));
                    }
                },
            };
            tried.push((step.name, absent));
        }
        Err(nothing(operation, tried))
    }

    async fn attempt(
        &self,
        operation: Operation,
        login: &Login,
        wanted: &Wanted,
    ) -> Result<Attempt> {
        login.token(self, operation, wanted).await
    }
}

/// The error when no login is there, with what was looked for in its order.
fn nothing(operation: Operation, tried: Vec<(&'static str, String)>) -> StoreError {
    let tried: Vec<_> = tried
        .into_iter()
        .map(|(name, reason)| format!("{name}: {reason}"))
        .collect();
    StoreError::new(
        ErrorKind::Config,
        operation,
        format!("there is no login for Azure; tried {}", tried.join("; ")),
    )
    .with_help(
        "in CI, set `tenant_id`, `client_id` and `use_oidc = true` in the `azure` block, or the variables ARM_TENANT_ID, \
         ARM_CLIENT_ID and ARM_USE_OIDC",
    )
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}
