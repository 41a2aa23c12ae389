//! The block `gcp`: what may be set, the variables that stand in for it, and its values read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secret_policy::Scheme;
use secret_value::Secret;
use url::Url;

use super::credentials::Hop;
use super::endpoint::{SERVICES, UNIVERSE};
use crate::blocks::{Setting, SettingKind, Settings, StoreBlock};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::base_url;

/// The block.
pub(super) static BLOCK: StoreBlock = StoreBlock {
    name: "gcp",
    summary: "Google Cloud: secrets, and tokens that are made when opened. Without a block, and for what it leaves \
              out, the variables and files of Google's own tools are used (application default credentials): \
              `GOOGLE_APPLICATION_CREDENTIALS` and its relatives, the login of `gcloud`, the service account of the \
              machine.",
    schemes: &[Scheme::GcpIdToken, Scheme::GcpSm, Scheme::GcpToken],
    settings: &[
        Setting::new(
            "access_token",
            SettingKind::Secret,
            "An access token. Refused unless static credentials are allowed. Default: `GOOGLE_OAUTH_ACCESS_TOKEN`, \
             else `CLOUDSDK_AUTH_ACCESS_TOKEN`.",
        ),
        Setting::text(
            "ca_file",
            "File with the certificate authorities to trust instead of the system's, PEM. Default: \
             `CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE`.",
        ),
        Setting::new(
            "credentials",
            SettingKind::Secret,
            "Credentials as JSON text, such as the key of a service account. Refused unless static credentials are \
             allowed.",
        ),
        Setting::text(
            "credentials_file",
            "File with credentials of any kind, JSON. Default: `GOOGLE_CREDENTIALS`, `GOOGLE_CLOUD_KEYFILE_JSON` or \
             `GCLOUD_KEYFILE_JSON` (a file or the JSON itself), `GOOGLE_APPLICATION_CREDENTIALS`, \
             `CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE`, else the file of `gcloud auth application-default login`, \
             else the service account of the machine.",
        ),
        Setting::text(
            "endpoint",
            "Address of a server that answers for every service, such as an emulator. Default: Google's.",
        ),
        Setting::new(
            "endpoints",
            SettingKind::TextMap,
            "Addresses by service (`iam`, `iamcredentials`, `metadata`, `oauth2`, `secretmanager`, `sts`), such as \
             private endpoints; they go before those in a file of credentials. Default: \
             `GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT` and `GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT`, or \
             `CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER` and so on; for `metadata`, `GCE_METADATA_HOST`.",
        ),
        Setting::text(
            "impersonate_service_account",
            "E-mail address of a service account; every call is made as that account, with the credentials found so \
             far as proof. Default: `GOOGLE_IMPERSONATE_SERVICE_ACCOUNT`, else \
             `CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT`.",
        ),
        Setting::new(
            "impersonate_service_account_delegates",
            SettingKind::TextList,
            "Service accounts between the credentials and the account, in the order of the chain.",
        ),
        Setting::new(
            "impersonate_service_account_lifetime",
            SettingKind::Duration,
            "How long a token of that account holds before it is made anew, up to 12h where the organisation allows \
             more than 1h. Default: 1h.",
        ),
        Setting::text(
            "kms_key",
            "Key of Cloud KMS that encrypts secrets created by `secretref_secret`, `projects/…/cryptoKeys/…`. \
             Default: a key of Google.",
        ),
        Setting::text(
            "location",
            "Location of regional secrets, such as `europe-west3`: its regional endpoint is used. Default: global \
             secrets.",
        ),
        Setting::text(
            "project",
            "Project of references that name none: id or number. Default: `GOOGLE_PROJECT`, `GOOGLE_CLOUD_PROJECT`, \
             `GCLOUD_PROJECT`, `CLOUDSDK_CORE_PROJECT`, that of the credentials, else that of the machine.",
        ),
        Setting::text(
            "quota_project",
            "Project that calls are counted against. Default: `GOOGLE_CLOUD_QUOTA_PROJECT`, `GOOGLE_BILLING_PROJECT` \
             (with `USER_PROJECT_OVERRIDE`), `CLOUDSDK_BILLING_QUOTA_PROJECT`, else that of the credentials.",
        ),
        Setting::new(
            "replica_locations",
            SettingKind::TextList,
            "Locations that hold secrets created by `secretref_secret`. Default: Google chooses (automatic \
             replication).",
        ),
        Setting::text(
            "universe_domain",
            "Domain of the cloud. Default: `GOOGLE_CLOUD_UNIVERSE_DOMAIN`, `GOOGLE_UNIVERSE_DOMAIN`, \
             `CLOUDSDK_CORE_UNIVERSE_DOMAIN`, that of the credentials, else `googleapis.com`.",
        ),
        Setting::new(
            "workload_identity",
            SettingKind::Group(WORKLOAD_IDENTITY),
            "Log in with the identity token of this run instead of stored credentials (workload identity \
             federation): in CI, no secret and no file is needed.",
        ),
    ],
};

const WORKLOAD_IDENTITY: &[Setting] = &[
    Setting::text(
        "provider",
        "The provider of the pool that trusts the issuer of the token, \
         `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`. Required.",
    ),
    Setting::text(
        "service_account",
        "E-mail address of the service account to act as. Default: none; the federated identity itself has the \
         rights.",
    ),
    Setting::text(
        "token_audience",
        "Audience of the identity token. Default: what pools expect, `https://iam.googleapis.com/` and the provider.",
    ),
    Setting::new(
        "token_lifetime",
        SettingKind::Duration,
        "How long a token of the service account holds before it is made anew. Default: 1h.",
    ),
];

/// Longest life of a token of a service account.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// The settings of a block, read, with the variables that stand in for what it leaves out.
#[derive(Clone, Debug, Default)]
pub(super) struct GcpSettings {
    pub(super) project: Option<String>,
    pub(super) location: Option<String>,
    pub(super) quota_project: Option<String>,
    pub(super) universe_domain: Option<String>,
    pub(super) endpoint: Option<Url>,
    pub(super) endpoints: BTreeMap<String, Url>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) access_token: Option<Secret>,
    pub(super) credentials: Option<Secret>,
    pub(super) credentials_file: Option<PathBuf>,
    pub(super) workload_identity: Option<WorkloadIdentity>,
    pub(super) impersonate: Option<Hop>,
    pub(super) replica_locations: Vec<String>,
    pub(super) kms_key: Option<String>,
}

/// How to log in with the identity token of the run.
#[derive(Clone, Debug)]
pub(super) struct WorkloadIdentity {
    /// Name of the provider, `projects/…`.
    pub(super) provider: String,
    pub(super) token_audience: String,
    pub(super) service_account: Option<Hop>,
}

impl GcpSettings {
    /// Reads the settings; kinds were checked by the block.
    ///
    /// # Errors
    /// `config`, naming the setting.
    pub(super) fn read(environment: &Environment, settings: Option<&Settings>) -> Result<Self> {
        let none = Settings::new();
        let settings = settings.unwrap_or(&none);
        let text = |name: &str, variables: &[&str]| {
            let set = settings.text(name).map(str::to_owned);
            set.or_else(|| variables.iter().find_map(|name| environment.text(name)))
        };
        let path = |name: &str| {
            settings
                .text(name)
                .map(|path| environment.directory().join(path))
        };
        let read = Self {
            project: text(
                "project",
                &[
                    "GOOGLE_PROJECT",
                    "GOOGLE_CLOUD_PROJECT",
                    "GCLOUD_PROJECT",
                    "CLOUDSDK_CORE_PROJECT",
                ],
            ),
            location: text("location", &[]),
            quota_project: text("quota_project", &["GOOGLE_CLOUD_QUOTA_PROJECT"])
                .or_else(|| billing_project(environment)),
            universe_domain: text(
                "universe_domain",
                &[
                    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
                    "GOOGLE_UNIVERSE_DOMAIN",
                    "CLOUDSDK_CORE_UNIVERSE_DOMAIN",
                ],
            ),
            endpoint: text("endpoint", &[])
                .map(|url| base_url("endpoint", &url))
                .transpose()?,
            endpoints: endpoints(environment, settings)?,
            ca_file: path("ca_file")
                .or_else(|| environment.path("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE")),
            access_token: settings.secret("access_token").cloned(),
            credentials: settings.secret("credentials").cloned(),
            credentials_file: path("credentials_file"),
            workload_identity: settings
                .group("workload_identity")
                .map(workload_identity)
                .transpose()?,
            impersonate: impersonate(
                settings,
                text(
                    "impersonate_service_account",
                    &[
                        "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
                        "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
                    ],
                ),
            )?,
            replica_locations: settings.list("replica_locations").to_vec(),
            kms_key: text("kms_key", &[]),
        };
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<()> {
        let sources = [
            ("access_token", self.access_token.is_some()),
            ("credentials", self.credentials.is_some()),
            ("credentials_file", self.credentials_file.is_some()),
            ("workload_identity", self.workload_identity.is_some()),
        ];
        let set: Vec<_> = sources
            .iter()
            .filter(|(_, set)| *set)
            .map(|(name, _)| *name)
            .collect();
        if set.len() > 1 {
            return Err(wrong(format!(
                "the block names several sources of credentials: `{}`",
                set.join("`, `")
            ))
            .with_help("keep one of them"));
        }
        for (name, place) in [
            ("location", self.location.as_deref()),
            ("universe_domain", self.universe_domain.as_deref()),
        ] {
            if let Some(place) = place.filter(|place| !is_host_part(place)) {
                return Err(wrong(format!(
                    "`{name}` is `{place}`, which cannot be part of an address"
                ))
                .with_help("use letters, digits, `-` and `.`"));
            }
        }
        if !self.replica_locations.is_empty() && self.location.is_some() {
            return Err(wrong(
                "`replica_locations` is for global secrets, and `location` makes secrets regional",
            ));
        }
        if self.kms_key.is_some() && self.replica_locations.len() > 1 {
            return Err(wrong(
                "`kms_key` names one key, and each of several `replica_locations` needs its own",
            )
            .with_help(
                "create the secret with its keys elsewhere, and let this write its versions",
            ));
        }
        Ok(())
    }
}

/// The error for a setting that makes no sense.
pub(super) fn wrong(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}

/// What may stand in a host name, so that a setting cannot turn an address into another.
fn is_host_part(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !text.is_empty() && text.len() <= 128 && text.chars().all(fits)
}

/// What other tools call the project that pays for calls.
fn billing_project(environment: &Environment) -> Option<String> {
    let overridden = environment
        .text("USER_PROJECT_OVERRIDE")
        .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true"));
    let terraform = environment
        .text("GOOGLE_BILLING_PROJECT")
        .filter(|_| overridden);
    terraform.or_else(|| {
        let project = environment.text("CLOUDSDK_BILLING_QUOTA_PROJECT")?;
        // Words of `gcloud` for "no other project".
        let word = matches!(
            project.as_str(),
            "CURRENT_PROJECT" | "CURRENT_PROJECT_WITH_FALLBACK" | "LEGACY"
        );
        (!word).then_some(project)
    })
}

fn endpoints(environment: &Environment, settings: &Settings) -> Result<BTreeMap<String, Url>> {
    let mut found = BTreeMap::new();
    let variables = [
        ("secretmanager", "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT"),
        ("iamcredentials", "GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT"),
        ("iam", "GOOGLE_IAM_CUSTOM_ENDPOINT"),
        (
            "secretmanager",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER",
        ),
        (
            "iamcredentials",
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
        ),
        ("iam", "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM"),
        ("sts", "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS"),
    ];
    for (service, variable) in variables {
        let Some(url) = environment.text(variable) else {
            continue;
        };
        // Terraform writes the version into the address, `gcloud` does not.
        let url = url.trim_end_matches('/');
        let url = base_url(variable, url.strip_suffix("/v1").unwrap_or(url))?;
        found.entry(service.to_owned()).or_insert(url);
    }
    if let Some(host) = environment.text("GCE_METADATA_HOST") {
        let url = base_url("GCE_METADATA_HOST", &format!("http://{host}"))?;
        found.insert("metadata".to_owned(), url);
    }
    for (service, url) in settings.map("endpoints").into_iter().flatten() {
        if !SERVICES.contains(&service.as_str()) {
            return Err(wrong(format!("`endpoints` has no service `{service}`"))
                .with_help(format!("the services are `{}`", SERVICES.join("`, `"))));
        }
        let url = base_url(&format!("endpoints.{service}"), url)?;
        found.insert(service.clone(), url);
    }
    Ok(found)
}

fn impersonate(settings: &Settings, service_account: Option<String>) -> Result<Option<Hop>> {
    let delegates = settings.list("impersonate_service_account_delegates");
    let lifetime = settings.duration("impersonate_service_account_lifetime");
    match service_account {
        Some(service_account) => Hop {
            service_account,
            delegates: delegates.to_vec(),
            lifetime,
            url: None,
        }
        .checked("impersonate_service_account_lifetime")
        .map(Some),
        None if delegates.is_empty() && lifetime.is_none() => Ok(None),
        None => Err(wrong(
            "delegates or a lifetime are set, and no service account to impersonate",
        )
        .with_help("set `impersonate_service_account`")),
    }
}

fn workload_identity(settings: &Settings) -> Result<WorkloadIdentity> {
    let provider = settings.text("provider").ok_or_else(|| {
        wrong("`workload_identity` does not name a provider").with_help("set `provider`")
    })?;
    // People copy it with the prefix that Google calls an audience.
    let provider = provider
        .trim_start_matches("https:")
        .trim_start_matches("//iam.googleapis.com/");
    let parts: Vec<&str> = provider.split('/').collect();
    let fits = matches!(
        parts.as_slice(),
        ["projects", number, "locations", "global", "workloadIdentityPools", pool, "providers", name]
            if !number.is_empty() && !pool.is_empty() && !name.is_empty()
    );
    if !fits {
        return Err(
            wrong("`workload_identity.provider` is no name of a provider").with_help(
                "write `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`",
            ),
        );
    }
    let lifetime = settings.duration("token_lifetime");
    let service_account = settings
        .text("service_account")
        .map(|email| {
            Hop {
                service_account: email.to_owned(),
                delegates: Vec::new(),
                lifetime,
                url: None,
            }
            .checked("workload_identity.token_lifetime")
        })
        .transpose()?;
    if service_account.is_none() && lifetime.is_some() {
        return Err(wrong(
            "`workload_identity.token_lifetime` is for tokens of a service account, and none is named",
        ));
    }
    Ok(WorkloadIdentity {
        provider: provider.to_owned(),
        token_audience: settings.text("token_audience").map_or_else(
            || format!("https://iam.{UNIVERSE}/{provider}"),
            str::to_owned,
        ),
        service_account,
    })
}

impl Hop {
    /// Checks what Google would refuse.
    ///
    /// # Errors
    /// `config`, naming `place`.
    pub(super) fn checked(self, place: &str) -> Result<Self> {
        if let Some(period) = self.lifetime
            && (period.is_zero() || period > LONGEST)
        {
            return Err(wrong(format!("`{place}` is not between 1s and 12h")));
        }
        for account in std::iter::once(&self.service_account).chain(&self.delegates) {
            let fits =
                |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | ':');
            if account.is_empty() || !account.chars().all(fits) {
                return Err(wrong(format!("`{account}` is no service account"))
                    .with_help("write its e-mail address, or its unique number"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], settings: &Settings) -> Result<GcpSettings> {
        BLOCK.check(settings)?;
        let environment = Environment::fixed("/srv", variables.iter().copied());
        GcpSettings::read(&environment, Some(settings))
    }

    #[test]
    fn the_block_goes_before_variables() {
        let variables = [
            ("GOOGLE_CLOUD_PROJECT", "second"),
            ("GOOGLE_PROJECT", "first"),
            (
                "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT",
                "https://private.example/v1/",
            ),
            ("CLOUDSDK_BILLING_QUOTA_PROJECT", "CURRENT_PROJECT"),
            ("GOOGLE_BILLING_PROJECT", "not-without-override"),
            (
                "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
                "ci@acme.iam.gserviceaccount.com",
            ),
        ];
        let settings = read(&variables, &Settings::new()).unwrap();
        assert_eq!(settings.project.as_deref(), Some("first"));
        assert_eq!(settings.quota_project, None);
        assert_eq!(
            settings.endpoints["secretmanager"].as_str(),
            "https://private.example/"
        );
        let hop = settings.impersonate.unwrap();
        assert_eq!(hop.service_account, "ci@acme.iam.gserviceaccount.com");
        let block = Settings::new()
            .with("project", "mine")
            .with("credentials_file", "key.json");
        let settings = read(&variables, &block).unwrap();
        assert_eq!(settings.project.as_deref(), Some("mine"));
        assert_eq!(
            settings.credentials_file,
            Some(PathBuf::from("/srv/key.json"))
        );
    }

    #[test]
    fn a_provider_is_taken_in_each_of_its_spellings() {
        let name = "projects/123/locations/global/workloadIdentityPools/ci/providers/github";
        for text in [
            name.to_owned(),
            format!("//iam.googleapis.com/{name}"),
            format!("https://iam.googleapis.com/{name}"),
        ] {
            let group = Settings::new().with("provider", text.as_str());
            let settings = read(&[], &Settings::new().with("workload_identity", group)).unwrap();
            let found = settings.workload_identity.unwrap();
            assert_eq!(found.provider, name);
            assert_eq!(
                found.token_audience,
                format!("https://iam.googleapis.com/{name}")
            );
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_name() {
        let secret = || Secret::from_text("x".to_owned());
        let group = |name: &str, value: &str| {
            Settings::new().with("workload_identity", Settings::new().with(name, value))
        };
        let endpoints = BTreeMap::from([("storage".to_owned(), "https://x".to_owned())]);
        for (settings, word) in [
            (
                Settings::new()
                    .with("access_token", secret())
                    .with("credentials_file", "a"),
                "`access_token`, `credentials_file`",
            ),
            (group("service_account", "a@b"), "provider"),
            (group("provider", "pool/github"), "no name of a provider"),
            (Settings::new().with("endpoints", endpoints), "`storage`"),
            (
                Settings::new().with("location", "eu.evil.example/x?"),
                "`location`",
            ),
            (
                Settings::new().with("universe_domain", "a/b"),
                "`universe_domain`",
            ),
            (
                Settings::new().with("impersonate_service_account", "a/b"),
                "no service account",
            ),
            (
                Settings::new()
                    .with("impersonate_service_account", "a@b")
                    .with(
                        "impersonate_service_account_lifetime",
                        Duration::from_secs(50_000),
                    ),
                "12h",
            ),
            (
                Settings::new().with("impersonate_service_account_lifetime", LONGEST),
                "no service account to impersonate",
            ),
            (
                Settings::new()
                    .with("location", "europe-west3")
                    .with("replica_locations", vec!["europe-west1".to_owned()]),
                "regional",
            ),
            (
                Settings::new().with("kms_key", "k").with(
                    "replica_locations",
                    vec!["europe-west1".to_owned(), "europe-west3".to_owned()],
                ),
                "`kms_key`",
            ),
        ] {
            let error = read(&[], &settings).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(word), "{word}: {error}");
        }
    }
}
