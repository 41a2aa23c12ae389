//! What all Google Cloud stores of a block have in common: client, credentials, tokens and project. Made on first
//! use, once; building a store reads no file and asks nobody.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use super::credentials::{Credentials, Token, machine};
use super::endpoint::{self, UNIVERSE};
use super::settings::{GcpSettings, wrong};
use crate::backends::StoreContext;
use crate::environment::Environment;
use crate::error::{Operation, Result};
use crate::http::{HttpClient, HttpOptions, Response, TlsOptions};
use crate::identity::IdentityTokens;

/// The scope of calls: what is allowed is decided by roles, not by scopes.
pub(super) const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// A token that ends sooner than this is made anew before it is used; machines do so a little earlier.
const MARGIN: Duration = Duration::from_secs(225);
/// A difference of clocks that is not worth correcting.
const TOLERATED_SKEW_SECONDS: i64 = 60;

/// The login that a block gives, and everything that is made with it.
pub(super) struct Account {
    pub(super) environment: Environment,
    pub(super) settings: GcpSettings,
    identity: Arc<IdentityTokens>,
    http: OnceCell<HttpClient>,
    direct: OnceCell<HttpClient>,
    credentials: OnceCell<Credentials>,
    project: OnceCell<String>,
    token: Mutex<Option<Token>>,
    /// Seconds that Google is ahead of the clock of this machine.
    skew: AtomicI64,
}

impl Account {
    /// The account of the block that `context` is about.
    ///
    /// # Errors
    /// `config` for a setting that makes no sense.
    pub(super) fn of(context: &StoreContext<'_>) -> Result<Arc<Self>> {
        context.share(|| {
            Ok(Self {
                environment: context.environment.clone(),
                settings: GcpSettings::read(context.environment, context.settings)?,
                identity: Arc::clone(context.identity),
                http: OnceCell::new(),
                direct: OnceCell::new(),
                credentials: OnceCell::new(),
                project: OnceCell::new(),
                token: Mutex::default(),
                skew: AtomicI64::default(),
            })
        })
    }

    /// Proofs of who runs this process.
    pub(super) fn identity(&self) -> &Arc<IdentityTokens> {
        &self.identity
    }

    /// The client for everything on the network.
    pub(super) async fn http(&self) -> Result<&HttpClient> {
        let options = || HttpOptions {
            tls: TlsOptions {
                ca_files: self.settings.ca_file.iter().cloned().collect(),
                ..TlsOptions::default()
            },
            ..HttpOptions::default()
        };
        let make = || async { HttpClient::new(&self.environment, &options()) };
        self.http.get_or_try_init(make).await
    }

    /// The client for the machine's own server, which no proxy may stand before.
    pub(super) async fn direct(&self) -> Result<&HttpClient> {
        let options = HttpOptions {
            direct: true,
            ..HttpOptions::default()
        };
        let make = || async { HttpClient::new(&self.environment, &options) };
        self.direct.get_or_try_init(make).await
    }

    /// Who we are, found on first use.
    ///
    /// # Errors
    /// `config` when nobody says who we are, or for a file that is none.
    pub(super) async fn credentials(&self, operation: Operation) -> Result<&Credentials> {
        self.credentials
            .get_or_try_init(|| Credentials::find(self, operation))
            .await
            .map_err(|error| error.during(operation))
    }

    /// The domain of the cloud.
    ///
    /// # Errors
    /// Those of [`Account::credentials`]; `config` when the credentials are for another cloud.
    pub(super) async fn universe(&self, operation: Operation) -> Result<&str> {
        let theirs = self.credentials(operation).await?.universe.as_deref();
        let ours = self.settings.universe_domain.as_deref();
        match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours != theirs => Err(wrong(format!(
                "the credentials are for the universe `{theirs}`, and `{ours}` is configured"
            ))
            .during(operation)
            .with_help("use credentials of that universe, or change `universe_domain`")),
            _ => Ok(ours.or(theirs).unwrap_or(UNIVERSE)),
        }
    }

    /// The address of `service`.
    ///
    /// # Errors
    /// Those of [`Account::universe`].
    pub(super) async fn address(
        &self,
        operation: Operation,
        service: &str,
        location: Option<&str>,
    ) -> Result<Url> {
        let universe = self.universe(operation).await?;
        endpoint::address(&self.settings, service, universe, location)
            .map_err(|error| error.during(operation))
    }

    /// The project of references that name none.
    ///
    /// # Errors
    /// `config` when nobody names one.
    pub(super) async fn project(&self, operation: Operation) -> Result<&str> {
        let find = || async {
            if let Some(project) = &self.settings.project {
                return Ok(project.clone());
            }
            let credentials = self.credentials(operation).await?;
            if let Some(project) = &credentials.project {
                return Ok(project.clone());
            }
            let machine = match credentials.is_machine() {
                true => machine::project(self, operation).await?,
                false => None,
            };
            machine.ok_or_else(|| {
                wrong("the reference names no project, and no project is configured")
                    .during(operation)
                    .with_help(
                        "write `gcp-sm://project/secret`, set `project` in the `gcp` block, or GOOGLE_CLOUD_PROJECT",
                    )
            })
        };
        let found = self.project.get_or_try_init(find).await?;
        Ok(found)
    }

    /// The project that calls are counted against, where there is one.
    pub(super) async fn quota_project(&self, operation: Operation) -> Result<Option<&str>> {
        if let Some(project) = &self.settings.quota_project {
            return Ok(Some(project));
        }
        let credentials = self.credentials(operation).await?;
        Ok(credentials.quota_project.as_deref())
    }

    /// A token for calls. Calls that need one at the same time wait for one login.
    ///
    /// # Errors
    /// `permission_denied` when Google does not accept the credentials; those of [`Account::credentials`].
    pub(super) async fn token(&self, operation: Operation) -> Result<Token> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.outlives(MARGIN)) {
            return Ok(token.clone());
        }
        let credentials = self.credentials(operation).await?;
        let token = credentials
            .access_token(self, operation, &[CLOUD_PLATFORM.to_owned()])
            .await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that a service does not accept. False when no other can be had.
    pub(super) async fn forget(&self, operation: Operation, token: &Token) -> bool {
        let renewable = self.credentials(operation).await;
        if !renewable.is_ok_and(Credentials::can_repeat) {
            return false;
        }
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|held| held.text == token.text) {
            *held = None;
        }
        true
    }

    /// The time by Google's clock, as far as it is known: seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        Timestamp::now().as_second() + self.skew.load(Ordering::Relaxed)
    }

    /// Learns Google's clock from an answer. False when the clocks agree.
    pub(super) fn adopt_clock(&self, answer: &Response) -> bool {
        let date = answer
            .header("date")
            .and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let Some(theirs) = date else {
            return false;
        };
        let skew = theirs.timestamp().as_second() - Timestamp::now().as_second();
        if (skew - self.skew.load(Ordering::Relaxed)).abs() <= TOLERATED_SKEW_SECONDS {
            return false;
        }
        tracing::warn!(
            seconds = skew,
            "the clock of this machine differs from that of Google"
        );
        self.skew.store(skew, Ordering::Relaxed);
        true
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}
