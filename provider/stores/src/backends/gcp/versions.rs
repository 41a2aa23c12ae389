//! Secrets and their versions as the service tells them, and references to them.
//! <https://cloud.google.com/secret-manager/docs/reference/rest>

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_value::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::account::Account;
use super::call::Call;
use super::endpoint::SECRET_MANAGER;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::{JsonBody, SecretText};
use crate::payload::{Metadata, SecretPayload};
use reqwest::{Method, Url};

/// The version that was made last.
const LATEST: &str = "latest";

/// Where a secret is.
pub(super) struct Place {
    base: Url,
    pub(super) project: String,
    location: Option<String>,
    pub(super) secret: String,
    /// A number, an alias, or the last one.
    pub(super) version: String,
}

/// The value of a version.
#[derive(Deserialize)]
pub(super) struct Accessed {
    name: String,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    // An empty value is left out in this notation.
    #[serde(default)]
    data: Option<SecretText>,
    #[serde(default)]
    data_crc32c: Option<Value>,
}

/// A version without its value.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) name: String,
    #[serde(default)]
    pub(super) create_time: Option<Timestamp>,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) etag: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub(super) versions: Vec<Version>,
    #[serde(default)]
    pub(super) next_page_token: Option<String>,
}

/// A secret without its versions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described {
    #[serde(default)]
    pub(super) create_time: Option<Timestamp>,
    #[serde(default)]
    pub(super) expire_time: Option<Timestamp>,
    #[serde(default)]
    pub(super) rotation: Option<Rotation>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rotation {
    #[serde(default)]
    pub(super) next_rotation_time: Option<Timestamp>,
}

impl Place {
    /// Where `reference` points to.
    pub(super) async fn of(
        account: &Account,
        operation: Operation,
        reference: &SecretRef,
    ) -> Result<Self> {
        let (project, secret) = match reference.segments() {
            [secret] => (account.project(operation).await?.to_owned(), secret.clone()),
            [project, secret] => (project.clone(), secret.clone()),
            _ => {
                return Err(StoreError::new(
                    ErrorKind::InvalidReference,
                    operation,
                    "the reference names no secret of Google Cloud",
                )
                .with_help("write `gcp-sm://project/secret`"));
            }
        };
        let location = account.settings.location.clone();
        Ok(Self {
            base: account
                .address(operation, SECRET_MANAGER, location.as_deref())
                .await?,
            project,
            location,
            secret,
            version: reference.version().unwrap_or(LATEST).to_owned(),
        })
    }

    /// A call about what is at `path` below the project, or below the location of a regional secret.
    pub(super) fn call<'a>(
        &'a self,
        operation: Operation,
        method: Method,
        path: &[&'a str],
        permission: &'static str,
    ) -> Call<'a> {
        let mut all = vec!["v1", "projects", &self.project];
        if let Some(location) = &self.location {
            all.extend(["locations", location.as_str()]);
        }
        all.extend_from_slice(path);
        Call {
            operation,
            method,
            base: self.base.clone(),
            path: all,
            query: Vec::new(),
            body: None,
            what: "the secret",
            permission,
        }
    }

    /// A read of what is at `path`.
    pub(super) fn get<'a>(
        &'a self,
        operation: Operation,
        path: &[&'a str],
        permission: &'static str,
    ) -> Call<'a> {
        self.call(operation, Method::GET, path, permission)
    }

    /// The error for a secret, version or alias that is not there.
    pub(super) fn missing(&self, operation: Operation) -> StoreError {
        let message = match self.version.as_str() {
            LATEST => "there is no such secret, or it has no version".to_owned(),
            version => format!("the secret has no version and no alias `{version}`"),
        };
        let error = StoreError::new(ErrorKind::NotFound, operation, message)
            .with_context("project", &self.project);
        match &self.location {
            Some(location) => error.with_context("location", location).with_help(
                "check project and name; with a `location` in the block only regional secrets of that place are found",
            ),
            None => error.with_help(
                "check project and name; regional secrets are found with a `location` in the block",
            ),
        }
    }

    pub(super) fn is_regional(&self) -> bool {
        self.location.is_some()
    }
}

impl Version {
    /// Its number.
    pub(super) fn number(&self) -> &str {
        last(&self.name)
    }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// The version and number of facts about the version `name`.
pub(super) fn facts_of(name: &str) -> Metadata {
    let number = last(name);
    Metadata {
        version: Some(number.to_owned()),
        number: number.parse().ok(),
        ..Metadata::default()
    }
}

impl Accessed {
    /// The value, when its checksum holds.
    ///
    /// # Errors
    /// `integrity` for a value that was changed on its way.
    pub(super) fn payload(self, operation: Operation) -> Result<SecretPayload> {
        let broken = |message: &str| {
            StoreError::new(ErrorKind::Integrity, operation, message).with_retry(Retry::Later)
        };
        let body = match &self.payload.data {
            None => Secret::new(Vec::new()),
            Some(encoded) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "codec: the store sends bytes as base64"
                )]
                let decoded = BASE64_STANDARD.decode(encoded.0.expose());
                decoded.map(Secret::new).map_err(|_| {
                    broken("the store promised bytes in base64 and sent something else")
                })?
            }
        };
        // In this notation large numbers are texts; readers take both.
        let told = match &self.payload.data_crc32c {
            None => None,
            Some(Value::String(text)) => Some(text.parse::<u64>().ok()),
            Some(number) => Some(number.as_u64()),
        };
        if let Some(told) = told
            && told != Some(u64::from(checksum(&body)))
        {
            return Err(broken(
                "the value does not fit its checksum (CRC32C): it was changed on its way",
            ));
        }
        Ok(SecretPayload::opaque(body, facts_of(&self.name)))
    }
}

/// CRC32C (Castagnoli) of a value.
pub(super) fn checksum(value: &Secret) -> u32 {
    #[expect(
        clippy::disallowed_methods,
        reason = "sealing: the checksum goes to the store with the value"
    )]
    let bytes = value.expose();
    crc32c::crc32c(bytes)
}

/// The body that stores `value`.
pub(super) fn payload_body(operation: Operation, value: &Secret) -> Result<JsonBody> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the value is sent to the store that is to keep it"
    )]
    let data = Secret::from_text(BASE64_STANDARD.encode(value.expose()));
    let sum = Secret::from_text(checksum(value).to_string());
    crate::http::nested_body(
        &[],
        "payload",
        &[("data", &data), ("dataCrc32c", &sum)],
        operation,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accessed(json: &str) -> Result<SecretPayload> {
        let accessed: Accessed = serde_json::from_str(json).unwrap();
        accessed.payload(Operation::Open)
    }

    #[test]
    fn values_are_held_against_their_checksums() {
        // The check value of CRC32C in the catalogue of such codes is that of the digits 1 to 9.
        let value = Secret::from_text("123456789".to_owned());
        assert_eq!(checksum(&value), 0xe306_9283);
        for sum in ["\"3808858755\"", "3808858755"] {
            let json = format!(
                r#"{{"name":"projects/1/secrets/s/versions/7","payload":{{"data":"MTIzNDU2Nzg5","dataCrc32c":{sum}}}}}"#
            );
            let payload = accessed(&json).unwrap();
            assert_eq!(payload.body, value);
            assert_eq!(payload.metadata.number, Some(7));
        }
        for sum in ["\"3808858754\"", "\"x\"", "-1", "null", "{}"] {
            let json = format!(
                r#"{{"name":"n/versions/7","payload":{{"data":"MTIzNDU2Nzg5","dataCrc32c":{sum}}}}}"#
            );
            let answer = accessed(&json);
            if sum == "null" {
                assert_eq!(answer.unwrap().body, value);
                continue;
            }
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{sum}");
            assert!(error.to_string().contains("checksum"), "{error}");
        }
        let odd = accessed(r#"{"name":"n/versions/7","payload":{"data":"&"}}"#);
        assert_eq!(odd.unwrap_err().kind(), ErrorKind::Integrity);
    }
}
