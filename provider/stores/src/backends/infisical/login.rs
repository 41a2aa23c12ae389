//! Logins of machine identities.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secret_value::Secret;
use serde::Deserialize;

use super::super::StoreContext;
use super::super::rest::{Call, LogIn, Server, Token};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::http::{SecretText, nested_members};
use crate::identity::IdentityTokens;

const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// How to log in.
#[derive(Debug)]
pub(super) enum Login {
    Token(Secret),
    Universal {
        id: String,
        secret: Secret,
    },
    Oidc {
        identity: String,
        audience: Option<String>,
        tokens: Arc<IdentityTokens>,
    },
    Kubernetes {
        identity: String,
        file: PathBuf,
    },
    /// What is missing.
    Nothing(String),
}

#[derive(Deserialize)]
struct LoggedIn {
    #[serde(rename = "accessToken")]
    token: SecretText,
    #[serde(rename = "expiresIn")]
    seconds: u64,
}

impl Login {
    /// The login that block and environment say.
    ///
    /// # Errors
    /// `config` for a method that does not exist.
    pub(super) fn of(context: &StoreContext<'_>) -> Result<Self> {
        let environment = context.environment;
        let text = |setting: &str, variable: &str| {
            let set = context.setting(setting).map(str::to_owned);
            set.or_else(|| environment.text(variable))
        };
        let secret = |setting: &str, variable: &str| {
            let set = context
                .settings
                .and_then(|settings| settings.secret(setting).cloned());
            set.or_else(|| environment.text(variable).map(Secret::from_text))
        };
        let identity = text("identity_id", "INFISICAL_MACHINE_IDENTITY_ID");
        let token = secret("token", "INFISICAL_TOKEN");
        let universal = text("client_id", "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID").zip(secret(
            "client_secret",
            "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET",
        ));
        let oidc = |identity: String| Self::Oidc {
            identity,
            audience: context.setting("identity_audience").map(str::to_owned),
            tokens: Arc::clone(context.identity),
        };
        let lacking = |what: &str| Self::Nothing(what.to_owned());
        let pair = |(id, secret)| Self::Universal { id, secret };
        Ok(match context.setting("auth") {
            Some("token") => {
                token.map_or_else(|| lacking("INFISICAL_TOKEN is not set"), Self::Token)
            }
            Some("universal") => universal.map_or_else(
                || lacking("client id or client secret of the universal login is not set"),
                pair,
            ),
            Some("oidc") => identity.map_or_else(
                || lacking("`identity_id` of the machine identity is not set"),
                oidc,
            ),
            Some("kubernetes") => {
                let file = text(
                    "service_account_token_file",
                    "INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH",
                );
                let file = file.unwrap_or_else(|| SERVICE_ACCOUNT_TOKEN.to_owned());
                let file = environment.directory().join(file);
                identity.map_or_else(
                    || lacking("`identity_id` of the machine identity is not set"),
                    |identity| Self::Kubernetes { identity, file },
                )
            }
            Some(other) => {
                return Err(StoreError::new(
                    ErrorKind::Config,
                    Operation::Configure,
                    format!("there is no login `{other}` for Infisical"),
                )
                .with_help("use `oidc`, `kubernetes`, `universal` or `token`"));
            }
            None => match (token, universal, identity) {
                (Some(token), ..) => Self::Token(token),
                (None, Some(both), _) => pair(both),
                (None, None, Some(identity)) => oidc(identity),
                (None, None, None) => {
                    lacking("neither token, client id nor machine identity is set")
                }
            },
        })
    }
}

#[async_trait]
impl LogIn for Login {
    fn can_repeat(&self) -> bool {
        !matches!(self, Self::Token(_) | Self::Nothing(_))
    }

    async fn log_in(&self, operation: Operation, server: &Server) -> Result<Token> {
        let (method, id, (name, proof)) = match self {
            Self::Token(token) => {
                return Ok(Token {
                    text: token.clone(),
                    ttl: None,
                });
            }
            Self::Nothing(missing) => {
                return Err(StoreError::new(
                    ErrorKind::Config,
                    operation,
                    format!("there is no login for Infisical: {missing}"),
                )
                .with_help(
                    "set `auth = \"oidc\"` and `identity_id` in the store block to log in with the identity of the run",
                ));
            }
            Self::Universal { id, secret } => (
                "universal-auth",
                ("clientId", id),
                ("clientSecret", secret.clone()),
            ),
            Self::Oidc {
                identity,
                audience,
                tokens,
            } => {
                let proof = tokens.token(operation, audience.as_deref()).await?;
                ("oidc-auth", ("identityId", identity), ("jwt", proof.text))
            }
            Self::Kubernetes { identity, file } => {
                let mut bytes = files::read_limited(operation, file, 64 * 1024)?;
                let length = bytes.trim_ascii_end().len();
                bytes.truncate(length);
                (
                    "kubernetes-auth",
                    ("identityId", identity),
                    ("jwt", Secret::new(std::mem::take(&mut *bytes))),
                )
            }
        };
        let path = ["api", "v1", "auth", method, "login"];
        let body = nested_members(&[(id.0, id.1)], &[(name, &proof)], operation)?;
        let call = Call::new(operation, Method::POST, &path).body(body);
        let answer = server.send(&call).await?;
        if matches!(answer.status.as_u16(), 400 | 401 | 403 | 404 | 422) {
            return Err(answer
                .error(
                    ErrorKind::PermissionDenied,
                    format!("Infisical refuses the login by {method}"),
                )
                .with_help(
                    "compare id, issuer, audience and subject with those of the machine identity, and its trusted addresses",
                ));
        }
        if !answer.status.is_success() {
            return Err(answer.refusal("the login"));
        }
        let answer: LoggedIn = answer.json()?;
        Ok(Token {
            text: answer.token.0,
            ttl: (answer.seconds > 0).then(|| Duration::from_secs(answer.seconds)),
        })
    }
}
