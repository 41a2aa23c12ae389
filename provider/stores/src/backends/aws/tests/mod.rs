//! The AWS stores against a double that checks signatures: the conformance suite, then what is special to AWS.

mod credentials;
mod double;
mod made;
mod server;
mod services;
mod signature;
mod stores;

use secret_policy::SecretRef;
use secret_value::Secret;

use self::double::{Double, KEY};
use crate::environment::Environment;
use crate::error::{ErrorKind, Result, StoreError};
use crate::layers::{Layers, RetryPolicy};
use crate::lease::Leased;
use crate::select::Selected;
use crate::store::FetchOptions;
use crate::{Settings, Stores};

const CANARY: &str = "canary-7d20-value";

/// Whether `secret` signed this request for the token service, over everything that must be signed: for the
/// tests of those who get such a request as a proof.
pub(in crate::backends) fn is_proof_by(
    secret: &str,
    url: &url::Url,
    headers: &[(String, String)],
    body: &[u8],
) -> bool {
    let host = url.host_str().unwrap_or_default().to_owned();
    let lower = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()));
    let request = server::Request {
        method: "POST".to_owned(),
        target: url.path().to_owned(),
        headers: std::iter::once(("host".to_owned(), host))
            .chain(lower)
            .collect(),
        body: body.to_vec(),
    };
    signature::Signed::read(&request)
        .is_some_and(|signed| signed.service == "sts" && signed.is_by(&request, secret))
}

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::from_text(text.to_owned())
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(call)
}

/// The variables of somebody with an access key, in an empty home.
fn variables(double: &Double) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", KEY.0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", KEY.1.to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ENDPOINT_URL", double.address.clone()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("HOME", "/nowhere".to_owned()),
    ]
}

fn environment(variables: &[(&'static str, String)]) -> Environment {
    Environment::fixed(
        "/nowhere",
        variables
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    )
}

/// Layers that try again at once, and only as often as the test wants.
fn layers(attempts: u32) -> Layers {
    Layers {
        timeout: std::time::Duration::from_secs(5),
        retry: RetryPolicy {
            attempts,
            first_delay: std::time::Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..Layers::default()
    }
}

fn stores(double: &Double) -> Stores {
    Stores::new(environment(&variables(double)), layers(1))
}

fn configured(double: &Double, settings: Settings) -> Stores {
    stores(double)
        .with_block("aws", "default", settings)
        .unwrap()
}

fn open_with(
    stores: &Stores,
    text: &str,
    options: &FetchOptions,
) -> Result<Option<Leased<Selected>>> {
    block_on(stores.open(&reference(text), options))
}

fn value(stores: &Stores, text: &str) -> Secret {
    let opened = open_with(stores, text, &FetchOptions::default());
    opened.unwrap().unwrap().value.value
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T>, kind: ErrorKind, words: &[&str]) -> StoreError {
    let error = answer.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing in: {shown}");
    }
    for hidden in [CANARY, "plumAnchor", KEY.1, double::SESSION_KEY] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    error
}

#[track_caller]
fn fails(stores: &Stores, text: &str, kind: ErrorKind, words: &[&str]) -> StoreError {
    refused(
        open_with(stores, text, &FetchOptions::default()),
        kind,
        words,
    )
}
