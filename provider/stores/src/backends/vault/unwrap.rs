//! Response wrapping: what a wrapping token holds is given out once. That it was made where it is said to have
//! been made is checked before it is opened.

use reqwest::header::HeaderValue;
use secret_value::Secret;

use super::answer::{Envelope, WrapInfo};
use super::client::{Call, Client};
use super::login::{Parameter, encode};
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// Opens what `token` holds, once. `creation_path` is the path that must have made it.
///
/// # Errors
/// `not_found` for a token that was used or expired; `integrity` when another path made it: then it is not
/// opened.
pub(super) async fn open(
    client: &Client,
    operation: Operation,
    token: &Secret,
    creation_path: Option<&str>,
) -> Result<Envelope> {
    if let Some(expected) = creation_path {
        check(client, operation, token, expected).await?;
    }
    let call = Call::post(operation, "sys/wrapping/unwrap").token(token)?;
    Envelope::read(operation, &client.send(&call).await?)
}

async fn check(
    client: &Client,
    operation: Operation,
    token: &Secret,
    expected: &str,
) -> Result<()> {
    let body = encode(
        operation,
        &serde_json::Map::from_iter([(
            "token".to_owned(),
            serde_json::to_value(Parameter::from(token.clone())).unwrap_or_default(),
        )]),
    )?;
    let call = Call::post(operation, "sys/wrapping/lookup").body(&body);
    let answer = Envelope::read(operation, &client.send(&call).await?)?;
    #[derive(serde::Deserialize)]
    struct Lookup {
        #[serde(default)]
        creation_path: String,
    }
    let Lookup { creation_path } = answer.data(operation)?.read(operation)?;
    if creation_path.trim_matches('/') == expected.trim_matches('/') {
        return Ok(());
    }
    Err(StoreError::new(
        ErrorKind::Integrity,
        operation,
        "the wrapping token was made by another path than expected, so it was not opened",
    )
    .with_context("expected", expected)
    .with_context("found", creation_path)
    .with_help("somebody may have replaced it: treat what the expected one held as stolen"))
}

/// The header that asks for a wrapped answer.
pub(super) fn wrapped<'a>(call: Call<'a>, ttl: &str) -> Call<'a> {
    match HeaderValue::from_str(ttl) {
        Ok(value) => call.header("x-vault-wrap-ttl", value),
        Err(_) => call,
    }
}

impl WrapInfo {
    /// What is no secret about the wrapping.
    pub(super) fn is_empty(&self) -> bool {
        self.token.0.is_empty()
    }
}
