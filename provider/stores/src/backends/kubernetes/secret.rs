//! `k8s://namespace/name`: the keys of a Secret as named fields.
//!
//! A key that holds text is that text; a key with other bytes is read with `?encoding=base64`, which is also
//! how its field looks. Versions are those of the object; older ones are not kept by the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::Method;
use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_value::Secret;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::SECRET;
use super::answer::Answer;
use super::cluster::{Call, Cluster};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, Precondition, SecretStore, WriteRequest};

/// Only the metadata of an object.
const PARTIAL: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const PATCH: &str = "application/json-patch+json";
const WHAT: &str = "Secret";

/// The Secrets of a cluster.
#[derive(Debug)]
pub(super) struct SecretObjects(pub(super) Arc<Cluster>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectMeta {
    resource_version: Option<String>,
    creation_timestamp: Option<Timestamp>,
    #[serde(default)]
    managed_fields: Vec<ManagedFields>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct ManagedFields {
    manager: Option<String>,
    time: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SecretObject {
    metadata: ObjectMeta,
    #[serde(default)]
    data: BTreeMap<String, Zeroizing<String>>,
}

#[derive(Deserialize)]
struct PartialObject {
    metadata: ObjectMeta,
}

impl From<ObjectMeta> for Metadata {
    fn from(meta: ObjectMeta) -> Self {
        let last = meta
            .managed_fields
            .into_iter()
            .filter(|fields| fields.time.is_some())
            .max_by_key(|fields| fields.time);
        Self {
            number: meta
                .resource_version
                .as_deref()
                .and_then(|version| version.parse().ok()),
            version: meta.resource_version,
            created: meta.creation_timestamp,
            updated: last
                .as_ref()
                .and_then(|fields| fields.time)
                .or(meta.creation_timestamp),
            author: last.and_then(|fields| fields.manager),
            labels: meta.labels,
            ..Self::default()
        }
    }
}

impl SecretObjects {
    async fn call(
        &self,
        operation: Operation,
        reference: &SecretRef,
        method: Method,
        shape: (&'static str, &'static str, Vec<u8>),
    ) -> Result<Answer> {
        let (accept, content_type, body) = shape;
        let [namespace, name] = reference.segments() else {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "the path needs a namespace and a name",
            ));
        };
        let mut segments = vec!["api", "v1", "namespaces", namespace.as_str(), "secrets"];
        if method != Method::POST {
            segments.push(name);
        }
        self.0
            .send(
                operation,
                Call {
                    method,
                    segments: &segments,
                    accept,
                    content_type,
                    body,
                },
            )
            .await
    }

    async fn create(
        &self,
        reference: &SecretRef,
        data: &BTreeMap<String, String>,
    ) -> Result<Metadata> {
        let body = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": reference.segments().last() },
            "type": "Opaque",
            "data": data,
        });
        let shape = (PARTIAL, Call::JSON, body.to_string().into_bytes());
        let answer = self
            .call(Operation::Write, reference, Method::POST, shape)
            .await?;
        let object: PartialObject = answer.object(WHAT)?;
        Ok(object.metadata.into())
    }
}

/// The value of a key as a field: its text, or its bytes in base64.
fn field(encoded: &str) -> Option<serde_json::Value> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?);
    Some(match std::str::from_utf8(&bytes) {
        Ok(text) => text.into(),
        Err(_) => encoded.into(),
    })
}

#[async_trait]
impl SecretStore for SecretObjects {
    fn capability(&self) -> Capability {
        SECRET.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let shape = (Call::JSON, Call::JSON, Vec::new());
        let answer = self
            .call(Operation::Open, reference, Method::GET, shape)
            .await?;
        let object: SecretObject = answer.object(WHAT)?;
        let mut fields = serde_json::Map::new();
        for (name, encoded) in &object.data {
            let value = field(encoded).ok_or_else(|| {
                StoreError::new(
                    ErrorKind::Integrity,
                    Operation::Open,
                    format!("the key `{name}` of the Secret is not base64"),
                )
            })?;
            fields.insert(name.clone(), value);
        }
        let body = Secret::from_text(serde_json::Value::Object(fields).to_string());
        Ok(Leased::forever(SecretPayload::fields(
            body,
            object.metadata.into(),
        )))
    }

    /// The answer holds no value, but the cluster demands the same right as for the values.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let shape = (PARTIAL, Call::JSON, Vec::new());
        let answer = self
            .call(Operation::Metadata, reference, Method::GET, shape)
            .await?;
        let object: PartialObject = answer.object(WHAT)?;
        Ok(object.metadata.into())
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let data = keys(&request.value)?;
        if request.precondition == Precondition::Absent {
            return self.create(reference, &data).await;
        }
        let mut changes = Vec::new();
        if let Precondition::Version(version) = &request.precondition {
            changes.push(
                json!({ "op": "test", "path": "/metadata/resourceVersion", "value": version }),
            );
        }
        changes.push(json!({ "op": "add", "path": "/data", "value": data }));
        let body = serde_json::Value::Array(changes).to_string().into_bytes();
        let answer = self
            .call(
                Operation::Write,
                reference,
                Method::PATCH,
                (PARTIAL, PATCH, body),
            )
            .await?;
        let missing = answer.status == http::StatusCode::NOT_FOUND;
        match &request.precondition {
            Precondition::None if missing => self.create(reference, &data).await,
            // A test of a patch that does not hold is answered as an object that is not valid.
            Precondition::Version(_) if missing || answer.status.as_u16() == 422 => {
                Err(StoreError::new(
                    ErrorKind::Conflict,
                    Operation::Write,
                    "another version of the Secret is current",
                )
                .with_help("read it again before writing"))
            }
            _ => {
                let object: PartialObject = answer.object(WHAT)?;
                Ok(object.metadata.into())
            }
        }
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let shape = (Call::JSON, Call::JSON, Vec::new());
        let answer = self
            .call(Operation::Remove, reference, Method::DELETE, shape)
            .await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(answer.refusal(WHAT))
    }
}

/// The keys of a Secret, encoded: those of a JSON object of texts, else the key `value` with the whole text.
fn keys(value: &Secret) -> Result<BTreeMap<String, String>> {
    let wrong = |message: &str| {
        StoreError::new(ErrorKind::InvalidReference, Operation::Write, message)
            .with_help("write `jsonencode({ key = value })` with texts as values")
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "value codec: the keys are encoded for the request body"
    )]
    let bytes = value.expose();
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("the value is not text"))?;
    if !matches!(serde_json::from_str(text), Ok(Object)) {
        return Ok(BTreeMap::from([(
            "value".to_owned(),
            BASE64_STANDARD.encode(text),
        )]));
    }
    let fields: BTreeMap<String, Zeroizing<String>> = serde_json::from_str(text)
        .map_err(|_| wrong("a key of a Secret holds text, and the value has something else"))?;
    Ok(fields
        .into_iter()
        .map(|(name, text)| (name, BASE64_STANDARD.encode(text.as_bytes())))
        .collect())
}

/// Any JSON object, without keeping what is in it.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        HashMap::<String, serde::de::IgnoredAny>::deserialize(deserializer).map(|_| Self)
    }
}
