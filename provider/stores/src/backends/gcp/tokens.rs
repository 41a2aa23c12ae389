//! `gcp-token://service-account` and `gcp-id-token://service-account/audience`: tokens of Google, made when opened.
//!
//! `default` as the service account means whoever the credentials are of; any other is impersonated. The answer has
//! the fields `token` and `expires_at`. Tokens cannot be taken back and end by themselves. Metadata asks whether the
//! credentials may make such a token, and makes none.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use secret_policy::{Scheme, SecretRef};
use serde::Deserialize;
use serde_json::json;

use super::account::{Account, CLOUD_PLATFORM};
use super::call::Call;
use super::credentials::{Hop, Token};
use super::endpoint::IAM;
use super::settings::BLOCK;
use crate::backends::fields::{Fields, until};
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::JsonBody;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

const TESTED: &str = "a double that checks assertions, proofs, delegations and scopes, judged by the official Python client";
/// Whoever the credentials are of.
const SELF: &str = "default";

pub(in crate::backends) const ACCESS: StoreKind = StoreKind {
    scheme: Scheme::GcpToken,
    summary: "access tokens of Google service accounts",
    tested: TESTED,
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build: |context| build(context, Scheme::GcpToken, Kind::Access),
};

pub(in crate::backends) const ID: StoreKind = StoreKind {
    scheme: Scheme::GcpIdToken,
    summary: "identity tokens of Google service accounts",
    tested: TESTED,
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build: |context| build(context, Scheme::GcpIdToken, Kind::Identity),
};

fn build(context: &StoreContext<'_>, scheme: Scheme, kind: Kind) -> Result<Arc<dyn SecretStore>> {
    context.require_block(scheme)?;
    let account = Account::of(context)?;
    Ok(Arc::new(Tokens { account, kind }))
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Access,
    Identity,
}

/// Arguments: `scopes` (list; default: `cloud-platform`), `delegates` (list), and for identity tokens `audience`
/// (the exact text, when it is the audience of the reference with `https://` before it) and `include_email`.
#[derive(Debug)]
struct Tokens {
    account: Arc<Account>,
    kind: Kind,
}

#[derive(Default, Deserialize)]
struct Allowed {
    #[serde(default)]
    permissions: Vec<String>,
}

impl Tokens {
    async fn make(
        &self,
        operation: Operation,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Token> {
        let account = &*self.account;
        let hop = hop(operation, reference, options)?;
        match self.kind {
            Kind::Access => {
                let named = options.arguments.list("scopes");
                let wide = [CLOUD_PLATFORM.to_owned()];
                let scopes = if named.is_empty() { &wide } else { named };
                match &hop {
                    Some(hop) => {
                        let own = account.token(operation).await?;
                        hop.access_token(account, operation, &own, scopes).await
                    }
                    None => {
                        let credentials = account.credentials(operation).await?;
                        credentials.access_token(account, operation, scopes).await
                    }
                }
            }
            Kind::Identity => {
                let audience = audience(operation, reference, options)?;
                let email = options.arguments.flag("include_email").unwrap_or(false);
                match &hop {
                    Some(hop) => {
                        let own = account.token(operation).await?;
                        hop.id_token(account, operation, &own, &audience, email)
                            .await
                    }
                    None => {
                        let credentials = account.credentials(operation).await?;
                        credentials
                            .id_token(account, operation, &audience, email)
                            .await
                    }
                }
            }
        }
    }
}

/// The service account to impersonate; `None` for that of the credentials.
fn hop(operation: Operation, reference: &SecretRef, options: &FetchOptions) -> Result<Option<Hop>> {
    let named = reference.segments().first().map_or("", String::as_str);
    let delegates = options.arguments.list("delegates");
    if named == SELF {
        if delegates.is_empty() {
            return Ok(None);
        }
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "delegates are for a service account that is impersonated, and the reference names none",
        ));
    }
    let hop = Hop {
        service_account: named.to_owned(),
        delegates: delegates.to_vec(),
        lifetime: options.ttl,
        url: None,
    };
    hop.checked("the lifetime of the token")
        .map(Some)
        .map_err(|error| error.during(operation))
}

/// Whom an identity token is for. A path cannot hold `https://`, so the whole may come beside it; it must be the
/// same audience, which the policy was asked about.
fn audience(operation: Operation, reference: &SecretRef, options: &FetchOptions) -> Result<String> {
    let path = reference.segments().get(1..).unwrap_or_default().join("/");
    let Some(whole) = options.arguments.text("audience") else {
        return Ok(path);
    };
    let bare = whole.strip_prefix("https://").unwrap_or(whole);
    if bare == path || bare.strip_suffix('/') == Some(path.as_str()) {
        return Ok(whole.to_owned());
    }
    Err(StoreError::new(
        ErrorKind::InvalidReference,
        operation,
        format!("the audience `{whole}` is not that of the reference, `{path}`"),
    )
    .with_help(
        "write the same in both; in the reference without `https://`, which may stand before it in the audience",
    ))
}

#[async_trait]
impl SecretStore for Tokens {
    fn capability(&self) -> Capability {
        Capability::READ_ONLY
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let token = self.make(Operation::Open, reference, options).await?;
        let fields = Fields::default().secret("token", &token.text);
        let Some(expires) = token.expires else {
            // Nobody says when the token of somebody else ends.
            let body = fields.finish();
            return Ok(Leased::forever(SecretPayload::fields(
                body,
                Metadata::default(),
            )));
        };
        let left = expires.duration_since(Timestamp::now());
        let ttl = left.try_into().unwrap_or(Duration::ZERO);
        let body = fields.text("expires_at", &expires.to_string()).finish();
        Ok(until(reference, body, expires, ttl))
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let account = &*self.account;
        // Our own login, which is kept and not given out.
        account.token(operation).await?;
        let Some(hop) = hop(operation, reference, &FetchOptions::default())? else {
            return Ok(Metadata::default());
        };
        let permission = match self.kind {
            Kind::Access => "iam.serviceAccounts.getAccessToken",
            Kind::Identity => "iam.serviceAccounts.getOpenIdToken",
        };
        let verb = format!("{}:testIamPermissions", hop.service_account);
        let call = Call {
            operation,
            method: Method::POST,
            base: account.address(operation, IAM, None).await?,
            path: vec!["v1", "projects", "-", "serviceAccounts", &verb],
            query: Vec::new(),
            body: Some(JsonBody::plain(&json!({ "permissions": [permission] }))),
            what: "the service account",
            permission,
        };
        let allowed: Allowed = match call.send(account).await {
            Ok(answer) => answer.json()?,
            // Tokens need the other interface only: what cannot be asked is found out when one is made.
            Err(refusal) if refusal.error.context("reason") == Some("SERVICE_DISABLED") => {
                return Ok(Metadata::default());
            }
            Err(refusal) => return Err(refusal.error),
        };
        if allowed.permissions.iter().any(|held| held == permission) {
            return Ok(Metadata::default());
        }
        Err(StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            "the credentials may not make tokens of the service account",
        )
        .with_context("service account", &hop.service_account)
        .with_help(format!(
            "allow `{permission}` on it, which the role `roles/iam.serviceAccountTokenCreator` has"
        )))
    }
}
