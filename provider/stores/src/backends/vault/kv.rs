//! Key-value engines. Version 1 keeps one value at a path; version 2 keeps versions, deletes softly, and tells
//! facts without values.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::answer::{Envelope, SecretJson, unexpected};
use super::client::Call;
use super::entry;
use super::login::encode;
use super::mounts::{Engine, Mount};
use super::refusal;
use super::run::{Need, Run};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::Response;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{Precondition, WriteRequest};

/// A path in a key-value engine.
pub(super) struct Place<'a> {
    pub(super) run: &'a Arc<Run>,
    pub(super) mount: &'a Mount,
    /// Below the mount.
    pub(super) path: &'a str,
}

/// What version 2 tells about one version.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
struct VersionFacts {
    version: u64,
    created_time: String,
    deletion_time: String,
    destroyed: bool,
    custom_metadata: Option<BTreeMap<String, String>>,
}

/// What version 2 tells about a path.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct PathFacts {
    current_version: u64,
    created_time: String,
    custom_metadata: Option<BTreeMap<String, String>>,
    versions: BTreeMap<String, VersionFacts>,
}

#[derive(serde::Deserialize)]
struct Entry {
    #[serde(default)]
    data: Option<SecretJson>,
    #[serde(default)]
    metadata: VersionFacts,
}

impl VersionFacts {
    /// Why there is no value; `None` when there is one.
    fn gone(&self) -> Option<String> {
        if self.destroyed {
            return Some(format!("version {} was destroyed", self.version));
        }
        // A time in the future is when the version will end.
        let deleted = moment(&self.deletion_time).filter(|time| *time <= Timestamp::now());
        deleted.map(|time| format!("version {} was deleted at {time}", self.version))
    }

    fn metadata(&self) -> Metadata {
        Metadata {
            version: Some(self.version.to_string()),
            number: Some(self.version),
            updated: moment(&self.created_time),
            expires: moment(&self.deletion_time),
            labels: self.custom_metadata.clone().unwrap_or_default(),
            ..Metadata::default()
        }
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn gone(operation: Operation, why: String) -> StoreError {
    StoreError::new(ErrorKind::NotFound, operation, why).with_help(
        "name a version that is still there with `?version=`, undelete it, or write a new one",
    )
}

impl Place<'_> {
    fn is_v2(&self) -> bool {
        self.mount.engine == Engine::Kv2
    }

    fn full(&self, part: &str) -> String {
        if part.is_empty() {
            format!("{}/{}", self.mount.path, self.path)
        } else {
            format!("{}/{part}/{}", self.mount.path, self.path)
        }
    }

    fn missing(&self, operation: Operation, answer: &Response) -> StoreError {
        let error = refusal::error(operation, answer);
        let doubled = ["data/", "metadata/"]
            .into_iter()
            .find(|part| self.is_v2() && self.path.starts_with(part));
        match doubled {
            Some(part) if error.kind() == ErrorKind::NotFound => error.with_help(format!(
                "leave out `{part}`: references name the secret, and the mount is asked for its version"
            )),
            _ => error,
        }
    }

    /// Reads the value.
    pub(super) async fn fetch(&self, version: Option<u64>) -> Result<SecretPayload> {
        let operation = Operation::Open;
        if !self.is_v2() {
            self.no_versions(operation, version)?;
            let path = self.full("");
            let answer = self
                .run
                .call(Need::Read, Call::get(operation, &path))
                .await?;
            if !answer.status.is_success() {
                return Err(self.missing(operation, &answer));
            }
            let data = Envelope::read(operation, &answer)?.data(operation)?;
            return Ok(SecretPayload::fields(data.0, Metadata::default()));
        }
        let path = self.full("data");
        let mut call = Call::get(operation, &path);
        if let Some(version) = version {
            call = call.query("version", &version);
        }
        let answer = self.run.call(Need::Read, call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            // A version that is gone still has facts.
            let facts = answer.json::<Envelope>().ok().and_then(|found| found.data);
            let entry = facts.and_then(|data| data.read::<Entry>(operation).ok());
            if let Some(why) = entry.and_then(|entry| entry.metadata.gone()) {
                return Err(gone(operation, why));
            }
        }
        if !answer.status.is_success() {
            return Err(self.missing(operation, &answer));
        }
        let data = Envelope::read(operation, &answer)?.data(operation)?;
        let entry: Entry = data.read(operation)?;
        let data = entry
            .data
            .filter(SecretJson::is_object)
            .ok_or_else(|| unexpected(operation))?;
        Ok(SecretPayload::fields(data.0, entry.metadata.metadata()))
    }

    /// Reads facts without the value.
    pub(super) async fn metadata(&self, version: Option<u64>) -> Result<Metadata> {
        let operation = Operation::Metadata;
        if !self.is_v2() {
            self.no_versions(operation, version)?;
            return self.exists_v1().await;
        }
        let facts = self.facts(operation).await?;
        let wanted = version.unwrap_or(facts.current_version);
        let Some(mut found) = facts.versions.get(&wanted.to_string()).cloned() else {
            return Err(StoreError::new(
                ErrorKind::NotFound,
                operation,
                format!(
                    "there is no version {wanted}; the current one is {}",
                    facts.current_version
                ),
            ));
        };
        found.version = wanted;
        if let Some(why) = found.gone() {
            return Err(gone(operation, why));
        }
        Ok(Metadata {
            versions: Some(facts.versions.len() as u64),
            created: moment(&facts.created_time),
            labels: facts.custom_metadata.unwrap_or_default(),
            ..found.metadata()
        })
    }

    async fn facts(&self, operation: Operation) -> Result<PathFacts> {
        let path = self.full("metadata");
        let answer = self
            .run
            .call(Need::Read, Call::get(operation, &path))
            .await?;
        if !answer.status.is_success() {
            let error = self.missing(operation, &answer);
            return Err(match error.kind() {
                ErrorKind::PermissionDenied => error.with_help(format!("grant `read` on `{path}`")),
                _ => error,
            });
        }
        Envelope::read(operation, &answer)?
            .data(operation)?
            .read(operation)
    }

    /// Version 1 has no facts: the folder is listed, and where that is not allowed the rights are looked at.
    async fn exists_v1(&self) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        let folder = format!("{}/{folder}", self.mount.path);
        let path = folder.trim_end_matches('/');
        let call = Call::get(operation, path).query("list", &true);
        let answer = self.run.call(Need::Read, call).await?;
        match answer.status {
            StatusCode::FORBIDDEN => {
                entry::check_rights(self.run, &self.full("")).await?;
                Ok(Metadata::default())
            }
            status if status.is_success() => {
                #[derive(serde::Deserialize)]
                struct Listing {
                    #[serde(default)]
                    keys: Vec<String>,
                }
                let data = Envelope::read(operation, &answer)?.data(operation)?;
                let Listing { keys } = data.read(operation)?;
                if keys.iter().any(|key| key == name) {
                    Ok(Metadata::default())
                } else {
                    Err(StoreError::new(
                        ErrorKind::NotFound,
                        operation,
                        "nothing is stored at this path",
                    ))
                }
            }
            _ => Err(self.missing(operation, &answer)),
        }
    }

    fn no_versions(&self, operation: Operation, version: Option<u64>) -> Result<()> {
        match version {
            None => Ok(()),
            Some(_) => Err(StoreError::new(
                ErrorKind::NotFound,
                operation,
                format!(
                    "the mount `{}` keeps no versions (key-value engine 1)",
                    self.mount.path
                ),
            )
            .with_help("leave out `version`, or upgrade the mount to version 2")),
        }
    }

    /// Stores a value: a JSON object as its fields, any other text as the field `value`.
    pub(super) async fn write(&self, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        let fields = entry::fields(&request.value)?;
        if !self.is_v2() {
            return self.write_v1(request, fields).await;
        }
        let cas = self.expected(&request.precondition).await?;
        let answer = self.put(&fields, cas).await?;
        let answer = if cas.is_none() && refusal::says(&answer, "check-and-set parameter required")
        {
            let current = self
                .facts(operation)
                .await
                .map(|facts| facts.current_version);
            let current = match current {
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                other => other?,
            };
            self.put(&fields, Some(current)).await?
        } else {
            answer
        };
        if !answer.status.is_success() {
            return Err(refusal::error(operation, &answer));
        }
        let written: VersionFacts = Envelope::read(operation, &answer)?
            .data(operation)?
            .read(operation)?;
        let mut metadata = written.metadata();
        if written.version == 1 {
            metadata.created = metadata.updated;
            metadata.versions = Some(1);
        } else if let Ok(facts) = self.facts(operation).await {
            metadata.created = moment(&facts.created_time);
            metadata.versions = Some(facts.versions.len() as u64);
        }
        Ok(metadata)
    }

    async fn put(&self, fields: &entry::Fields, cas: Option<u64>) -> Result<Response> {
        let body = match cas {
            Some(cas) => encode(
                Operation::Write,
                &json!({ "data": fields, "options": { "cas": cas } }),
            ),
            None => encode(Operation::Write, &json!({ "data": fields })),
        }?;
        let path = self.full("data");
        let call = Call::post(Operation::Write, &path).body(&body);
        self.run.call(Need::Read, call).await
    }

    /// The version that has to be current, as the server wants to hear it; a deleted one counts as none.
    async fn expected(&self, precondition: &Precondition) -> Result<Option<u64>> {
        match precondition {
            Precondition::None => Ok(None),
            Precondition::Version(version) => version.parse().map(Some).map_err(|_| {
                StoreError::new(
                    ErrorKind::Conflict,
                    Operation::Write,
                    "the expected version is no version of this store",
                )
            }),
            Precondition::Absent => match self.facts(Operation::Write).await {
                Ok(facts) => {
                    let current = facts.versions.get(&facts.current_version.to_string());
                    let is_gone = current.is_none_or(|facts| facts.gone().is_some());
                    Ok(Some(if is_gone { facts.current_version } else { 0 }))
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::PermissionDenied
                    ) =>
                {
                    Ok(Some(0))
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Version 1 has no conditions: that nothing is there is looked at before, which another writer may beat.
    async fn write_v1(&self, request: &WriteRequest, fields: entry::Fields) -> Result<Metadata> {
        let operation = Operation::Write;
        match request.precondition {
            Precondition::None => {}
            Precondition::Version(_) => {
                return Err(StoreError::new(
                    ErrorKind::Conflict,
                    operation,
                    "the mount keeps no versions (key-value engine 1)",
                ));
            }
            Precondition::Absent => match self.fetch(None).await {
                Ok(_) => {
                    return Err(StoreError::new(
                        ErrorKind::Conflict,
                        operation,
                        "there is a secret at this path already",
                    ));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.during(operation)),
            },
        }
        let body = encode(operation, &fields)?;
        let path = self.full("");
        let call = Call::post(operation, &path).body(&body);
        let answer = self.run.call(Need::Read, call).await?;
        Envelope::read(operation, &answer).map(|_| Metadata::default())
    }

    /// Removes the secret with all versions, or one version for good.
    pub(super) async fn remove(&self, version: Option<u64>) -> Result<()> {
        let operation = Operation::Remove;
        let answer = match (self.is_v2(), version) {
            (true, None) => {
                self.metadata_for_removal(None).await?;
                let path = self.full("metadata");
                let call = Call::new(operation, Method::DELETE, &path);
                self.run.call(Need::Read, call).await?
            }
            (true, Some(version)) => {
                self.metadata_for_removal(Some(version)).await?;
                let path = self.full("destroy");
                let body = encode(operation, &json!({ "versions": [version] }))?;
                let call = Call::post(operation, &path).body(&body);
                self.run.call(Need::Read, call).await?
            }
            (false, version) => {
                self.no_versions(operation, version)?;
                self.fetch(None)
                    .await
                    .map_err(|error| error.during(operation))?;
                let path = self.full("");
                let call = Call::new(operation, Method::DELETE, &path);
                self.run.call(Need::Read, call).await?
            }
        };
        if answer.status.is_success() {
            return Ok(());
        }
        Err(refusal::error(operation, &answer))
    }

    async fn metadata_for_removal(&self, version: Option<u64>) -> Result<()> {
        let facts = self.metadata(version).await;
        facts
            .map(drop)
            .map_err(|error| error.during(Operation::Remove))
    }
}
