//! What a store answers: a [`SecretPayload`] (the value) or [`Metadata`] (everything but the value).

use std::collections::BTreeMap;

use jiff::Timestamp;
use secret_value::Secret;

/// A fetched value with what is known about it. The selector of the reference is **not** applied yet;
/// [`crate::select`] does that for every store alike.
#[derive(Clone, Debug)]
pub struct SecretPayload {
    /// The value exactly as stored.
    pub body: Secret,
    /// What the store knows about the bytes.
    pub shape: Shape,
    /// Facts that came with the value; empty where the store sends none.
    pub metadata: Metadata,
}

impl SecretPayload {
    /// A value of unknown shape.
    #[must_use]
    pub fn opaque(body: Secret, metadata: Metadata) -> Self {
        Self {
            body,
            shape: Shape::Opaque,
            metadata,
        }
    }

    /// A JSON document of named fields, given as JSON text.
    #[must_use]
    pub fn fields(json: Secret, metadata: Metadata) -> Self {
        Self {
            body: json,
            shape: Shape::Fields,
            metadata,
        }
    }
}

/// What a store knows about the bytes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Bytes that the store does not look into. They may be JSON all the same.
    Opaque,
    /// Named fields (a Vault KV entry, a Kubernetes Secret); the body is a JSON object.
    Fields,
}

/// Facts about a secret that are no secret. Every field is optional: `None` means that the store does
/// not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The version the facts are about, in the store's own words.
    pub version: Option<String>,
    /// The same version as a number that only grows, where the store counts.
    pub number: Option<u64>,
    /// How many versions the store keeps, readable or not.
    pub versions: Option<u64>,
    /// When the secret was first stored.
    pub created: Option<Timestamp>,
    /// When this version was stored.
    pub updated: Option<Timestamp>,
    /// When the value ends.
    pub expires: Option<Timestamp>,
    /// When the value should be replaced.
    pub rotation_due: Option<Timestamp>,
    /// Who stored this version.
    pub author: Option<String>,
    /// The store's own labels.
    pub labels: BTreeMap<String, String>,
    /// What whoever opened the secret should know, such as that a login ends soon; full sentences without a
    /// final stop. Told once in a run.
    pub notes: Vec<String>,
}
