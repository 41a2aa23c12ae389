//! A double of Doppler's API, as far as secrets of a config and logins by identity token go.
//!
//! It checks tokens and their scope, and answers in the shapes of the published reference. The real command line
//! of Doppler is run against it in the tests, so what that asks for and understands is right; texts and limits
//! rest on the documentation.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::authority::Issued;
use super::double::{Asked, Behaviour, Double, random};
use super::http::{Reply, json as answer};
use super::oidc_issuer::{OidcIssuer, Verifier};

/// Secrets of a config by name.
type Secrets = BTreeMap<String, String>;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DopplerAccess {
    /// Read and write every config.
    Full,
    /// See names; values are restricted.
    NamesOnly,
    /// Nothing: a token of another workplace.
    Nothing,
}

struct State {
    configs: BTreeMap<(String, String), Secrets>,
    tokens: BTreeMap<String, DopplerAccess>,
    /// Identities: what a token must have to log in as one.
    identities: BTreeMap<String, (Verifier, String, String)>,
}

/// The double.
pub struct Doppler(Double<State>);

impl Doppler {
    /// Starts it with an empty config `config` of `project`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(project: &str, config: &str, certificate: Option<&Issued>) -> Result<Self> {
        let place = (project.to_owned(), config.to_owned());
        let state = State {
            configs: BTreeMap::from([(place, Secrets::new())]),
            tokens: BTreeMap::new(),
            identities: BTreeMap::new(),
        };
        Double::start(state, certificate).map(Self)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// A new service token.
    #[must_use]
    pub fn token(&self, access: DopplerAccess) -> String {
        let token = format!("dp.st.{}", random(40));
        self.0
            .with(|state| state.tokens.insert(token.clone(), access));
        token
    }

    /// Ends all tokens, as somebody who revokes them.
    pub fn revoke_all(&self) {
        self.0.with(|state| state.tokens.clear());
    }

    /// An identity as which tokens of `issuer` with this audience and subject can log in.
    #[must_use]
    pub fn identity(&self, issuer: &OidcIssuer, audience: &str, subject: &str) -> String {
        let id = random(32);
        let demand = (issuer.verifier(), audience.to_owned(), subject.to_owned());
        self.0
            .with(|state| state.identities.insert(id.clone(), demand));
        id
    }

    /// Stores a secret.
    pub fn set(&self, project: &str, config: &str, name: &str, value: &str) {
        let place = (project.to_owned(), config.to_owned());
        self.0.with(|state| {
            let secrets = state.configs.entry(place).or_default();
            secrets.insert(name.to_owned(), value.to_owned());
        });
    }

    /// From now on answers `requests` more, then asks to slow down.
    pub fn limit(&self, requests: Option<u32>) {
        self.0.limit(requests);
    }

    /// How many requests came since this was asked last.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.count()
    }
}

fn refuse(status: u16, message: &str) -> Reply {
    answer(status, &json!({ "messages": [message], "success": false }))
}

impl Behaviour for State {
    fn slow_down(&self) -> Value {
        json!({ "messages": ["You've exceeded your rate limit"], "success": false })
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        if asked.route() == ("POST", vec!["v3", "auth", "oidc"]) {
            return self.log_in(asked);
        }
        let access = asked
            .token
            .as_ref()
            .and_then(|token| self.tokens.get(token));
        let Some(access) = access.copied() else {
            return refuse(401, "Invalid Auth token");
        };
        // Parameters are in the body when something is written.
        let text = |name: &str| match asked.member(name) {
            "" => asked.parameter(name).to_owned(),
            text => text.to_owned(),
        };
        let (project, config) = (text("project"), text("config"));
        for (name, value) in [("project", &project), ("config", &config)] {
            if value.is_empty() {
                return refuse(400, &format!("Must provide the '{name}' argument"));
            }
        }
        if access == DopplerAccess::Nothing {
            let message =
                format!("This token does not have access to requested project '{project}'");
            return refuse(403, &message);
        }
        if !self.configs.keys().any(|(known, _)| *known == project) {
            return refuse(
                404,
                &format!("Could not find requested project '{project}'"),
            );
        }
        let Some(secrets) = self.configs.get_mut(&(project, config.clone())) else {
            return refuse(404, &format!("Could not find requested config '{config}'"));
        };
        respond(asked, access, secrets)
    }
}

/// A value as its three forms, or hidden.
fn shown(access: DopplerAccess, value: &str) -> Value {
    let value = match access {
        DopplerAccess::Full => json!(value),
        _ => Value::Null,
    };
    json!({ "raw": value, "computed": value, "note": "", "rawVisibility": "masked", "computedVisibility": "masked" })
}

fn respond(asked: &Asked, access: DopplerAccess, secrets: &mut Secrets) -> Reply {
    let (method, path) = asked.route();
    let ["v3", "configs", "config", rest @ ..] = path.as_slice() else {
        return refuse(404, "Not found");
    };
    let name = asked.parameter("name");
    let missing = || refuse(404, &format!("Could not find requested secret: {name}"));
    match (method, rest) {
        ("GET", ["secret"]) => match secrets.get(name) {
            Some(value) => answer(
                200,
                &json!({ "name": name, "value": shown(access, value), "success": true }),
            ),
            None => missing(),
        },
        ("GET", ["secrets"]) => {
            let wanted: Vec<&str> = asked
                .parameter("secrets")
                .split(',')
                .filter(|name| !name.is_empty())
                .collect();
            let chosen: serde_json::Map<String, Value> = secrets
                .iter()
                .filter(|(name, _)| wanted.is_empty() || wanted.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), shown(access, value)))
                .collect();
            answer(200, &json!({ "secrets": chosen, "success": true }))
        }
        ("GET", ["secrets", "names"]) => {
            let names: Vec<_> = secrets.keys().collect();
            answer(200, &json!({ "names": names, "success": true }))
        }
        ("GET", ["secrets", "download"]) => {
            if asked.parameter("format") != "json" {
                return refuse(400, "Invalid format");
            }
            let all: serde_json::Map<String, Value> = secrets
                .iter()
                .map(|(name, value)| (name.clone(), shown(access, value)["computed"].clone()))
                .collect();
            answer(200, &Value::Object(all))
        }
        ("POST" | "DELETE", _) if access != DopplerAccess::Full => {
            refuse(403, "This token does not have write access")
        }
        ("POST", ["secrets"]) => {
            // The command line sends each change with its circumstances, others only name and value.
            let requested = asked.body["change_requests"].as_array().map(|changes| {
                let change = |change: &Value| {
                    Some((change["name"].as_str()?.to_owned(), change["value"].clone()))
                };
                changes.iter().filter_map(change).collect()
            });
            let Some(changes) = requested.or_else(|| asked.body["secrets"].as_object().cloned())
            else {
                return refuse(400, "Must provide the 'secrets' argument");
            };
            let mut written = serde_json::Map::new();
            for (name, value) in &changes {
                let Some(value) = value.as_str() else {
                    return refuse(400, "Secret values must be strings");
                };
                let valid = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                if !name.chars().all(valid) {
                    return refuse(
                        400,
                        "Secret names can only contain uppercase letters, numbers, and underscores",
                    );
                }
                secrets.insert(name.clone(), value.to_owned());
                written.insert(name.clone(), shown(access, value));
            }
            answer(200, &json!({ "secrets": written, "success": true }))
        }
        ("DELETE", ["secret"]) => {
            secrets.remove(name);
            answer(204, &Value::Null)
        }
        _ => refuse(404, "Not found"),
    }
}

impl State {
    fn log_in(&mut self, asked: &Asked) -> Reply {
        let Some((verifier, audience, subject)) = self.identities.get(asked.member("identity"))
        else {
            return refuse(404, "Could not find requested identity");
        };
        let Ok(claims) = verifier.verify(asked.member("token")) else {
            return refuse(401, "Invalid OIDC token");
        };
        let right = claims["aud"] == **audience || claims["aud"] == json!([audience]);
        if !right || claims["sub"] != **subject {
            return refuse(401, "OIDC token claims do not match the identity");
        }
        let token = format!("dp.said.{}", random(40));
        self.tokens.insert(token.clone(), DopplerAccess::Full);
        answer(
            200,
            &json!({ "success": true, "token": token, "expires_at": "2099-01-01T00:00:00.000Z" }),
        )
    }
}
