//! Leases of dynamic secrets: made, renewed, revoked.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use secret_policy::SecretRef;
use secret_value::Secret;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::rest::Call;
use super::api::{Api, accepted};
use super::place::Place;
use crate::error::{Operation, Result};
use crate::http::JsonBody;
use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};

#[derive(Deserialize)]
struct Made<'a> {
    lease: Facts,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Changed {
    lease: Facts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    id: String,
    expire_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    version: Option<u64>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl Facts {
    fn facts(&self) -> LeaseFacts {
        let left = self.expire_at.duration_since(Timestamp::now());
        LeaseFacts {
            ttl: left.try_into().unwrap_or(Duration::ZERO),
            renewable: true,
            revocable: true,
        }
    }
}

/// A period as the interface takes it.
fn period(ttl: Duration) -> String {
    format!("{}s", ttl.as_secs().max(1))
}

/// Makes a credential.
pub(super) async fn lease(
    api: &Api,
    reference: &SecretRef,
    place: &Place,
    ttl: Option<Duration>,
) -> Result<Leased<SecretPayload>> {
    let operation = Operation::Open;
    let project = api.project(operation, &place.folder.project).await?;
    let mut body = json!({
        "dynamicSecretName": place.name,
        "projectSlug": project.slug,
        "environmentSlug": place.folder.environment,
        "path": place.folder.path,
    });
    if let Some(ttl) = ttl {
        body["ttl"] = period(ttl).into();
    }
    let path = ["api", "v1", "dynamic-secrets", "leases"];
    let answer = api
        .call(&Call::new(operation, Method::POST, &path).body(JsonBody::plain(&body)))
        .await?;
    let answer = accepted(answer, "the dynamic secret")?;
    let made: Made<'_> = answer.json_borrowed()?;
    let facts = made.lease.facts();
    let value = Secret::new(made.data.get().as_bytes().to_vec());
    let metadata = Metadata {
        expires: Some(made.lease.expire_at),
        ..Metadata::default()
    };
    Ok(Leased::until(
        SecretPayload::fields(value, metadata),
        Lease {
            handle: LeaseHandle {
                reference: reference.clone(),
                id: made.lease.id,
            },
            facts,
        },
    ))
}

/// Facts about a dynamic secret; makes no credential.
pub(super) async fn describe(api: &Api, place: &Place) -> Result<Metadata> {
    let operation = Operation::Metadata;
    let project = api.project(operation, &place.folder.project).await?;
    let path = ["api", "v1", "dynamic-secrets", place.name.as_str()];
    let call = Call::new(operation, Method::GET, &path).query(&[
        ("projectSlug", project.slug.as_str()),
        ("environmentSlug", place.folder.environment.as_str()),
        ("path", place.folder.path.as_str()),
    ]);
    let answer = api.call(&call).await?;
    let answer = accepted(answer, "the dynamic secret")?;
    // Older servers answer the description itself, newer ones put it into an object.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wrapped {
        dynamic_secret: Described,
    }
    let described = match answer.json::<Wrapped>() {
        Ok(wrapped) => wrapped.dynamic_secret,
        Err(_) => answer.json()?,
    };
    Ok(Metadata {
        created: described.created_at,
        updated: described.updated_at,
        labels: described
            .version
            .map(|version| ("definition_version".to_owned(), version.to_string()))
            .into_iter()
            .collect(),
        ..Metadata::default()
    })
}

/// Extends a lease. The interface adds the period to the present end, up to the longest that is allowed; the
/// answer says what came of it.
pub(super) async fn renew(
    api: &Api,
    place: &Place,
    id: &str,
    increment: Option<Duration>,
) -> Result<LeaseFacts> {
    let operation = Operation::Renew;
    let project = api.project(operation, &place.folder.project).await?;
    let mut body = json!({
        "projectSlug": project.slug,
        "environmentSlug": place.folder.environment,
        "path": place.folder.path,
    });
    if let Some(increment) = increment {
        body["ttl"] = period(increment).into();
    }
    let path = ["api", "v1", "dynamic-secrets", "leases", id, "renew"];
    let answer = api
        .call(&Call::new(operation, Method::POST, &path).body(JsonBody::plain(&body)))
        .await?;
    let changed: Changed = accepted(answer, "the lease")?.json()?;
    Ok(changed.lease.facts())
}

/// Ends a lease; one that is gone already is success.
pub(super) async fn revoke(api: &Api, place: &Place, id: &str) -> Result<()> {
    let operation = Operation::Revoke;
    let project = api.project(operation, &place.folder.project).await?;
    let body = json!({
        "projectSlug": project.slug,
        "environmentSlug": place.folder.environment,
        "path": place.folder.path,
        "isForced": false,
    });
    let path = ["api", "v1", "dynamic-secrets", "leases", id];
    let answer = api
        .call(&Call::new(operation, Method::DELETE, &path).body(JsonBody::plain(&body)))
        .await?;
    if answer.status.as_u16() == 404 {
        return Ok(());
    }
    accepted(answer, "the lease").map(drop)
}
