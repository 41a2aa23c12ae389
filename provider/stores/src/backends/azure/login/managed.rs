//! The identity that Azure gives to a machine (IMDS), or to an app or function (App Service).
//!
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
//! <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Url};
use secret_value::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::super::account::{Account, Attempt, Token, Wanted};
use super::super::settings::{Source, wrong};
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::{HttpClient, Response, SecretText, base_url, secret_header};

const METADATA: &str = "http://169.254.169.254";
const METADATA_PATH: &str = "/metadata/identity/oauth2/token";
/// How long to wait for a sign that there is a metadata service; elsewhere nothing answers at all.
const PROBE: Duration = Duration::from_secs(2);

/// Which identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// The one that the system assigned.
    System,
    Client(String),
    Object(String),
    Resource(String),
}

/// An identity and who gives it.
#[derive(Debug)]
pub(in super::super) struct ManagedIdentity {
    identity: Identity,
    service: Service,
}

#[derive(Debug)]
enum Service {
    Machine { url: Url, probe: bool },
    App { url: Url, header: Secret },
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretText,
    /// Numbers come as text, too.
    expires_in: Option<Value>,
    expires_on: Option<Value>,
}

impl Granted {
    /// Time left. What the service counts itself goes before what the clock of this machine says.
    fn ttl(&self) -> Option<Duration> {
        let number = |value: &Option<Value>| match value {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse::<u64>().ok(),
            _ => None,
        };
        let left = number(&self.expires_in).or_else(|| {
            let end = i64::try_from(number(&self.expires_on)?).ok()?;
            u64::try_from(end.saturating_sub(Timestamp::now().as_second())).ok()
        });
        left.map(Duration::from_secs)
    }
}

impl ManagedIdentity {
    /// The identity, where a service for it may be; else why not.
    ///
    /// # Errors
    /// `config` for an address that is none.
    pub(super) fn new(
        source: Source<'_>,
        identity: Identity,
        endpoint: Option<String>,
    ) -> Result<std::result::Result<Self, String>> {
        let variable = |name: &str| source.variable(&[name]);
        let service = if let Some(endpoint) = endpoint {
            machine("managed_identity.endpoint", &endpoint)?
        } else if let Some(url) = variable("IDENTITY_ENDPOINT") {
            let Some(header) = source.variable(&["IDENTITY_HEADER"]).map(Secret::from_text) else {
                return Ok(Err(
                    "IDENTITY_ENDPOINT is set without IDENTITY_HEADER, as on Azure Arc, which is not supported"
                        .to_owned(),
                ));
            };
            Service::App {
                url: base_url("IDENTITY_ENDPOINT", &url)?,
                header,
            }
        } else if let Some(url) = variable("ARM_MSI_ENDPOINT") {
            Service::Machine {
                url: base_url("ARM_MSI_ENDPOINT", &url)?,
                probe: false,
            }
        } else if let Some(url) = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") {
            machine("AZURE_POD_IDENTITY_AUTHORITY_HOST", &url)?
        } else {
            let Service::Machine { url, .. } = machine("metadata service", METADATA)? else {
                return Err(wrong("the metadata service has no address"));
            };
            Service::Machine { url, probe: true }
        };
        Ok(Ok(Self { identity, service }))
    }

    /// A token.
    ///
    /// # Errors
    /// When the service is there and cannot answer now.
    pub(super) async fn token(
        &self,
        account: &Account,
        operation: Operation,
        wanted: &Wanted,
    ) -> Result<Attempt> {
        let http = account.near().await?;
        if let Service::Machine { url, probe: true } = &self.service
            && !answers(http, operation, url).await
        {
            return Ok(Attempt::Absent(
                "no metadata service of Azure answers".to_owned(),
            ));
        }
        let request = self.request(http, operation, &wanted.resource)?;
        let answer = http.send(operation, request).await?;
        if answer.status.is_success() {
            let granted: Granted = answer.json()?;
            let ttl = granted.ttl().unwrap_or_default();
            return Ok(Attempt::Token(Token::new(granted.access_token.0, ttl)));
        }
        self.refused(&answer)
    }

    fn request(
        &self,
        http: &HttpClient,
        operation: Operation,
        resource: &str,
    ) -> Result<RequestBuilder> {
        let (url, version) = match &self.service {
            Service::Machine { url, .. } => (url, "2018-02-01"),
            Service::App { url, .. } => (url, "2019-08-01"),
        };
        let is_app = matches!(self.service, Service::App { .. });
        let mut query = vec![("api-version", version), ("resource", resource)];
        match &self.identity {
            Identity::System => {}
            Identity::Client(id) => query.push(("client_id", id)),
            Identity::Object(id) if is_app => query.push(("principal_id", id)),
            Identity::Object(id) => query.push(("object_id", id)),
            Identity::Resource(id) if is_app => query.push(("mi_res_id", id)),
            Identity::Resource(id) => query.push(("msi_res_id", id)),
        }
        let request = http.request(Method::GET, url.clone()).query(&query);
        match &self.service {
            Service::Machine { .. } => Ok(request.header("metadata", "true")),
            Service::App { header, .. } => {
                secret_header(request, operation, "x-identity-header", header)
            }
        }
    }

    fn refused(&self, answer: &Response) -> Result<Attempt> {
        match answer.status.as_u16() {
            400 => Ok(Attempt::Absent(match &self.identity {
                Identity::System => "no identity is assigned here".to_owned(),
                _ => "the identity that is named is not assigned here".to_owned(),
            })),
            // The service says so while it is made anew.
            404 | 410 => Err(answer
                .error(
                    ErrorKind::Unavailable,
                    "the metadata service of Azure cannot answer now",
                )
                .with_retry(Retry::Later)),
            401 | 403 => Err(unwilling(answer)),
            _ => Err(answer.refusal("the managed identity")),
        }
    }
}

fn unwilling(answer: &Response) -> StoreError {
    answer.error(
        ErrorKind::PermissionDenied,
        "the service for managed identities refuses to answer this process",
    )
}

/// A metadata service at `address`.
fn machine(setting: &str, address: &str) -> Result<Service> {
    let mut url = base_url(setting, address)?;
    url.set_path(METADATA_PATH);
    Ok(Service::Machine { url, probe: false })
}

/// Whether there is a metadata service: it refuses a request without its header, with a status of its own.
async fn answers(http: &HttpClient, operation: Operation, url: &Url) -> bool {
    let request = http.request(Method::GET, url.clone()).timeout(PROBE);
    let answer = http.send(operation, request).await;
    answer.is_ok_and(|answer| answer.status == 400)
}
