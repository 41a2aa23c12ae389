//! `azure-token://management.azure.com`: an access token of the login, made when opened.
//!
//! The answer has the fields `token` and `expires_at`. A token cannot be taken back; it ends by itself, after an
//! hour or more, as Microsoft Entra decides.

use std::sync::Arc;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::account::{Account, Wanted};
use super::settings::BLOCK;
use crate::backends::fields::{Fields, until};
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{Operation, Result};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AzureToken,
    summary: "access tokens of Microsoft Entra",
    tested: "a double that checks every proof of a login, judged by the official Python clients",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AzureToken)?;
    Ok(Arc::new(Tokens(Account::of(context)?)))
}

#[derive(Debug)]
struct Tokens(Arc<Account>);

/// The application that `reference` names: its id, or the host of its address.
fn resource(reference: &SecretRef) -> String {
    let path = reference.path();
    let dashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'-');
    let dashes: Vec<_> = dashes.map(|(place, _)| place).collect();
    let is_id = path.len() == 36
        && dashes == [8, 13, 18, 23]
        && path
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_id {
        path
    } else {
        format!("https://{path}")
    }
}

#[async_trait]
impl SecretStore for Tokens {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let wanted = Wanted::new(resource(reference));
        let token = self.0.token(Operation::Open, &wanted).await?;
        let expires = token.expires();
        let body = Fields::default()
            .secret("token", &token.text)
            .text("expires_at", &expires.to_string())
            .finish();
        Ok(until(reference, body, expires, token.ttl()))
    }

    /// Makes sure that there is a login to try; makes no token.
    async fn metadata(&self, _reference: &SecretRef) -> Result<Metadata> {
        self.0.check(Operation::Metadata)?;
        Ok(Metadata::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_named_by_id_or_host() {
        for (text, expected) in [
            ("management.azure.com", "https://management.azure.com"),
            (
                "499b84ac-1321-427f-aa17-267ca6975798",
                "499b84ac-1321-427f-aa17-267ca6975798",
            ),
        ] {
            let reference = format!("azure-token://{text}").parse().unwrap();
            assert_eq!(resource(&reference), expected);
        }
    }
}
