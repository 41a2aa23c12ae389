//! The policy, asked before the store is and again about what came back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secret_policy::{Caller, Claims, Decision, Policy, Request, SecretRef};

use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

/// The policy, the environment of this run and who runs it.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The policy file.
    pub policy: Arc<Policy>,
    /// The environment that was chosen; `None` when none was.
    pub environment: Option<String>,
    /// Who runs this process.
    pub identity: Identity,
}

/// Who runs this process, as far as can be proven.
#[derive(Clone, Debug, Default)]
pub enum Identity {
    /// Nobody in particular: demands of the policy on the identity are not met.
    #[default]
    Unidentified,
    /// The bearer of these claims.
    Claims(Claims),
}

impl Guard {
    fn request<'a>(
        &'a self,
        reference: &'a SecretRef,
        operation: Operation,
        audited: bool,
    ) -> Request<'a> {
        let caller = match &self.identity {
            Identity::Unidentified => Caller::Unidentified,
            Identity::Claims(claims) => Caller::Identified(claims),
        };
        let operation = match operation {
            Operation::Metadata => secret_policy::Operation::Metadata,
            Operation::Write | Operation::Remove => secret_policy::Operation::Write,
            _ => secret_policy::Operation::Open,
        };
        Request::open(self.environment.as_deref(), reference)
            .operation(operation)
            .caller(caller)
            .audited(audited)
    }

    /// The line of the policy that decides before a call is made, for the access log; `None` when no line
    /// says anything about it.
    pub(super) fn deciding_line(
        &self,
        operation: Operation,
        reference: &SecretRef,
    ) -> Option<String> {
        let decision = self
            .policy
            .decide(&self.request(reference, operation, true));
        decision.rule.map(|rule| rule.to_string())
    }
}

fn enforce(operation: Operation, reference: &SecretRef, decision: Decision) -> Result<()> {
    if decision.is_allowed() {
        return Ok(());
    }
    let mut error = StoreError::new(ErrorKind::PolicyDenied, operation, decision.message)
        .with_reference(reference);
    if let Some(rule) = decision.rule {
        error = error.with_context("rule", rule);
    }
    Err(error.with_help(decision.help))
}

#[derive(Debug)]
pub(super) struct Guarded {
    inner: Arc<dyn SecretStore>,
    guard: Guard,
    audited: bool,
    now: fn() -> Timestamp,
}

impl Guarded {
    pub(super) fn new(
        inner: Arc<dyn SecretStore>,
        guard: Guard,
        audited: bool,
        now: fn() -> Timestamp,
    ) -> Self {
        Self {
            inner,
            guard,
            audited,
            now,
        }
    }

    fn before(&self, operation: Operation, reference: &SecretRef) -> Result<()> {
        let request = self.guard.request(reference, operation, self.audited);
        enforce(operation, reference, self.guard.policy.decide(&request))
    }

    /// A wish for a longer lease than the policy accepts is shortened: asking for it would only fail later.
    fn capped(&self, options: &FetchOptions) -> FetchOptions {
        let name = self.guard.environment.as_deref();
        let most = name.and_then(|name| self.guard.policy.environment(name)?.max_ttl());
        let ttl = options
            .ttl
            .map(|ttl| most.map_or(ttl, |most| ttl.min(most)));
        FetchOptions {
            ttl,
            ..options.clone()
        }
    }

    /// Judges an answer; a refused lease is given back.
    async fn after(
        &self,
        reference: &SecretRef,
        answer: Leased<SecretPayload>,
    ) -> Result<Leased<SecretPayload>> {
        let Err(refusal) = self.judge(reference, &answer) else {
            return Ok(answer);
        };
        if let Some(lease) = answer.lease.filter(|lease| lease.facts.revocable)
            && let Err(error) = self.inner.revoke(&lease.handle).await
        {
            tracing::warn!("a refused lease could not be given back: {error}");
        }
        Err(refusal)
    }

    fn judge(&self, reference: &SecretRef, answer: &Leased<SecretPayload>) -> Result<()> {
        let request = self.guard.request(reference, Operation::Open, self.audited);
        let policy = &self.guard.policy;
        let ttl = answer.lease.as_ref().map(|lease| lease.facts.ttl);
        enforce(
            Operation::Open,
            reference,
            policy.check_lease(&request, ttl),
        )?;
        // A leased value was made for this run.
        let age = ttl.map_or_else(
            || self.age(&answer.value.metadata),
            |_| Some(Duration::ZERO),
        );
        enforce(Operation::Open, reference, policy.check_age(&request, age))
    }

    /// Time since the version was stored; a version from the future has no age.
    fn age(&self, metadata: &Metadata) -> Option<Duration> {
        let stored = metadata.updated.or(metadata.created)?;
        Some(
            (self.now)()
                .duration_since(stored)
                .try_into()
                .unwrap_or(Duration::ZERO),
        )
    }
}

#[async_trait]
impl SecretStore for Guarded {
    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.before(Operation::Open, reference)?;
        let answer = self.inner.fetch(reference, &self.capped(options)).await?;
        self.after(reference, answer).await
    }

    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let decisions: Vec<_> = references
            .iter()
            .map(|reference| self.before(Operation::Open, reference))
            .collect();
        let allowed: Vec<_> = references
            .iter()
            .zip(&decisions)
            .filter(|(_, decision)| decision.is_ok())
            .map(|(reference, _)| reference.clone())
            .collect();
        let mut fetched = self
            .inner
            .fetch_many(&allowed, &self.capped(options))
            .await
            .into_iter();
        let mut answers = Vec::with_capacity(references.len());
        for (reference, decision) in references.iter().zip(decisions) {
            answers.push(match decision {
                Err(refusal) => Err(refusal),
                Ok(()) => match fetched.next() {
                    Some(Ok(answer)) => self.after(reference, answer).await,
                    Some(Err(error)) => Err(error),
                    None => Err(StoreError::new(
                        ErrorKind::Unavailable,
                        Operation::Open,
                        "the store left out an answer",
                    )),
                },
            });
        }
        answers
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        self.before(Operation::Metadata, reference)?;
        self.inner.metadata(reference).await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        self.before(Operation::Write, reference)?;
        self.inner.write(reference, request).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        self.before(Operation::Remove, reference)?;
        self.inner.remove(reference).await
    }

    /// A lease that policy no longer allows to open is not extended either.
    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        self.before(Operation::Renew, &lease.reference)?;
        self.inner.renew(lease, increment).await
    }

    /// Giving back is always allowed.
    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        self.inner.revoke(lease).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
