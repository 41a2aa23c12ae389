//! Keys of Azure Key Vault: `POST /keys/{name}/{version}/decrypt`. The address comes out of the file, so only
//! hosts of the service get a token.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use reqwest::{Method, Url};
use secret_value::Secret;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Part;
use crate::backends::azure_cloud;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{HttpClient, base_url, bearer, join};

#[derive(Deserialize)]
struct Answer {
    value: Zeroizing<String>,
}

/// The address of the decryption and the application that its token must be for.
pub(super) fn key_url(
    operation: Operation,
    vault: &str,
    name: &str,
    version: &str,
) -> Result<(Url, &'static str)> {
    let foreign = || {
        StoreError::new(
            ErrorKind::Integrity,
            operation,
            "a recipient of the file names a host that is no Azure Key Vault, so no login is sent there",
        )
        .with_help("find out who changed the file")
    };
    let base = base_url("vault_url", vault).map_err(|_| foreign())?;
    match azure_cloud::application(base.host_str().unwrap_or_default()) {
        Some(application) if base.scheme() == "https" && base.port().is_none() => {
            let mut url = join(&base, ["keys", name, version, "decrypt"]);
            url.set_query(Some("api-version=7.4"));
            Ok((url, application))
        }
        _ => Err(foreign()),
    }
}

pub(super) async fn decrypt(
    operation: Operation,
    http: &HttpClient,
    url: Url,
    token: &Secret,
    text: &str,
) -> Result<Part> {
    let request = bearer(http.request(Method::POST, url), operation, token)?;
    let request = request.json(&json!({ "alg": "RSA-OAEP-256", "value": text }));
    let answer = http.send(operation, request).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal("the key in Azure Key Vault"));
    }
    let answer: Answer = answer.json()?;
    let part = BASE64_URL_SAFE_NO_PAD.decode(&*answer.value).map_err(|_| {
        StoreError::new(
            ErrorKind::Unavailable,
            operation,
            "the key service answered something else than a key",
        )
    })?;
    Ok(Zeroizing::new(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_the_service_get_a_token() {
        let url = |vault| key_url(Operation::Open, vault, "key", "1");
        let (found, scope) = url("https://team.vault.azure.net").unwrap();
        assert_eq!(
            found.as_str(),
            "https://team.vault.azure.net/keys/key/1/decrypt?api-version=7.4"
        );
        assert_eq!(scope, "vault.azure.net");
        for vault in [
            "https://vault.azure.net.evil.example",
            "https://evilvault.azure.net.example",
            "http://team.vault.azure.net",
            "https://team.vault.azure.net:8443",
            "https://me@team.vault.azure.net",
            "https://team.vault.azure.net@evil.example",
            "",
        ] {
            assert_eq!(
                url(vault).unwrap_err().kind(),
                ErrorKind::Integrity,
                "{vault}"
            );
        }
    }
}
