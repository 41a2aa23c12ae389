//! `infisical://project/environment/[folder/]NAME`: secrets of Infisical.
//!
//! The project is its slug or its id. `…/dynamic-secrets/NAME` makes a lease of a dynamic secret: a credential
//! of its own that is renewed and revoked. Logs in with a machine identity (OpenID Connect, Kubernetes, universal
//! auth) or a token. Uses version 4 of the interface, and version 3 where a server does not have it.

mod api;
mod dynamic;
mod login;
mod place;
mod secret;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::{StoreContext, StoreKind};
use crate::blocks::{Setting, SettingKind, StoreBlock};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};
use api::Api;
use place::{Folder, Place};

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Infisical,
    summary: "secrets and leases of Infisical",
    tested: "a double, judged by the official Python client",
    capability: Capability {
        fetch: true,
        metadata: true,
        write: true,
        conditional_write: false,
        remove: true,
        versions: true,
        binary: false,
        renew: true,
        revoke: true,
        batch: true,
    },
    block: Some(&BLOCK),
    build,
};

static BLOCK: StoreBlock = StoreBlock {
    name: "infisical",
    summary: "Infisical, under the name that references use: `infisical+NAME://…`.",
    schemes: &[Scheme::Infisical],
    settings: &[
        Setting::text(
            "address",
            "Address of the server. Default: `INFISICAL_API_URL` (a final `/api` is left out), else \
             `https://app.infisical.com`.",
        ),
        Setting::text(
            "auth",
            "How to log in: `oidc`, `kubernetes`, `universal` or `token`. Default: the first for which everything is \
             set, in the order `token`, `universal`, `oidc`.",
        ),
        Setting::text(
            "ca_file",
            "File with the certificate authorities to trust, PEM. Default: those of the system.",
        ),
        Setting::text(
            "client_id",
            "Client id for `universal`. Default: `INFISICAL_UNIVERSAL_AUTH_CLIENT_ID`.",
        ),
        Setting::new(
            "client_secret",
            SettingKind::Secret,
            "Client secret for `universal`. Default: `INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET`.",
        ),
        Setting::text(
            "identity_audience",
            "Audience of the identity token for `oidc`. Default: whatever the automation gives.",
        ),
        Setting::text(
            "identity_id",
            "Id of the machine identity for `oidc` and `kubernetes`. Default: `INFISICAL_MACHINE_IDENTITY_ID`.",
        ),
        Setting::text(
            "service_account_token_file",
            "File with the token of the Kubernetes service account for `kubernetes`. Default: \
             `INFISICAL_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH`, else where Kubernetes puts it.",
        ),
        Setting::new(
            "token",
            SettingKind::Secret,
            "Access token. Default: `INFISICAL_TOKEN`.",
        ),
    ],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    Ok(Arc::new(InfisicalStore(Api::new(context)?)))
}

#[derive(Debug)]
struct InfisicalStore(Api);

#[async_trait]
impl SecretStore for InfisicalStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let place = Place::of(Operation::Open, reference)?;
        if place.dynamic {
            return dynamic::lease(&self.0, reference, &place, options.ttl).await;
        }
        let found = secret::read(&self.0, &place, reference.version()).await?;
        Ok(Leased::forever(found))
    }

    /// Lists each folder that more than one current secret is wanted of.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let listed = |reference: &SecretRef| {
            let place = Place::of(Operation::Open, reference).ok()?;
            let plain = !place.dynamic && reference.version().is_none();
            plain.then_some(place)
        };
        let mut wanted: BTreeMap<Folder, usize> = BTreeMap::new();
        for place in references.iter().filter_map(listed) {
            *wanted.entry(place.folder).or_default() += 1;
        }
        let mut folders = BTreeMap::new();
        for (folder, _) in wanted.into_iter().filter(|(_, count)| *count > 1) {
            let answer = secret::list(&self.0, &folder).await;
            folders.insert(folder, answer);
        }
        let mut answers = Vec::with_capacity(references.len());
        for reference in references {
            let found = listed(reference).and_then(|place| {
                let secrets = folders.get(&place.folder)?;
                Some(match secrets {
                    Ok(secrets) => Ok(secrets.get(&place.name)?.clone()),
                    // Whoever may not list a folder may still read what it names.
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => return None,
                    Err(error) => Err(error.clone()),
                })
            });
            answers.push(match found {
                Some(answer) => answer.map(Leased::forever),
                // Imported or missing: the single read knows both.
                None => self.fetch(reference, options).await,
            });
        }
        answers
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let place = Place::of(Operation::Metadata, reference)?;
        if place.dynamic {
            return dynamic::describe(&self.0, &place).await;
        }
        secret::describe(&self.0, &place, reference.version()).await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let place = plain(Operation::Write, reference)?;
        if reference.selector().is_some() || reference.version().is_some() {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                Operation::Write,
                "a value is written whole and as a new version, so the reference may have neither version nor selector",
            ));
        }
        secret::write(&self.0, &place, request).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let place = plain(Operation::Remove, reference)?;
        if reference.version().is_some() {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                Operation::Remove,
                "Infisical removes a secret with all its versions, not one of them",
            ));
        }
        secret::remove(&self.0, &place).await
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        let place = Place::of(Operation::Renew, &lease.reference)?;
        dynamic::renew(&self.0, &place, &lease.id, increment).await
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        let place = Place::of(Operation::Revoke, &lease.reference)?;
        dynamic::revoke(&self.0, &place, &lease.id).await
    }
}

fn plain(operation: Operation, reference: &SecretRef) -> Result<Place> {
    let place = Place::of(operation, reference)?;
    if place.dynamic {
        return Err(StoreError::new(
            ErrorKind::Unsupported,
            operation,
            "a dynamic secret makes credentials; it holds no value of its own",
        ));
    }
    Ok(place)
}
