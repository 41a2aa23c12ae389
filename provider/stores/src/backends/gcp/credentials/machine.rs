//! The service account of the machine that this runs on: Compute Engine, Cloud Run, Cloud Build, GKE.
//! <https://cloud.google.com/compute/docs/metadata/overview>

use std::time::Duration;

use reqwest::{Method, Url};
use secret_value::Secret;

use super::Token;
use super::grant::Grant;
use crate::backends::gcp::account::{Account, CLOUD_PLATFORM};
use crate::backends::gcp::endpoint::METADATA;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::{Response, join};

const SERVER: &str = "http://metadata.google.internal";
const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");
/// How long the server of a machine may take; elsewhere there is none, and nobody wants to wait for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// An access token of the machine.
pub(super) async fn access_token(
    account: &Account,
    operation: Operation,
    scopes: &[String],
) -> Result<Token> {
    let mut url = address(
        account,
        operation,
        &["service-accounts", "default", "token"],
    )?;
    // Without scopes the token has those of the machine.
    if scopes != [CLOUD_PLATFORM] {
        url.query_pairs_mut()
            .append_pair("scopes", &scopes.join(","));
    }
    let answer = ask(account, operation, url).await?;
    let grant: Grant = answer.json()?;
    grant.access(operation)
}

/// An identity token of the machine.
pub(super) async fn id_token(
    account: &Account,
    operation: Operation,
    audience: &str,
    include_email: bool,
) -> Result<Token> {
    let path = ["service-accounts", "default", "identity"];
    let mut url = address(account, operation, &path)?;
    url.query_pairs_mut()
        .append_pair("audience", audience)
        .append_pair("format", if include_email { "full" } else { "standard" });
    let answer = ask(account, operation, url).await?;
    Ok(Token::identity(Secret::new(
        answer.body.trim_ascii().to_vec(),
    )))
}

/// The project of the machine.
pub(in crate::backends::gcp) async fn project(
    account: &Account,
    operation: Operation,
) -> Result<Option<String>> {
    let url = join(
        &server(account, operation)?,
        ["computeMetadata", "v1", "project", "project-id"],
    );
    let answer = ask(account, operation, url).await?;
    let text = String::from_utf8_lossy(answer.body.trim_ascii()).into_owned();
    Ok((!text.is_empty()).then_some(text))
}

fn server(account: &Account, operation: Operation) -> Result<Url> {
    // A server that answers for Google's services is no machine.
    if let Some(url) = account.settings.endpoints.get(METADATA) {
        return Ok(url.clone());
    }
    Url::parse(SERVER).map_err(|_| none(operation))
}

fn address(account: &Account, operation: Operation, path: &[&str]) -> Result<Url> {
    let instance = ["computeMetadata", "v1", "instance"];
    let path = instance.iter().chain(path).copied();
    Ok(join(&server(account, operation)?, path))
}

async fn ask(account: &Account, operation: Operation, url: Url) -> Result<Response> {
    let http = account.direct().await?;
    let (name, value) = FLAVOR;
    let request = http.request(Method::GET, url).header(name, value);
    let answer = tokio::time::timeout(PATIENCE, http.send(operation, request)).await;
    let answer = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(none(operation).with_source(error)),
        Err(_) => return Err(none(operation)),
    };
    // Somebody else who answers on that address is not trusted.
    if answer.header(name) != Some(value) {
        return Err(none(operation).with_context("server", answer.server()));
    }
    if answer.status.is_success() {
        return Ok(answer);
    }
    Err(match answer.retry() {
        Retry::Never => answer
            .error(
                ErrorKind::PermissionDenied,
                "the metadata server of this machine gives no token",
            )
            .with_help("give the machine a service account with the scope `cloud-platform`"),
        _ => answer.refusal("a token of this machine"),
    })
}

/// The error where there are no credentials: the machine is asked last.
pub(super) fn none(operation: Operation) -> StoreError {
    StoreError::new(
        ErrorKind::Config,
        operation,
        "there are no credentials for Google Cloud",
    )
    .with_help(
        "in CI, set `workload_identity` in the `gcp` block; on your own machine, run `gcloud auth application-default \
         login`; or set GOOGLE_APPLICATION_CREDENTIALS, or run on a machine of Google Cloud with a service account",
    )
}
