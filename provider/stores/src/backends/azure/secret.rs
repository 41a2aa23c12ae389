//! `azure-kv://vault/secret`: secrets of Azure Key Vault, and certificates with their private keys.
//!
//! The vault is known by its name; a reference never holds a host. The value of a certificate is named fields:
//! `certificate`, `chain`, `private_key`, `pem`, and `pkcs12` where it is stored so. Metadata lists versions, which
//! needs no right to the value.

use std::sync::Arc;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use reqwest::Method;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::account::Account;
use super::certificate::KeyAndChain;
use super::settings::BLOCK;
use super::vault::{Call, Vaults};
use super::versions::{self, Version};
use super::{refusal, write};
use crate::backends::{StoreContext, StoreKind, blocking};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AzureKv,
    summary: "secrets and certificates of Azure Key Vault",
    tested: "a double that checks tokens, audiences and roles, judged by the official Python clients",
    capability: Capability {
        write: true,
        remove: true,
        versions: true,
        binary: false,
        ..Capability::READ_ONLY
    },
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AzureKv)?;
    let account = Account::of(context)?;
    Ok(Arc::new(KeyVault(Vaults::new(account))))
}

#[derive(Debug)]
struct KeyVault(Vaults);

#[derive(Deserialize)]
struct Bundle {
    value: Option<SecretText>,
    /// The key that belongs to the certificate whose secret this is.
    kid: Option<String>,
    #[serde(default)]
    managed: bool,
    #[serde(flatten)]
    version: Version,
}

#[derive(Deserialize)]
struct Deleted {
    #[serde(rename = "scheduledPurgeDate")]
    purged: Option<i64>,
}

/// Vault and name of a reference; the grammar has made sure that there are both.
fn place(operation: Operation, reference: &SecretRef) -> Result<(&str, &str)> {
    match reference.segments() {
        [vault, name] => Ok((vault, name)),
        _ => Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "a secret of Azure Key Vault is `vault/secret`",
        )),
    }
}

fn not_there(operation: Operation, reference: &SecretRef) -> StoreError {
    let message = match reference.version() {
        Some(version) => format!("the secret has no version `{version}`, or is not there at all"),
        None => "there is no such secret".to_owned(),
    };
    StoreError::new(ErrorKind::NotFound, operation, message)
        .with_help("check the names of the vault and of the secret")
}

impl KeyVault {
    async fn read(&self, reference: &SecretRef) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let (vault, name) = place(operation, reference)?;
        let version = reference.version();
        if version.is_some_and(|version| !versions::is_version(version)) {
            return Err(not_there(operation, reference));
        }
        let mut path = vec!["secrets", name];
        path.extend(version);
        let call = Call::new(operation, Method::GET, vault, &path);
        let answer = self.0.send(&call).await?;
        if answer.status == 404 {
            return Err(self.missing(operation, reference, vault, name).await);
        }
        if !answer.status.is_success() {
            return Err(refusal::refusal(&answer, "the secret"));
        }
        let bundle: Bundle = answer.json()?;
        if !self.0.account.settings.allow_expired {
            bundle.version.attributes.check_window(operation)?;
        }
        bundle.payload(operation).await.map(Leased::forever)
    }

    /// Says whether the secret was removed a short time ago, where this login may know.
    async fn missing(
        &self,
        operation: Operation,
        reference: &SecretRef,
        vault: &str,
        name: &str,
    ) -> StoreError {
        let unknown = not_there(operation, reference);
        if reference.version().is_some() {
            return unknown;
        }
        let path = ["deletedsecrets", name];
        let call = Call::new(operation, Method::GET, vault, &path);
        let Ok(answer) = self.0.send(&call).await else {
            return unknown;
        };
        if !answer.status.is_success() {
            return unknown;
        }
        let purged = answer
            .json()
            .ok()
            .and_then(|deleted: Deleted| deleted.purged);
        let until = purged.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let until = until.map_or_else(String::new, |until| format!(" until {until}"));
        StoreError::new(
            ErrorKind::NotFound,
            operation,
            format!("the secret was removed; it can be recovered{until}"),
        )
        .with_help("recover it with `az keyvault secret recover`")
    }

    async fn versions(&self, operation: Operation, reference: &SecretRef) -> Result<Vec<Version>> {
        let (vault, name) = place(operation, reference)?;
        versions::list(&self.0, operation, vault, name).await
    }
}

impl Bundle {
    async fn payload(self, operation: Operation) -> Result<SecretPayload> {
        let facts = self.version.facts();
        let value = self.value.map(|value| value.0).ok_or_else(|| {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the vault answered without a value",
            )
        })?;
        if !self.managed && self.kid.is_none() {
            return Ok(SecretPayload::opaque(value, facts));
        }
        // Whoever stored the certificate chose how much work it is to decrypt.
        let content_type = self.version.content_type;
        let decode = move || certificate(operation, &value, content_type.as_deref());
        let fields = blocking(operation, decode).await?;
        Ok(SecretPayload::fields(fields, facts))
    }
}

/// The parts of a certificate, which a vault keeps as PEM, or as PKCS #12 in base64 without a password.
fn certificate(operation: Operation, value: &Secret, content_type: Option<&str>) -> Result<Secret> {
    let broken = |why: &str| {
        StoreError::new(
            ErrorKind::Integrity,
            operation,
            format!("the certificate cannot be read: {why}"),
        )
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "value codec: the parts are one secret again"
    )]
    let bytes = value.expose();
    if content_type == Some("application/x-pkcs12") {
        let bytes = BASE64_STANDARD.decode(bytes);
        let bytes = Zeroizing::new(bytes.map_err(|_| broken("it is not base64"))?);
        let found = KeyAndChain::read(&bytes, "").map_err(broken)?;
        return Ok(found.fields(Some(value)));
    }
    let found = KeyAndChain::read(bytes, "").map_err(broken)?;
    Ok(found.fields(None))
}

#[async_trait]
impl SecretStore for KeyVault {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.read(reference).await
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let versions = self.versions(operation, reference).await?;
        versions::facts(&versions, reference.version())
            .ok_or_else(|| not_there(operation, reference))
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        let (vault, name) = place(operation, reference)?;
        write::write(&self.0, reference, vault, name, request).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let operation = Operation::Remove;
        let (vault, name) = place(operation, reference)?;
        if reference.version().is_some() {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "Azure Key Vault removes a secret with all its versions, not one of them",
            ));
        }
        let path = ["secrets", name];
        let call = Call::new(operation, Method::DELETE, vault, &path);
        let answer = self.0.send(&call).await?;
        match answer.status.as_u16() {
            404 => Err(not_there(operation, reference)),
            _ if answer.status.is_success() => Ok(()),
            _ => Err(refusal::refusal(&answer, "the secret")),
        }
    }
}
