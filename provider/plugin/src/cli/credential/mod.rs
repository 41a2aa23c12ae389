//! `credential …`: hands a secret to a program that asks for one, at the moment it asks, in its own protocol.
//!
//! Opened under the policy and recorded like everything else; nothing is kept, and what programs want stored is
//! not. What has a lease keeps it: the program that asked goes on to use the credential, so it ends by itself, at
//! the time that the program is told.

mod aws;
mod docker;
mod git;
mod kubernetes;
mod server;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use secret_policy::SecretRef;
use secret_stores::journal::Journal;
use secret_stores::{
    Environment, FetchOptions, Lease, Leased, SecretPayload, StoreError, Stores, select,
};
use secret_value::{Secret, redaction};
use serde::Serialize;
use tf_framework::value::{Object, Value};
use zeroize::Zeroizing;

use super::arguments::{Access, CredentialCommand, Reference};
use super::guarded::Project;
use super::{reference, warn};
use crate::json;
use crate::store_blocks::parse_duration;

/// Longest request of a program, in bytes.
const MAX_REQUEST_BYTES: u64 = 64 * 1024;

pub(super) fn execute(
    environment: &Environment,
    command: &CredentialCommand,
) -> anyhow::Result<ExitCode> {
    match command {
        CredentialCommand::Git(login) => git::execute(environment, login),
        CredentialCommand::Docker(login) => return Ok(docker::execute(environment, login)),
        CredentialCommand::Aws(asked) => aws::execute(environment, asked),
        CredentialCommand::Kubernetes(asked) => kubernetes::execute(environment, asked),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// The words of the command line. A link to this program that is called `docker-credential-NAME` or
/// `git-credential-NAME` is a helper of that protocol.
pub(super) fn named_helper(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let called = words.first().and_then(|word| Path::new(word).file_name());
    let called = called.and_then(OsStr::to_str).unwrap_or_default();
    let protocol = ["docker", "git"]
        .into_iter()
        .find(|protocol| called.starts_with(&format!("{protocol}-credential-")));
    if let Some(protocol) = protocol {
        words.splice(1..1, ["credential".into(), protocol.into()]);
    }
    words
}

/// A credential that was opened.
pub(super) struct Credential {
    reference: SecretRef,
    /// The value; `None` when it has named parts.
    whole: Option<Secret>,
    parts: Object,
    /// When it stops working; `None` when that is not known.
    expires: Option<Timestamp>,
}

impl Credential {
    /// Takes the first part of these names that there is.
    fn part(&mut self, names: &[&str]) -> Option<Secret> {
        names
            .iter()
            .find_map(|name| match self.parts.remove(*name)? {
                Value::Secret(secret) => {
                    redaction::register(&secret);
                    Some(secret)
                }
                _ => None,
            })
    }

    /// The first part of these names.
    ///
    /// # Errors
    /// When there is none, naming what there is.
    fn require(&mut self, names: &[&str]) -> anyhow::Result<Secret> {
        let found = self.part(names);
        found.with_context(|| {
            let have: Vec<_> = self.parts.keys().map(|name| format!("`{name}`")).collect();
            let have = match have.as_slice() {
                [] => "no named parts".to_owned(),
                have => format!("only {}", have.join(", ")),
            };
            format!(
                "`{}` has no `{}`, but {have}",
                self.reference,
                names.join("` or `")
            )
        })
    }

    /// The value, or the first part of these names.
    ///
    /// # Errors
    /// When there is neither.
    fn whole_or(&mut self, names: &[&str]) -> anyhow::Result<Secret> {
        match self.whole.take() {
            Some(whole) => Ok(whole),
            None => self.require(names),
        }
    }
}

/// Opens what a command line names.
fn open_named(environment: &Environment, asked: &Reference) -> anyhow::Result<Credential> {
    let reference = reference::parse(&asked.reference)?;
    let ttl = match &asked.ttl {
        Some(text) => Some(parse_duration(text).context("--ttl is no period such as 15m or 1h")?),
        None => None,
    };
    let project = Project::read(environment, &asked.access)?;
    open(environment, &project, &asked.access, &reference, ttl)
}

/// Opens a reference for another program.
fn open(
    environment: &Environment,
    project: &Project,
    access: &Access,
    reference: &SecretRef,
    ttl: Option<std::time::Duration>,
) -> anyhow::Result<Credential> {
    let stores = project.stores(environment, access)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let options = FetchOptions {
        ttl,
        purpose: Some("credential helper".to_owned()),
        ..FetchOptions::default()
    };
    let opened = runtime.block_on(fetch(&stores, environment, reference, &options));
    stores.finish()?;
    Ok(opened?)
}

async fn fetch(
    stores: &Arc<Stores>,
    environment: &Environment,
    reference: &SecretRef,
    options: &FetchOptions,
) -> Result<Credential, StoreError> {
    let store = stores.store(reference)?;
    let answer = store.fetch(reference, options).await;
    let Leased { value, lease } = answer.map_err(|error| error.with_reference(reference))?;
    for note in &value.metadata.notes {
        warn(note);
    }
    let read = read(reference, &value);
    let lasts = lease
        .as_ref()
        .is_some_and(|lease| lease.facts.revocable && read.is_ok());
    if let (Err(_), Some(lease)) = (&read, &lease)
        && lease.facts.revocable
        && let Err(error) = store.revoke(&lease.handle).await
    {
        warn(&error);
    }
    // The end of the login would be the end of what was made under it.
    if !lasts && let Err(error) = stores.close().await {
        warn(&error);
    }
    let mut credential = read?;
    let ends = [
        credential.expires,
        value.metadata.expires,
        lease.as_ref().and_then(|lease| end_of(environment, lease)),
    ];
    credential.expires = ends.into_iter().flatten().min();
    Ok(credential)
}

/// Takes the value apart.
fn read(reference: &SecretRef, payload: &SecretPayload) -> Result<Credential, StoreError> {
    let mut credential = Credential {
        reference: reference.clone(),
        whole: None,
        parts: Object::new(),
        expires: None,
    };
    let parts = match reference.selector() {
        Some(_) => None,
        None => json::document(&payload.body).map(|document| document.value),
    };
    match parts {
        Some(Value::Object(parts)) => {
            credential.parts = parts;
            let end = credential.part(&["expires_at", "expiration", "Expiration"]);
            credential.expires = end.and_then(|text| moment(&text));
        }
        _ => {
            let whole = select::select(reference, payload)
                .map_err(|error| error.with_reference(reference))?;
            redaction::register(&whole);
            credential.whole = Some(whole);
        }
    }
    Ok(credential)
}

/// The time that a part of a credential is.
fn moment(text: &Secret) -> Option<Timestamp> {
    #[expect(clippy::disallowed_methods, reason = "a time is no secret")]
    let bytes = text.expose();
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// When a lease ends that nobody extends. It ends with the token it was made under, which the journal knows.
fn end_of(environment: &Environment, lease: &Lease) -> Option<Timestamp> {
    let ttl = SignedDuration::try_from(lease.facts.ttl).ok()?;
    let own = Timestamp::now().checked_add(ttl).ok()?;
    let runs = Journal::locate(environment)?.runs().unwrap_or_default();
    let noted = runs
        .iter()
        .flat_map(|run| &run.held)
        .find(|held| !held.id.is_empty() && held.id == lease.handle.id);
    Some(noted.map_or(own, |held| own.min(held.expires)))
}

/// What a program asks for on standard input.
fn request() -> anyhow::Result<String> {
    // One byte more than allowed, so that too long a request is noticed and not cut off.
    let mut text = String::new();
    let length = io::stdin()
        .lock()
        .take(MAX_REQUEST_BYTES + 1)
        .read_to_string(&mut text)
        .context("cannot read the request")?;
    if length as u64 > MAX_REQUEST_BYTES {
        bail!("the request has more than {MAX_REQUEST_BYTES} bytes");
    }
    Ok(text)
}

/// Answers with JSON.
fn answer(value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = Zeroizing::new(serde_json::to_vec(value).context("a value is not text")?);
    text.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    Ok(out.flush()?)
}

/// A time to the second, as all of the protocols read it.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_with_the_name_of_a_helper_is_one() {
        let words = |words: &[&str]| {
            let words = named_helper(words.iter().map(OsString::from));
            words
                .iter()
                .map(|word| word.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(&["/usr/bin/docker-credential-secretref", "get"])[1..],
            ["credential", "docker", "get"]
        );
        assert_eq!(
            words(&["git-credential-acme", "store"])[1..],
            ["credential", "git", "store"]
        );
        assert_eq!(
            words(&["terraform-provider-secretref", "ref"])[1..],
            ["ref"]
        );
        assert_eq!(words(&[]), [""; 0]);
    }

    #[test]
    fn parts_are_found_by_any_of_their_names() {
        let reference: SecretRef = "local://a".parse().unwrap();
        let payload = SecretPayload::opaque(
            Secret::from_text(
                r#"{"access_key":"AKIA1","port":1,"expires_at":"2027-01-31T00:00:00Z"}"#.into(),
            ),
            secret_stores::Metadata::default(),
        );
        let mut credential = read(&reference, &payload).unwrap();
        assert_eq!(second(credential.expires.unwrap()), "2027-01-31T00:00:00Z");
        let error = credential.require(&["secret_key"]).unwrap_err().to_string();
        assert!(
            error.contains("`access_key`") && !error.contains("AKIA1"),
            "{error}"
        );
        assert!(credential.require(&["access_key_id", "access_key"]).is_ok());
        assert!(credential.part(&["port"]).is_none());

        let payload = SecretPayload::opaque(
            Secret::from_text("hunter2".into()),
            secret_stores::Metadata::default(),
        );
        let mut credential = read(&reference, &payload).unwrap();
        assert!(credential.whole_or(&["token"]).is_ok());
        assert!(credential.require(&["token"]).is_err());
    }
}
