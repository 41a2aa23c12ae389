//! How this run proves who it is: one file for each method. A method says what to send where; who sends it,
//! and whether as a login or inline with a read, is decided in [`super::run`].

mod approle;
#[cfg(feature = "aws")]
mod aws;
mod azure;
mod cert;
mod gcp;
mod jwt;
mod kubernetes;
mod password;
pub(super) mod token;

use std::sync::Arc;

use secret_value::Secret;
use serde::Serialize;
use zeroize::Zeroizing;

use self::token::TokenSource;
use super::client::Client;
use super::options::{MAX_FILE_BYTES, Options, wrong};
use crate::blocks::Settings;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::identity::IdentityTokens;

/// How to get a token.
#[derive(Debug)]
pub(super) enum Login {
    /// Somebody else made it; for this run alone where `revoke` is true.
    Token { source: TokenSource, revoke: bool },
    /// By a method of the server.
    Method(Box<Method>),
}

/// A method and where it is mounted.
#[derive(Debug)]
pub(super) struct Method {
    /// Its name, for messages.
    pub(super) name: &'static str,
    mount: String,
    kind: Kind,
    /// Whether reads that make no lease prove the identity themselves.
    pub(super) inline: bool,
}

#[derive(Debug)]
enum Kind {
    AppRole(approle::AppRole),
    #[cfg(feature = "aws")]
    Aws(aws::Aws),
    Azure(azure::Azure),
    Cert(cert::Cert),
    Gcp(gcp::Gcp),
    Jwt(jwt::Jwt),
    Kubernetes(kubernetes::Kubernetes),
    Password(password::Password),
}

/// What a method may use to prepare a login.
pub(super) struct Proof<'a> {
    pub(super) operation: Operation,
    pub(super) client: &'a Client,
    pub(super) identity: &'a SharedIdentity,
    pub(super) options: &'a Options,
}

/// What to send to log in.
pub(super) struct LoginRequest {
    /// Without the leading `v1`.
    pub(super) path: String,
    /// Parameters by name.
    pub(super) parameters: Vec<(&'static str, Parameter)>,
}

/// A parameter of a login.
pub(super) enum Parameter {
    Text(String),
    Secret(Secret),
}

impl Serialize for Parameter {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Secret(secret) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the proof of a login is sent to the store"
                )]
                let bytes = secret.expose();
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| serde::ser::Error::custom("not text"))?;
                serializer.serialize_str(text)
            }
        }
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Secret> for Parameter {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

impl LoginRequest {
    /// The parameters as a JSON object.
    ///
    /// # Errors
    /// `config` for a proof that is not text.
    pub(super) fn body(&self, operation: Operation) -> Result<Zeroizing<Vec<u8>>> {
        let parameters: std::collections::BTreeMap<_, _> = self
            .parameters
            .iter()
            .map(|(name, value)| (name, value))
            .collect();
        encode(operation, &parameters)
    }
}

/// JSON text for a request.
pub(super) fn encode(operation: Operation, value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = serde_json::to_vec(value).map_err(|_| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            "what is to be sent to the store is not text",
        )
    })?;
    Ok(Zeroizing::new(bytes))
}

impl Login {
    /// The login that the block or the environment asks for.
    pub(super) fn choose(options: &Options) -> Result<Self> {
        let empty = Settings::new();
        let auth = options.settings.group("auth").unwrap_or(&empty);
        let chosen: Vec<_> = auth
            .iter()
            .map(|(name, _)| name)
            .filter(|name| *name != "inline")
            .collect();
        let inline = auth.flag("inline") == Some(true);
        let [name] = chosen.as_slice() else {
            if chosen.is_empty() {
                if inline {
                    return Err(wrong("`inline` needs a method beside it"));
                }
                return Ok(Self::Token {
                    source: TokenSource::Usual,
                    revoke: false,
                });
            }
            return Err(wrong(format!(
                "the auth block names several methods: `{}`",
                chosen.join("`, `")
            ))
            .with_help("keep one; use several store blocks for several logins"));
        };
        let settings = auth.group(name).unwrap_or(&empty);
        if *name == "token" {
            if inline {
                return Err(wrong("`inline` goes with methods, not with a token"));
            }
            return Ok(Self::Token {
                source: TokenSource::chosen(settings)?,
                revoke: settings.flag("revoke") == Some(true),
            });
        }
        let (name, kind) = Kind::choose(name, settings)?;
        let mount = settings.text("mount").unwrap_or(name);
        Ok(Self::Method(Box::new(Method {
            name,
            mount: mount.trim_matches('/').to_owned(),
            kind,
            inline,
        })))
    }
}

impl Kind {
    fn choose(name: &str, settings: &Settings) -> Result<(&'static str, Self)> {
        Ok(match name {
            "approle" => ("approle", Self::AppRole(approle::AppRole::new(settings)?)),
            #[cfg(feature = "aws")]
            "aws" => ("aws", Self::Aws(aws::Aws::new(settings))),
            "azure" => ("azure", Self::Azure(azure::Azure::new(settings)?)),
            "cert" => ("cert", Self::Cert(cert::Cert::new(settings))),
            "gcp" => ("gcp", Self::Gcp(gcp::Gcp::new(settings)?)),
            "jwt" => ("jwt", Self::Jwt(jwt::Jwt::new(settings))),
            "kubernetes" => (
                "kubernetes",
                Self::Kubernetes(kubernetes::Kubernetes::new(settings)?),
            ),
            "ldap" => (
                "ldap",
                Self::Password(password::Password::new("ldap", settings)?),
            ),
            "userpass" => (
                "userpass",
                Self::Password(password::Password::new("userpass", settings)?),
            ),
            other => {
                return Err(wrong(format!(
                    "this program was built without the auth method `{other}`"
                )));
            }
        })
    }
}

impl Method {
    /// What to send to log in now.
    ///
    /// # Errors
    /// Why the proof cannot be made.
    pub(super) async fn request(&self, proof: &Proof<'_>) -> Result<LoginRequest> {
        let (path, parameters) = match &self.kind {
            Kind::AppRole(method) => ("login".to_owned(), method.parameters(proof).await?),
            #[cfg(feature = "aws")]
            Kind::Aws(method) => ("login".to_owned(), method.parameters(proof).await?),
            Kind::Azure(method) => ("login".to_owned(), method.parameters(proof).await?),
            Kind::Gcp(method) => ("login".to_owned(), method.parameters(proof).await?),
            Kind::Cert(method) => ("login".to_owned(), method.parameters()),
            Kind::Jwt(method) => ("login".to_owned(), method.parameters(proof).await?),
            Kind::Kubernetes(method) => ("login".to_owned(), method.parameters(proof).await?),
            Kind::Password(method) => (method.path(), method.parameters(proof)?),
        };
        Ok(LoginRequest {
            path: format!("auth/{}/{path}", self.mount),
            parameters,
        })
    }
}

/// A setting that a method cannot do without.
pub(super) fn required(method: &str, settings: &Settings, name: &str) -> Result<String> {
    settings.text(name).map(str::to_owned).ok_or_else(|| {
        wrong(format!("the auth method `{method}` needs `{name}`")).with_help(format!(
            "set it in `auth {{ {method} {{ … }} }}` of the store block"
        ))
    })
}

/// A secret that is given in one of three ways: as text, by the name of a variable, or by that of a file.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Text(Secret),
    Variable(String),
    File(String),
}

impl Given {
    /// What `settings` say for `name`, `name_env` and `name_file`.
    pub(super) fn choose(
        settings: &Settings,
        text: &str,
        variable: &str,
        file: &str,
    ) -> Result<Option<Self>> {
        let mut all = Vec::new();
        all.extend(settings.secret(text).cloned().map(Self::Text));
        all.extend(
            settings
                .text(variable)
                .map(str::to_owned)
                .map(Self::Variable),
        );
        all.extend(settings.text(file).map(str::to_owned).map(Self::File));
        if all.len() > 1 {
            return Err(wrong(format!(
                "of `{text}`, `{variable}` and `{file}` several are set"
            ))
            .with_help("keep one"));
        }
        Ok(all.pop())
    }

    /// The secret, read now.
    pub(super) fn read(&self, options: &Options, operation: Operation) -> Result<Secret> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::Variable(name) => match options.environment.text(name) {
                Some(text) => Ok(Secret::from_text(text.trim().to_owned())),
                None => Err(StoreError::new(
                    ErrorKind::Config,
                    operation,
                    format!("the variable `{name}`, which should hold the login, is not set"),
                )),
            },
            Self::File(path) => read_file(options, operation, path),
        }
    }
}

/// A secret in a file, without white space around.
pub(super) fn read_file(options: &Options, operation: Operation, path: &str) -> Result<Secret> {
    let path = options.environment.directory().join(path);
    let bytes = files::read_limited(operation, &path, MAX_FILE_BYTES)?;
    let secret = Secret::new(bytes.trim_ascii().to_vec());
    if secret.is_empty() || !secret.is_text() {
        return Err(StoreError::new(
            ErrorKind::Config,
            operation,
            "the file, which should hold the login, is empty or not text",
        )
        .with_context("file", path.display()));
    }
    Ok(secret)
}

/// Shared by all that logs in for one block.
pub(super) type SharedIdentity = Arc<IdentityTokens>;
