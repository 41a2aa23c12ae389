//! Trying again what the store says may succeed later.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rand::RngExt;
use secret_policy::SecretRef;

use crate::capability::Capability;
use crate::error::{Result, Retry};
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

/// How often and how patiently to try again. Delays double from the first to the longest, each shortened
/// by chance by up to a half so that callers do not march in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; 1 never tries again. Default 4.
    pub attempts: u32,
    /// Delay after the first failure. Default 200 ms.
    pub first_delay: Duration,
    /// Longest delay. A store that asks for a longer one is not tried again. Default 10 s.
    pub longest_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// The delay before attempt `next` (from 2), or `None` to give up.
    fn delay(&self, next: u32, hint: Retry) -> Option<Duration> {
        if next > self.attempts {
            return None;
        }
        match hint {
            Retry::Never => None,
            Retry::After(asked) => (asked <= self.longest_delay).then_some(asked),
            Retry::Later => {
                let doubled = self
                    .first_delay
                    .saturating_mul(1u32.checked_shl(next.saturating_sub(2)).unwrap_or(u32::MAX));
                let longest = doubled.min(self.longest_delay);
                Some(longest.mul_f64(rand::rng().random_range(0.5..=1.0)))
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Retrying {
    inner: Arc<dyn SecretStore>,
    policy: RetryPolicy,
}

impl Retrying {
    pub(super) fn new(inner: Arc<dyn SecretStore>, policy: RetryPolicy) -> Self {
        Self { inner, policy }
    }

    async fn repeat<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        let mut next = 2;
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(delay) = self.policy.delay(next, error.retry()) else {
                return Err(error);
            };
            tracing::debug!(kind = error.kind().as_str(), attempt = next, "trying again");
            tokio::time::sleep(delay).await;
            next += 1;
        }
    }
}

#[async_trait]
impl SecretStore for Retrying {
    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.repeat(|| self.inner.fetch(reference, options)).await
    }

    /// Tries again those that failed, together.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let mut answers = self.inner.fetch_many(references, options).await;
        for next in 2.. {
            let mut failed = Vec::new();
            let mut delay = Duration::ZERO;
            for (place, answer) in answers.iter().enumerate() {
                if let Err(error) = answer
                    && let Some(wait) = self.policy.delay(next, error.retry())
                {
                    failed.push(place);
                    delay = delay.max(wait);
                }
            }
            if failed.is_empty() {
                break;
            }
            tokio::time::sleep(delay).await;
            let again: Vec<_> = failed
                .iter()
                .map(|place| references[*place].clone())
                .collect();
            for (place, answer) in failed
                .into_iter()
                .zip(self.inner.fetch_many(&again, options).await)
            {
                answers[place] = answer;
            }
        }
        answers
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        self.repeat(|| self.inner.metadata(reference)).await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        self.repeat(|| self.inner.write(reference, request)).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        self.repeat(|| self.inner.remove(reference)).await
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        self.repeat(|| self.inner.renew(lease, increment)).await
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        self.repeat(|| self.inner.revoke(lease)).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
