//! Where credentials are looked for: the block, then the variables of Google's tools and of Terraform's Google
//! provider, then the file of `gcloud`, then the machine.

use std::path::{Path, PathBuf};

use secret_value::{Secret, redaction};

use super::{Base, Credentials, file};
use crate::backends::gcp::account::Account;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;

/// Largest file of credentials.
const MAX_BYTES: u64 = 256 * 1024;
/// The file that `gcloud auth application-default login` writes.
const WELL_KNOWN: &str = "application_default_credentials.json";

impl Credentials {
    /// The credentials of `account`. The machine is not asked whether it has any.
    ///
    /// # Errors
    /// `config` for a file that is named and cannot be read, or holds something else.
    pub(in crate::backends::gcp) async fn find(
        account: &Account,
        operation: Operation,
    ) -> Result<Self> {
        let mut found = first(account, operation)?;
        found.hops.extend(account.settings.impersonate.clone());
        Ok(found)
    }
}

fn first(account: &Account, operation: Operation) -> Result<Credentials> {
    let (settings, environment) = (&account.settings, &account.environment);
    if let Some(token) = &settings.access_token {
        redaction::register(token);
        return Ok(Credentials::of(Base::Token(token.clone())));
    }
    if let Some(json) = &settings.credentials {
        return from_secret(operation, "`credentials` of the block", json);
    }
    if let Some(path) = &settings.credentials_file {
        return from_file(operation, path);
    }
    if let Some(identity) = &settings.workload_identity {
        let mut found = file::federated(&identity.provider, &identity.token_audience);
        found.hops.extend(identity.service_account.clone());
        return Ok(found);
    }
    for name in ["GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"] {
        if let Some(token) = environment.text(name) {
            let token = Secret::from_text(token.trim().to_owned());
            redaction::register(&token);
            return Ok(Credentials::of(Base::Token(token)));
        }
    }
    for name in [
        "GOOGLE_CREDENTIALS",
        "GOOGLE_CLOUD_KEYFILE_JSON",
        "GCLOUD_KEYFILE_JSON",
    ] {
        match environment.text(name) {
            Some(text) if text.trim_start().starts_with('{') => {
                let place = format!("the variable {name}");
                return from_secret(operation, &place, &Secret::from_text(text));
            }
            Some(path) => return from_file(operation, &environment.directory().join(path)),
            None => {}
        }
    }
    for name in [
        "GOOGLE_APPLICATION_CREDENTIALS",
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    ] {
        if let Some(path) = environment.path(name) {
            return from_file(operation, &path);
        }
    }
    match well_known(environment) {
        Some(path) => from_file(operation, &path),
        None => Ok(Credentials::of(Base::Machine)),
    }
}

/// The file of `gcloud`, when there is one.
fn well_known(environment: &Environment) -> Option<PathBuf> {
    let folder = environment.path("CLOUDSDK_CONFIG").or_else(|| {
        if cfg!(windows) {
            environment.path("APPDATA").map(|data| data.join("gcloud"))
        } else {
            environment
                .path("HOME")
                .map(|home| home.join(".config/gcloud"))
        }
    })?;
    Some(folder.join(WELL_KNOWN)).filter(|path| path.exists())
}

fn from_secret(operation: Operation, place: &str, json: &Secret) -> Result<Credentials> {
    #[expect(
        clippy::disallowed_methods,
        reason = "codec: the credentials are taken apart, and their secrets are secrets again"
    )]
    let bytes = json.expose();
    file::read(operation, place, bytes)
}

fn from_file(operation: Operation, path: &Path) -> Result<Credentials> {
    let bytes = files::read_limited(operation, path, MAX_BYTES).map_err(|error| {
        // A missing file must not look like a missing secret, which may be allowed to be missing.
        StoreError::new(
            ErrorKind::Config,
            operation,
            "the file with the credentials of Google Cloud cannot be read",
        )
        .with_context("file", path.display())
        .with_help("check GOOGLE_APPLICATION_CREDENTIALS and its relatives, or `credentials_file` in the `gcp` block")
        .with_source(error)
    })?;
    file::read(operation, &path.display().to_string(), &bytes)
}
