//! `doppler://project/config/NAME`: secrets of Doppler.
//!
//! Logs in with a token, or with the identity of the run (`POST /v3/auth/oidc`). One name is read alone; several
//! of one config are read with one download. Doppler has no versions and tells no times.

mod api;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::{StoreContext, StoreKind};
use crate::blocks::{Setting, SettingKind, StoreBlock};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, Precondition, SecretStore, WriteRequest};
use crate::suggest;
use api::Api;

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Doppler,
    summary: "secrets of Doppler",
    tested: "a double, judged by the real Doppler command line",
    capability: Capability {
        fetch: true,
        metadata: true,
        write: true,
        conditional_write: false,
        remove: true,
        versions: false,
        binary: false,
        renew: false,
        revoke: false,
        batch: true,
    },
    block: Some(&BLOCK),
    build,
};

static BLOCK: StoreBlock = StoreBlock {
    name: "doppler",
    summary: "Doppler, under the name that references use: `doppler+NAME://…`.",
    schemes: &[Scheme::Doppler],
    settings: &[
        Setting::text(
            "address",
            "Address of the API. Default: `DOPPLER_API_HOST`, else `https://api.doppler.com`.",
        ),
        Setting::text(
            "ca_file",
            "File with the certificate authorities to trust, PEM. Default: those of the system.",
        ),
        Setting::text(
            "identity",
            "Id of the service account identity to log in as with the identity token of the run. Default: \
             `DOPPLER_IDENTITY`; without it a token is needed.",
        ),
        Setting::text(
            "identity_audience",
            "Audience of the identity token. Default: whatever the automation gives.",
        ),
        Setting::new(
            "token",
            SettingKind::Secret,
            "Token. Default: `DOPPLER_TOKEN`. An `identity` goes before it.",
        ),
    ],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    Ok(Arc::new(DopplerStore(Api::new(context)?)))
}

#[derive(Debug)]
struct DopplerStore(Api);

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Config {
    project: String,
    config: String,
}

/// The parts of a reference; the grammar has made sure that there are three.
fn locate(operation: Operation, reference: &SecretRef) -> Result<(Config, String)> {
    match reference.segments() {
        [project, config, name] => Ok((
            Config {
                project: project.clone(),
                config: config.clone(),
            },
            name.clone(),
        )),
        _ => Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "a secret of Doppler is `project/config/NAME`",
        )),
    }
}

fn missing<'a>(
    operation: Operation,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> StoreError {
    let error = StoreError::new(
        ErrorKind::NotFound,
        operation,
        format!("the config has no secret `{name}`"),
    );
    match suggest::hint(name, known) {
        Some(hint) => error.with_help(hint),
        None => error,
    }
}

#[async_trait]
impl SecretStore for DopplerStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let (config, name) = locate(Operation::Open, reference)?;
        let value = self.0.secret(&config, &name).await?;
        Ok(Leased::forever(SecretPayload::opaque(
            value,
            Metadata::default(),
        )))
    }

    /// Downloads each config that more than one name is wanted of.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let mut wanted: BTreeMap<Config, usize> = BTreeMap::new();
        for reference in references {
            if let Ok((config, _)) = locate(Operation::Open, reference) {
                *wanted.entry(config).or_default() += 1;
            }
        }
        let mut downloads = BTreeMap::new();
        for (config, _) in wanted.into_iter().filter(|(_, count)| *count > 1) {
            let answer = self.0.download(&config).await;
            downloads.insert(config, answer);
        }
        let mut answers = Vec::with_capacity(references.len());
        for reference in references {
            let located = locate(Operation::Open, reference);
            let answer = match &located {
                Ok((config, name)) => match downloads.get(config) {
                    Some(Ok(secrets)) => match secrets.get(name) {
                        Some(Some(value)) => Ok(Leased::forever(SecretPayload::opaque(
                            value.clone(),
                            Metadata::default(),
                        ))),
                        Some(None) => Err(api::restricted(Operation::Open)),
                        None => {
                            let known = secrets.keys().map(String::as_str);
                            Err(missing(Operation::Open, name, known))
                        }
                    },
                    Some(Err(error)) => Err(error.clone()),
                    None => self.fetch(reference, options).await,
                },
                Err(error) => Err(error.clone()),
            };
            answers.push(answer);
        }
        answers
    }

    /// Reads the names of a config, no value.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let (config, name) = locate(Operation::Metadata, reference)?;
        let names = self.0.names(Operation::Metadata, &config).await?;
        if names.contains(&name) {
            return Ok(Metadata::default());
        }
        let known = names.iter().map(String::as_str);
        Err(missing(Operation::Metadata, &name, known))
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        let (config, name) = locate(operation, reference)?;
        if reference.selector().is_some() {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "a value is written whole, so the reference may have no selector",
            ));
        }
        match &request.precondition {
            Precondition::None => {}
            Precondition::Absent => {
                if self.0.names(operation, &config).await?.contains(&name) {
                    return Err(StoreError::new(
                        ErrorKind::Conflict,
                        operation,
                        "the secret exists already",
                    ));
                }
            }
            Precondition::Version(_) => {
                return Err(StoreError::new(
                    ErrorKind::Unsupported,
                    operation,
                    "Doppler has no versions, so a write cannot demand one",
                ));
            }
        }
        self.0.write(&config, &name, &request.value).await?;
        Ok(Metadata::default())
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let operation = Operation::Remove;
        let (config, name) = locate(operation, reference)?;
        // Doppler takes the removal of nothing for success.
        let names = self.0.names(operation, &config).await?;
        if !names.contains(&name) {
            return Err(missing(operation, &name, names.iter().map(String::as_str)));
        }
        self.0.remove(&config, &name).await
    }
}
