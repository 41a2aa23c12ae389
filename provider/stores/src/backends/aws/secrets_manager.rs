//! `aws-sm://name` or its ARN: AWS Secrets Manager.
//!
//! Several secrets are read with one call for each twenty; where that is not allowed, one by one, and the
//! rest of the run does not ask again. Metadata needs `secretsmanager:DescribeSecret` alone, and
//! `secretsmanager:ListSecretVersionIds` for the time of a version.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::account::Account;
use super::batch::{self, Answered, Asked};
use super::call::Call;
use super::endpoint::SECRETS_MANAGER;
use super::refusal::{self, Outcome, Refusal};
use super::settings::BLOCK;
use super::wire::Moment;
use super::write::Writing;
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

/// Secrets in one call.
const BATCH: usize = 20;
/// Pages of one batch; the service needs one, or a few for large secrets.
const MAX_PAGES: usize = 40;
/// Shortest and longest id of a version.
const VERSION_LENGTH: std::ops::RangeInclusive<usize> = 32..=64;
/// The stage of the value that is in use.
pub(super) const CURRENT: &str = "AWSCURRENT";

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AwsSm,
    summary: "AWS Secrets Manager",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability {
        write: true,
        conditional_write: true,
        remove: true,
        versions: true,
        batch: true,
        ..Capability::READ_ONLY
    },
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsSm)?;
    Ok(Arc::new(SecretsManager(Account::of(context)?)))
}

#[derive(Debug)]
struct SecretsManager(Arc<Account>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Get<'a> {
    secret_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_stage: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    #[serde(rename = "ARN")]
    arn: Option<String>,
    name: Option<String>,
    version_id: Option<String>,
    secret_string: Option<SecretText>,
    secret_binary: Option<SecretText>,
    created_date: Option<Moment>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetBatch<'a> {
    secret_id_list: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    #[serde(default)]
    secret_values: Vec<Value>,
    #[serde(default)]
    errors: Vec<BatchError>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchError {
    secret_id: String,
    error_code: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecretId<'a> {
    pub(super) secret_id: &'a str,
}

/// What is known about a secret without its value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    pub(super) created_date: Option<Moment>,
    pub(super) last_changed_date: Option<Moment>,
    pub(super) deleted_date: Option<Moment>,
    pub(super) next_rotation_date: Option<Moment>,
    #[serde(default)]
    pub(super) version_ids_to_stages: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListVersions<'a> {
    secret_id: &'a str,
    include_deprecated: bool,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    #[serde(default)]
    versions: Vec<Version>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    version_id: String,
    created_date: Option<Moment>,
}

impl Described {
    /// The version that carries `stage`.
    pub(super) fn staged(&self, stage: &str) -> Option<&str> {
        self.version_ids_to_stages
            .iter()
            .find(|(_, stages)| stages.iter().any(|its| its == stage))
            .map(|(id, _)| id.as_str())
    }
}

pub(super) fn call(operation: Operation, action: &'static str) -> Call {
    Call {
        operation,
        service: SECRETS_MANAGER,
        action,
    }
}

/// The error for a secret, version or stage that is not there.
pub(super) fn not_there(operation: Operation, reference: &SecretRef) -> StoreError {
    let message = match (reference.version(), reference.stage()) {
        (Some(version), _) => format!("the secret has no version `{version}`"),
        (None, Some(stage)) => {
            format!("there is no such secret, or none of its versions has the stage `{stage}`")
        }
        (None, None) => "there is no such secret".to_owned(),
    };
    StoreError::new(ErrorKind::NotFound, operation, message)
        .with_help("check the name, the region and the account; names are case-sensitive")
}

fn is_version(version: &str) -> bool {
    VERSION_LENGTH.contains(&version.len())
}

impl SecretsManager {
    async fn read(&self, reference: &SecretRef) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let (path, version) = (reference.path(), reference.version());
        if version.is_some_and(|version| !is_version(version)) {
            return Err(not_there(operation, reference));
        }
        let request = Get {
            secret_id: &path,
            version_id: version,
            version_stage: reference.stage(),
        };
        let answer: Outcome<Value> = call(operation, "GetSecretValue")
            .send(&self.0, &request)
            .await;
        let value = answer.map_err(|refusal| missing(refusal, operation, reference))?;
        payload(operation, value)
    }

    async fn read_each(&self, asked: Vec<Asked>) -> Vec<Answered> {
        let read = |reference| async move { self.read(&reference).await }.boxed();
        batch::one_by_one(asked, read).await
    }

    /// Reads up to [`BATCH`] secrets with one call.
    async fn read_batch(&self, wanted: Vec<Asked>) -> Vec<Answered> {
        let operation = Operation::Open;
        if wanted.len() < 2 || self.0.no_batches.load(Ordering::Relaxed) {
            return self.read_each(wanted).await;
        }
        let ids: Vec<String> = wanted
            .iter()
            .map(|(_, reference)| reference.path())
            .collect();
        let (mut values, mut errors) = (HashMap::new(), HashMap::new());
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = GetBatch {
                secret_id_list: &ids,
                next_token: token.as_deref(),
            };
            let answer: Outcome<Batch> = call(operation, "BatchGetSecretValue")
                .send(&self.0, &request)
                .await;
            let page = match answer {
                Ok(page) => page,
                Err(refusal) => return self.without_batch(wanted, refusal).await,
            };
            for value in page.secret_values {
                let names = [value.arn.clone(), value.name.clone()];
                let answer = payload(operation, value);
                for name in names.into_iter().flatten() {
                    values.insert(name, answer.clone());
                }
            }
            errors.extend(
                page.errors
                    .into_iter()
                    .map(|error| (error.secret_id, error.error_code)),
            );
            token = page.next_token.filter(|next| token.as_ref() != Some(next));
            if token.is_none() {
                break;
            }
        }
        let mut answers = Vec::with_capacity(wanted.len());
        let mut left = Vec::new();
        for (place, reference) in wanted {
            let path = reference.path();
            if let Some(answer) = found(&values, &path) {
                answers.push((place, answer));
            } else if let Some(code) = errors.get(&path) {
                answers.push((place, Err(partial(operation, code, &reference))));
            } else {
                // Neither a value nor an error: asked again alone, so that no answer is guessed.
                left.push((place, reference));
            }
        }
        answers.extend(self.read_each(left).await);
        answers
    }

    /// Reads one by one when reading together is refused, and remembers that it is.
    async fn without_batch(&self, wanted: Vec<Asked>, refusal: Refusal) -> Vec<Answered> {
        let refused = matches!(
            refusal.error.kind(),
            ErrorKind::PermissionDenied | ErrorKind::Unsupported
        );
        let lasting = refused && !refusal.is_expired() && !refusal.may_be_skew();
        if lasting {
            tracing::info!(
                "reading several secrets at once is not allowed: they are read one by one"
            );
            self.0.no_batches.store(true, Ordering::Relaxed);
        }
        if lasting || refusal.error.kind() == ErrorKind::InvalidReference {
            return self.read_each(wanted).await;
        }
        batch::refused(wanted, &refusal.error)
    }

    async fn describe(&self, operation: Operation, path: &str) -> Outcome<Described> {
        call(operation, "DescribeSecret")
            .send(&self.0, &SecretId { secret_id: path })
            .await
    }

    /// Every version that is kept; `None` when listing them is not allowed.
    async fn versions(&self, operation: Operation, path: &str) -> Result<Option<Vec<Version>>> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = ListVersions {
                secret_id: path,
                include_deprecated: true,
                max_results: 100,
                next_token: token.as_deref(),
            };
            let answer: Outcome<Versions> = call(operation, "ListSecretVersionIds")
                .send(&self.0, &request)
                .await;
            match answer {
                Ok(page) => {
                    all.extend(page.versions);
                    token = page.next_token;
                }
                Err(refusal) if refusal.error.kind() == ErrorKind::PermissionDenied => {
                    return Ok(None);
                }
                Err(refusal) => return Err(refusal.error),
            }
            if token.is_none() {
                break;
            }
        }
        Ok(Some(all))
    }
}

/// The answer for `path`, which may be a name, an ARN, or an ARN without the characters at its end.
fn found(
    values: &HashMap<String, Result<Leased<SecretPayload>>>,
    path: &str,
) -> Option<Result<Leased<SecretPayload>>> {
    if let Some(answer) = values.get(path) {
        return Some(answer.clone());
    }
    if !path.starts_with("arn:") {
        return None;
    }
    let mut fitting = values.iter().filter(|(name, _)| {
        name.strip_prefix(path)
            .is_some_and(|rest| rest.len() == 7 && rest.starts_with('-'))
    });
    match (fitting.next(), fitting.next()) {
        (Some((_, answer)), None) => Some(answer.clone()),
        _ => None,
    }
}

/// A secret that a batch could not give.
fn partial(operation: Operation, code: &str, reference: &SecretRef) -> StoreError {
    let refusal = Refusal {
        error: refusal::described(operation, code, "secretsmanager:GetSecretValue"),
        code: code.to_owned(),
    };
    missing(refusal, operation, reference)
}

/// A removed secret and one without a value count as missing.
fn missing(refusal: Refusal, operation: Operation, reference: &SecretRef) -> StoreError {
    if refusal.is_missing() {
        return not_there(operation, reference);
    }
    if refusal.code == "InvalidRequestException" {
        return StoreError::new(
            ErrorKind::NotFound,
            operation,
            "the secret is removed, or has no value yet",
        )
        .with_context("error", refusal.code)
        .with_help(
            "a secret that is scheduled for removal can be restored until its recovery window ends",
        );
    }
    refusal.error
}

fn payload(operation: Operation, value: Value) -> Result<Leased<SecretPayload>> {
    let metadata = Metadata {
        version: value.version_id,
        number: value.created_date.and_then(Moment::number),
        updated: value.created_date.map(|time| time.0),
        ..Metadata::default()
    };
    let body = match (value.secret_string, value.secret_binary) {
        (Some(text), _) => text.0,
        (None, Some(encoded)) => binary(operation, &encoded.0)?,
        (None, None) => {
            return Err(StoreError::new(
                ErrorKind::NotFound,
                operation,
                "the secret has no value yet",
            ));
        }
    };
    Ok(Leased::forever(SecretPayload::opaque(body, metadata)))
}

fn binary(operation: Operation, encoded: &Secret) -> Result<Secret> {
    #[expect(
        clippy::disallowed_methods,
        reason = "codec: the store sends bytes as base64"
    )]
    let decoded = BASE64_STANDARD.decode(encoded.expose());
    decoded.map(Secret::new).map_err(|_| {
        StoreError::new(
            ErrorKind::Integrity,
            operation,
            "the store promised bytes in base64 and sent something else",
        )
    })
}

#[async_trait]
impl SecretStore for SecretsManager {
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

    async fn fetch_many(
        &self,
        references: &[SecretRef],
        _options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        // Together only the current versions can be read.
        let all = references.iter().cloned().enumerate();
        let (exact, current): (Vec<_>, Vec<_>) = all.partition(|(_, reference)| {
            reference.version().is_some() || reference.stage().is_some_and(|stage| stage != CURRENT)
        });
        let mut calls: Vec<BoxFuture<'_, _>> = current
            .chunks(BATCH)
            .map(|batch| self.read_batch(batch.to_vec()).boxed())
            .collect();
        calls.push(self.read_each(exact).boxed());
        batch::in_order(calls).await
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let path = reference.path();
        let (described, versions) = futures::future::join(
            self.describe(operation, &path),
            self.versions(operation, &path),
        )
        .await;
        let described = described.map_err(|refusal| missing(refusal, operation, reference))?;
        if described.deleted_date.is_some() {
            return Err(not_there(operation, reference).with_help(
                "it is scheduled for removal and can be restored until its recovery window ends",
            ));
        }
        let versions = versions?;
        let kept = versions.as_deref().unwrap_or_default();
        let stage = reference.stage().unwrap_or(CURRENT);
        let version = match reference.version() {
            Some(version) => {
                let known = described.version_ids_to_stages.contains_key(version)
                    || kept.iter().any(|its| its.version_id == version);
                known.then_some(version)
            }
            None => described.staged(stage),
        };
        let version = version.ok_or_else(|| not_there(operation, reference))?;
        let stored = kept
            .iter()
            .find(|its| its.version_id == version)
            .and_then(|its| its.created_date);
        Ok(Metadata {
            version: Some(version.to_owned()),
            number: stored
                .or(described.last_changed_date)
                .and_then(Moment::number),
            versions: versions.as_ref().map(|all| all.len() as u64),
            created: described.created_date.map(|time| time.0),
            updated: stored.or(described.last_changed_date).map(|time| time.0),
            rotation_due: described.next_rotation_date.map(|time| time.0),
            labels: described
                .tags
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
            ..Metadata::default()
        })
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        let path = reference.path();
        let before = match self.describe(operation, &path).await {
            Ok(described) => Some(described),
            Err(refusal) if refusal.is_missing() => None,
            Err(refusal) => return Err(refusal.error),
        };
        let writing = Writing {
            account: &self.0,
            path: &path,
            before,
        };
        let version = writing.write(request).await?;
        let mut written = Metadata {
            version: Some(version),
            ..Metadata::default()
        };
        // The write happened: facts that cannot be read now are left out.
        if let Ok(facts) = self.metadata(&reference.without_selector()).await {
            written = Metadata {
                version: written.version,
                ..facts
            };
        }
        Ok(written)
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let operation = Operation::Remove;
        if reference.version().is_some() || reference.stage().is_some() {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "AWS Secrets Manager removes whole secrets only, not one version",
            ));
        }
        let path = reference.path();
        // Removing at once succeeds for what is not there, too.
        let described = self
            .describe(operation, &path)
            .await
            .map_err(|refusal| missing(refusal, operation, reference))?;
        if described.deleted_date.is_some() {
            return Err(not_there(operation, reference));
        }
        super::write::remove(&self.0, &path).await
    }
}

/// An encoded value, for the request that stores it.
pub(super) fn encoded(value: &Secret) -> Zeroizing<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the value is sent to the store that is to keep it"
    )]
    let bytes = value.expose();
    Zeroizing::new(BASE64_STANDARD.encode(bytes))
}
