//! `env://NAME`: environment variables of this process.
//!
//! For values that the automation provides. Read only; no versions, no times. The value is used as it is,
//! also when it is empty.

use std::sync::Arc;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;

use super::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Env,
    summary: "environment variables",
    tested: "this process",
    capability: Capability::READ_ONLY,
    block: None,
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::Env)?;
    Ok(Arc::new(EnvStore {
        environment: context.environment.clone(),
    }))
}

#[derive(Debug)]
struct EnvStore {
    environment: Environment,
}

impl EnvStore {
    fn read(&self, operation: Operation, reference: &SecretRef) -> Result<Secret> {
        let name = reference.path();
        match self.environment.variable(&name) {
            // `as_encoded_bytes` are the raw bytes on Unix and UTF-8 elsewhere, unless a lone surrogate is in it.
            Some(value) => Ok(Secret::new(value.into_encoded_bytes())),
            None => Err(StoreError::new(
                ErrorKind::NotFound,
                operation,
                format!("the environment variable `{name}` is not set"),
            )
            .with_help("set it for the process that runs this program; names are case-sensitive")),
        }
    }
}

#[async_trait]
impl SecretStore for EnvStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let value = self.read(Operation::Open, reference)?;
        Ok(Leased::forever(SecretPayload::opaque(
            value,
            Metadata::default(),
        )))
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        self.read(Operation::Metadata, reference)
            .map(|_| Metadata::default())
    }
}
