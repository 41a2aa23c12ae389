//! What every store must do with special values and when things go wrong, by what its test can bring about.
//!
//! A backend's test implements [`Bench`] and calls [`hardship`]. Whatever cannot happen at a store (a file has
//! no certificate) answers `None`; kinds and key words of errors are the same for all stores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secret_policy::SecretRef;
use secret_value::Secret;

use super::{Case, Fixture, ensure, must, refused};
use crate::error::{ErrorKind, Operation, Result as StoreResult, Retry};
use crate::layers::{Layers, RetryPolicy};
use crate::select;
use crate::store::{FetchOptions, SecretStore};

/// A value that stores are known to get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Plain text that is no JSON.
    Text,
    /// A JSON object with an object and a list inside.
    Json,
    /// Bytes that are no text.
    Binary,
    /// Nothing at all, which is a value.
    Empty,
    /// Text of 48 KiB.
    Large,
}

impl Sample {
    /// Every sample.
    pub const ALL: [Self; 5] = [
        Self::Text,
        Self::Json,
        Self::Binary,
        Self::Empty,
        Self::Large,
    ];

    /// The bytes to store.
    #[must_use]
    pub fn content(self) -> Vec<u8> {
        match self {
            Self::Text => b"plain sample, no JSON: {".to_vec(),
            Self::Json => br#"{"user":"ana","db":{"port":5432,"hosts":["a","b"]}}"#.to_vec(),
            Self::Binary => vec![0, 1, 0xfe, 0xff, b'\n', 0x80],
            Self::Empty => Vec::new(),
            Self::Large => b"0123456789abcdef".repeat(3 * 1024),
        }
    }
}

/// Something that goes wrong between a store's client and its server, at every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The identity may not do anything.
    NoRight,
    /// The identity may read facts, not values.
    MetadataOnly,
    /// The server asks to slow down.
    Throttled,
    /// The server takes the request and never answers.
    Silent,
    /// The certificate of the server is of an unknown authority.
    BadCertificate,
    /// The server sends the client to another host.
    Redirect,
    /// The clocks of client and server differ so much that the server refuses.
    ClockSkew,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::NoRight,
        Self::MetadataOnly,
        Self::Throttled,
        Self::Silent,
        Self::BadCertificate,
        Self::Redirect,
        Self::ClockSkew,
    ];

    /// The kind of error of a fetch, and a word that its text has with every store.
    #[must_use]
    pub const fn expected(self) -> (ErrorKind, &'static str) {
        match self {
            Self::NoRight | Self::MetadataOnly => (ErrorKind::PermissionDenied, ""),
            Self::Throttled => (ErrorKind::Throttled, "slow down"),
            Self::Silent => (ErrorKind::Timeout, ""),
            Self::BadCertificate => (ErrorKind::Config, "certificate"),
            Self::Redirect => (ErrorKind::Config, "redirect"),
            Self::ClockSkew => (ErrorKind::PermissionDenied, "clock"),
        }
    }
}

/// What the test of a backend can bring about.
pub trait Bench: Sync {
    /// A reference to a secret that holds [`Sample::content`]; `None` when the store cannot hold such a value.
    fn sample(&self, sample: Sample) -> Option<SecretRef>;

    /// A store of the same kind that meets `fault`; `None` when that cannot happen to it. The secret of the
    /// fixture is there.
    fn faulty(&self, fault: Fault) -> Option<Arc<dyn SecretStore>>;

    /// Whether the store tries again by itself, within its own limits, so that nobody around it has to. Default
    /// false.
    fn tries_again_itself(&self) -> bool {
        false
    }
}

/// Runs every sample and every fault that the bench can bring about.
///
/// # Errors
/// The first rule that the store breaks.
pub async fn hardship(fixture: &Fixture, bench: &impl Bench) -> Case {
    for sample in Sample::ALL {
        match bench.sample(sample) {
            Some(reference) => holds(fixture, sample, &reference)
                .await
                .map_err(|rule| format!("{sample:?}: {rule}"))?,
            None => ensure(
                sample != Sample::Binary || !fixture.store.capability().binary,
                "a store that says it keeps any bytes is shown with bytes",
            )?,
        }
    }
    for fault in Fault::ALL {
        if let Some(store) = bench.faulty(fault) {
            meets(fixture, fault, store, bench.tries_again_itself())
                .await
                .map_err(|rule| format!("{fault:?}: {rule}"))?;
        }
    }
    Ok(())
}

async fn holds(fixture: &Fixture, sample: Sample, reference: &SecretRef) -> Case {
    let answer = fixture
        .store
        .fetch(reference, &FetchOptions::default())
        .await;
    let payload = must("fetch", answer)?.value;
    let whole = Secret::new(sample.content());
    let pick = |selector: &str| -> StoreResult<Secret> {
        let selected = format!("{reference}{selector}");
        match selected.parse::<SecretRef>() {
            Ok(reference) => select::select(&reference, &payload),
            Err(_) => Ok(Secret::new(Vec::new())),
        }
    };
    if sample != Sample::Json {
        ensure(
            payload.body == whole,
            "what is stored is read, byte for byte",
        )?;
        return refused(
            "a selector on what is no JSON",
            &pick("#/db"),
            ErrorKind::InvalidReference,
            Operation::Open,
        );
    }
    let port = must("a pointer", pick("#/db/port"))?;
    ensure(
        port == Secret::new(b"5432".to_vec()),
        "a pointer selects a number",
    )?;
    let host = must("a pointer", pick("#/db/hosts/1"))?;
    ensure(
        host == Secret::new(b"b".to_vec()),
        "a pointer selects a place in a list",
    )?;
    let absent = pick("#/db/absent");
    refused(
        "an absent member",
        &absent,
        ErrorKind::NotFound,
        Operation::Open,
    )?;
    refused(
        "an object where a value is wanted",
        &pick(""),
        ErrorKind::InvalidReference,
        Operation::Open,
    )
}

async fn meets(
    fixture: &Fixture,
    fault: Fault,
    store: Arc<dyn SecretStore>,
    tries_itself: bool,
) -> Case {
    // One attempt and a short limit: what is tested is the store, not the patience of the layers.
    let layers = Layers {
        timeout: Duration::from_millis(if fault == Fault::Silent { 400 } else { 20_000 }),
        retry: RetryPolicy {
            attempts: 1,
            ..RetryPolicy::default()
        },
        ..Layers::default()
    };
    let layered = layers.wrap(Arc::clone(&store));
    let started = Instant::now();
    let answer = layered
        .fetch(&fixture.present, &FetchOptions::default())
        .await;
    let (kind, word) = fault.expected();
    refused("fetch", &answer, kind, Operation::Open)?;
    super::hides(fixture, &answer)?;
    let Err(error) = answer else { return Ok(()) };
    let text = format!("{error} {}", error.help().unwrap_or_default());
    ensure(
        text.contains(word),
        &format!("the error says `{word}`: {text}"),
    )?;
    let retried = matches!(fault, Fault::Throttled | Fault::Silent) && !tries_itself;
    // Where a read may make a lease, a call without an answer is not repeated.
    let may_lease = fault == Fault::Silent && store.capability().revoke;
    ensure(
        may_lease || (error.retry() != Retry::Never) == retried,
        "exactly what may pass by itself is tried again",
    )?;
    match fault {
        Fault::MetadataOnly => {
            must("metadata", store.metadata(&fixture.present).await)?;
        }
        Fault::Silent => {
            ensure(
                started.elapsed() < Duration::from_secs(5),
                "the time limit holds",
            )?;
            cancelled(fixture, store.as_ref()).await?;
        }
        _ => {}
    }
    Ok(())
}

/// A call that is dropped half-way does not disturb those after it.
async fn cancelled(fixture: &Fixture, silent: &dyn SecretStore) -> Case {
    let options = FetchOptions::default();
    let call = silent.fetch(&fixture.present, &options);
    let dropped = tokio::time::timeout(Duration::from_millis(100), call).await;
    ensure(dropped.is_err(), "a silent server gives no answer")?;
    let answer = must(
        "fetch after a cancelled one",
        fixture.store.fetch(&fixture.present, &options).await,
    )?;
    ensure(
        answer.value.body == fixture.value,
        "a cancelled call does not disturb the next",
    )
}
