//! An application of Microsoft Entra: with a certificate, a secret, or the token of an issuer that it trusts.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secret_value::Secret;
use zeroize::Zeroizing;

use super::super::account::{Account, Token, Wanted};
use super::super::certificate::KeyAndChain;
use super::{assertion, entra};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::http::join;

/// Largest file with a certificate, a secret or a token.
const MAX_BYTES: u64 = 256 * 1024;

/// How a signed or federated token is announced (RFC 7523).
const ASSERTION: (&str, &str) = (
    "client_assertion_type",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
);

/// An application that can prove who it is.
#[derive(Debug)]
pub(in super::super) struct Application {
    pub(super) tenant: String,
    pub(super) client: SecretSource,
    pub(super) key: Key,
}

/// What it proves it with.
#[derive(Debug)]
pub(super) enum Key {
    Certificate {
        certificate: CertificateSource,
        password: Option<Secret>,
        with_chain: bool,
    },
    Secret(SecretSource),
    Token(TokenSource),
}

/// Where a certificate with its key is.
#[derive(Debug)]
pub(super) enum CertificateSource {
    File(PathBuf),
    /// PKCS #12 in base64.
    Encoded(Secret),
}

/// Where a short text is.
#[derive(Debug)]
pub(super) enum SecretSource {
    Given(Secret),
    File(PathBuf),
}

/// Where a federated token is.
#[derive(Debug)]
pub(super) enum TokenSource {
    Given(Secret),
    File(PathBuf),
    /// The identity token of the run.
    Identity {
        audience: String,
    },
}

impl Application {
    pub(super) async fn token(
        &self,
        account: &Account,
        operation: Operation,
        wanted: &Wanted,
    ) -> Result<Token> {
        let tenant = wanted.tenant.as_deref().unwrap_or(&self.tenant);
        let url = join(
            &account.settings.authority,
            [tenant, "oauth2", "v2.0", "token"],
        );
        let client = self.client.read(operation)?;
        let (kind, proof) = match &self.key {
            Key::Secret(source) => (None, ("client_secret", source.read(operation)?)),
            Key::Token(source) => (
                Some(ASSERTION),
                ("client_assertion", source.read(account, operation).await?),
            ),
            Key::Certificate {
                certificate,
                password,
                with_chain,
            } => {
                let certificate = certificate.read(operation, password.as_ref())?;
                let assertion = assertion::Assertion {
                    audience: url.as_str(),
                    client: &client,
                    now: Timestamp::now(),
                    with_chain: *with_chain,
                };
                let signed = assertion.signed(operation, &certificate)?;
                (Some(ASSERTION), ("client_assertion", signed))
            }
        };
        let scope = wanted.scope();
        let mut texts = vec![("grant_type", "client_credentials"), ("scope", &*scope)];
        texts.extend(kind);
        let members = [("client_id", &client), (proof.0, &proof.1)];
        entra::token(account, operation, url, &texts, &members).await
    }
}

impl SecretSource {
    fn read(&self, operation: Operation) -> Result<Secret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => read_text(operation, path),
        }
    }
}

impl TokenSource {
    async fn read(&self, account: &Account, operation: Operation) -> Result<Secret> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::File(path) => read_text(operation, path),
            Self::Identity { audience } => {
                let token = account.identity.token(operation, Some(audience)).await?;
                Ok(token.text)
            }
        }
    }
}

impl CertificateSource {
    fn read(&self, operation: Operation, password: Option<&Secret>) -> Result<KeyAndChain> {
        let (place, bytes) = match self {
            Self::File(path) => (path.display().to_string(), read(operation, path)?),
            Self::Encoded(encoded) => {
                let place = "ARM_CLIENT_CERTIFICATE".to_owned();
                #[expect(
                    clippy::disallowed_methods,
                    reason = "codec: the certificate of the login is decoded"
                )]
                let bytes = BASE64_STANDARD.decode(encoded.expose());
                let bytes = bytes.map_err(|_| unusable(operation, &place, "it is not base64"))?;
                (place, Zeroizing::new(bytes))
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: the certificate of the login is decrypted"
        )]
        let password = password.map_or(&b""[..], |password| password.expose());
        let password = std::str::from_utf8(password)
            .map_err(|_| unusable(operation, &place, "its password is not text"))?;
        KeyAndChain::read(&bytes, password).map_err(|why| unusable(operation, &place, why))
    }
}

fn unusable(operation: Operation, place: &str, why: &str) -> StoreError {
    StoreError::new(
        ErrorKind::Config,
        operation,
        format!("the client certificate cannot be used: {why}"),
    )
    .with_context("file", place)
    .with_help("give the certificate and its RSA key, unencrypted PEM or PKCS #12")
}

/// A missing file must not look like a missing secret, which may be allowed to be missing.
fn read(operation: Operation, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    files::read_limited(operation, path, MAX_BYTES).map_err(|error| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            "a file that the login for Azure needs cannot be read",
        )
        .with_context("file", path.display())
        .with_source(error)
    })
}

fn read_text(operation: Operation, path: &Path) -> Result<Secret> {
    let bytes = read(operation, path)?;
    Ok(Secret::new(bytes.trim_ascii().to_vec()))
}
