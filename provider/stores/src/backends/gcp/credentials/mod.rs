//! Who we are, and the tokens that Google gives for it.
//!
//! Credentials are a base (a key, a user, this machine, a federated identity, or a token that somebody else made)
//! and hops over service accounts that are impersonated one after the other.
//!
//! | file | what |
//! |---|---|
//! | `find` | where credentials are looked for, in which order |
//! | `file` | the kinds of credentials that are JSON |
//! | `key` | keys of service accounts: signed assertions |
//! | `user` | logins of people |
//! | `machine` | the service account of the machine, from its metadata server |
//! | `external`, `subject`, `executable` | workload identity federation, and the sources of its proofs |
//! | `hop` | impersonation |
//! | `grant` | what the token services answer |

mod executable;
mod external;
mod file;
mod find;
mod grant;
mod hop;
mod key;
pub(super) mod machine;
mod subject;
mod user;

use std::time::Duration;

use jiff::Timestamp;
use secret_value::{Secret, redaction};

use super::account::{Account, CLOUD_PLATFORM};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::identity::TokenClaims;
pub(super) use hop::Hop;

/// A token of Google.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: Secret,
    /// `None` when nobody says.
    pub(super) expires: Option<Timestamp>,
}

/// Who we are.
#[derive(Debug)]
pub(super) struct Credentials {
    base: Base,
    hops: Vec<Hop>,
    /// The project that the credentials belong to.
    pub(super) project: Option<String>,
    /// The project that calls with them are counted against.
    pub(super) quota_project: Option<String>,
    /// The domain of the cloud that they are for.
    pub(super) universe: Option<String>,
}

#[derive(Debug)]
enum Base {
    /// A token that somebody else made.
    Token(Secret),
    Key(key::Key),
    User(user::User),
    Machine,
    External(Box<external::External>),
}

impl Token {
    /// A token that holds for `seconds`.
    fn lasting(text: Secret, seconds: u64) -> Self {
        redaction::register(&text);
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let end = Timestamp::now().as_second().saturating_add(seconds);
        Self {
            text,
            expires: Timestamp::from_second(end).ok(),
        }
    }

    /// An identity token; its end is in it.
    fn identity(text: Secret) -> Self {
        redaction::register(&text);
        let claims = TokenClaims::read(&text);
        Self {
            expires: claims.ok().and_then(|claims| claims.expires),
            text,
        }
    }

    /// Whether it holds for longer than `period` from now.
    pub(super) fn outlives(&self, period: Duration) -> bool {
        self.expires
            .is_none_or(|end| end > Timestamp::now() + period)
    }
}

impl Credentials {
    fn of(base: Base) -> Self {
        Self {
            base,
            hops: Vec::new(),
            project: None,
            quota_project: None,
            universe: None,
        }
    }

    /// Whether the machine that this runs on is the base.
    pub(super) fn is_machine(&self) -> bool {
        matches!(self.base, Base::Machine)
    }

    /// Whether another token can be had when one is not accepted any more.
    pub(super) fn can_repeat(&self) -> bool {
        !matches!(self.base, Base::Token(_)) || !self.hops.is_empty()
    }

    /// A new access token with `scopes`.
    ///
    /// # Errors
    /// `permission_denied` when Google does not accept the credentials, `config` for what they cannot do; those
    /// of the network.
    pub(super) async fn access_token(
        &self,
        account: &Account,
        operation: Operation,
        scopes: &[String],
    ) -> Result<Token> {
        let wide = [CLOUD_PLATFORM.to_owned()];
        let Some((last, before)) = self.hops.split_last() else {
            return self.base.access_token(account, operation, scopes).await;
        };
        let mut token = self.base.access_token(account, operation, &wide).await?;
        for hop in before {
            token = hop.access_token(account, operation, &token, &wide).await?;
        }
        last.access_token(account, operation, &token, scopes).await
    }

    /// A new identity token for `audience`.
    ///
    /// # Errors
    /// As [`Credentials::access_token`].
    pub(super) async fn id_token(
        &self,
        account: &Account,
        operation: Operation,
        audience: &str,
        include_email: bool,
    ) -> Result<Token> {
        let wide = [CLOUD_PLATFORM.to_owned()];
        let Some((last, before)) = self.hops.split_last() else {
            return match &self.base {
                Base::Key(key) => key.id_token(account, operation, audience).await,
                Base::Machine => {
                    machine::id_token(account, operation, audience, include_email).await
                }
                Base::Token(_) | Base::User(_) | Base::External(_) => Err(no_identity(operation)),
            };
        };
        let mut token = self.base.access_token(account, operation, &wide).await?;
        for hop in before {
            token = hop.access_token(account, operation, &token, &wide).await?;
        }
        last.id_token(account, operation, &token, audience, include_email)
            .await
    }
}

impl Base {
    async fn access_token(
        &self,
        account: &Account,
        operation: Operation,
        scopes: &[String],
    ) -> Result<Token> {
        match self {
            Self::Token(text) if scopes == [CLOUD_PLATFORM] => Ok(Token {
                text: text.clone(),
                expires: None,
            }),
            Self::Token(_) => Err(StoreError::new(
                ErrorKind::Config,
                operation,
                "the access token was made by somebody else, so its scopes cannot be chosen",
            )
            .with_help("name a service account instead of `default`, or log in another way")),
            Self::Key(key) => key.access_token(account, operation, scopes).await,
            Self::User(user) => user.access_token(account, operation, scopes).await,
            Self::Machine => machine::access_token(account, operation, scopes).await,
            Self::External(external) => external.access_token(account, operation, scopes).await,
        }
    }
}

fn no_identity(operation: Operation) -> StoreError {
    StoreError::new(
        ErrorKind::Config,
        operation,
        "these credentials are of no service account, and only those have identity tokens",
    )
    .with_help("name a service account in the reference instead of `default`; it is impersonated")
}
