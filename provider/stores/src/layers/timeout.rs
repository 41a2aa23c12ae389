//! A time limit for every attempt.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secret_policy::SecretRef;

use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

#[derive(Debug)]
pub(super) struct Timeout {
    inner: Arc<dyn SecretStore>,
    limit: Duration,
}

impl Timeout {
    pub(super) fn new(inner: Arc<dyn SecretStore>, limit: Duration) -> Self {
        Self { inner, limit }
    }

    async fn limit<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(self.expired(operation)),
        }
    }

    fn expired(&self, operation: Operation) -> StoreError {
        // What was not answered may have happened all the same: only what may happen twice is tried again.
        let capability = self.inner.capability();
        let repeatable = match operation {
            Operation::Metadata | Operation::Renew | Operation::Revoke => true,
            Operation::Open => !capability.revoke && !capability.renew,
            _ => false,
        };
        StoreError::new(
            ErrorKind::Timeout,
            operation,
            format!(
                "the store gave no answer within {} s",
                self.limit.as_secs_f32()
            ),
        )
        .with_retry(if repeatable {
            Retry::Later
        } else {
            Retry::Never
        })
        .with_help("check that the store can be reached from here")
    }
}

#[async_trait]
impl SecretStore for Timeout {
    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.limit(Operation::Open, self.inner.fetch(reference, options))
            .await
    }

    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let call = async { Ok(self.inner.fetch_many(references, options).await) };
        match self.limit(Operation::Open, call).await {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); references.len()],
        }
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        self.limit(Operation::Metadata, self.inner.metadata(reference))
            .await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        self.limit(Operation::Write, self.inner.write(reference, request))
            .await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        self.limit(Operation::Remove, self.inner.remove(reference))
            .await
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        self.limit(Operation::Renew, self.inner.renew(lease, increment))
            .await
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        self.limit(Operation::Revoke, self.inner.revoke(lease))
            .await
    }

    async fn close(&self) -> Result<()> {
        self.limit(Operation::Revoke, self.inner.close()).await
    }
}
