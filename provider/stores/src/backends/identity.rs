//! `identity://audience`: the identity token of this run, for whoever accepts it as a proof.
//!
//! Made when opened, by the automation that runs this process; see [`crate::identity`]. It expires by itself.

use std::sync::Arc;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{Operation, Result};
use crate::identity::IdentityTokens;
use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Identity,
    summary: "identity token of this run",
    tested: "a real OpenID Connect issuer and OpenBao's verifier; a double of the token service of GitHub Actions",
    capability: Capability::READ_ONLY,
    block: None,
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::Identity)?;
    Ok(Arc::new(IdentityStore(Arc::clone(context.identity))))
}

#[derive(Debug)]
struct IdentityStore(Arc<IdentityTokens>);

#[async_trait]
impl SecretStore for IdentityStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let token = self
            .0
            .token(Operation::Open, Some(&reference.path()))
            .await?;
        let metadata = Metadata {
            expires: token.expires,
            ..Metadata::default()
        };
        let lease = token.ttl().map(|ttl| Lease {
            handle: LeaseHandle {
                reference: reference.clone(),
                id: String::new(),
            },
            facts: LeaseFacts {
                ttl,
                renewable: false,
                revocable: false,
            },
        });
        Ok(Leased {
            value: SecretPayload::opaque(token.text, metadata),
            lease,
        })
    }

    async fn metadata(&self, _reference: &SecretRef) -> Result<Metadata> {
        self.0.check(Operation::Metadata)?;
        Ok(Metadata::default())
    }
}
