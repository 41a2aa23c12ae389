//! What every store must do, run against every backend by its own tests.
//!
//! The cases follow the contract in [`SecretStore`] and the store's [`crate::Capability`]: what a store says
//! it can do must work, and everything else must be refused as `unsupported`. [`conformance`] needs a healthy
//! store only; [`hardship`] goes on with special values and faults, as far as a backend's test can cause them.

mod faults;

pub use faults::{Bench, Fault, Sample, hardship};

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use secret_policy::SecretRef;
use secret_value::Secret;

use crate::error::{ErrorKind, Operation, Result as StoreResult, StoreError};
use crate::lease::LeaseHandle;
use crate::payload::Metadata;
use crate::select;
use crate::store::{FetchOptions, Precondition, SecretStore, WriteRequest};

/// A store prepared for the cases.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn SecretStore>,
    /// A secret that is there.
    pub present: SecretRef,
    /// Its value: text of at least eight characters that occurs nowhere else.
    pub value: Secret,
    /// A secret that is not there.
    pub missing: SecretRef,
    /// A place where nothing is stored and the cases may write, for stores that can be written.
    pub free: Option<SecretRef>,
}

/// Reads a SOPS file up to its key, for fuzzing: whether it is one.
#[cfg(feature = "sops")]
pub fn read_sops(name: &str, bytes: &[u8]) -> bool {
    crate::backends::is_sops(name, bytes)
}

type Case = Result<(), String>;

/// Runs every case.
///
/// # Errors
/// The first rule that the store breaks.
pub async fn conformance(fixture: &Fixture) -> Case {
    reads(fixture).await?;
    batches(fixture).await?;
    misses(fixture).await?;
    versions(fixture).await?;
    writes(fixture).await?;
    leases(fixture).await?;
    hides(fixture, &fixture.store)
}

async fn reads(fixture: &Fixture) -> Case {
    let Fixture {
        store,
        present,
        value,
        ..
    } = fixture;
    ensure(
        store.capability().fetch && store.capability().metadata,
        "a store can be read",
    )?;
    let first = must(
        "fetch",
        store.fetch(present, &FetchOptions::default()).await,
    )?;
    ensure(first.value.body == *value, "fetch gives the stored value")?;
    let again = must(
        "fetch",
        store.fetch(present, &FetchOptions::default()).await,
    )?;
    ensure(again.value.body == *value, "fetch gives the same again")?;
    let facts = must("metadata", store.metadata(present).await)?;
    let told = &first.value.metadata;
    ensure(
        told.version.is_none() || told.version == facts.version,
        "fetch and metadata agree on the version",
    )?;
    hides(fixture, &(first, facts))
}

async fn batches(fixture: &Fixture) -> Case {
    let Fixture {
        store,
        present,
        value,
        missing,
        ..
    } = fixture;
    let wanted = [present.clone(), missing.clone(), present.clone()];
    let answers = store.fetch_many(&wanted, &FetchOptions::default()).await;
    ensure(
        answers.len() == 3,
        "a batch gives one answer for each reference",
    )?;
    for place in [0, 2] {
        let found = answers[place]
            .as_ref()
            .is_ok_and(|answer| answer.value.body == *value);
        ensure(
            found,
            "a batch gives answers in their order, and one failure does not fail the others",
        )?;
    }
    refused(
        "fetch_many",
        &answers[1],
        ErrorKind::NotFound,
        Operation::Open,
    )?;
    ensure(
        store
            .fetch_many(&[], &FetchOptions::default())
            .await
            .is_empty(),
        "an empty batch is empty",
    )
}

async fn misses(fixture: &Fixture) -> Case {
    let Fixture { store, missing, .. } = fixture;
    let answer = store.fetch(missing, &FetchOptions::default()).await;
    refused("fetch", &answer, ErrorKind::NotFound, Operation::Open)?;
    refused(
        "metadata",
        &store.metadata(missing).await,
        ErrorKind::NotFound,
        Operation::Metadata,
    )
}

async fn versions(fixture: &Fixture) -> Case {
    if !fixture.store.capability().versions {
        return Ok(());
    }
    let Fixture {
        store,
        present,
        value,
        ..
    } = fixture;
    let facts = must("metadata", store.metadata(present).await)?;
    let version = facts
        .version
        .ok_or("metadata of a store with versions names the version")?;
    let exact = present
        .with_version(Some(&version))
        .map_err(|error| error.to_string())?;
    let answer = must("fetch", store.fetch(&exact, &FetchOptions::default()).await)?;
    ensure(
        answer.value.body == *value,
        "a version that is named is given",
    )?;
    let absent = present
        .with_version(Some("999999"))
        .map_err(|error| error.to_string())?;
    let answer = store.fetch(&absent, &FetchOptions::default()).await;
    refused(
        "fetch of a missing version",
        &answer,
        ErrorKind::NotFound,
        Operation::Open,
    )?;
    refused(
        "metadata of a missing version",
        &store.metadata(&absent).await,
        ErrorKind::NotFound,
        Operation::Metadata,
    )
}

async fn writes(fixture: &Fixture) -> Case {
    let store = &fixture.store;
    let capability = store.capability();
    if !capability.write {
        let answer = store
            .write(&fixture.missing, &WriteRequest::new(fixture.value.clone()))
            .await;
        refused("write", &answer, ErrorKind::Unsupported, Operation::Write)?;
    } else if let Some(free) = &fixture.free {
        write_and_read(store, free, capability.binary).await?;
        if capability.conditional_write {
            conditions(store, free).await?;
        }
    } else {
        return Err("a fixture of a store that can be written names a free place".to_owned());
    }
    removes(fixture).await
}

async fn write_and_read(store: &Arc<dyn SecretStore>, free: &SecretRef, binary: bool) -> Case {
    let mut values = vec![
        b"text".to_vec(),
        Vec::new(),
        vec![b'x'; 64 * 1024],
        "é 😀\n".as_bytes().to_vec(),
    ];
    if binary {
        values.push(vec![0, 1, 254, 255]);
    }
    let mut last = None;
    for value in values {
        let value = Secret::new(value);
        let written = store.write(free, &WriteRequest::new(value.clone())).await;
        if refused_for_its_size(&value, &written) {
            continue;
        }
        let facts = must("write", written)?;
        let answer = must("fetch", store.fetch(free, &FetchOptions::default()).await)?;
        // A store of named fields keeps plain text in one of them.
        let read = must("selection", select::select(free, &answer.value))?;
        ensure(read == value, "what is written is read back, byte for byte")?;
        ensure(
            facts.version.is_none() || facts.version != last,
            "every write makes a new version",
        )?;
        last = facts.version;
    }
    Ok(())
}

/// Some stores hold no empty values, and some only short ones: they must say so.
fn refused_for_its_size(value: &Secret, written: &StoreResult<Metadata>) -> bool {
    let kind = written.as_ref().err().map(StoreError::kind);
    match kind {
        Some(ErrorKind::InvalidReference) => value.is_empty(),
        Some(ErrorKind::TooLarge) => value.len() > 4096,
        _ => false,
    }
}

async fn conditions(store: &Arc<dyn SecretStore>, free: &SecretRef) -> Case {
    let absent = WriteRequest::if_absent(Secret::new(b"other".to_vec()));
    refused(
        "write if absent",
        &store.write(free, &absent).await,
        ErrorKind::Conflict,
        Operation::Write,
    )?;
    let before = must("metadata", store.metadata(free).await)?;
    let on_version = |version: &str| WriteRequest {
        precondition: Precondition::Version(version.to_owned()),
        ..WriteRequest::new(Secret::new(b"next".to_vec()))
    };
    let version = before
        .version
        .ok_or("a store with conditional writes names versions")?;
    must(
        "write on the current version",
        store.write(free, &on_version(&version)).await,
    )?;
    refused(
        "write on an old version",
        &store.write(free, &on_version(&version)).await,
        ErrorKind::Conflict,
        Operation::Write,
    )
}

async fn removes(fixture: &Fixture) -> Case {
    let store = &fixture.store;
    if !store.capability().remove {
        return refused(
            "remove",
            &store.remove(&fixture.present).await,
            ErrorKind::Unsupported,
            Operation::Remove,
        );
    }
    refused(
        "remove of nothing",
        &store.remove(&fixture.missing).await,
        ErrorKind::NotFound,
        Operation::Remove,
    )?;
    let Some(free) = &fixture.free else {
        return Ok(());
    };
    must("remove", store.remove(free).await)?;
    let answer = store.fetch(free, &FetchOptions::default()).await;
    refused(
        "fetch after remove",
        &answer,
        ErrorKind::NotFound,
        Operation::Open,
    )?;
    refused(
        "metadata after remove",
        &store.metadata(free).await,
        ErrorKind::NotFound,
        Operation::Metadata,
    )?;
    refused(
        "second remove",
        &store.remove(free).await,
        ErrorKind::NotFound,
        Operation::Remove,
    )?;
    if store.capability().conditional_write {
        must(
            "write if absent after remove",
            store
                .write(free, &WriteRequest::if_absent(Secret::new(b"new".to_vec())))
                .await,
        )?;
    }
    Ok(())
}

async fn leases(fixture: &Fixture) -> Case {
    let handle = LeaseHandle {
        reference: fixture.present.clone(),
        id: "no-such-lease".to_owned(),
    };
    let capability = fixture.store.capability();
    if !capability.renew {
        let answer = fixture
            .store
            .renew(&handle, Some(Duration::from_secs(60)))
            .await;
        refused("renew", &answer, ErrorKind::Unsupported, Operation::Renew)?;
    }
    if !capability.revoke {
        refused(
            "revoke",
            &fixture.store.revoke(&handle).await,
            ErrorKind::Unsupported,
            Operation::Revoke,
        )?;
    }
    Ok(())
}

fn ensure(holds: bool, rule: &str) -> Case {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

fn must<T>(what: &str, answer: StoreResult<T>) -> Result<T, String> {
    answer.map_err(|error| format!("{what} works, but: {error:?}"))
}

fn refused<T>(what: &str, answer: &StoreResult<T>, kind: ErrorKind, operation: Operation) -> Case {
    match answer {
        Ok(_) => Err(format!("{what} is {kind}, but it worked")),
        Err(error) if error.kind() == kind && error.operation() == operation => Ok(()),
        Err(error) => Err(format!(
            "{what} is {kind} during {operation}, but: {error:?}"
        )),
    }
}

/// No rendering shows the value.
fn hides(fixture: &Fixture, shown: &impl Debug) -> Case {
    #[expect(
        clippy::disallowed_methods,
        reason = "test support: the value of the fixture is searched for"
    )]
    let value = String::from_utf8_lossy(fixture.value.expose()).into_owned();
    ensure(
        value.len() >= 8 && !format!("{shown:?}").contains(&value),
        "no rendering shows the value",
    )
}
