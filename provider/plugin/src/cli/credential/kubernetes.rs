//! `credential kubernetes`: the exec plugin of clients of Kubernetes.
//!
//! An `ExecCredential` on standard output, in the version that the variable `KUBERNETES_EXEC_INFO` asks for:
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>. Takes tokens
//! (`aws-eks://`, `k8s-token://`, the `kubernetes` engine of Vault, stored ones) and client certificates.

use anyhow::bail;
use secret_stores::Environment;
use serde::{Deserialize, Serialize};

use super::{answer, open_named, second};
use crate::cli::arguments::Reference;
use crate::json::Shown;

/// Says what the client wants.
const VARIABLE: &str = "KUBERNETES_EXEC_INFO";
/// The versions that are answered; the first is the default.
const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    api_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    api_version: &'a str,
    kind: &'a str,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate_data: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key_data: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
}

pub(super) fn execute(environment: &Environment, asked: &Reference) -> anyhow::Result<()> {
    let version = version(environment.text(VARIABLE).as_deref())?;
    let mut credential = open_named(environment, asked)?;
    let certificate = credential.part(&["client_certificate", "certificate", "tls.crt"]);
    let key = credential.part(&["client_key", "private_key", "tls.key"]);
    let (token, certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (None, Some(certificate), Some(key)),
        _ => {
            let token = credential.whole_or(&["token", "service_account_token"])?;
            (Some(token), None, None)
        }
    };
    answer(&ExecCredential {
        api_version: version,
        kind: "ExecCredential",
        status: Status {
            token: token.as_ref().map(Shown),
            client_certificate_data: certificate.as_ref().map(Shown),
            client_key_data: key.as_ref().map(Shown),
            expiration_timestamp: credential.expires.map(second),
        },
    })
}

/// The version to answer in.
fn version(info: Option<&str>) -> anyhow::Result<&'static str> {
    let Some(info) = info else {
        return Ok(VERSIONS[0]);
    };
    let Ok(info) = serde_json::from_str::<Info>(info) else {
        bail!("the variable `{VARIABLE}` holds no ExecCredential");
    };
    match VERSIONS.iter().find(|known| **known == info.api_version) {
        Some(known) => Ok(known),
        None => bail!(
            "the client asks for `{}`, and only {} are answered: set `apiVersion` of `exec` in the kubeconfig to one \
             of them",
            info.api_version,
            VERSIONS.join(" and ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_is_asked_for_is_answered() {
        assert_eq!(version(None).unwrap(), VERSIONS[0]);
        for known in VERSIONS {
            let info = format!(
                r#"{{"apiVersion":"{known}","kind":"ExecCredential","spec":{{"interactive":false}}}}"#
            );
            assert_eq!(version(Some(&info)).unwrap(), known);
        }
        let error = version(Some(
            r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
        ));
        assert!(error.unwrap_err().to_string().contains("v1alpha1"));
        assert!(version(Some("{")).is_err());
    }
}
