//! Small parts that several engines share: values as fields, versions in references, rights of this login.

use std::collections::BTreeMap;
use std::sync::Arc;

use secret_policy::SecretRef;
use secret_value::Secret;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

use super::answer::{Envelope, SecretJson};
use super::client::Call;
use super::login::encode;
use super::run::{Need, Run};
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// A value as named fields.
pub(super) struct Fields {
    value: Secret,
    is_object: bool,
}

/// The fields of `value`: those of a JSON object, else the one field `value`.
///
/// # Errors
/// `invalid_reference` for bytes that are not text.
pub(super) fn fields(value: &Secret) -> Result<Fields> {
    if !value.is_text() {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            Operation::Write,
            "the key-value engine keeps text only, and the value is not text",
        )
        .with_help(
            "encode it, for instance with `base64encode`, and read it with `?encoding=base64`",
        ));
    }
    Ok(Fields {
        is_object: SecretJson(value.clone()).is_object() && is_json(value),
        value: value.clone(),
    })
}

#[expect(clippy::disallowed_methods, reason = "codec: the text is only checked")]
fn is_json(value: &Secret) -> bool {
    serde_json::from_slice::<&RawValue>(value.expose()).is_ok()
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the value is sent to the store that is to keep it"
        )]
        let text = std::str::from_utf8(self.value.expose()).map_err(S::Error::custom)?;
        if self.is_object {
            let raw: &RawValue =
                serde_json::from_str(text).map_err(|_| S::Error::custom("not JSON"))?;
            return raw.serialize(serializer);
        }
        BTreeMap::from([("value", text)]).serialize(serializer)
    }
}

/// The version number that a reference names.
pub(super) fn version(operation: Operation, reference: &SecretRef) -> Result<Option<u64>> {
    let parse = |version: &str| {
        version.parse().map_err(|_| {
            StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "versions of this store are numbers from 1",
            )
        })
    };
    reference.version().map(parse).transpose()
}

/// Whether this login may open `path`, without opening it.
///
/// # Errors
/// `permission_denied` when it may not.
pub(super) async fn check_rights(run: &Arc<Run>, path: &str) -> Result<()> {
    let operation = Operation::Metadata;
    let body = encode(operation, &json!({ "paths": [path] }))?;
    let call = Call::post(operation, "sys/capabilities-self").body(&body);
    let answer = run.call(Need::Login, call).await?;
    let data = Envelope::read(operation, &answer)?.data(operation)?;
    #[derive(serde::Deserialize)]
    struct Rights {
        #[serde(default)]
        capabilities: Vec<String>,
    }
    let Rights { capabilities } = data.read(operation)?;
    let opens = ["root", "sudo", "read", "create", "update"];
    if capabilities
        .iter()
        .any(|right| opens.contains(&right.as_str()))
    {
        return Ok(());
    }
    Err(StoreError::new(
        ErrorKind::PermissionDenied,
        operation,
        "the policies of this login do not allow it",
    )
    .with_context("path", path)
    .with_help("grant `read` or `update` on this path to the role or user that logs in"))
}
