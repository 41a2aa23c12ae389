//! Bodies in the binary form of Kubernetes, which `kubectl` sends for what it does not read from files: as much of
//! them as is needed here, as the JSON of the same object.
//!
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use prost::Message;
use serde_json::{Map, Value, json};

use super::super::double::Asked;

/// What such a body starts with.
const MAGIC: &[u8] = b"k8s\0";

#[derive(Message)]
struct Envelope {
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

/// A kind of object that may come in this form.
pub(super) trait Kind: Message + Default {
    /// The object as JSON.
    fn json(self) -> Value;
}

impl Asked {
    /// The object in the body; `None` when there is none.
    pub(super) fn object<T: Kind>(&self) -> Option<Value> {
        if let Some(binary) = self.raw.strip_prefix(MAGIC) {
            let envelope = Envelope::decode(binary).ok()?;
            return Some(T::decode(envelope.raw.as_slice()).ok()?.json());
        }
        self.body.is_object().then(|| self.body.clone())
    }

    /// Its `spec`.
    pub(super) fn spec<T: Kind>(&self) -> Option<Value> {
        self.object::<T>().map(|mut object| object["spec"].take())
    }
}

#[derive(Message)]
pub(super) struct TokenRequest {
    #[prost(message, optional, tag = "2")]
    spec: Option<TokenRequestSpec>,
}

#[derive(Message)]
struct TokenRequestSpec {
    #[prost(string, repeated, tag = "1")]
    audiences: Vec<String>,
    #[prost(message, optional, tag = "3")]
    bound_object_ref: Option<BoundObject>,
    #[prost(int64, optional, tag = "4")]
    expiration_seconds: Option<i64>,
}

#[derive(Message)]
struct BoundObject {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    uid: String,
}

impl Kind for TokenRequest {
    fn json(self) -> Value {
        let spec = self.spec.unwrap_or_default();
        let bound = spec
            .bound_object_ref
            .map(|bound| json!({ "kind": bound.kind, "name": bound.name, "uid": bound.uid }));
        json!({ "spec": {
            "audiences": spec.audiences,
            "expirationSeconds": spec.expiration_seconds,
            "boundObjectRef": bound,
        }})
    }
}

#[derive(Message)]
pub(super) struct AccessReview {
    #[prost(message, optional, tag = "2")]
    spec: Option<AccessReviewSpec>,
}

#[derive(Message)]
struct AccessReviewSpec {
    #[prost(message, optional, tag = "1")]
    resource_attributes: Option<ResourceAttributes>,
}

#[derive(Message)]
struct ResourceAttributes {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    verb: String,
    #[prost(string, tag = "3")]
    group: String,
    #[prost(string, tag = "5")]
    resource: String,
    #[prost(string, tag = "6")]
    subresource: String,
    #[prost(string, tag = "7")]
    name: String,
}

impl Kind for AccessReview {
    fn json(self) -> Value {
        let wanted = self.spec.unwrap_or_default().resource_attributes;
        let wanted = wanted.unwrap_or_default();
        json!({ "spec": { "resourceAttributes": {
            "namespace": wanted.namespace,
            "verb": wanted.verb,
            "group": wanted.group,
            "resource": wanted.resource,
            "subresource": wanted.subresource,
            "name": wanted.name,
        }}})
    }
}

#[derive(Message)]
pub(super) struct Secret {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(btree_map = "string, bytes", tag = "2")]
    data: BTreeMap<String, Vec<u8>>,
    #[prost(string, tag = "3")]
    r#type: String,
}

#[derive(Message)]
struct ObjectMeta {
    #[prost(string, tag = "1")]
    name: String,
}

impl Kind for Secret {
    fn json(self) -> Value {
        let encoded = |(key, value)| (key, BASE64_STANDARD.encode::<Vec<u8>>(value).into());
        let data: Map<String, Value> = self.data.into_iter().map(encoded).collect();
        let name = self.metadata.unwrap_or_default().name;
        json!({ "metadata": { "name": name }, "type": self.r#type, "data": data })
    }
}
