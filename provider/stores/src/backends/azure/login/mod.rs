//! How this run proves to Microsoft Entra who it is: one file for each way.

mod application;
mod assertion;
mod cli;
mod entra;
mod managed;

use application::{Application, CertificateSource, Key, SecretSource, TokenSource};
use managed::{Identity, ManagedIdentity};

use super::account::{Account, Attempt, Wanted};
use secret_value::Secret;

use super::settings::{AzureSettings, Source};
use crate::error::{Operation, Result};

/// A way to log in, in its place in the order.
#[derive(Debug)]
pub(super) struct Step {
    /// Its name, for messages.
    pub(super) name: &'static str,
    /// The login, or why there is none.
    pub(super) login: std::result::Result<Login, String>,
}

/// A login that is configured.
#[derive(Debug)]
pub(super) enum Login {
    /// An application that proves who it is.
    Application(Application),
    /// The identity that Azure gives to this machine.
    Managed(ManagedIdentity),
    /// The login of a person, through `az`.
    Cli { tenant: Option<String> },
}

impl Login {
    /// A token.
    ///
    /// # Errors
    /// When the login is there and refused.
    pub(super) async fn token(
        &self,
        account: &Account,
        operation: Operation,
        wanted: &Wanted,
    ) -> Result<Attempt> {
        match self {
            Self::Application(application) => application
                .token(account, operation, wanted)
                .await
                .map(Attempt::Token),
            Self::Managed(identity) => identity.token(account, operation, wanted).await,
            Self::Cli { tenant } => {
                let tenant = wanted.tenant.as_deref().or(tenant.as_deref());
                cli::token(account, operation, wanted, tenant).await
            }
        }
    }
}

/// Every way to log in, in the order in which they are tried. What the block names goes alone.
///
/// # Errors
/// `config`, naming the setting or variable.
pub(super) fn steps(source: Source<'_>, settings: &AzureSettings) -> Result<Vec<Step>> {
    let named = source.settings;
    let steps = [
        ("client certificate", certificate(source, settings)?),
        ("client secret", secret(source, settings)),
        ("federated token", federated(source, settings)?),
        ("managed identity", managed(source)?),
        ("Azure CLI", cli(source, settings)?),
    ];
    let chosen = [
        named.text("client_certificate_path").is_some(),
        named.secret("client_secret").is_some(),
        named.text("federated_token_file").is_some() || named.flag("use_oidc") == Some(true),
        named.group("managed_identity").is_some(),
        named.flag("use_cli") == Some(true),
    ];
    let alone = chosen.contains(&true);
    let kept = steps
        .into_iter()
        .zip(chosen)
        .filter(|(_, chosen)| *chosen || !alone);
    Ok(kept
        .map(|((name, login), _)| Step { name, login })
        .collect())
}

/// What a step is: a login, or why there is none.
type Found = std::result::Result<Login, String>;

fn certificate(source: Source<'_>, settings: &AzureSettings) -> Result<Found> {
    let variables = [
        "ARM_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_CERTIFICATE_PATH",
    ];
    let path = source.text("client_certificate_path", &variables);
    let directory = source.environment.directory();
    let certificate = match path {
        Some(path) => CertificateSource::File(directory.join(path)),
        None => match source
            .variable(&["ARM_CLIENT_CERTIFICATE"])
            .map(Secret::from_text)
        {
            Some(encoded) => CertificateSource::Encoded(encoded),
            None => {
                return Ok(Err(
                    "neither `client_certificate_path` nor ARM_CLIENT_CERTIFICATE_PATH is set"
                        .to_owned(),
                ));
            }
        },
    };
    let variables = [
        "ARM_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    ];
    let key = Key::Certificate {
        certificate,
        password: source.secret("client_certificate_password", &variables),
        with_chain: source.flag(
            "send_certificate_chain",
            "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        )?,
    };
    Ok(application(source, settings, key))
}

fn secret(source: Source<'_>, settings: &AzureSettings) -> Found {
    let given = source.secret(
        "client_secret",
        &["ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET"],
    );
    let file = source.environment.path("ARM_CLIENT_SECRET_FILE_PATH");
    let secret = given
        .map(SecretSource::Given)
        .or_else(|| file.map(SecretSource::File))
        .ok_or("neither `client_secret` nor ARM_CLIENT_SECRET is set")?;
    application(source, settings, Key::Secret(secret))
}

fn federated(source: Source<'_>, settings: &AzureSettings) -> Result<Found> {
    let environment = source.environment;
    let directory = environment.directory();
    let file = source.settings.text("federated_token_file");
    let token = if let Some(file) = file {
        TokenSource::File(directory.join(file))
    } else if source.flag("use_oidc", "ARM_USE_OIDC")? {
        match (
            source.variable(&["ARM_OIDC_TOKEN"]).map(Secret::from_text),
            environment.path("ARM_OIDC_TOKEN_FILE_PATH"),
        ) {
            (Some(token), _) => TokenSource::Given(token),
            (None, Some(path)) => TokenSource::File(path),
            (None, None) => TokenSource::Identity {
                audience: source
                    .text("oidc_audience", &[])
                    .unwrap_or_else(|| settings.cloud.exchange.to_owned()),
            },
        }
    } else {
        match environment.path("AZURE_FEDERATED_TOKEN_FILE") {
            Some(path) => TokenSource::File(path),
            None => {
                return Ok(Err(
                    "neither `use_oidc`, ARM_USE_OIDC nor AZURE_FEDERATED_TOKEN_FILE is set"
                        .to_owned(),
                ));
            }
        }
    };
    Ok(application(source, settings, Key::Token(token)))
}

/// An application with `key`, where tenant and client are known.
fn application(source: Source<'_>, settings: &AzureSettings, key: Key) -> Found {
    let client = source.text("client_id", &["ARM_CLIENT_ID", "AZURE_CLIENT_ID"]);
    let file = source.environment.path("ARM_CLIENT_ID_FILE_PATH");
    let client = client
        .map(|id| SecretSource::Given(Secret::from_text(id)))
        .or_else(|| file.map(SecretSource::File));
    match (&settings.tenant_id, client) {
        (Some(tenant), Some(client)) => Ok(Login::Application(Application {
            tenant: tenant.clone(),
            client,
            key,
        })),
        (None, _) => Err("neither `tenant_id` nor ARM_TENANT_ID is set".to_owned()),
        (_, None) => Err("neither `client_id` nor ARM_CLIENT_ID is set".to_owned()),
    }
}

fn managed(source: Source<'_>) -> Result<Found> {
    let group = source.settings.group("managed_identity");
    let text = |name: &str| group.and_then(|group| group.text(name)).map(str::to_owned);
    let identity = match (text("client_id"), text("object_id"), text("resource_id")) {
        (Some(id), None, None) => Identity::Client(id),
        (None, Some(id), None) => Identity::Object(id),
        (None, None, Some(id)) => Identity::Resource(id),
        (None, None, None) if group.is_some() => Identity::System,
        (None, None, None) => source
            .text("client_id", &["ARM_CLIENT_ID", "AZURE_CLIENT_ID"])
            .map_or(Identity::System, Identity::Client),
        _ => {
            return Err(super::settings::wrong(
                "`managed_identity` names an identity in more than one way",
            )
            .with_help("set one of `client_id`, `object_id` and `resource_id`"));
        }
    };
    let identity = ManagedIdentity::new(source, identity, text("endpoint"))?;
    Ok(identity.map(Login::Managed))
}

fn cli(source: Source<'_>, settings: &AzureSettings) -> Result<Found> {
    if !source.flag("use_cli", "ARM_USE_CLI")? {
        return Ok(Err("neither `use_cli` nor ARM_USE_CLI is true".to_owned()));
    }
    Ok(Ok(Login::Cli {
        tenant: settings.tenant_id.clone(),
    }))
}
