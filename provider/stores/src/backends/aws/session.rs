//! `aws-sts://arn:aws:iam::123456789012:role/name`: a session under a role, made when opened.
//!
//! The answer has the fields `access_key_id`, `secret_access_key`, `session_token`, `expires_at` and `arn`. A
//! session cannot be taken back; it ends by itself, so ask for a short one. Metadata asks who we are, which
//! everybody may, and makes no session.

use std::sync::Arc;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::account::Account;
use super::settings::{AUDIENCE, BLOCK, RoleSession, SESSION_NAME};
use super::sts;
use crate::backends::fields::{Fields, until};
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{Operation, Result};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AwsSts,
    summary: "sessions under AWS roles",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsSts)?;
    Ok(Arc::new(Sessions(Account::of(context)?)))
}

#[derive(Debug)]
struct Sessions(Arc<Account>);

/// The session that the arguments ask for.
fn wanted(reference: &SecretRef, options: &FetchOptions) -> Result<RoleSession> {
    let arguments = &options.arguments;
    let text = |name: &str| arguments.text(name).map(str::to_owned);
    let session = RoleSession {
        role_arn: reference.path(),
        audience: (arguments.flag("web_identity") == Some(true))
            .then(|| text("audience").unwrap_or_else(|| AUDIENCE.to_owned())),
        session_name: text("session_name").unwrap_or_else(|| SESSION_NAME.to_owned()),
        duration: options.ttl,
        policy: text("policy"),
        policy_arns: arguments.list("policy_arns").to_vec(),
        external_id: text("external_id"),
        source_identity: text("source_identity"),
        tags: arguments.map("tags").cloned().unwrap_or_default(),
        transitive_tag_keys: arguments.list("transitive_tag_keys").to_vec(),
    };
    session
        .check("the session")
        .map_err(|error| error.during(Operation::Open))?;
    Ok(session)
}

#[async_trait]
impl SecretStore for Sessions {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let wanted = wanted(reference, options)?;
        let session = if wanted.audience.is_some() {
            sts::web_identity(&self.0, operation, &wanted).await?
        } else {
            let credentials = self.0.credentials(operation).await?;
            sts::assume_role(&self.0, operation, &wanted, credentials).await?
        };
        let ttl = session.ttl();
        let body = Fields::default()
            .text("access_key_id", &session.access_key_id)
            .secret("secret_access_key", &session.secret_access_key)
            .secret("session_token", &session.session_token)
            .text("expires_at", &session.expires.to_string())
            .some_text("arn", session.arn.as_deref())
            .finish();
        Ok(until(reference, body, session.expires, ttl))
    }

    async fn metadata(&self, _reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let credentials = self.0.credentials(operation).await?;
        sts::caller(&self.0, operation, credentials).await?;
        Ok(Metadata::default())
    }
}
