//! An ephemeral resource with a lease that behaves as asked.

use std::time::Duration;

use async_trait::async_trait;
use tf_framework::prelude::*;

use super::{Journal, Shared};

model! {
    /// A value with a lease.
    pub struct LeaseModel {
        /// Time to live in seconds.
        pub ttl: u64 = required(),
        /// What goes wrong.
        pub trouble: Option<String> = optional(),
        /// Always the same.
        pub value: Tristate<String> = computed(),
    }
}

pub struct LeaseResource;

#[async_trait]
impl EphemeralResource for LeaseResource {
    type Data = Shared;
    type Model = LeaseModel;

    fn name(&self) -> &'static str {
        "echo_lease"
    }

    async fn open(
        &self,
        context: &Context<Shared>,
        config: LeaseModel,
    ) -> Result<Opened<LeaseModel>, Diagnostics> {
        let trouble = config.trouble.clone().unwrap_or_default();
        let journal = context.data().journal.clone();
        journal.note("opening");
        let mut result = LeaseModel {
            value: Tristate::Known("v".into()),
            ..config
        };
        match trouble.as_str() {
            "open fails" => return Err(Diagnostic::error("No such secret").at("trouble").into()),
            "open panics" => panic!("hunter2"),
            "open waits" => {
                context.cancellation().cancelled().await;
                return Err(Diagnostic::error("Stopped by the practitioner").into());
            }
            "open hangs" => tokio::time::sleep(Duration::from_secs(4)).await,
            "unknown result" => result.value = Tristate::Unknown,
            "changed argument" => result.ttl += 1,
            "error beside result" => context.report(Diagnostic::error("Half open")),
            "warning" => context.report(Diagnostic::warning("Soon to expire")),
            _ => {}
        }
        journal.note("opened");
        Ok(Opened::leased(
            result,
            EchoLease {
                ttl: Duration::from_secs(self_ttl(&trouble)),
                trouble,
                journal,
            },
        ))
    }
}

/// A lease of a minute, whatever was asked for: the tests move the clock.
fn self_ttl(trouble: &str) -> u64 {
    if trouble == "expired" { 0 } else { 60 }
}

struct EchoLease {
    ttl: Duration,
    trouble: String,
    journal: Journal,
}

#[async_trait]
impl Lease for EchoLease {
    fn facts(&self) -> LeaseFacts {
        LeaseFacts {
            ttl: Some(self.ttl),
            renewable: true,
            revocable: true,
        }
    }

    async fn renew(&self) -> Result<LeaseFacts, Diagnostic> {
        self.journal.note("renewed");
        if self.trouble == "renew fails" {
            Err(Diagnostic::error("permission denied"))
        } else {
            Ok(self.facts())
        }
    }

    async fn revoke(&self) -> Result<(), Diagnostic> {
        match self.trouble.as_str() {
            "revoke fails" => return Err(Diagnostic::error("permission denied")),
            "revoke hangs" => tokio::time::sleep(Duration::from_secs(3600)).await,
            _ => {}
        }
        self.journal.note("revoked");
        Ok(())
    }
}
