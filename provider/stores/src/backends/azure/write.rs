//! Writing to a key vault: a new version, with content type and tags of the block or of the version before.

use reqwest::Method;
use secret_policy::SecretRef;
use serde_json::{Map, json};

use super::refusal;
use super::vault::{Call, Vaults};
use super::versions::{self, Version};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::body_with_secret;
use crate::payload::Metadata;
use crate::store::{Precondition, WriteRequest};

/// Longest value, in bytes.
const MAX_BYTES: usize = 25_600;

pub(super) async fn write(
    vaults: &Vaults,
    reference: &SecretRef,
    vault: &str,
    name: &str,
    request: &WriteRequest,
) -> Result<Metadata> {
    let operation = Operation::Write;
    check(operation, reference, request)?;
    let before = match versions::list(vaults, operation, vault, name).await {
        Ok(versions) => versions,
        // Who may only write overwrites blindly; who must not overwrite has to look.
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied
                && request.precondition == Precondition::None =>
        {
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    if request.precondition == Precondition::Absent && !before.is_empty() {
        return Err(StoreError::new(
            ErrorKind::Conflict,
            operation,
            "the secret exists already",
        ));
    }
    let settings = &vaults.account.settings;
    let last = versions::newest(&before);
    let mut plain = Map::new();
    let content_type = settings
        .secret_content_type
        .clone()
        .or_else(|| last?.content_type.clone());
    let tags = settings.secret_tags.clone().or_else(|| last?.tags.clone());
    if let Some(content_type) = content_type {
        plain.insert("contentType".to_owned(), json!(content_type));
    }
    if let Some(tags) = tags {
        plain.insert("tags".to_owned(), json!(tags));
    }
    if let Some(end) = request.expires {
        plain.insert("attributes".to_owned(), json!({ "exp": end.as_second() }));
    }
    let body = body_with_secret(&plain, "value", &request.value, operation)?;
    let path = ["secrets", name];
    let answer = vaults
        .send(&Call {
            body: Some(&body),
            ..Call::new(operation, Method::PUT, vault, &path)
        })
        .await?;
    if !answer.status.is_success() {
        return Err(refusal::refusal(&answer, "the secret"));
    }
    let written: Version = answer.json()?;
    Ok(written.facts())
}

fn check(operation: Operation, reference: &SecretRef, request: &WriteRequest) -> Result<()> {
    if reference.selector().is_some() || reference.version().is_some() {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "a value is written whole and as a new version, so the reference may have neither version nor selector",
        ));
    }
    if let Precondition::Version(_) = request.precondition {
        return Err(StoreError::new(
            ErrorKind::Unsupported,
            operation,
            "Azure Key Vault cannot make a write depend on a version",
        ));
    }
    if request.value.len() > MAX_BYTES {
        return Err(StoreError::new(
            ErrorKind::TooLarge,
            operation,
            format!("a secret in a key vault has at most {MAX_BYTES} bytes"),
        ));
    }
    Ok(())
}
