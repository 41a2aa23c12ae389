//! The calls of Doppler's API that are used, and its refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use secret_value::Secret;
use serde::Deserialize;

use super::super::StoreContext;
use super::super::rest::{Call, Client, LogIn, Server, Token};
use super::Config;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{Response, SecretText, nested_body, nested_members};
use crate::identity::IdentityTokens;

const ADDRESS: &str = "https://api.doppler.com";

/// How to log in.
#[derive(Debug)]
enum Login {
    Token(Secret),
    Identity {
        identity: String,
        audience: Option<String>,
        tokens: Arc<IdentityTokens>,
    },
    Nothing,
}

#[derive(Debug)]
pub(super) struct Api(Client<Login>);

#[derive(Deserialize)]
struct LoggedIn {
    token: SecretText,
    expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct One {
    value: Value,
}

#[derive(Deserialize)]
struct Value {
    computed: Option<SecretText>,
}

#[derive(Deserialize)]
struct Names {
    names: Vec<String>,
}

impl Api {
    pub(super) fn new(context: &StoreContext<'_>) -> Result<Self> {
        let environment = context.environment;
        let text = |setting: &str, variable: &str| {
            let set = context.setting(setting).map(str::to_owned);
            set.or_else(|| environment.text(variable))
        };
        let address = text("address", "DOPPLER_API_HOST").unwrap_or_else(|| ADDRESS.to_owned());
        let token = context
            .settings
            .and_then(|settings| settings.secret("token").cloned())
            .or_else(|| environment.text("DOPPLER_TOKEN").map(Secret::from_text));
        let identity = text("identity", "DOPPLER_IDENTITY");
        let login = match (identity, token) {
            (Some(identity), _) => Login::Identity {
                identity,
                audience: context.setting("identity_audience").map(str::to_owned),
                tokens: Arc::clone(context.identity),
            },
            (None, Some(token)) => Login::Token(token),
            (None, None) => Login::Nothing,
        };
        Client::new(context, &address, login).map(Self)
    }

    /// The value of one secret, references to others in it resolved.
    pub(super) async fn secret(&self, config: &Config, name: &str) -> Result<Secret> {
        let operation = Operation::Open;
        let path = ["v3", "configs", "config", "secret"];
        let call = about(operation, Method::GET, &path, config).query(&[("name", name)]);
        let answer = self.0.call(&call).await?;
        if answer.status.as_u16() == 404 {
            return Err(self.not_found(operation, config, name).await);
        }
        let answer: One = accepted(answer, "the secret")?.json()?;
        let value = answer.value.computed.ok_or_else(|| restricted(operation))?;
        Ok(value.0)
    }

    /// Says what is missing, by a call that shows no value.
    async fn not_found(&self, operation: Operation, config: &Config, name: &str) -> StoreError {
        match self.names(operation, config).await {
            Ok(names) => super::missing(operation, name, names.iter().map(String::as_str)),
            Err(error) => error,
        }
    }

    /// All values of a config; `None` for one that this login may not see.
    pub(super) async fn download(
        &self,
        config: &Config,
    ) -> Result<BTreeMap<String, Option<Secret>>> {
        let path = ["v3", "configs", "config", "secrets", "download"];
        let call = about(Operation::Open, Method::GET, &path, config);
        let answer = self.0.call(&call.query(&[("format", "json")])).await?;
        let secrets: BTreeMap<String, Option<SecretText>> =
            accepted(answer, "the config")?.json()?;
        let values = secrets.into_iter();
        Ok(values
            .map(|(name, value)| (name, value.map(|value| value.0)))
            .collect())
    }

    /// The names in a config.
    pub(super) async fn names(&self, operation: Operation, config: &Config) -> Result<Vec<String>> {
        let path = ["v3", "configs", "config", "secrets", "names"];
        let call = about(operation, Method::GET, &path, config);
        let call = call.query(&[("include_managed_secrets", "true")]);
        let answer = self.0.call(&call).await?;
        let names: Names = accepted(answer, "the config")?.json()?;
        Ok(names.names)
    }

    pub(super) async fn write(&self, config: &Config, name: &str, value: &Secret) -> Result<()> {
        let operation = Operation::Write;
        let path = ["v3", "configs", "config", "secrets"];
        let place = [
            ("project", config.project.as_str()),
            ("config", config.config.as_str()),
        ];
        let body = nested_body(&place, "secrets", &[(name, value)], operation)?;
        let call = Call::new(operation, Method::POST, &path).body(body);
        accepted(self.0.call(&call).await?, "the config").map(drop)
    }

    pub(super) async fn remove(&self, config: &Config, name: &str) -> Result<()> {
        let path = ["v3", "configs", "config", "secret"];
        let call = about(Operation::Remove, Method::DELETE, &path, config);
        let answer = self.0.call(&call.query(&[("name", name)])).await?;
        accepted(answer, "the secret").map(drop)
    }
}

/// A call about a config.
fn about<'a>(
    operation: Operation,
    method: Method,
    path: &[&'a str],
    config: &'a Config,
) -> Call<'a> {
    Call::new(operation, method, path).query(&[
        ("project", config.project.as_str()),
        ("config", config.config.as_str()),
    ])
}

#[async_trait]
impl LogIn for Login {
    fn can_repeat(&self) -> bool {
        matches!(self, Self::Identity { .. })
    }

    async fn log_in(&self, operation: Operation, server: &Server) -> Result<Token> {
        let (identity, audience, tokens) = match self {
            Self::Token(token) => {
                return Ok(Token {
                    text: token.clone(),
                    ttl: None,
                });
            }
            Self::Nothing => {
                return Err(StoreError::new(
                    ErrorKind::Config,
                    operation,
                    "there is no login for Doppler",
                )
                .with_help(
                    "set `identity` in the store block to log in with the identity of the run, or DOPPLER_TOKEN",
                ));
            }
            Self::Identity {
                identity,
                audience,
                tokens,
            } => (identity, audience, tokens),
        };
        let proof = tokens.token(operation, audience.as_deref()).await?;
        let body = nested_members(
            &[("identity", identity)],
            &[("token", &proof.text)],
            operation,
        )?;
        let call = Call::new(operation, Method::POST, &["v3", "auth", "oidc"]).body(body);
        let answer = server.send(&call).await?;
        if matches!(answer.status.as_u16(), 400 | 401 | 403 | 404) {
            return Err(answer
                .error(
                    ErrorKind::PermissionDenied,
                    "Doppler does not accept the identity token",
                )
                .with_help(
                    "compare its audience, issuer and subject with those of the service account identity",
                ));
        }
        let answer: LoggedIn = accepted(answer, "the login")?.json()?;
        let ttl = answer.expires_at.map(|end| {
            let left = end.duration_since(Timestamp::now());
            left.try_into().unwrap_or_default()
        });
        Ok(Token {
            text: answer.token.0,
            ttl,
        })
    }
}

pub(super) fn restricted(operation: Operation) -> StoreError {
    StoreError::new(
        ErrorKind::PermissionDenied,
        operation,
        "the secret is restricted, and this login may not see its value",
    )
}

/// The answer, when it is a success.
fn accepted(answer: Response, what: &str) -> Result<Response> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let error = answer.refusal(what);
    Err(match answer.status.as_u16() {
        401 => error.with_help(
            "the token is wrong, was revoked, or is of another workplace; make a new one, or log in with `identity`",
        ),
        403 => error.with_help("give the token or service account access to this project and config"),
        404 => error.with_help("look at the names of the project and the config"),
        _ => error,
    })
}
