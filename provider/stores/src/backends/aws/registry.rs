//! `aws-ecr://account` or `aws-ecr://account/region`: a login for a container registry, made when opened.
//!
//! The answer has the fields `username`, `password`, `endpoint` and `expires_at`. It holds for twelve hours and
//! cannot be taken back.

use std::sync::Arc;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::call::Call;
use super::endpoint::ECR;
use super::refusal::{Outcome, plainly};
use super::settings::BLOCK;
use super::wire::Moment;
use crate::backends::fields::{Fields, until};
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AwsEcr,
    summary: "logins for AWS container registries",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsEcr)?;
    Ok(Arc::new(ContainerRegistry(Account::of(context)?)))
}

#[derive(Debug)]
struct ContainerRegistry(Arc<Account>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ask<'a> {
    registry_ids: [&'a str; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    authorization_data: Vec<Authorization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorization {
    authorization_token: SecretText,
    expires_at: Option<Moment>,
    proxy_endpoint: Option<String>,
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Account and region of a reference.
fn place(operation: Operation, reference: &SecretRef) -> Result<(String, Option<String>)> {
    let path = reference.path();
    let (account, region) = match path.split_once('/') {
        Some((account, region)) => (account.to_owned(), Some(region.to_owned())),
        None => (path, None),
    };
    if !is_account(&account) {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "the reference does not name an AWS account",
        )
        .with_help("write the twelve digits of the account that owns the registry"));
    }
    Ok((account, region))
}

/// User name and password in the token, `user:password` in base64.
fn user_and_password(token: &Secret) -> Option<(String, Secret)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "codec: the store sends user and password as base64"
    )]
    let decoded = zeroize::Zeroizing::new(BASE64_STANDARD.decode(token.expose()).ok()?);
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), Secret::from_text(password.to_owned())))
}

#[async_trait]
impl SecretStore for ContainerRegistry {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let (account, region) = place(operation, reference)?;
        let region = match region {
            Some(region) => region,
            None => self.0.region(operation).await?,
        };
        let call = Call {
            operation,
            service: ECR,
            action: "GetAuthorizationToken",
        };
        let ask = Ask {
            registry_ids: [&account],
        };
        let answer: Outcome<Answer> = call.send_to(&self.0, &region, &ask).await;
        let nothing = || {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the service answered without a login",
            )
        };
        let given = plainly(answer)?
            .authorization_data
            .into_iter()
            .next()
            .ok_or_else(nothing)?;
        let (user, password) =
            user_and_password(&given.authorization_token.0).ok_or_else(nothing)?;
        let expires = given.expires_at.ok_or_else(nothing)?.0;
        let body = Fields::default()
            .text("username", &user)
            .secret("password", &password)
            .some_text("endpoint", given.proxy_endpoint.as_deref())
            .text("expires_at", &expires.to_string())
            .finish();
        let left = expires.duration_since(Timestamp::now());
        let ttl = left.try_into().unwrap_or_default();
        Ok(until(reference, body, expires, ttl))
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        place(operation, reference)?;
        self.0.credentials(operation).await?;
        Ok(Metadata::default())
    }
}
