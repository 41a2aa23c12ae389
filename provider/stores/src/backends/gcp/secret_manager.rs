//! `gcp-sm://project/secret`, or `gcp-sm://secret` in the project of the block: Google Cloud Secret Manager.
//!
//! Values come with a checksum, which is compared. Metadata needs `secretmanager.versions.get` alone; what is known
//! besides needs `secretmanager.secrets.get` and `secretmanager.versions.list` and is left out without them.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use secret_policy::{Scheme, SecretRef};
use serde_json::json;

use super::account::Account;
use super::refusal::{Outcome, Refusal, State};
use super::settings::BLOCK;
use super::versions::{Accessed, Described, Page, Place, Version, facts_of};
use super::write::Writing;
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::JsonBody;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

/// Versions in one page.
const PAGE: usize = 250;
/// Pages that are counted at most.
const MAX_PAGES: usize = 40;
/// The state of a version without a value.
const DESTROYED: &str = "DESTROYED";
const DISABLED: &str = "DISABLED";

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::GcpSm,
    summary: "Google Cloud Secret Manager",
    tested: "a double that checks tokens, rights and checksums, judged by the official Python client",
    capability: Capability {
        write: true,
        remove: true,
        versions: true,
        ..Capability::READ_ONLY
    },
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::GcpSm)?;
    Ok(Arc::new(SecretManager(Account::of(context)?)))
}

#[derive(Debug)]
struct SecretManager(Arc<Account>);

impl SecretManager {
    async fn read(&self, reference: &SecretRef) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let place = Place::of(&self.0, operation, reference).await?;
        let version = format!("{}:access", place.version);
        let path = ["secrets", &place.secret, "versions", &version];
        let call = place.get(operation, &path, "secretmanager.versions.access");
        let answer = call
            .send(&self.0)
            .await
            .map_err(|refusal| explained(refusal, operation, &place))?;
        let accessed: Accessed = answer.json()?;
        accessed.payload(operation).map(Leased::forever)
    }

    /// What is known about the secret as a whole.
    async fn describe(&self, operation: Operation, place: &Place) -> Outcome<Described> {
        let path = ["secrets", &place.secret];
        let call = place.get(operation, &path, "secretmanager.secrets.get");
        Ok(call.send(&self.0).await?.json()?)
    }

    async fn version(&self, operation: Operation, place: &Place) -> Outcome<Version> {
        let path = ["secrets", &place.secret, "versions", &place.version];
        let call = place.get(operation, &path, "secretmanager.versions.get");
        Ok(call.send(&self.0).await?.json()?)
    }

    /// How many versions are kept.
    async fn count(&self, operation: Operation, place: &Place) -> Outcome<u64> {
        let path = ["secrets", &place.secret, "versions"];
        let mut call = place.get(operation, &path, "secretmanager.versions.list");
        let mut kept = 0;
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            call.query = vec![("pageSize", PAGE.to_string())];
            call.query
                .extend(token.take().map(|token| ("pageToken", token)));
            let page: Page = call.send(&self.0).await?.json()?;
            let left = page.versions.iter();
            kept += left.filter(|version| version.state != DESTROYED).count() as u64;
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(kept)
    }
}

/// A refusal in the words that fit a secret.
fn explained(refusal: Refusal, operation: Operation, place: &Place) -> StoreError {
    match refusal.state {
        Some(state) => unreadable(state, operation, place),
        None if refusal.is_missing() => place.missing(operation),
        None => refusal.error.with_context("project", &place.project),
    }
}

/// The error for a version that is there and has no value to give.
fn unreadable(state: State, operation: Operation, place: &Place) -> StoreError {
    let secret = format!("{}/{}", place.project, place.secret);
    match state {
        State::Destroyed => StoreError::new(
            ErrorKind::NotFound,
            operation,
            "the version was destroyed, so it has no value any more",
        )
        .with_context("secret", secret)
        .with_help("name an older version; without one, the version that was made last is meant in any state"),
        State::Disabled => StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            "the version is disabled, so its value is not given to anybody",
        )
        .with_context("secret", secret)
        .with_help("enable it, or name another version; without one, the version that was made last is meant in any state"),
    }
}

/// The state of `version`, when it has no value to give.
fn state(version: &Version) -> Option<State> {
    match version.state.as_str() {
        DESTROYED => Some(State::Destroyed),
        DISABLED => Some(State::Disabled),
        _ => None,
    }
}

#[async_trait]
impl SecretStore for SecretManager {
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
        let place = Place::of(&self.0, operation, reference).await?;
        let (version, described, count) = futures::future::join3(
            self.version(operation, &place),
            self.describe(operation, &place),
            self.count(operation, &place),
        )
        .await;
        let version = version.map_err(|refusal| explained(refusal, operation, &place))?;
        if let Some(state) = state(&version) {
            return Err(unreadable(state, operation, &place));
        }
        let mut facts = Metadata {
            updated: version.create_time,
            versions: optional(count)?,
            ..facts_of(&version.name)
        };
        if let Some(described) = optional(described)? {
            facts.created = described.create_time;
            facts.expires = described.expire_time;
            facts.rotation_due = described
                .rotation
                .and_then(|rotation| rotation.next_rotation_time);
            facts.labels = described.labels;
        }
        Ok(facts)
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        let place = Place::of(&self.0, operation, reference).await?;
        let writing = Writing {
            account: &self.0,
            place: &place,
        };
        let written = writing.write(request).await?;
        let mut facts = Metadata {
            updated: written.create_time,
            ..facts_of(&written.name)
        };
        // The write happened: what cannot be read now is left out.
        if let Ok(described) = self.describe(operation, &place).await {
            facts.created = described.create_time;
            facts.expires = described.expire_time;
            facts.labels = described.labels;
        }
        Ok(facts)
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let operation = Operation::Remove;
        let place = Place::of(&self.0, operation, reference).await?;
        if reference.version().is_none() {
            let path = ["secrets", place.secret.as_str()];
            let call = place.call(
                operation,
                Method::DELETE,
                &path,
                "secretmanager.secrets.delete",
            );
            let outcome = call.send(&self.0).await;
            return outcome
                .map(drop)
                .map_err(|refusal| explained(refusal, operation, &place));
        }
        let explain = |refusal| explained(refusal, operation, &place);
        let version = self.version(operation, &place).await.map_err(explain)?;
        if let Some(State::Destroyed) = state(&version) {
            return Err(unreadable(State::Destroyed, operation, &place));
        }
        // Destroys what was looked at, and nothing that took its place, such as where an alias moved on.
        let verb = format!("{}:destroy", version.number());
        let path = ["secrets", place.secret.as_str(), "versions", &verb];
        let mut call = place.call(
            operation,
            Method::POST,
            &path,
            "secretmanager.versions.destroy",
        );
        call.body = Some(JsonBody::plain(&match &version.etag {
            Some(etag) => json!({ "etag": etag }),
            None => json!({}),
        }));
        call.send(&self.0).await.map(drop).map_err(explain)
    }
}

/// What is known besides; `None` without the right to it.
fn optional<T>(outcome: Outcome<T>) -> Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.error.kind() == ErrorKind::PermissionDenied => Ok(None),
        Err(refusal) => Err(refusal.error),
    }
}
