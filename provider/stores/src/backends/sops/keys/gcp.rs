//! Keys of the Google Cloud Key Management Service: `POST /v1/{key}:decrypt`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::{Method, Url};
use secret_value::Secret;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Part;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{HttpClient, base_url, bearer, join};

const ENDPOINT: &str = "https://cloudkms.googleapis.com";

#[derive(Deserialize)]
struct Answer {
    plaintext: Zeroizing<String>,
}

/// The address of the decryption with the key `resource`.
pub(super) fn key_url(operation: Operation, endpoint: Option<&str>, resource: &str) -> Result<Url> {
    let parts: Vec<&str> = resource.split('/').collect();
    let [
        "projects",
        project,
        "locations",
        location,
        "keyRings",
        ring,
        "cryptoKeys",
        key,
        ..,
    ] = parts.as_slice()
    else {
        return Err(StoreError::new(
            ErrorKind::Integrity,
            operation,
            "a recipient of the file names no key of Google Cloud",
        ));
    };
    let verb = format!("{key}:decrypt");
    let base = base_url("gcp_kms_endpoint", endpoint.unwrap_or(ENDPOINT))?;
    Ok(join(
        &base,
        [
            "v1",
            "projects",
            project,
            "locations",
            location,
            "keyRings",
            ring,
            "cryptoKeys",
            &verb,
        ],
    ))
}

pub(super) async fn decrypt(
    operation: Operation,
    http: &HttpClient,
    url: Url,
    token: &Secret,
    text: &str,
) -> Result<Part> {
    let request = bearer(http.request(Method::POST, url), operation, token)?;
    let request = request.json(&json!({ "ciphertext": text }));
    let answer = http.send(operation, request).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal("the key in Google Cloud"));
    }
    let answer: Answer = answer.json()?;
    let part = BASE64_STANDARD.decode(&*answer.plaintext).map_err(|_| {
        StoreError::new(
            ErrorKind::Unavailable,
            operation,
            "the key service answered something else than a key",
        )
    })?;
    Ok(Zeroizing::new(part))
}
