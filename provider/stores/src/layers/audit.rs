//! Records every call, whatever became of it. When the log fails closed, an access that cannot be recorded
//! does not happen: it is checked before the call, and a value that came all the same is not handed out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secret_policy::SecretRef;

use crate::audit::{Access, AuditLog};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::layers::Guard;
use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

#[derive(Debug)]
pub(super) struct Audited {
    inner: Arc<dyn SecretStore>,
    log: Arc<AuditLog>,
    guard: Option<Guard>,
}

impl Audited {
    /// `guard` is the one inside: its decision is part of the record.
    pub(super) fn new(
        inner: Arc<dyn SecretStore>,
        log: Arc<AuditLog>,
        guard: Option<Guard>,
    ) -> Self {
        Self { inner, log, guard }
    }

    /// The line of the policy that decides about the call.
    fn rule(&self, operation: Operation, reference: &SecretRef) -> Option<String> {
        self.guard.as_ref()?.deciding_line(operation, reference)
    }

    /// Before a call: when failing closed, makes sure that it can be recorded.
    async fn ready(&self, operation: Operation) -> Result<()> {
        if !self.log.fail_closed() {
            return Ok(());
        }
        let log = Arc::clone(&self.log);
        run(operation, move || log.ready(operation)).await
    }

    /// After a call: records it. An error is only returned when failing closed.
    async fn record(
        &self,
        operation: Operation,
        access: Access,
        error: Option<StoreError>,
    ) -> Result<()> {
        let log = Arc::clone(&self.log);
        let recorded = run(operation, move || {
            log.record(operation, access, error.as_ref())
        })
        .await;
        match recorded {
            Err(error) if self.log.fail_closed() => Err(error),
            Err(error) => {
                tracing::error!("{error}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn record_fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
        answer: Result<Leased<SecretPayload>>,
    ) -> Result<Leased<SecretPayload>> {
        let (version, lease) = match &answer {
            Ok(leased) => (leased.value.metadata.version.clone(), leased.lease.clone()),
            Err(_) => (reference.version().map(str::to_owned), None),
        };
        let access = Access {
            reference: reference.to_string(),
            version,
            lease: lease.as_ref().map(|lease| lease.handle.id.clone()),
            purpose: options.purpose.clone(),
            rule: self.rule(Operation::Open, reference),
        };
        let recorded = self
            .record(Operation::Open, access, answer.as_ref().err().cloned())
            .await;
        if recorded.is_err() {
            self.give_back(lease).await;
        }
        recorded.and(answer)
    }

    async fn give_back(&self, lease: Option<Lease>) {
        if let Some(lease) = lease.filter(|lease| lease.facts.revocable)
            && let Err(error) = self.inner.revoke(&lease.handle).await
        {
            tracing::warn!("a lease that was not handed out could not be given back: {error}");
        }
    }

    async fn record_metadata(
        &self,
        operation: Operation,
        reference: &SecretRef,
        answer: Result<Metadata>,
    ) -> Result<Metadata> {
        let access = Access {
            reference: reference.to_string(),
            version: answer
                .as_ref()
                .ok()
                .and_then(|metadata| metadata.version.clone()),
            rule: self.rule(operation, reference),
            ..Access::default()
        };
        self.record(operation, access, answer.as_ref().err().cloned())
            .await
            .and(answer)
    }

    async fn record_lease<T>(
        &self,
        operation: Operation,
        lease: &LeaseHandle,
        answer: Result<T>,
    ) -> Result<T> {
        let access = Access {
            reference: lease.reference.to_string(),
            lease: Some(lease.id.clone()),
            // Giving back needs no leave.
            rule: (operation != Operation::Revoke)
                .then(|| self.rule(operation, &lease.reference))
                .flatten(),
            ..Access::default()
        };
        self.record(operation, access, answer.as_ref().err().cloned())
            .await
            .and(answer)
    }
}

/// Files are written where they do not hold up other calls.
async fn run(
    operation: Operation,
    write: impl FnOnce() -> Result<()> + Send + 'static,
) -> Result<()> {
    tokio::task::spawn_blocking(write)
        .await
        .unwrap_or_else(|error| {
            Err(StoreError::new(
                ErrorKind::Audit,
                operation,
                "recording the access was interrupted",
            )
            .with_source(error))
        })
}

#[async_trait]
impl SecretStore for Audited {
    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.ready(Operation::Open).await?;
        let answer = self.inner.fetch(reference, options).await;
        self.record_fetch(reference, options, answer).await
    }

    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        if let Err(error) = self.ready(Operation::Open).await {
            return vec![Err(error); references.len()];
        }
        let fetched = self.inner.fetch_many(references, options).await;
        let mut answers = Vec::with_capacity(fetched.len());
        for (reference, answer) in references.iter().zip(fetched) {
            answers.push(self.record_fetch(reference, options, answer).await);
        }
        answers
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        self.ready(Operation::Metadata).await?;
        let answer = self.inner.metadata(reference).await;
        self.record_metadata(Operation::Metadata, reference, answer)
            .await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        self.ready(Operation::Write).await?;
        let answer = self.inner.write(reference, request).await;
        self.record_metadata(Operation::Write, reference, answer)
            .await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        self.ready(Operation::Remove).await?;
        let answer = self.inner.remove(reference).await.map(|()| Metadata {
            version: reference.version().map(str::to_owned),
            ..Metadata::default()
        });
        self.record_metadata(Operation::Remove, reference, answer)
            .await
            .map(drop)
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        self.ready(Operation::Renew).await?;
        let answer = self.inner.renew(lease, increment).await;
        self.record_lease(Operation::Renew, lease, answer).await
    }

    /// Ends the lease even when that cannot be recorded: leaving it alive would help nobody.
    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        let answer = self.inner.revoke(lease).await;
        self.record_lease(Operation::Revoke, lease, answer).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
