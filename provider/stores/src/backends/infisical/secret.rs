//! Static secrets: read, list, describe, write, remove.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use secret_value::Secret;
use serde::Deserialize;
use serde_json::json;

use super::super::rest::Call;
use super::api::{Api, Version, accepted, words};
use super::place::{Folder, Place};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{JsonBody, Response, SecretText, nested_members};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{Precondition, WriteRequest};

#[derive(Deserialize)]
struct One {
    secret: Found,
}

#[derive(Deserialize)]
struct Many {
    secrets: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    secret_key: String,
    secret_value: Option<SecretText>,
    #[serde(default)]
    secret_value_hidden: bool,
    version: Option<u64>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Written {
    secret: Option<Found>,
}

impl Found {
    fn facts(&self) -> Metadata {
        Metadata {
            version: self.version.map(|version| version.to_string()),
            number: self.version,
            versions: self.version,
            created: self.created_at,
            updated: self.updated_at,
            ..Metadata::default()
        }
    }

    fn payload(self, operation: Operation) -> Result<SecretPayload> {
        let facts = self.facts();
        match self.secret_value {
            Some(value) if !self.secret_value_hidden => Ok(SecretPayload::opaque(value.0, facts)),
            _ => Err(StoreError::new(
                ErrorKind::PermissionDenied,
                operation,
                "this login may know that the secret exists and not see its value",
            )
            .with_help("give the machine identity the right to read values")),
        }
    }
}

/// What is asked about a folder: with values, or without the right to them.
fn about<'a>(
    operation: Operation,
    version: Version,
    project: &'a str,
    folder: &'a Folder,
) -> Call<'a> {
    let imports = match version {
        Version::Three => "include_imports",
        Version::Four => "includeImports",
    };
    let view = match operation {
        Operation::Open => "true",
        _ => "false",
    };
    Call::new(operation, Method::GET, &[]).query(&[
        (version.project(), project),
        ("environment", folder.environment.as_str()),
        ("secretPath", folder.path.as_str()),
        ("viewSecretValue", view),
        ("expandSecretReferences", view),
        (imports, "true"),
    ])
}

async fn one(
    api: &Api,
    operation: Operation,
    place: &Place,
    version: Option<&str>,
) -> Result<Found> {
    let project = api.project_id(operation, &place.folder.project).await?;
    let answer = api
        .secrets(Some(&place.name), |interface| {
            let call = about(operation, interface, &project, &place.folder);
            let call = call.query(&[("type", "shared")]);
            Ok(match version {
                Some(version) => call.query(&[("version", version)]),
                None => call,
            })
        })
        .await?;
    let found: One = accepted(answer, "the secret")?.json()?;
    Ok(found.secret)
}

/// The value of a secret.
pub(super) async fn read(api: &Api, place: &Place, version: Option<&str>) -> Result<SecretPayload> {
    let found = one(api, Operation::Open, place, version).await?;
    found.payload(Operation::Open)
}

/// Facts about a secret, without the right to its value.
pub(super) async fn describe(api: &Api, place: &Place, version: Option<&str>) -> Result<Metadata> {
    let found = one(api, Operation::Metadata, place, version).await?;
    Ok(found.facts())
}

/// The values of a folder that may be seen, by name.
pub(super) async fn list(api: &Api, folder: &Folder) -> Result<BTreeMap<String, SecretPayload>> {
    let operation = Operation::Open;
    let project = api.project_id(operation, &folder.project).await?;
    let answer = api
        .secrets(None, |interface| {
            Ok(about(operation, interface, &project, folder))
        })
        .await?;
    let found: Many = accepted(answer, "the folder")?.json()?;
    let seen = found.secrets.into_iter().filter_map(|secret| {
        let name = secret.secret_key.clone();
        Some((name, secret.payload(operation).ok()?))
    });
    Ok(seen.collect())
}

/// Makes a secret, or a new version of it.
pub(super) async fn write(api: &Api, place: &Place, request: &WriteRequest) -> Result<Metadata> {
    let operation = Operation::Write;
    check(&request.value)?;
    let project = api.project_id(operation, &place.folder.project).await?;
    let exists = || StoreError::new(ErrorKind::Conflict, operation, "the secret exists already");
    let answer = match &request.precondition {
        Precondition::Version(_) => {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "Infisical cannot make a write depend on a version",
            ));
        }
        Precondition::Absent => {
            let answer = send(api, &project, place, Method::POST, &request.value).await?;
            if answer.status.as_u16() == 400 && words(&answer).contains("already exist") {
                return Err(exists());
            }
            answer
        }
        Precondition::None => {
            let answer = send(api, &project, place, Method::PATCH, &request.value).await?;
            if answer.status.as_u16() == 404 {
                send(api, &project, place, Method::POST, &request.value).await?
            } else {
                answer
            }
        }
    };
    let written: Written = accepted(answer, "the folder")?.json()?;
    let secret = written.secret.ok_or_else(|| {
        StoreError::new(
            ErrorKind::Conflict,
            operation,
            "the change waits for somebody's approval, as the project demands",
        )
        .with_help("approve it in Infisical, then run again")
    })?;
    Ok(secret.facts())
}

async fn send(
    api: &Api,
    project: &str,
    place: &Place,
    method: Method,
    value: &Secret,
) -> Result<Response> {
    let operation = Operation::Write;
    api.secrets(Some(&place.name), |interface| {
        let texts = [
            (interface.project(), project),
            ("environment", place.folder.environment.as_str()),
            ("secretPath", place.folder.path.as_str()),
            ("type", "shared"),
        ];
        let body = nested_members(&texts, &[("secretValue", value)], operation)?;
        Ok(Call::new(operation, method.clone(), &[]).body(body))
    })
    .await
}

/// Refuses what the server would change: it cuts white space off both ends, but for one line break.
fn check(value: &Secret) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "codec: the text is only checked")]
    let bytes = value.expose();
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let kept = text.trim();
    let body = text.strip_suffix('\n').unwrap_or(text);
    if std::str::from_utf8(bytes).is_ok() && body == kept {
        return Ok(());
    }
    Err(StoreError::new(
        ErrorKind::InvalidReference,
        Operation::Write,
        "Infisical keeps only text without white space at its ends, and this value would be changed",
    )
    .with_help("store it in base64, and read it with `?encoding=base64`"))
}

/// Removes a secret with all its versions.
pub(super) async fn remove(api: &Api, place: &Place) -> Result<()> {
    let operation = Operation::Remove;
    let project = api.project_id(operation, &place.folder.project).await?;
    let answer = api
        .secrets(Some(&place.name), |interface| {
            let body = json!({
                interface.project(): project,
                "environment": place.folder.environment,
                "secretPath": place.folder.path,
                "type": "shared",
            });
            let call = Call::new(operation, Method::DELETE, &[]);
            Ok(call.body(JsonBody::plain(&body)))
        })
        .await?;
    accepted(answer, "the secret").map(drop)
}
