//! Storing and removing secrets in Secrets Manager.
//!
//! A request carries a token that becomes the id of the version. It follows from the value, the secret and the
//! version before, keyed by this process: when an answer is lost and the write is tried again, the service
//! sees the same request and stores nothing twice. Moving the stage `AWSCURRENT` away from a named version is
//! what makes a conditional write atomic.

use std::sync::OnceLock;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secret_value::Secret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::account::Account;
use super::refusal::{Outcome, Refusal, plainly};
use super::secrets_manager::{CURRENT, Described, SecretId, call, encoded};
use super::wire::{Stored, as_text};
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::store::{Precondition, WriteRequest};

/// The stage that a value has between being stored and being in use.
const PENDING: &str = "secretref-pending";
const PREVIOUS: &str = "AWSPREVIOUS";
/// Largest value, in bytes.
const MAX_BYTES: usize = 65_536;

/// A write that knows what was there before.
pub(super) struct Writing<'a> {
    pub(super) account: &'a Account,
    pub(super) path: &'a str,
    pub(super) before: Option<Described>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Create<'a> {
    name: &'a str,
    client_request_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<Stored<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put<'a> {
    secret_id: &'a str,
    client_request_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<Stored<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_stages: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MoveStage<'a> {
    secret_id: &'a str,
    version_stage: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    move_to_version_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_from_version_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Delete<'a> {
    secret_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_window_in_days: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    force_delete_without_recovery: bool,
}

/// An answer that says nothing new.
#[derive(Deserialize)]
struct Done {}

impl Writing<'_> {
    /// Stores the value and returns the id of its version.
    pub(super) async fn write(&self, request: &WriteRequest) -> Result<String> {
        fits(&request.value, MAX_BYTES)?;
        let Some(before) = &self.before else {
            return match &request.precondition {
                Precondition::Version(_) => Err(changed()),
                _ => self.create(request).await,
            };
        };
        let removed = before.deleted_date.is_some();
        let current = before.staged(CURRENT).filter(|_| !removed);
        let unconditional = !matches!(request.precondition, Precondition::Version(_));
        if let Some(current) = current.filter(|_| unconditional)
            && current == self.token(before.staged(PREVIOUS), &request.value)
        {
            // This very write happened already, and its answer was lost.
            return Ok(current.to_owned());
        }
        match (&request.precondition, current) {
            (Precondition::Absent, Some(_)) => return Err(exists()),
            (Precondition::Version(wanted), current) if current != Some(wanted.as_str()) => {
                return Err(changed());
            }
            _ => {}
        }
        if removed {
            let action = call(Operation::Write, "RestoreSecret");
            let secret_id = self.path;
            plainly(
                action
                    .send::<Done>(self.account, &SecretId { secret_id })
                    .await,
            )?;
        }
        let token = self.token(before.staged(CURRENT), &request.value);
        let written = match (&request.precondition, current) {
            // When its answer is lost, another try would take its own work for that of somebody else.
            (Precondition::Version(_), Some(current)) => self
                .replace(request, &token, current)
                .await
                .map_err(|refusal| match refusal.code.as_str() {
                    "" => refusal.error.with_retry(Retry::Never),
                    _ => refusal.error,
                }),
            _ => plainly(self.put(request, &token, None).await),
        };
        written.map(|()| token)
    }

    async fn create(&self, request: &WriteRequest) -> Result<String> {
        let token = self.token(None, &request.value);
        let text = as_text(&request.value);
        let binary = text.is_none().then(|| encoded(&request.value));
        let create = Create {
            name: self.path,
            client_request_token: &token,
            secret_string: text,
            secret_binary: binary.as_deref().map(String::as_str),
            kms_key_id: self.account.settings.secret_kms_key_id.as_deref(),
        };
        let action = call(Operation::Write, "CreateSecret");
        match action.send::<Done>(self.account, &create).await {
            Ok(Done {}) => Ok(token),
            Err(refusal) if refusal.error.kind() == ErrorKind::Conflict => {
                match request.precondition {
                    Precondition::Absent => Err(exists()),
                    // Somebody created it in between.
                    _ => plainly(self.put(request, &token, None).await).map(|()| token),
                }
            }
            Err(refusal) => Err(refusal.error),
        }
    }

    async fn put(&self, request: &WriteRequest, token: &str, stage: Option<&str>) -> Outcome<()> {
        let text = as_text(&request.value);
        let binary = text.is_none().then(|| encoded(&request.value));
        let put = Put {
            secret_id: self.path,
            client_request_token: token,
            secret_string: text,
            secret_binary: binary.as_deref().map(String::as_str),
            version_stages: stage.map(|stage| [stage]),
        };
        let action = call(Operation::Write, "PutSecretValue");
        let Done {} = action.send(self.account, &put).await?;
        Ok(())
    }

    /// Puts the value aside and makes it current only if `current` still is.
    async fn replace(&self, request: &WriteRequest, token: &str, current: &str) -> Outcome<()> {
        self.put(request, token, Some(PENDING)).await?;
        let moved = self
            .stage(MoveStage {
                secret_id: self.path,
                version_stage: CURRENT,
                move_to_version_id: Some(token),
                remove_from_version_id: Some(current),
            })
            .await;
        let cleaned = self
            .stage(MoveStage {
                secret_id: self.path,
                version_stage: PENDING,
                move_to_version_id: None,
                remove_from_version_id: Some(token),
            })
            .await;
        if cleaned.is_err() {
            tracing::warn!("the stage `{PENDING}` could not be removed from a version");
        }
        moved.map_err(|refusal| match refusal.error.kind() {
            ErrorKind::InvalidReference => Refusal {
                error: changed(),
                ..refusal
            },
            _ => refusal,
        })
    }

    async fn stage(&self, request: MoveStage<'_>) -> Outcome<()> {
        let action = call(Operation::Write, "UpdateSecretVersionStage");
        let Done {} = action.send(self.account, &request).await?;
        Ok(())
    }

    /// The token for `value` on top of the version `before`.
    fn token(&self, before: Option<&str>, value: &Secret) -> String {
        static KEY: OnceLock<[u8; 32]> = OnceLock::new();
        let key = KEY.get_or_init(rand::random);
        #[expect(
            clippy::expect_used,
            reason = "a keyed hash of this kind takes keys of any length"
        )]
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is fine");
        for part in [self.path, before.unwrap_or_default()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "keyed hash under a random key of this process: the token tells nothing of the value"
        )]
        mac.update(value.expose());
        uuid(&mac.finalize().into_bytes())
    }
}

/// Removes a secret, for good or with the recovery window of the block.
pub(super) async fn remove(account: &Account, path: &str) -> Result<()> {
    let days = account.settings.recovery_window_days;
    let delete = Delete {
        secret_id: path,
        recovery_window_in_days: (days > 0).then_some(days),
        force_delete_without_recovery: days == 0,
    };
    let action = call(Operation::Remove, "DeleteSecret");
    plainly(action.send::<Done>(account, &delete).await).map(drop)
}

/// Refuses what AWS would refuse: empty values, and those over `limit` bytes.
pub(super) fn fits(value: &Secret, limit: usize) -> Result<()> {
    if value.is_empty() {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            Operation::Write,
            "AWS stores no empty values",
        ));
    }
    if value.len() > limit {
        return Err(StoreError::new(
            ErrorKind::TooLarge,
            Operation::Write,
            format!("the value has more than {limit} bytes, which AWS does not store here"),
        ));
    }
    Ok(())
}

/// The first 16 of `bytes` as a random identifier.
fn uuid(bytes: &[u8]) -> String {
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let text = crate::hex::encode(&id);
    [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ]
    .join("-")
}

fn exists() -> StoreError {
    StoreError::new(
        ErrorKind::Conflict,
        Operation::Write,
        "there is a secret of this name already",
    )
    .with_help("choose another name, or import the secret")
}

fn changed() -> StoreError {
    StoreError::new(
        ErrorKind::Conflict,
        Operation::Write,
        "the secret was changed by somebody else in the meantime",
    )
}
