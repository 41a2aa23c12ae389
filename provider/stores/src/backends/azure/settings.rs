//! The block `azure`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secret_policy::Scheme;
use secret_value::Secret;
use url::Url;

use crate::backends::azure_cloud::{AzureCloud, CLOUDS};
use crate::blocks::{Setting, SettingKind, Settings, StoreBlock};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::base_url;

pub(super) static BLOCK: StoreBlock = StoreBlock {
    name: "azure",
    summary: "Microsoft Azure: secrets and certificates in key vaults, access tokens. Without a block, and for what \
              it leaves out, the variables `ARM_*` of the Azure providers and `AZURE_*` of the Azure SDKs are used, in \
              this order. When the block names no login, the first that is there is taken: client certificate, \
              client secret, federated token, managed identity, Azure CLI.",
    schemes: &[Scheme::AzureKv, Scheme::AzureToken],
    settings: &[
        Setting::new(
            "allow_expired",
            SettingKind::Bool,
            "Open secrets before their `nbf` and after their `exp`, too. The vault would give them; here they are an \
             error. Default: false.",
        ),
        Setting::text(
            "authority_host",
            "Address of Microsoft Entra. Default: `AZURE_AUTHORITY_HOST`, else that of the cloud.",
        ),
        Setting::new(
            "auxiliary_tenant_ids",
            SettingKind::TextList,
            "Tenants besides `tenant_id` whose vaults may be opened. Default: `ARM_AUXILIARY_TENANT_IDS`, separated \
             by `;`, else none.",
        ),
        Setting::text(
            "ca_file",
            "File with the certificate authorities to trust, PEM. Default: those of the system.",
        ),
        Setting::new(
            "client_certificate_password",
            SettingKind::Secret,
            "Password of the file with the client certificate. Default: `ARM_CLIENT_CERTIFICATE_PASSWORD`, \
             `AZURE_CLIENT_CERTIFICATE_PASSWORD`, else an empty one.",
        ),
        Setting::text(
            "client_certificate_path",
            "File with the certificate and the RSA key of the application, PEM or PKCS #12. Default: \
             `ARM_CLIENT_CERTIFICATE_PATH`, `AZURE_CLIENT_CERTIFICATE_PATH`, or PKCS #12 in base64 in \
             `ARM_CLIENT_CERTIFICATE`.",
        ),
        Setting::text(
            "client_id",
            "The application to log in as. Default: `ARM_CLIENT_ID`, `AZURE_CLIENT_ID`, or the file that \
             `ARM_CLIENT_ID_FILE_PATH` names.",
        ),
        Setting::new(
            "client_secret",
            SettingKind::Secret,
            "Secret of the application. Refused unless static credentials are allowed. Default: `ARM_CLIENT_SECRET`, \
             `AZURE_CLIENT_SECRET`, or the file that `ARM_CLIENT_SECRET_FILE_PATH` names.",
        ),
        Setting::text(
            "cloud",
            "`public`, `usgovernment` or `china`. Default: `ARM_ENVIRONMENT`, else `public`.",
        ),
        Setting::text(
            "federated_token_file",
            "File with a token of an issuer that the application trusts, read anew for each login. Default: \
             `AZURE_FEDERATED_TOKEN_FILE`, as Kubernetes with workload identity sets it.",
        ),
        Setting::new(
            "managed_identity",
            SettingKind::Group(MANAGED_IDENTITY),
            "Log in as the identity that Azure gives to this machine, container or function. An empty block means the \
             one that the system assigned.",
        ),
        Setting::text(
            "oidc_audience",
            "Audience of the identity token that `use_oidc` shows. Default: that of the cloud, \
             `api://AzureADTokenExchange`.",
        ),
        Setting::text(
            "secret_content_type",
            "Content type of what `secretref_secret` writes. Default: that of the version before.",
        ),
        Setting::new(
            "secret_tags",
            SettingKind::TextMap,
            "Tags of what `secretref_secret` writes. Default: those of the version before.",
        ),
        Setting::new(
            "send_certificate_chain",
            SettingKind::Bool,
            "Show the client certificate with its chain, for applications that trust a subject name and issuer. \
             Default: `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN`, else false.",
        ),
        Setting::text(
            "tenant_id",
            "The tenant to log in to. Default: `ARM_TENANT_ID`, `AZURE_TENANT_ID`.",
        ),
        Setting::new(
            "use_cli",
            SettingKind::Bool,
            "Run `az` and take the login of the person who works here. Default: `ARM_USE_CLI`, else false.",
        ),
        Setting::new(
            "use_oidc",
            SettingKind::Bool,
            "Log in with the identity token of this run: in CI, no secret is needed. It comes from `ARM_OIDC_TOKEN`, \
             the file `ARM_OIDC_TOKEN_FILE_PATH`, or the `identity` of the provider. Default: `ARM_USE_OIDC`, else \
             false.",
        ),
        Setting::text(
            "vault_dns_suffix",
            "What the hosts of vaults end with; tokens for them are for this application. Default: that of the \
             cloud, `vault.azure.net`.",
        ),
        Setting::new(
            "vault_urls",
            SettingKind::TextMap,
            "Addresses by name of the vault, such as private endpoints. Default: `https://NAME.vault.azure.net`.",
        ),
    ],
};

const MANAGED_IDENTITY: &[Setting] = &[
    Setting::text(
        "client_id",
        "Client id of an identity that you made and assigned. Only one of the three may be set.",
    ),
    Setting::text(
        "endpoint",
        "Address of the metadata service. Default: `ARM_MSI_ENDPOINT` (with its path), \
         `AZURE_POD_IDENTITY_AUTHORITY_HOST`, else that of Azure; App Service sets its own in `IDENTITY_ENDPOINT`.",
    ),
    Setting::text(
        "object_id",
        "Object id of an identity that you made and assigned.",
    ),
    Setting::text(
        "resource_id",
        "Resource id of an identity that you made and assigned.",
    ),
];

/// The settings of a block, read; those of logins are read by [`super::login`].
#[derive(Clone, Debug)]
pub(super) struct AzureSettings {
    pub(super) tenant_id: Option<String>,
    pub(super) auxiliary_tenants: Vec<String>,
    pub(super) cloud: AzureCloud,
    pub(super) authority: Url,
    pub(super) vault_suffix: String,
    pub(super) vault_urls: BTreeMap<String, Url>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) allow_expired: bool,
    pub(super) secret_content_type: Option<String>,
    pub(super) secret_tags: Option<BTreeMap<String, String>>,
}

/// Where settings come from: the block, then variables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) environment: &'a Environment,
    pub(super) settings: &'a Settings,
}

impl Source<'_> {
    /// A text of the block, else of the first variable that is set.
    pub(super) fn text(&self, setting: &str, variables: &[&str]) -> Option<String> {
        let set = self.settings.text(setting).map(str::to_owned);
        set.or_else(|| self.variable(variables))
    }

    /// A secret of the block, else of the first variable that is set.
    pub(super) fn secret(&self, setting: &str, variables: &[&str]) -> Option<Secret> {
        let set = self.settings.secret(setting).cloned();
        set.or_else(|| self.variable(variables).map(Secret::from_text))
    }

    /// True or false, of the block or the variable.
    pub(super) fn flag(&self, setting: &str, variable: &str) -> Result<bool> {
        if let Some(flag) = self.settings.flag(setting) {
            return Ok(flag);
        }
        match self.environment.text(variable).as_deref().map(str::trim) {
            None | Some("false" | "False" | "FALSE" | "f" | "F" | "0") => Ok(false),
            Some("true" | "True" | "TRUE" | "t" | "T" | "1") => Ok(true),
            Some(_) => Err(wrong(format!(
                "the variable `{variable}` is neither true nor false"
            ))),
        }
    }

    /// The first variable that is set.
    pub(super) fn variable(&self, variables: &[&str]) -> Option<String> {
        variables
            .iter()
            .find_map(|name| self.environment.text(name))
            .map(|text| text.trim().to_owned())
    }
}

impl AzureSettings {
    /// Reads the settings; kinds were checked by the block.
    ///
    /// # Errors
    /// `config`, naming the setting.
    pub(super) fn read(source: Source<'_>) -> Result<Self> {
        let settings = source.settings;
        let cloud = cloud(source.text("cloud", &["ARM_ENVIRONMENT"]))?;
        let authority = source.text("authority_host", &["AZURE_AUTHORITY_HOST"]);
        let suffix = settings.text("vault_dns_suffix").unwrap_or(cloud.vaults);
        Ok(Self {
            tenant_id: source.text("tenant_id", &["ARM_TENANT_ID", "AZURE_TENANT_ID"]),
            auxiliary_tenants: auxiliary_tenants(source),
            cloud,
            authority: protected(
                "authority_host",
                authority.as_deref().unwrap_or(cloud.authority),
            )?,
            vault_suffix: suffix.trim_start_matches('.').to_ascii_lowercase(),
            vault_urls: vault_urls(settings)?,
            ca_file: settings
                .text("ca_file")
                .map(|file| source.environment.directory().join(file)),
            allow_expired: settings.flag("allow_expired") == Some(true),
            secret_content_type: settings.text("secret_content_type").map(str::to_owned),
            secret_tags: settings.map("secret_tags").cloned(),
        })
    }

    /// The address of a vault.
    ///
    /// # Errors
    /// `config` when name and suffix make no host.
    pub(super) fn vault(&self, name: &str) -> Result<Url> {
        match self.vault_urls.get(&name.to_ascii_lowercase()) {
            Some(url) => Ok(url.clone()),
            None => base_url(
                "vault_dns_suffix",
                &format!("https://{name}.{}", self.vault_suffix),
            ),
        }
    }
}

pub(super) fn wrong(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}

/// An address that credentials may be sent to: encrypted, or on this machine.
pub(super) fn protected(setting: &str, text: &str) -> Result<Url> {
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url = base_url(setting, &text)?;
    let local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || local {
        return Ok(url);
    }
    Err(wrong(format!(
        "`{setting}` is not encrypted, and credentials are sent there"
    ))
    .with_help("write `https://`"))
}

fn cloud(name: Option<String>) -> Result<AzureCloud> {
    let Some(name) = name else {
        return Ok(CLOUDS[0]);
    };
    let found = CLOUDS
        .iter()
        .find(|cloud| cloud.name.eq_ignore_ascii_case(&name));
    found.copied().ok_or_else(|| {
        let names: Vec<_> = CLOUDS.iter().map(|cloud| cloud.name).collect();
        wrong(format!("there is no cloud `{name}`"))
            .with_help(format!("the clouds are `{}`", names.join("`, `")))
    })
}

fn auxiliary_tenants(source: Source<'_>) -> Vec<String> {
    let set = source.settings.list("auxiliary_tenant_ids");
    if !set.is_empty() {
        return set.to_vec();
    }
    let variable = source.variable(&["ARM_AUXILIARY_TENANT_IDS"]);
    let tenants = variable.iter().flat_map(|text| text.split(';'));
    tenants
        .map(str::trim)
        .filter(|tenant| !tenant.is_empty())
        .map(str::to_owned)
        .collect()
}

fn vault_urls(settings: &Settings) -> Result<BTreeMap<String, Url>> {
    let named = settings.map("vault_urls").into_iter().flatten();
    named
        .map(|(name, url)| {
            let url = protected(&format!("vault_urls.{name}"), url)?;
            Ok((name.to_ascii_lowercase(), url))
        })
        .collect()
}
