//! Who runs this process: the claims of an identity token that the automation put into a variable or a file.
//!
//! No network. The claims are read, not verified: the policy that is held against them guards against
//! mistakes, and whoever can change the token of a run can also change the program. The store verifies the
//! token when it is used to log in. The token itself is never kept, shown or logged.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use secret_policy::Claims;
use secret_stores::Environment;
use secret_stores::identity::IdentitySource;
use secret_value::{Secret, redaction};
use zeroize::Zeroizing;

/// Longest token, in bytes; real ones have a few thousand.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Variables that hold a token when the provider block names none.
const TOKEN_VARIABLE: &str = "SECRETREF_ID_TOKEN";
const FILE_VARIABLE: &str = "SECRETREF_ID_TOKEN_FILE";

/// Claims that are recorded and shown: who and what for. Others may be personal.
const SHOWN: &[&str] = &[
    "aud",
    "environment",
    "event_name",
    "job_workflow_ref",
    "kubernetes.io.namespace",
    "kubernetes.io.serviceaccount.name",
    "namespace_path",
    "pipeline_id",
    "project_path",
    "ref",
    "ref_protected",
    "ref_type",
    "repository",
    "run_id",
    "sub",
    "workflow",
];

/// Where the token is, as far as it was chosen explicitly.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityChoice {
    /// Name of a variable that holds the token.
    pub(crate) token_env: Option<String>,
    /// File that holds the token.
    pub(crate) token_file: Option<String>,
}

impl IdentityChoice {
    /// The same choice for the stores, which show the token to log in.
    pub(crate) fn source(&self) -> IdentitySource {
        match (&self.token_env, &self.token_file) {
            (Some(variable), _) => IdentitySource::Variable(variable.clone()),
            (None, Some(file)) => IdentitySource::File(file.into()),
            (None, None) => IdentitySource::Automatic,
        }
    }
}

/// Who runs this process, as its token says.
#[derive(Clone, Debug)]
pub(crate) struct WorkloadIdentity {
    /// What the token says.
    pub(crate) claims: Claims,
    /// When the token ends; `None` when it does not say.
    pub(crate) expires: Option<Timestamp>,
}

/// Why the identity is not known although a token was named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum IdentityError {
    /// Two places for one token.
    #[error(
        "the identity token is looked for in the variable `{variable}` and in the file {}: name only one",
        file.display()
    )]
    Ambiguous {
        /// The variable.
        variable: String,
        /// The file.
        file: PathBuf,
    },
    /// The named variable is empty.
    #[error("the variable `{0}`, which should hold the identity token, is not set")]
    NotSet(String),
    /// The named file cannot be read.
    #[error("the identity token cannot be read: {reason} ({})", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// What is there is no token.
    #[error("{place} holds no identity token: {reason}")]
    NotAToken {
        /// Where it was found.
        place: String,
        /// What is wrong with it; never its text.
        reason: &'static str,
    },
    /// The token ended.
    #[error(
        "the identity token in {place} expired at {expired}: let the automation issue a new one"
    )]
    Expired {
        /// Where it was found.
        place: String,
        /// When.
        expired: Timestamp,
    },
}

impl WorkloadIdentity {
    /// The identity at `now`: from the place that was chosen, else from `SECRETREF_ID_TOKEN` or
    /// `SECRETREF_ID_TOKEN_FILE`. `None` when nothing was chosen and neither is set.
    ///
    /// # Errors
    /// A place was chosen and has no token, or the token is none or expired.
    pub(crate) fn find(
        surroundings: &Environment,
        chosen: &IdentityChoice,
        now: Timestamp,
    ) -> Result<Option<Self>, IdentityError> {
        let Some((place, token)) = token(surroundings, chosen)? else {
            return Ok(None);
        };
        redaction::register(&Secret::from_text(token.trim().to_owned()));
        let found = Self::read(&token).map_err(|reason| IdentityError::NotAToken {
            place: place.clone(),
            reason,
        })?;
        match found.expires {
            Some(expired) if expired <= now => Err(IdentityError::Expired { place, expired }),
            _ => Ok(Some(found)),
        }
    }

    /// Reads the claims of a JSON Web Token. Its signature is not looked at.
    fn read(token: &str) -> Result<Self, &'static str> {
        let mut parts = token.trim().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("it does not have the three parts of a JSON Web Token");
        };
        let payload = BASE64_URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| "its second part is not base64url")?;
        let payload: serde_json::Value =
            serde_json::from_slice(&payload).map_err(|_| "its second part is not JSON")?;
        let claims = Claims::from_json(&payload).ok_or("it does not say who issued it (`iss`)")?;
        let expires = match payload.get("exp") {
            None => None,
            Some(seconds) => Some(moment(seconds).ok_or("its expiry (`exp`) is no time")?),
        };
        Ok(Self { claims, expires })
    }

    /// The subject: who the token was issued to.
    pub(crate) fn subject(&self) -> Option<String> {
        self.claims
            .claims
            .get("sub")
            .map(|values| values.join(", "))
    }

    /// The claims that may be recorded and shown, by name; without the issuer.
    pub(crate) fn shown(&self) -> BTreeMap<String, String> {
        SHOWN
            .iter()
            .filter_map(|name| {
                let values = self.claims.claims.get(*name)?;
                Some(((*name).to_owned(), values.join(", ")))
            })
            .collect()
    }

    /// The same with the issuer, for the access log.
    pub(crate) fn recorded(&self) -> BTreeMap<String, String> {
        let mut claims = self.shown();
        claims.insert("iss".to_owned(), self.claims.issuer.clone());
        claims
    }
}

/// The token and the name of the place it was found in.
fn token(
    surroundings: &Environment,
    chosen: &IdentityChoice,
) -> Result<Option<(String, Zeroizing<String>)>, IdentityError> {
    let file = |path: PathBuf| {
        let text = read_file(&path).map_err(|reason| IdentityError::Unreadable {
            path: path.clone(),
            reason,
        })?;
        Ok(Some((path.display().to_string(), text)))
    };
    let named = |path: &str| surroundings.directory().join(path);
    match (&chosen.token_env, &chosen.token_file) {
        (Some(variable), Some(path)) => Err(IdentityError::Ambiguous {
            variable: variable.clone(),
            file: named(path),
        }),
        (Some(variable), None) => variable_text(surroundings, variable)
            .ok_or_else(|| IdentityError::NotSet(variable.clone()))
            .map(Some),
        (None, Some(path)) => file(named(path)),
        (None, None) => match variable_text(surroundings, TOKEN_VARIABLE) {
            Some(found) => Ok(Some(found)),
            None => surroundings.path(FILE_VARIABLE).map_or(Ok(None), file),
        },
    }
}

fn variable_text(surroundings: &Environment, name: &str) -> Option<(String, Zeroizing<String>)> {
    let text = surroundings.text(name)?;
    Some((format!("the variable `{name}`"), Zeroizing::new(text)))
}

fn read_file(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    // One byte more than allowed, so that too long a file is noticed and not cut off.
    let mut limited = std::fs::File::open(path)?.take(MAX_TOKEN_BYTES + 1);
    if limited.read_to_string(&mut text)? as u64 > MAX_TOKEN_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it has more than {MAX_TOKEN_BYTES} bytes"),
        ));
    }
    Ok(text)
}

/// A time in seconds since 1970; fractions are allowed and cut off.
fn moment(seconds: &serde_json::Value) -> Option<Timestamp> {
    let whole = seconds.as_i64().or_else(|| {
        let fractional = seconds.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and what is out of range is no time"
        )]
        let whole = fractional as i64;
        Some(whole)
    })?;
    Timestamp::from_second(whole).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &serde_json::Value) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"RS256"}"#),
            part(&claims.to_string()),
            part("signature")
        )
    }

    fn claims() -> serde_json::Value {
        serde_json::json!({
            "iss": "https://gitlab.example",
            "sub": "project_path:acme/infra:ref_type:branch:ref:main",
            "project_path": "acme/infra",
            "aud": ["vault", "aws"],
            "user_email": "jo@example.com",
            "kubernetes.io": { "namespace": "ci" },
            "exp": 2_000,
        })
    }

    fn find(
        variables: &[(&str, &str)],
        chosen: &IdentityChoice,
    ) -> Result<Option<WorkloadIdentity>, IdentityError> {
        let surroundings = Environment::fixed("/nowhere", variables.iter().copied());
        WorkloadIdentity::find(
            &surroundings,
            chosen,
            Timestamp::from_second(1_000).unwrap(),
        )
    }

    #[test]
    fn claims_come_from_the_variable_that_is_named() {
        let token = jwt(&claims());
        let chosen = IdentityChoice {
            token_env: Some("GITLAB_OIDC".into()),
            token_file: None,
        };
        let other = jwt(&serde_json::json!({ "iss": "https://other.example" }));
        let found = find(
            &[("GITLAB_OIDC", &token), ("SECRETREF_ID_TOKEN", &other)],
            &chosen,
        )
        .unwrap()
        .unwrap();
        assert_eq!(found.claims.issuer, "https://gitlab.example");
        assert_eq!(found.expires, Some(Timestamp::from_second(2_000).unwrap()));
        let shown = found.shown();
        assert_eq!(shown["project_path"], "acme/infra");
        assert_eq!(shown["aud"], "vault, aws");
        assert_eq!(shown["kubernetes.io.namespace"], "ci");
        assert!(!shown.contains_key("user_email"), "personal: {shown:?}");
        assert_eq!(found.recorded()["iss"], "https://gitlab.example");
    }

    #[test]
    fn without_a_choice_the_usual_variables_are_looked_at() {
        let token = jwt(&claims());
        assert!(find(&[], &IdentityChoice::default()).unwrap().is_none());
        let found = find(
            &[("SECRETREF_ID_TOKEN", &token)],
            &IdentityChoice::default(),
        );
        assert!(found.unwrap().is_some());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, format!("{token}\n")).unwrap();
        let path = path.display().to_string();
        let found = find(
            &[("SECRETREF_ID_TOKEN_FILE", &path)],
            &IdentityChoice::default(),
        );
        assert!(found.unwrap().is_some());
    }

    #[test]
    fn what_is_wrong_is_said_without_the_text() {
        let expired = jwt(&serde_json::json!({ "iss": "https://ci.example", "exp": 1_000 }));
        let anonymous = jwt(&serde_json::json!({ "sub": "somebody" }));
        let odd = jwt(&serde_json::json!({ "iss": "https://ci.example", "exp": "soon" }));
        for (text, says) in [
            ("plumAnchor", "three parts"),
            ("a.plumAnchor!.c", "base64url"),
            ("a.cGx1bUFuY2hvcg.c", "JSON"),
            (anonymous.as_str(), "iss"),
            (odd.as_str(), "exp"),
            (expired.as_str(), "1970-01-01T00:16:40Z"),
        ] {
            let error = find(&[("SECRETREF_ID_TOKEN", text)], &IdentityChoice::default())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(says) && error.contains("SECRETREF_ID_TOKEN"),
                "{error}"
            );
            assert!(!error.contains("plumAnchor"), "{error}");
        }
        let absent = IdentityChoice {
            token_env: Some("CI_TOKEN".into()),
            token_file: None,
        };
        assert!(
            find(&[], &absent)
                .unwrap_err()
                .to_string()
                .contains("CI_TOKEN")
        );
        let both = IdentityChoice {
            token_env: Some("CI_TOKEN".into()),
            token_file: Some("token".into()),
        };
        assert!(matches!(
            find(&[], &both),
            Err(IdentityError::Ambiguous { .. })
        ));
        let missing = IdentityChoice {
            token_env: None,
            token_file: Some("token".into()),
        };
        assert!(matches!(
            find(&[], &missing),
            Err(IdentityError::Unreadable { .. })
        ));
    }
}
