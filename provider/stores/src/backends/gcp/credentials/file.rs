//! Credentials that are JSON: keys, logins of people, federated identities, and impersonation on top of those.
//! <https://google.aip.dev/auth/4110>

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use secret_value::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::executable::Executable;
use super::external::{External, JWT};
use super::hop::Hop;
use super::key::Key;
use super::subject::{Format, Subject};
use super::user::User;
use super::{Base, Credentials};
use crate::backends::gcp::endpoint::UNIVERSE;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{SecretText, base_url};

/// How deep credentials may stand in credentials.
const MAX_DEPTH: usize = 4;
/// The kind of a proof that is a signed request to AWS.
const AWS: &str = "urn:ietf:params:aws:token-type:aws4_request";

#[derive(Deserialize)]
struct Kind {
    r#type: String,
    #[serde(default)]
    quota_project_id: Option<String>,
    #[serde(default)]
    universe_domain: Option<String>,
}

#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: SecretText,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    token_uri: Option<String>,
}

#[derive(Deserialize)]
struct AuthorizedUser {
    client_id: String,
    client_secret: SecretText,
    refresh_token: SecretText,
    #[serde(default, alias = "token_url")]
    token_uri: Option<String>,
}

#[derive(Deserialize)]
struct Impersonated {
    service_account_impersonation_url: String,
    source_credentials: Box<RawValue>,
    #[serde(default)]
    delegates: Vec<String>,
}

#[derive(Deserialize)]
struct ExternalAccount {
    audience: String,
    subject_token_type: String,
    #[serde(default)]
    token_url: Option<String>,
    #[serde(default)]
    service_account_impersonation_url: Option<String>,
    #[serde(default)]
    service_account_impersonation: Option<Lifetime>,
    credential_source: CredentialSource,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Option<SecretText>,
    #[serde(default)]
    workforce_pool_user_project: Option<String>,
}

#[derive(Deserialize)]
struct Lifetime {
    #[serde(default)]
    token_lifetime_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct CredentialSource {
    #[serde(default)]
    environment_id: Option<String>,
    #[serde(default)]
    file: Option<PathBuf>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    executable: Option<Program>,
    #[serde(default)]
    format: Option<FileFormat>,
}

#[derive(Deserialize)]
struct FileFormat {
    r#type: String,
    #[serde(default)]
    subject_token_field_name: Option<String>,
}

#[derive(Deserialize)]
struct Program {
    command: String,
    #[serde(default)]
    timeout_millis: Option<u64>,
    #[serde(default)]
    output_file: Option<PathBuf>,
}

/// What is wrong, and where.
struct Reader<'a> {
    operation: Operation,
    /// The file, or the variable or setting that holds the JSON.
    place: &'a str,
}

/// Reads credentials; `place` says where they stand.
///
/// # Errors
/// `config` for what is none, or of a kind that this program does not know; nothing of it is quoted.
pub(super) fn read(operation: Operation, place: &str, json: &[u8]) -> Result<Credentials> {
    Reader { operation, place }.credentials(json, MAX_DEPTH)
}

impl Reader<'_> {
    fn wrong(&self, what: impl Into<String>) -> StoreError {
        StoreError::new(ErrorKind::Config, self.operation, what)
            .with_context("credentials", self.place)
    }

    fn credentials(&self, json: &[u8], depth: usize) -> Result<Credentials> {
        if depth == 0 {
            return Err(self.wrong("credentials stand in credentials too many times"));
        }
        let kind: Kind = serde_json::from_slice(json).map_err(|_| {
            self.wrong("what should hold credentials of Google Cloud is no JSON of that kind")
                .with_help("such a file has a member `type`; `gcloud auth application-default login` writes one")
        })?;
        let mut found = match kind.r#type.as_str() {
            "service_account" => self.service_account(self.parse(json, &kind)?)?,
            "authorized_user" => self.user(self.parse(json, &kind)?, false)?,
            "external_account_authorized_user" => self.user(self.parse(json, &kind)?, true)?,
            "external_account" => self.external(self.parse(json, &kind)?)?,
            "impersonated_service_account" => {
                let wrapper: Impersonated = self.parse(json, &kind)?;
                let source = wrapper.source_credentials.get().as_bytes();
                let mut source = self.credentials(source, depth - 1)?;
                let mut hop = self.hop(&wrapper.service_account_impersonation_url, None)?;
                let named = wrapper.delegates.into_iter();
                // Google's own tools write the whole name.
                hop.delegates = named
                    .map(|name| name.rsplit('/').next().unwrap_or_default().to_owned())
                    .collect();
                source.hops.push(hop.checked("credentials")?);
                source
            }
            other => {
                return Err(self
                    .wrong(format!(
                        "this program knows no credentials of the type `{}`",
                        plain(other)
                    ))
                    .with_help(
                        "the types are `service_account`, `authorized_user`, `external_account`, \
                         `external_account_authorized_user` and `impersonated_service_account`",
                    ));
            }
        };
        found.quota_project = kind.quota_project_id.or(found.quota_project);
        found.universe = kind.universe_domain.or(found.universe);
        Ok(found)
    }

    fn parse<T: DeserializeOwned>(&self, json: &[u8], kind: &Kind) -> Result<T> {
        // The text of the parser's error may quote what it read.
        serde_json::from_slice(json).map_err(|error| {
            self.wrong(format!(
                "the credentials of the type `{}` lack a member, or one is of the wrong kind (line {}, column {})",
                kind.r#type,
                error.line(),
                error.column()
            ))
        })
    }

    fn url(&self, name: &str, text: &str) -> Result<Url> {
        base_url(name, text).map_err(|error| {
            error
                .during(self.operation)
                .with_context("credentials", self.place)
        })
    }

    fn token_url(&self, written: Option<&str>) -> Result<Url> {
        let usual = format!("https://oauth2.{UNIVERSE}/token");
        self.url("token_uri", written.unwrap_or(&usual))
    }

    fn service_account(&self, key: ServiceAccount) -> Result<Credentials> {
        let token_url = self.token_url(key.token_uri.as_deref())?;
        let audience = key.token_uri.unwrap_or_else(|| token_url.to_string());
        let base = Base::Key(Key {
            email: key.client_email,
            id: key.private_key_id,
            private: key.private_key.0,
            token_url,
            audience,
        });
        Ok(Credentials {
            project: key.project_id,
            ..Credentials::of(base)
        })
    }

    fn user(&self, user: AuthorizedUser, is_workforce: bool) -> Result<Credentials> {
        let workforce = format!("https://sts.{UNIVERSE}/v1/oauthtoken");
        let written = user.token_uri.as_deref();
        let token_url = match (is_workforce, written) {
            (true, None) => self.url("token_url", &workforce)?,
            _ => self.token_url(written)?,
        };
        Ok(Credentials::of(Base::User(User {
            client_id: user.client_id,
            client_secret: user.client_secret.0,
            refresh_token: user.refresh_token.0,
            token_url,
            is_workforce,
        })))
    }

    fn external(&self, account: ExternalAccount) -> Result<Credentials> {
        let seconds = account
            .service_account_impersonation
            .and_then(|lifetime| lifetime.token_lifetime_seconds);
        let hop = account
            .service_account_impersonation_url
            .map(|url| self.hop(&url, seconds.map(Duration::from_secs)))
            .transpose()?;
        let email = hop.as_ref().map(|hop| hop.service_account.clone());
        let is_aws = account.subject_token_type == AWS;
        let token_url = account
            .token_url
            .map(|url| self.url("token_url", &url))
            .transpose()?;
        let client = account.client_id.map(|id| {
            let secret = account.client_secret.map(|secret| secret.0);
            (id, secret.unwrap_or_else(|| Secret::new(Vec::new())))
        });
        let external = External {
            subject: self.subject(account.credential_source, email, is_aws)?,
            audience: account.audience,
            subject_type: account.subject_token_type,
            token_url,
            client,
            user_project: account.workforce_pool_user_project,
        };
        Ok(Credentials {
            hops: hop.into_iter().collect(),
            ..Credentials::of(Base::External(Box::new(external)))
        })
    }

    fn subject(
        &self,
        source: CredentialSource,
        impersonated: Option<String>,
        is_aws: bool,
    ) -> Result<Subject> {
        let format = match source.format {
            None => Format::Text,
            Some(FileFormat { r#type, .. }) if r#type == "text" => Format::Text,
            Some(FileFormat {
                r#type,
                subject_token_field_name: Some(name),
            }) if r#type == "json" => Format::Json(name),
            Some(_) => {
                return Err(self.wrong(
                    "`credential_source.format` is neither `text` nor `json` with `subject_token_field_name`",
                ));
            }
        };
        match source {
            CredentialSource {
                environment_id: Some(id),
                ..
            } => match (id.as_str(), is_aws) {
                ("aws1", true) => Ok(Subject::Aws),
                _ => Err(self.wrong("the credentials ask for a version of AWS identities that this program does not know")),
            },
            CredentialSource {
                executable: Some(program),
                ..
            } => {
                let patience = Duration::from_millis(program.timeout_millis.unwrap_or(30_000));
                if program.command.trim().is_empty() || !(5..=120).contains(&patience.as_secs()) {
                    return Err(self.wrong(
                        "`credential_source.executable` names no program, or a time limit not between 5 and 120 seconds",
                    ));
                }
                Ok(Subject::Executable(Executable {
                    command: program.command,
                    patience,
                    output_file: program.output_file,
                    impersonated,
                }))
            }
            CredentialSource {
                file: Some(path), ..
            } => Ok(Subject::File { path, format }),
            CredentialSource {
                url: Some(url),
                headers,
                ..
            } => {
                let url = Url::parse(&url)
                    .ok()
                    .filter(|url| matches!(url.scheme(), "https" | "http"))
                    .ok_or_else(|| self.wrong("`credential_source.url` is no address"))?;
                Ok(Subject::Url {
                    url,
                    headers,
                    format,
                })
            }
            _ => Err(self
                .wrong("`credential_source` is of a kind that this program does not know")
                .with_help("the kinds are `file`, `url`, `executable` and AWS")),
        }
    }

    /// The account in `…/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken`.
    fn hop(&self, url: &str, lifetime: Option<Duration>) -> Result<Hop> {
        let wrong =
            || self.wrong("`service_account_impersonation_url` is no address of a service account");
        let (base, account) = url
            .split_once("/v1/projects/-/serviceAccounts/")
            .ok_or_else(wrong)?;
        let account = account
            .strip_suffix(":generateAccessToken")
            .ok_or_else(wrong)?;
        Hop {
            service_account: account.to_owned(),
            delegates: Vec::new(),
            lifetime,
            url: Some(self.url("service_account_impersonation_url", base)?),
        }
        .checked("service_account_impersonation.token_lifetime_seconds")
        .map_err(|error| error.during(self.operation))
    }
}

/// The proof of the run for the provider of a pool, `projects/…`.
pub(super) fn federated(provider: &str, audience: &str) -> Credentials {
    let external = External {
        audience: format!("//iam.{UNIVERSE}/{provider}"),
        subject: Subject::Identity {
            audience: audience.to_owned(),
        },
        subject_type: JWT.to_owned(),
        token_url: None,
        client: None,
        user_project: None,
    };
    Credentials::of(Base::External(Box::new(external)))
}

/// A word without anything that no type has; what is shown must not be a secret in the wrong place.
fn plain(word: &str) -> &str {
    let fits = |c: char| c.is_ascii_lowercase() || c == '_';
    match word.len() <= 40 && word.chars().all(fits) {
        true => word,
        false => "?",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(json: &str) -> Result<Credentials> {
        read(Operation::Open, "key.json", json.as_bytes())
    }

    const SOURCE: &str = r#"{"type":"authorized_user","client_id":"c","client_secret":"plumAnchor","refresh_token":"r","quota_project_id":"pays"}"#;

    #[test]
    fn impersonation_stands_on_its_source() {
        let json = format!(
            r#"{{"type":"impersonated_service_account","delegates":["projects/-/serviceAccounts/mid@p.iam.gserviceaccount.com"],
            "service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci@p.iam.gserviceaccount.com:generateAccessToken",
            "source_credentials":{SOURCE}}}"#
        );
        let found = parse(&json).unwrap();
        assert!(matches!(found.base, Base::User(_)));
        assert_eq!(found.quota_project.as_deref(), Some("pays"));
        let [hop] = found.hops.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(hop.service_account, "ci@p.iam.gserviceaccount.com");
        assert_eq!(hop.delegates, ["mid@p.iam.gserviceaccount.com"]);
        let shown = format!("{found:?}");
        assert!(!shown.contains("plumAnchor"), "{shown}");
    }

    #[test]
    fn what_is_no_credential_is_refused_without_quoting_it() {
        let external = |source: &str| {
            format!(
                r#"{{"type":"external_account","audience":"//a","subject_token_type":"{JWT}","token_url":"https://sts.googleapis.com/v1/token","credential_source":{source}}}"#
            )
        };
        let deep = (0..6).fold(SOURCE.to_owned(), |inner, _| {
            format!(
                r#"{{"type":"impersonated_service_account","service_account_impersonation_url":"https://x/v1/projects/-/serviceAccounts/a@b:generateAccessToken","source_credentials":{inner}}}"#
            )
        });
        for (json, word) in [
            ("plumAnchor".to_owned(), "no JSON"),
            (r#"{"type":"plumAnchor/x"}"#.to_owned(), "type `?`"),
            (
                r#"{"type":"gdch_service_account"}"#.to_owned(),
                "gdch_service_account",
            ),
            (
                r#"{"type":"service_account","private_key":"plumAnchor"}"#.to_owned(),
                "lack a member",
            ),
            (external(r#"{"certificate":{}}"#), "credential_source"),
            (
                external(r#"{"file":"a","format":{"type":"xml"}}"#),
                "format",
            ),
            (external(r#"{"environment_id":"aws1"}"#), "AWS"),
            (
                external(r#"{"executable":{"command":"a","timeout_millis":1}}"#),
                "between 5 and 120",
            ),
            (external(r#"{"url":"file:///etc/passwd"}"#), "no address"),
            (deep, "too many times"),
        ] {
            let error = parse(&json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{json}");
            let shown = format!("{error:?}");
            assert!(shown.contains(word), "{word}: {shown}");
            assert!(!shown.contains("plumAnchor"), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".*", kind in "[a-z_]{0,20}") {
            let _ = parse(&text);
            let _ = parse(&format!(r#"{{"type":"{kind}","credential_source":{{"file":"{kind}"}}}}"#));
        }
    }
}
