//! Proofs of who runs this process: identity tokens (OpenID Connect) that the automation issues.
//!
//! Stores take them to log in without a stored credential: Vault's `jwt` method, web identities of AWS,
//! workload identity federation of Google Cloud and Azure, Infisical, Doppler. Where the automation can issue a
//! token for an audience (GitHub Actions), every store gets one of its own; a token that was issued before is
//! only given to an audience that it names.
//!
//! Read [`IdentityTokens`] first.

mod claims;
mod github;

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secret_value::{Secret, redaction};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub use claims::TokenClaims;

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::http::{HttpClient, HttpOptions};

/// Longest token, in bytes; real ones have a few thousand.
pub(crate) const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Variables that hold a token when the configuration names none.
const TOKEN_VARIABLE: &str = "SECRETREF_ID_TOKEN";
const FILE_VARIABLE: &str = "SECRETREF_ID_TOKEN_FILE";

/// Where identity tokens come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdentitySource {
    /// The first of: `SECRETREF_ID_TOKEN`, `SECRETREF_ID_TOKEN_FILE`, the token service of GitHub Actions.
    #[default]
    Automatic,
    /// The variable of this name, as GitLab's `id_tokens` and others provide.
    Variable(String),
    /// A file that is read anew for every use, as Kubernetes projects service account tokens.
    File(PathBuf),
    /// The token service of GitHub Actions, which Forgejo and Gitea have, too.
    GitHubActions,
}

/// An identity token, ready to be shown to whom it is for.
#[derive(Clone, Debug)]
pub struct IdentityToken {
    /// The token.
    pub text: Secret,
    /// When it ends; `None` when it does not say.
    pub expires: Option<Timestamp>,
}

impl IdentityToken {
    /// Time left; `None` when the token does not say.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        let left = self.expires?.duration_since(Timestamp::now());
        Some(left.try_into().unwrap_or(Duration::ZERO))
    }
}

/// The identity of this process, asked for tokens.
#[derive(Debug)]
pub struct IdentityTokens {
    environment: Environment,
    source: IdentitySource,
    http: OnceCell<HttpClient>,
}

/// Where to look, once automatic choice is made.
enum Place {
    Variable(String),
    File(PathBuf),
    GitHubActions(github::Service),
}

impl IdentityTokens {
    /// Tokens from where `environment` says.
    #[must_use]
    pub fn from_environment(environment: &Environment) -> Self {
        Self::new(environment, IdentitySource::Automatic)
    }

    /// Tokens from `source`.
    #[must_use]
    pub fn new(environment: &Environment, source: IdentitySource) -> Self {
        Self {
            environment: environment.clone(),
            source,
            http: OnceCell::new(),
        }
    }

    /// A token for `audience`; `None` takes whatever audience the automation gives.
    ///
    /// # Errors
    /// `config` when there is no identity, or the token is none or for somebody else; `permission_denied` when
    /// it expired or the automation refuses; those of the network where a service is asked.
    pub async fn token(
        &self,
        operation: Operation,
        audience: Option<&str>,
    ) -> Result<IdentityToken> {
        let (place, text) = match self.place(operation)? {
            Place::Variable(name) => {
                let text = self.environment.text(&name).ok_or_else(|| {
                    missing(
                        operation,
                        format!("the variable `{name}`, which should hold the identity token, is not set"),
                    )
                })?;
                (
                    format!("the variable `{name}`"),
                    Secret::from_text(text.trim().to_owned()),
                )
            }
            Place::File(path) => (path.display().to_string(), read(operation, &path)?),
            Place::GitHubActions(service) => {
                let http = self
                    .http
                    .get_or_try_init(|| async {
                        HttpClient::new(&self.environment, &HttpOptions::default())
                    })
                    .await?;
                (
                    "the token service of the workflow".to_owned(),
                    service.token(http, operation, audience).await?,
                )
            }
        };
        redaction::register(&text);
        accept(operation, &place, text, audience)
    }

    /// Whether there is an identity at all; asks nobody.
    ///
    /// # Errors
    /// `config` when there is none.
    pub fn check(&self, operation: Operation) -> Result<()> {
        self.place(operation).map(drop)
    }

    fn place(&self, operation: Operation) -> Result<Place> {
        let service = || github::Service::find(&self.environment);
        match &self.source {
            IdentitySource::Variable(name) => Ok(Place::Variable(name.clone())),
            IdentitySource::File(path) => Ok(Place::File(self.environment.directory().join(path))),
            IdentitySource::GitHubActions => service().map(Place::GitHubActions).ok_or_else(|| {
                missing(
                    operation,
                    "this is no GitHub Actions job with the right to issue identity tokens"
                        .to_owned(),
                )
                .with_help("give the job `permissions: id-token: write`")
            }),
            IdentitySource::Automatic => {
                if self.environment.text(TOKEN_VARIABLE).is_some() {
                    return Ok(Place::Variable(TOKEN_VARIABLE.to_owned()));
                }
                if let Some(path) = self.environment.path(FILE_VARIABLE) {
                    return Ok(Place::File(path));
                }
                service().map(Place::GitHubActions).ok_or_else(|| {
                    missing(operation, "this run has no identity token".to_owned()).with_help(
                        "let the automation issue one and name it in the `identity` block or in SECRETREF_ID_TOKEN \
                         or SECRETREF_ID_TOKEN_FILE; in GitHub Actions, give the job `permissions: id-token: write`",
                    )
                })
            }
        }
    }
}

fn missing(operation: Operation, message: String) -> StoreError {
    StoreError::new(ErrorKind::Config, operation, message)
}

/// Takes a token only when it is one, holds now, and is meant for `audience`.
fn accept(
    operation: Operation,
    place: &str,
    text: Secret,
    audience: Option<&str>,
) -> Result<IdentityToken> {
    let claims = TokenClaims::read(&text).map_err(|reason| {
        missing(
            operation,
            format!("{place} holds no identity token: {reason}"),
        )
    })?;
    if let Some(expired) = claims.expires.filter(|end| *end <= Timestamp::now()) {
        return Err(StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            format!("the identity token in {place} expired at {expired}"),
        )
        .with_help("let the automation issue a new one"));
    }
    if let Some(wanted) = audience
        && !claims.audiences.is_empty()
        && !claims.audiences.iter().any(|audience| audience == wanted)
    {
        let named = claims.audiences.join("`, `");
        return Err(missing(
            operation,
            format!("the identity token in {place} is for `{named}`, not for `{wanted}`"),
        )
        .with_help("let the automation issue one for that audience, or change the audience in the configuration"));
    }
    Ok(IdentityToken {
        text,
        expires: claims.expires,
    })
}

fn read(operation: Operation, path: &std::path::Path) -> Result<Secret> {
    let fail = |error| {
        let error = files::io_error(operation, "read the identity token", path, error);
        match error.kind() {
            // A login that fails must not look like a secret that is missing, which may be allowed.
            ErrorKind::NotFound => missing(
                operation,
                "the file that should hold the identity token is not there".to_owned(),
            )
            .with_context("file", path.display())
            .with_source(error),
            _ => error,
        }
    };
    let mut text = Zeroizing::new(String::new());
    // One byte more than allowed, so that too long a file is noticed and not cut off.
    let mut limited = std::fs::File::open(path)
        .map_err(fail)?
        .take(MAX_TOKEN_BYTES + 1);
    let length = limited.read_to_string(&mut text).map_err(fail)?;
    if length as u64 > MAX_TOKEN_BYTES {
        return Err(StoreError::new(
            ErrorKind::TooLarge,
            operation,
            format!("the identity token has more than {MAX_TOKEN_BYTES} bytes"),
        )
        .with_context("file", path.display()));
    }
    Ok(Secret::from_text(text.trim().to_owned()))
}

#[cfg(test)]
mod tests;
