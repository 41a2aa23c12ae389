//! The block `aws`: what may be set, and its values read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secret_policy::Scheme;
use secret_value::Secret;
use url::Url;

use crate::blocks::{Setting, SettingKind, Settings, StoreBlock};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::base_url;

/// The block.
pub(super) static BLOCK: StoreBlock = StoreBlock {
    name: "aws",
    summary: "Amazon Web Services: secrets, parameters, keys and short-lived logins. Without a block, and for what \
              it leaves out, the variables and files of the AWS command line are used: environment, profiles, SSO, \
              processes, web identity, containers (ECS, EKS Pod Identity) and instances (IMDSv2).",
    schemes: &[
        Scheme::AwsEcr,
        Scheme::AwsEks,
        Scheme::AwsKms,
        Scheme::AwsRds,
        Scheme::AwsSm,
        Scheme::AwsSsm,
        Scheme::AwsSts,
    ],
    settings: &[
        Setting::new(
            "access_key_id",
            SettingKind::Secret,
            "Id of a static access key, together with `secret_access_key`.",
        ),
        Setting::new(
            "allowed_account_ids",
            SettingKind::TextList,
            "Accounts that may be used. Before the first call the account of the credentials is asked for, and any \
             other is refused. Default: every account.",
        ),
        Setting::new(
            "assume_role",
            SettingKind::Group(ASSUME_ROLE),
            "A role that is assumed with the credentials found so far; every call is made as that role.",
        ),
        Setting::text(
            "ca_bundle",
            "File with the certificate authorities to trust instead of the system's, PEM. Default: `AWS_CA_BUNDLE`.",
        ),
        Setting::text(
            "endpoint",
            "Address of a server that answers for every service, such as an emulator. Default: `AWS_ENDPOINT_URL`, \
             else AWS.",
        ),
        Setting::new(
            "endpoints",
            SettingKind::TextMap,
            "Addresses by service (`ecr`, `kms`, `secretsmanager`, `ssm`, `sts`), such as private endpoints. \
             Default: `AWS_ENDPOINT_URL_SECRETS_MANAGER` and so on, and the `services` of the profile.",
        ),
        Setting::new(
            "max_attempts",
            SettingKind::Number,
            "How often a call is made at most when the service asks to slow down or fails for a moment. Default: \
             `AWS_MAX_ATTEMPTS`, else 4.",
        ),
        Setting::text(
            "parameter_key_id",
            "KMS key that encrypts parameters written by `secretref_secret`. Default: the key of the account, \
             `alias/aws/ssm`.",
        ),
        Setting::text(
            "parameter_tier",
            "Tier of parameters written by `secretref_secret`: `Standard`, `Advanced` or `Intelligent-Tiering`. \
             Default: that of the account.",
        ),
        Setting::text(
            "profile",
            "Profile of the shared files; goes before access keys in variables. Default: `AWS_PROFILE`, else `default`.",
        ),
        Setting::new(
            "recovery_window_days",
            SettingKind::Number,
            "How many days a removed secret of Secrets Manager can be restored: 7 to 30, or 0 to remove it at once. \
             Default: 30.",
        ),
        Setting::text(
            "region",
            "Region. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, else that of the instance.",
        ),
        Setting::new(
            "secret_access_key",
            SettingKind::Secret,
            "A static access key. Refused unless static credentials are allowed.",
        ),
        Setting::text(
            "secret_kms_key_id",
            "KMS key that encrypts secrets created by `secretref_secret`. Default: `aws/secretsmanager`.",
        ),
        Setting::new(
            "session_token",
            SettingKind::Secret,
            "Session token that belongs to the access key, if it is a temporary one.",
        ),
        Setting::new(
            "shared_config_files",
            SettingKind::TextList,
            "Files with profiles. Default: `AWS_CONFIG_FILE`, else `~/.aws/config`.",
        ),
        Setting::new(
            "shared_credentials_files",
            SettingKind::TextList,
            "Files with credentials. Default: `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.",
        ),
        Setting::new(
            "use_dualstack",
            SettingKind::Bool,
            "Use endpoints that are reachable over IPv6. Default: `AWS_USE_DUALSTACK_ENDPOINT`, else false.",
        ),
        Setting::new(
            "use_fips",
            SettingKind::Bool,
            "Use FIPS endpoints. Default: `AWS_USE_FIPS_ENDPOINT`, else false.",
        ),
        Setting::new(
            "web_identity",
            SettingKind::Group(WEB_IDENTITY),
            "Log in with the identity token of this run instead of stored credentials: in CI, no secret is needed.",
        ),
    ],
};

const ASSUME_ROLE: &[Setting] = &[
    Setting::new(
        "duration",
        SettingKind::Duration,
        "How long a session lasts before it is renewed, 15m to 12h. Default: 1h.",
    ),
    Setting::text("external_id", "What the trust policy of the role asks for."),
    Setting::text(
        "policy",
        "A session policy, JSON: takes rights away from the role.",
    ),
    Setting::new(
        "policy_arns",
        SettingKind::TextList,
        "Managed policies that take rights away from the role.",
    ),
    Setting::text("role_arn", "The role. Required."),
    Setting::text(
        "session_name",
        "How the session is called in CloudTrail. Default: `secretref`.",
    ),
    Setting::text(
        "source_identity",
        "Who is behind the session; stays with it through role chains.",
    ),
    Setting::new("tags", SettingKind::TextMap, "Session tags."),
    Setting::new(
        "transitive_tag_keys",
        SettingKind::TextList,
        "Tags that stay through role chains.",
    ),
];

const WEB_IDENTITY: &[Setting] = &[
    Setting::text(
        "audience",
        "Audience of the token. Default: `sts.amazonaws.com`.",
    ),
    Setting::new(
        "duration",
        SettingKind::Duration,
        "How long a session lasts before it is renewed, 15m to 12h. Default: 1h.",
    ),
    Setting::text(
        "policy",
        "A session policy, JSON: takes rights away from the role.",
    ),
    Setting::new(
        "policy_arns",
        SettingKind::TextList,
        "Managed policies that take rights away from the role.",
    ),
    Setting::text(
        "role_arn",
        "The role that trusts the issuer of the token. Required.",
    ),
    Setting::text(
        "session_name",
        "How the session is called in CloudTrail. Default: `secretref`.",
    ),
];

/// Audience of identity tokens when nothing else is said.
pub(super) const AUDIENCE: &str = "sts.amazonaws.com";
/// Name of sessions when nothing else is said.
pub(super) const SESSION_NAME: &str = "secretref";

/// Services with an address of their own.
pub(super) const SERVICES: [&str; 5] = ["ecr", "kms", "secretsmanager", "ssm", "sts"];

/// The settings of a block, read.
#[derive(Clone, Debug, Default)]
pub(super) struct AwsSettings {
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) config_files: Vec<PathBuf>,
    pub(super) credentials_files: Vec<PathBuf>,
    pub(super) static_key: Option<StaticKey>,
    pub(super) web_identity: Option<RoleSession>,
    pub(super) assume_role: Option<RoleSession>,
    pub(super) allowed_accounts: Vec<String>,
    pub(super) ca_bundle: Option<PathBuf>,
    pub(super) endpoint: Option<Url>,
    pub(super) endpoints: BTreeMap<String, Url>,
    pub(super) use_fips: Option<bool>,
    pub(super) use_dualstack: Option<bool>,
    pub(super) max_attempts: Option<u32>,
    pub(super) recovery_window_days: u64,
    pub(super) secret_kms_key_id: Option<String>,
    pub(super) parameter_key_id: Option<String>,
    pub(super) parameter_tier: Option<String>,
}

/// A static access key.
#[derive(Clone, Debug)]
pub(super) struct StaticKey {
    pub(super) id: Secret,
    pub(super) key: Secret,
    pub(super) token: Option<Secret>,
}

/// How to get a session under a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleSession {
    pub(super) role_arn: String,
    /// The audience of the identity token that proves who asks; `None` asks with credentials.
    pub(super) audience: Option<String>,
    pub(super) session_name: String,
    pub(super) duration: Option<Duration>,
    pub(super) policy: Option<String>,
    pub(super) policy_arns: Vec<String>,
    pub(super) external_id: Option<String>,
    pub(super) source_identity: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) transitive_tag_keys: Vec<String>,
}

impl AwsSettings {
    /// Reads the settings; kinds were checked by the block.
    ///
    /// # Errors
    /// `config`, naming the setting.
    pub(super) fn read(environment: &Environment, settings: Option<&Settings>) -> Result<Self> {
        let none = Settings::new();
        let settings = settings.unwrap_or(&none);
        let text = |name: &str| settings.text(name).map(str::to_owned);
        let path = |name: &String| environment.directory().join(name);
        let endpoints = endpoints(settings)?;
        Ok(Self {
            region: text("region"),
            profile: text("profile"),
            config_files: settings
                .list("shared_config_files")
                .iter()
                .map(path)
                .collect(),
            credentials_files: settings
                .list("shared_credentials_files")
                .iter()
                .map(path)
                .collect(),
            static_key: static_key(settings)?,
            web_identity: settings
                .group("web_identity")
                .map(|group| role_session("web_identity", group, true))
                .transpose()?,
            assume_role: settings
                .group("assume_role")
                .map(|group| role_session("assume_role", group, false))
                .transpose()?,
            allowed_accounts: settings.list("allowed_account_ids").to_vec(),
            ca_bundle: text("ca_bundle")
                .as_ref()
                .map(path)
                .or_else(|| environment.path("AWS_CA_BUNDLE")),
            endpoint: text("endpoint")
                .map(|url| base_url("endpoint", &url))
                .transpose()?,
            endpoints,
            use_fips: settings.flag("use_fips"),
            use_dualstack: settings.flag("use_dualstack"),
            max_attempts: max_attempts(environment, settings)?,
            recovery_window_days: recovery_window(settings)?,
            secret_kms_key_id: text("secret_kms_key_id"),
            parameter_key_id: text("parameter_key_id"),
            parameter_tier: parameter_tier(settings)?,
        })
    }
}

pub(super) fn wrong(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}

fn endpoints(settings: &Settings) -> Result<BTreeMap<String, Url>> {
    let named = settings.map("endpoints").into_iter().flatten();
    named
        .map(|(service, url)| {
            if !SERVICES.contains(&service.as_str()) {
                return Err(wrong(format!("`endpoints` has no service `{service}`"))
                    .with_help(format!("the services are `{}`", SERVICES.join("`, `"))));
            }
            Ok((
                service.clone(),
                base_url(&format!("endpoints.{service}"), url)?,
            ))
        })
        .collect()
}

fn static_key(settings: &Settings) -> Result<Option<StaticKey>> {
    let secret = |name: &str| settings.secret(name).cloned();
    match (secret("access_key_id"), secret("secret_access_key")) {
        (Some(id), Some(key)) => Ok(Some(StaticKey {
            id,
            key,
            token: secret("session_token"),
        })),
        (None, None) if secret("session_token").is_none() => Ok(None),
        _ => Err(wrong(
            "a static access key needs both `access_key_id` and `secret_access_key`",
        )),
    }
}

fn role_session(block: &str, settings: &Settings, web: bool) -> Result<RoleSession> {
    let text = |name: &str| settings.text(name).map(str::to_owned);
    let role_arn = text("role_arn").ok_or_else(|| {
        wrong(format!("`{block}` does not name a role")).with_help("set `role_arn`")
    })?;
    let session = RoleSession {
        role_arn,
        audience: web.then(|| text("audience").unwrap_or_else(|| AUDIENCE.to_owned())),
        session_name: text("session_name").unwrap_or_else(|| SESSION_NAME.to_owned()),
        duration: settings.duration("duration"),
        policy: text("policy"),
        policy_arns: settings.list("policy_arns").to_vec(),
        external_id: text("external_id"),
        source_identity: text("source_identity"),
        tags: settings.map("tags").cloned().unwrap_or_default(),
        transitive_tag_keys: settings.list("transitive_tag_keys").to_vec(),
    };
    session.check(block)?;
    Ok(session)
}

impl RoleSession {
    /// Checks what AWS would refuse.
    ///
    /// # Errors
    /// `config`, naming `place`.
    pub(super) fn check(&self, place: &str) -> Result<()> {
        if let Some(period) = self.duration
            && !(900..=43_200).contains(&period.as_secs())
        {
            return Err(wrong(format!(
                "the duration in `{place}` is not between 15m and 12h"
            )));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&self.session_name.len()) || !self.session_name.chars().all(fits) {
            return Err(wrong(format!("the session name in `{place}` is none"))
                .with_help("use 2 to 64 letters, digits and `_+=,.@-`"));
        }
        Ok(())
    }
}

fn max_attempts(environment: &Environment, settings: &Settings) -> Result<Option<u32>> {
    let given = match settings.number("max_attempts") {
        Some(number) => Some(number),
        None => environment
            .text("AWS_MAX_ATTEMPTS")
            .map(|text| {
                text.trim()
                    .parse()
                    .map_err(|_| wrong("the variable `AWS_MAX_ATTEMPTS` is no number"))
            })
            .transpose()?,
    };
    match given {
        Some(number @ 1..=20) => Ok(u32::try_from(number).ok()),
        Some(_) => Err(wrong("`max_attempts` is not between 1 and 20")),
        None => Ok(None),
    }
}

fn recovery_window(settings: &Settings) -> Result<u64> {
    match settings.number("recovery_window_days").unwrap_or(30) {
        days @ (0 | 7..=30) => Ok(days),
        _ => Err(wrong(
            "`recovery_window_days` is neither 0 nor between 7 and 30",
        )),
    }
}

fn parameter_tier(settings: &Settings) -> Result<Option<String>> {
    match settings.text("parameter_tier") {
        None => Ok(None),
        Some(tier @ ("Standard" | "Advanced" | "Intelligent-Tiering")) => Ok(Some(tier.to_owned())),
        Some(_) => Err(wrong("`parameter_tier` is no tier")
            .with_help("the tiers are `Standard`, `Advanced` and `Intelligent-Tiering`")),
    }
}
