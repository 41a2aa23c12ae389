//! `k8s-token://namespace/service-account`: a token of a service account, made by the TokenRequest API.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_value::Secret;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::TOKEN;
use super::cluster::{Call, Cluster};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;
use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

/// The API server gives no shorter ones.
const SHORTEST: Duration = Duration::from_secs(600);
const USUAL: Duration = Duration::from_secs(3600);

/// The tokens of a cluster's service accounts. Arguments: `audiences` (list; default: the API server),
/// `bound_object` (group: `kind` Pod, Secret or Node, `name`, `uid`).
#[derive(Debug)]
pub(super) struct Tokens(pub(super) Arc<Cluster>);

#[derive(Deserialize)]
struct TokenRequest {
    status: TokenStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenStatus {
    token: SecretText,
    expiration_timestamp: Timestamp,
}

#[derive(Deserialize)]
struct AccessReview {
    status: AccessStatus,
}

#[derive(Deserialize)]
struct AccessStatus {
    #[serde(default)]
    allowed: bool,
}

fn parts(operation: Operation, reference: &SecretRef) -> Result<(&str, &str)> {
    match reference.segments() {
        [namespace, name] => Ok((namespace, name)),
        _ => Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "the path needs a namespace and a service account",
        )),
    }
}

#[async_trait]
impl SecretStore for Tokens {
    fn capability(&self) -> Capability {
        TOKEN.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let (namespace, name) = parts(Operation::Open, reference)?;
        let ttl = options.ttl.unwrap_or(USUAL).max(SHORTEST);
        let mut spec = json!({
            "audiences": options.arguments.list("audiences"),
            "expirationSeconds": ttl.as_secs(),
        });
        if let Some(bound) = options.arguments.group("bound_object") {
            spec["boundObjectRef"] = json!({
                "apiVersion": "v1",
                "kind": bound.text("kind"),
                "name": bound.text("name"),
                "uid": bound.text("uid"),
            });
        }
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": spec,
        });
        let answer = self
            .0
            .send(
                Operation::Open,
                Call {
                    method: Method::POST,
                    segments: &[
                        "api",
                        "v1",
                        "namespaces",
                        namespace,
                        "serviceaccounts",
                        name,
                        "token",
                    ],
                    accept: Call::JSON,
                    content_type: Call::JSON,
                    body: body.to_string().into_bytes(),
                },
            )
            .await?;
        let request: TokenRequest = answer.object("service account")?;
        let TokenStatus {
            token: SecretText(token),
            expiration_timestamp: expires,
        } = request.status;
        let left = expires.duration_since(Timestamp::now());
        let metadata = Metadata {
            expires: Some(expires),
            ..Metadata::default()
        };
        let lease = Lease {
            handle: LeaseHandle {
                reference: reference.clone(),
                id: String::new(),
            },
            facts: LeaseFacts {
                ttl: left.try_into().unwrap_or(Duration::ZERO),
                renewable: false,
                revocable: false,
            },
        };
        Ok(Leased::until(
            SecretPayload::fields(document(&token, expires)?, metadata),
            lease,
        ))
    }

    /// Asks whether the login may make such a token; makes none.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let (namespace, name) = parts(Operation::Metadata, reference)?;
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "namespace": namespace,
                "verb": "create",
                "resource": "serviceaccounts",
                "subresource": "token",
                "name": name,
            }},
        });
        let answer = self
            .0
            .send(
                Operation::Metadata,
                Call {
                    method: Method::POST,
                    segments: &[
                        "apis",
                        "authorization.k8s.io",
                        "v1",
                        "selfsubjectaccessreviews",
                    ],
                    accept: Call::JSON,
                    content_type: Call::JSON,
                    body: body.to_string().into_bytes(),
                },
            )
            .await?;
        let review: AccessReview = answer.object("access review")?;
        if review.status.allowed {
            return Ok(Metadata::default());
        }
        Err(StoreError::new(
            ErrorKind::PermissionDenied,
            Operation::Metadata,
            "the login may not make tokens of the service account",
        )
        .with_help("it needs a role with the verb `create` on `serviceaccounts/token`"))
    }
}

/// The token and its end as named fields.
fn document(token: &Secret, expires: Timestamp) -> Result<Secret> {
    #[expect(
        clippy::disallowed_methods,
        reason = "value codec: the document is secret again"
    )]
    let text = std::str::from_utf8(token.expose()).map_err(|_| {
        StoreError::new(
            ErrorKind::Unavailable,
            Operation::Open,
            "the answer is not what the store documents",
        )
    })?;
    let mut fields = Zeroizing::new(Vec::new());
    let written = serde_json::to_writer(
        &mut *fields,
        &json!({ "token": text, "expires_at": expires.to_string() }),
    );
    written.map_err(|_| {
        StoreError::new(
            ErrorKind::Unavailable,
            Operation::Open,
            "the token cannot be encoded",
        )
    })?;
    Ok(Secret::new(std::mem::take(&mut *fields)))
}
