//! Where the proof for workload identity federation comes from: read anew for every login.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secret_value::{Secret, redaction};
use serde_json::value::RawValue;

use super::executable::Executable;
use super::external::External;
use crate::backends::gcp::account::Account;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::http::SecretText;

/// Longest proof; SAML assertions are the longest.
const MAX_BYTES: u64 = 256 * 1024;

/// A source of proofs.
#[derive(Debug)]
pub(super) enum Subject {
    /// The identity token of this run.
    Identity {
        audience: String,
    },
    File {
        path: PathBuf,
        format: Format,
    },
    Url {
        url: Url,
        headers: BTreeMap<String, String>,
        format: Format,
    },
    Executable(Executable),
    /// A signed request that asks AWS who signed it.
    Aws,
}

/// How a proof is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    /// The member of a JSON object.
    Json(String),
}

impl Subject {
    pub(super) async fn token(
        &self,
        account: &Account,
        operation: Operation,
        external: &External,
    ) -> Result<Secret> {
        let proof = match self {
            Self::Identity { audience } => {
                let token = account.identity().token(operation, Some(audience)).await?;
                token.text
            }
            Self::File { path, format } => {
                let path = account.environment.directory().join(path);
                let place = path.display().to_string();
                let bytes = files::read_limited(operation, &path, MAX_BYTES).map_err(|error| {
                    // A missing file must not look like a missing secret, which may be allowed to be missing.
                    wrong(
                        operation,
                        "the file with the identity token cannot be read",
                        &place,
                    )
                    .with_source(error)
                })?;
                format.pick(operation, &bytes, &place)?
            }
            Self::Url {
                url,
                headers,
                format,
            } => self::fetch(account, operation, url, headers, format).await?,
            Self::Executable(executable) => executable.run(account, operation, external).await?,
            Self::Aws => aws(account, operation, external).await?,
        };
        redaction::register(&proof);
        Ok(proof)
    }
}

impl Format {
    fn pick(&self, operation: Operation, bytes: &[u8], place: &str) -> Result<Secret> {
        let found = match self {
            Self::Text => Secret::new(bytes.trim_ascii().to_vec()),
            Self::Json(field) => {
                let document: BTreeMap<String, &RawValue> =
                    serde_json::from_slice(bytes).map_err(|_| {
                        wrong(
                            operation,
                            "what should hold an identity token is no JSON object",
                            place,
                        )
                    })?;
                let member = document.get(field).ok_or_else(|| {
                    let what = format!("there is no member `{field}` with an identity token");
                    wrong(operation, what, place)
                })?;
                let text: SecretText = serde_json::from_str(member.get()).map_err(|_| {
                    wrong(operation, format!("the member `{field}` is no text"), place)
                })?;
                text.0
            }
        };
        if found.is_empty() {
            return Err(wrong(operation, "the identity token is empty", place));
        }
        Ok(found)
    }
}

async fn fetch(
    account: &Account,
    operation: Operation,
    url: &Url,
    headers: &BTreeMap<String, String>,
    format: &Format,
) -> Result<Secret> {
    let place = url.host_str().unwrap_or_default().to_owned();
    let http = account.http().await?;
    let mut request = http.request(Method::GET, url.clone());
    for (name, value) in headers {
        let pair = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        let (name, mut value) = pair.ok_or_else(|| {
            wrong(
                operation,
                "a header for the source of identity tokens is none",
                &place,
            )
        })?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    let answer = http.send(operation, request).await?;
    if !answer.status.is_success() {
        let error = match answer.kind() {
            ErrorKind::NotFound => answer.error(
                ErrorKind::PermissionDenied,
                "the source of identity tokens has none",
            ),
            _ => answer.refusal("the identity token"),
        };
        return Err(error.with_help("check `credential_source` in the file of credentials"));
    }
    format.pick(operation, &answer.body, &place)
}

fn wrong(operation: Operation, what: impl Into<String>, place: &str) -> StoreError {
    StoreError::new(ErrorKind::Config, operation, what)
        .with_context("source", place)
        .with_help("check `credential_source` in the file of credentials")
}

/// The signed request as Google wants it: JSON with address, method and headers, percent-encoded.
#[cfg(feature = "aws")]
async fn aws(account: &Account, operation: Operation, external: &External) -> Result<Secret> {
    use serde_json::json;

    use crate::backends::aws::{CallerProof, Question};

    let further = [("x-goog-cloud-target-resource", external.audience.as_str())];
    let proof = CallerProof::make(
        &account.environment,
        account.identity(),
        Question::InAddress,
        &further,
    )
    .await
    .map_err(|error| error.during(operation))?;
    let headers: Vec<_> = proof
        .headers
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect();
    let request = json!({ "url": proof.url, "method": "POST", "headers": headers });
    let text = zeroize::Zeroizing::new(request.to_string());
    let mut encoded = String::with_capacity(3 * text.len());
    encoded.extend(url::form_urlencoded::byte_serialize(text.as_bytes()));
    Ok(Secret::from_text(encoded))
}

#[cfg(not(feature = "aws"))]
async fn aws(_account: &Account, operation: Operation, _external: &External) -> Result<Secret> {
    Err(StoreError::new(
        ErrorKind::Unsupported,
        operation,
        "this program was built without AWS, which these credentials need",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_picked_out_of_what_holds_them() {
        let pick =
            |format: Format, text: &str| format.pick(Operation::Open, text.as_bytes(), "here");
        let field = || Format::Json("id".to_owned());
        let token = Secret::from_text("a.b.c".to_owned());
        assert_eq!(pick(Format::Text, "a.b.c\n").unwrap(), token);
        assert_eq!(pick(field(), r#"{"x":1,"id":"a.b.c"}"#).unwrap(), token);
        for (format, text, word) in [
            (Format::Text, " \n", "empty"),
            (field(), "plumAnchor", "no JSON"),
            (field(), r#"{"other":"plumAnchor"}"#, "no member `id`"),
            (field(), r#"{"id":17}"#, "no text"),
            (field(), r#"{"id":""}"#, "empty"),
        ] {
            let error = pick(format, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let shown = format!("{error:?}");
            assert!(
                shown.contains(word) && !shown.contains("plumAnchor"),
                "{shown}"
            );
        }
    }
}
