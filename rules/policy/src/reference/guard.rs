//! What must not be in a reference although people write it there: hosts, credentials and
//! authentication parameters. They belong in the store block, so that a reference can be printed,
//! logged and committed. Messages here never repeat the offending text.

use std::net::Ipv4Addr;

use super::Scheme;
use super::error::{ReferenceError, ReferenceErrorKind as Kind};
use crate::span::Part;
use crate::span::Span;

const CREDENTIAL_HELP: &str = "remove it, and replace the credential if it was real; say how to log in inside the provider's store block";
const HOST_HELP: &str =
    "put the address into a store block of the provider and name that block: `scheme+name://path`";

/// Query keys that say how to log in.
const CREDENTIAL_KEYS: &[&str] = &[
    "access_key",
    "api_key",
    "apikey",
    "auth",
    "auth_method",
    "client_id",
    "client_secret",
    "credential",
    "credentials",
    "jwt",
    "key",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "profile",
    "role",
    "role_arn",
    "role_id",
    "secret",
    "secret_id",
    "secret_key",
    "token",
    "token_env",
    "token_file",
    "user",
    "username",
];

/// Query keys that say where the store is.
const HOST_KEYS: &[&str] = &[
    "addr",
    "address",
    "api_host",
    "ca_cert",
    "cluster",
    "context",
    "endpoint",
    "host",
    "insecure",
    "kubeconfig",
    "namespace",
    "port",
    "project",
    "proto",
    "region",
    "server",
    "tenant",
    "tenant_id",
    "tls_skip_verify",
    "url",
];

/// Ends of names that only hosts have.
const HOST_SUFFIXES: &[&str] = &[
    ".com",
    ".consul",
    ".corp",
    ".internal",
    ".intra",
    ".io",
    ".lan",
    ".localdomain",
    ".net",
    ".org",
    ".svc",
];

/// Ends of the public clouds' API hosts.
const CLOUD_SUFFIXES: &[&str] = &[
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".azure.net",
    ".azure.cn",
    ".googleapis.com",
    ".infisical.com",
    ".doppler.com",
];

/// Refuses a URL where a path is expected.
pub(super) fn check_raw(path: Part<'_>) -> Result<(), ReferenceError> {
    if path.text.contains("://") {
        return Err(ReferenceError::new(
            Kind::Host,
            path.span(),
            "the path holds a URL",
            HOST_HELP,
        ));
    }
    Ok(())
}

/// Looks at the part where a URL has its user and host; `first` is decoded.
pub(super) fn check_first(scheme: Scheme, first: &str, span: Span) -> Result<(), ReferenceError> {
    if let Some((user, _)) = first.rsplit_once('@')
        && (user.contains(':') || forbids_at_sign(scheme))
    {
        let message = "the reference holds a user name or credential before `@`";
        return Err(ReferenceError::new(
            Kind::Credential,
            span,
            message,
            CREDENTIAL_HELP,
        ));
    }
    if names_audience(scheme) {
        return Ok(());
    }
    if has_suffix(first, CLOUD_SUFFIXES) || (names_no_hosts(scheme) && looks_like_host(first)) {
        return Err(ReferenceError::new(
            Kind::Host,
            span,
            "the reference holds a host",
            HOST_HELP,
        ));
    }
    Ok(())
}

/// Refuses query keys that carry an address or a credential, with the reason.
pub(super) fn check_query_key(name: Part<'_>) -> Result<(), ReferenceError> {
    let folded = name.text.to_ascii_lowercase().replace('-', "_");
    if CREDENTIAL_KEYS.contains(&folded.as_str()) {
        let message = format!(
            "`{folded}` is an authentication parameter, and those are never part of a reference"
        );
        return Err(ReferenceError::new(
            Kind::Credential,
            name.span(),
            message,
            CREDENTIAL_HELP,
        ));
    }
    if HOST_KEYS.contains(&folded.as_str()) {
        let message =
            format!("`{folded}` says where the store is, which is not part of a reference");
        return Err(ReferenceError::new(
            Kind::Host,
            name.span(),
            message,
            HOST_HELP,
        ));
    }
    Ok(())
}

/// Schemes whose first segment is a name that cannot hold `@`. Elsewhere `user@example.com` may
/// well be the name of a secret.
fn forbids_at_sign(scheme: Scheme) -> bool {
    names_no_hosts(scheme) || scheme == Scheme::GcpSm
}

/// Schemes whose path names whom the credential is made for. That may be a host, but never the one that is
/// asked for it.
fn names_audience(scheme: Scheme) -> bool {
    matches!(
        scheme,
        Scheme::AwsRds | Scheme::AzureToken | Scheme::GcpIdToken | Scheme::Identity
    )
}

/// Schemes that other tools write with a host in front.
fn names_no_hosts(scheme: Scheme) -> bool {
    matches!(
        scheme,
        Scheme::Vault | Scheme::AzureKv | Scheme::K8s | Scheme::Infisical | Scheme::Doppler
    )
}

fn looks_like_host(text: &str) -> bool {
    let name = match text.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.parse::<u16>().is_ok() => return true,
        Some((name, "")) => name,
        _ => text,
    };
    name.eq_ignore_ascii_case("localhost")
        || name.starts_with('[')
        || name.parse::<Ipv4Addr>().is_ok()
        || has_suffix(name, HOST_SUFFIXES)
        || (name.matches('.').count() >= 2 && !name.contains(".."))
}

fn has_suffix(text: &str, suffixes: &[&str]) -> bool {
    let folded = text.to_ascii_lowercase();
    let name = folded
        .split(':')
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    suffixes.iter().any(|suffix| name.ends_with(suffix))
}
