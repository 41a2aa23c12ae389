//! Storing secrets in Secret Manager: a secret is made once, and every write adds a version to it.
//!
//! Making a secret is what tells one writer from another: of several that want a place that is free, one makes it.
//! The service has no other condition for a version, so a write cannot depend on the version before.

use reqwest::Method;
use secret_value::Secret;
use serde_json::{Value, json};

use super::account::Account;
use super::refusal::{Outcome, Refusal, plainly};
use super::versions::{Place, Version, payload_body};
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::JsonBody;
use crate::store::{Precondition, WriteRequest};

/// Largest value, in bytes.
const MAX_BYTES: usize = 65_536;

/// A write to a place.
pub(super) struct Writing<'a> {
    pub(super) account: &'a Account,
    pub(super) place: &'a Place,
}

impl Writing<'_> {
    /// Stores the value and returns its version.
    pub(super) async fn write(&self, request: &WriteRequest) -> Result<Version> {
        fits(&request.value)?;
        match &request.precondition {
            Precondition::Version(_) => Err(StoreError::new(
                ErrorKind::Unsupported,
                Operation::Write,
                "Google Cloud cannot make a write depend on a version",
            )),
            Precondition::None => self.put(&request.value).await,
            Precondition::Absent => self.put_first(&request.value).await,
        }
    }

    /// Adds a version, and makes the secret before where there is none.
    async fn put(&self, value: &Secret) -> Result<Version> {
        match self.add(value).await {
            Err(refusal) if refusal.is_missing() => {}
            outcome => return plainly(outcome),
        }
        match self.create().await {
            Err(refusal) if refusal.error.kind() != ErrorKind::Conflict => Err(refusal.error),
            // Made, or somebody else made it in between.
            _ => plainly(self.add(value).await),
        }
    }

    /// Makes the secret and its first version. A secret that was made elsewhere and has no version is free, too.
    async fn put_first(&self, value: &Secret) -> Result<Version> {
        let Err(refusal) = self.create().await else {
            return plainly(self.add(value).await);
        };
        let kind = refusal.error.kind();
        if !matches!(kind, ErrorKind::Conflict | ErrorKind::PermissionDenied) {
            return Err(refusal.error);
        }
        match self.has_value().await {
            Ok(true) => Err(exists()),
            Ok(false) => match self.add(value).await {
                // There is no secret after all, and it may not be made.
                Err(missing) if missing.is_missing() => Err(refusal.error),
                outcome => plainly(outcome),
            },
            // Whoever may not look cannot know: the first refusal says what is missing.
            Err(_) if kind == ErrorKind::PermissionDenied => Err(refusal.error),
            Err(unknown) => Err(unknown.error),
        }
    }

    /// Whether the secret has a version that is not destroyed.
    async fn has_value(&self) -> Outcome<bool> {
        let path = ["secrets", self.place.secret.as_str(), "versions", "latest"];
        let call = self
            .place
            .get(Operation::Write, &path, "secretmanager.versions.get");
        match call.send(self.account).await {
            Ok(answer) => {
                let version: Version = answer.json()?;
                Ok(version.state != "DESTROYED")
            }
            Err(refusal) if refusal.is_missing() => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    async fn create(&self) -> Outcome<()> {
        let path = ["secrets"];
        let mut call = self.place.call(
            Operation::Write,
            Method::POST,
            &path,
            "secretmanager.secrets.create",
        );
        call.query = vec![("secretId", self.place.secret.clone())];
        call.body = Some(JsonBody::plain(&self.description()));
        call.send(self.account).await.map(drop)
    }

    async fn add(&self, value: &Secret) -> Outcome<Version> {
        let operation = Operation::Write;
        let verb = format!("{}:addVersion", self.place.secret);
        let path = ["secrets", verb.as_str()];
        let mut call =
            self.place
                .call(operation, Method::POST, &path, "secretmanager.versions.add");
        call.body = Some(payload_body(operation, value)?);
        let answer = call.send(self.account).await.map_err(lost)?;
        Ok(answer.json()?)
    }

    /// How a new secret is kept.
    fn description(&self) -> Value {
        let settings = &self.account.settings;
        let encryption = settings
            .kms_key
            .as_ref()
            .map(|key| json!({ "kmsKeyName": key }));
        let keep = |mut place: Value| {
            if let Some(encryption) = &encryption {
                place["customerManagedEncryption"] = encryption.clone();
            }
            place
        };
        if self.place.is_regional() {
            return keep(json!({}));
        }
        if settings.replica_locations.is_empty() {
            return json!({ "replication": { "automatic": keep(json!({})) } });
        }
        let locations = settings.replica_locations.iter();
        let replicas: Vec<_> = locations
            .map(|location| keep(json!({ "location": location })))
            .collect();
        json!({ "replication": { "userManaged": { "replicas": replicas } } })
    }
}

/// Without an answer the version may have been stored all the same, and another try would store it twice.
fn lost(refusal: Refusal) -> Refusal {
    match refusal.status.as_str() {
        "" if refusal.error.kind() != ErrorKind::Throttled => Refusal {
            error: refusal.error.with_retry(Retry::Never),
            ..refusal
        },
        _ => refusal,
    }
}

/// Refuses what Google would refuse: empty values, and those over its limit.
fn fits(value: &Secret) -> Result<()> {
    if value.is_empty() {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            Operation::Write,
            "Google Cloud stores no empty values",
        ));
    }
    if value.len() > MAX_BYTES {
        return Err(StoreError::new(
            ErrorKind::TooLarge,
            Operation::Write,
            format!("the value has more than {MAX_BYTES} bytes, which Google Cloud does not store"),
        ));
    }
    Ok(())
}

fn exists() -> StoreError {
    StoreError::new(
        ErrorKind::Conflict,
        Operation::Write,
        "there is a secret of this name already",
    )
    .with_help("choose another name, or import the secret")
}
