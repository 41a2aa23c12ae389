//! A double of Infisical: logins of machine identities, secrets in both versions of the interface, leases of
//! dynamic secrets.
//!
//! It checks tokens, their end and the rights of each identity. The official Python SDK is run against it in the
//! tests (universal auth, version 3, leases); version 4, texts and limits rest on the documentation.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::authority::Issued;
use super::double::{Asked, Behaviour, Double, random};
use super::http::{Reply, json as answer};
use super::oidc_issuer::{OidcIssuer, Verifier};
use super::tokens::now;

/// Id of the project.
pub const PROJECT_ID: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
/// Slug of the project.
pub const PROJECT_SLUG: &str = "payments-x1y2";

/// The longest lease, in seconds from when it was made.
const MAX_LEASE_SECONDS: u64 = 24 * 3600;
const DEFAULT_LEASE_SECONDS: u64 = 3600;
const TOKEN_SECONDS: u64 = 7200;

/// What an identity may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfisicalRole {
    /// Everything in the project.
    Full,
    /// Know which secrets exist, not their values.
    Describe,
    /// Nothing in the project.
    Nothing,
}

enum Proof {
    Universal(String),
    Oidc(Verifier, String, String),
    Kubernetes(String),
}

struct Version {
    value: String,
    at: String,
}

struct Lease {
    made: u64,
    end: u64,
}

/// Environment, folder, name.
type Place = (String, String, String);

struct State {
    identities: BTreeMap<String, (Proof, InfisicalRole)>,
    tokens: BTreeMap<String, (InfisicalRole, u64)>,
    secrets: BTreeMap<Place, Vec<Version>>,
    dynamic: Vec<Place>,
    leases: BTreeMap<String, Lease>,
    has_version_4: bool,
}

/// The double.
pub struct Infisical(Double<State>);

impl Infisical {
    /// Starts it with one empty project.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(certificate: Option<&Issued>) -> Result<Self> {
        let state = State {
            identities: BTreeMap::new(),
            tokens: BTreeMap::new(),
            secrets: BTreeMap::new(),
            dynamic: Vec::new(),
            leases: BTreeMap::new(),
            has_version_4: true,
        };
        Double::start(state, certificate).map(Self)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// From now on is a server that knows version 3 of the interface only.
    pub fn without_version_4(&self) {
        self.0.with(|state| state.has_version_4 = false);
    }

    /// A new identity with client id and client secret.
    #[must_use]
    pub fn universal_identity(&self, role: InfisicalRole) -> (String, String) {
        let (id, secret) = (random(32), random(48));
        self.identity(&id, Proof::Universal(secret.clone()), role);
        (id, secret)
    }

    /// A new identity as which tokens of `issuer` with this audience and subject can log in.
    #[must_use]
    pub fn oidc_identity(&self, issuer: &OidcIssuer, audience: &str, subject: &str) -> String {
        let id = random(32);
        let proof = Proof::Oidc(issuer.verifier(), audience.to_owned(), subject.to_owned());
        self.identity(&id, proof, InfisicalRole::Full);
        id
    }

    /// A new identity for whoever has this token of a Kubernetes service account.
    #[must_use]
    pub fn kubernetes_identity(&self, token: &str) -> String {
        let id = random(32);
        self.identity(
            &id,
            Proof::Kubernetes(token.to_owned()),
            InfisicalRole::Full,
        );
        id
    }

    fn identity(&self, id: &str, proof: Proof, role: InfisicalRole) {
        self.0
            .with(|state| state.identities.insert(id.to_owned(), (proof, role)));
    }

    /// A token of somebody with `role`.
    #[must_use]
    pub fn token(&self, role: InfisicalRole) -> String {
        self.0.with(|state| state.issue(role))
    }

    /// Ends all tokens.
    pub fn revoke_tokens(&self) {
        self.0.with(|state| state.tokens.clear());
    }

    /// Stores a new version of a secret.
    pub fn set(&self, environment: &str, path: &str, name: &str, value: &str) {
        let place = (environment.to_owned(), path.to_owned(), name.to_owned());
        self.0.with(|state| state.put(place, value));
    }

    /// Defines a dynamic secret.
    pub fn define_dynamic(&self, environment: &str, path: &str, name: &str) {
        let place = (environment.to_owned(), path.to_owned(), name.to_owned());
        self.0.with(|state| state.dynamic.push(place));
    }

    /// Leases that were made and not revoked.
    #[must_use]
    pub fn leases(&self) -> usize {
        self.0.with(|state| state.leases.len())
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

fn refuse(status: u16, error: &str, message: &str) -> Reply {
    let id = format!("req-{}", random(12));
    answer(
        status,
        &json!({ "reqId": id, "statusCode": status, "message": message, "error": error }),
    )
}

impl Behaviour for State {
    fn slow_down(&self) -> Value {
        json!({ "statusCode": 429, "message": "Rate limit exceeded. Please try again in 1 second", "error": "RateLimitExceeded" })
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let (method, path) = asked.route();
        if let ("POST", ["api", "v1", "auth", kind, "login"]) = (method, path.as_slice()) {
            return self.log_in(kind, asked);
        }
        let known = asked
            .token
            .as_ref()
            .and_then(|token| self.tokens.get(token));
        let role = match known {
            None => return refuse(401, "TokenError", "Your token is invalid"),
            Some((_, end)) if *end <= now() => {
                return refuse(
                    401,
                    "TokenError",
                    "Your token has expired. Please re-authenticate",
                );
            }
            Some((role, _)) => *role,
        };
        let denied = || {
            refuse(
                403,
                "PermissionDenied",
                "You are not allowed to perform this action on secrets",
            )
        };
        if role == InfisicalRole::Nothing {
            return denied();
        }
        match (method, path.as_slice()) {
            ("GET", ["api", "v1", "workspace", PROJECT_ID]) => {
                answer(200, &json!({ "workspace": project() }))
            }
            ("GET", ["api", "v2", "workspace", PROJECT_SLUG]) => answer(200, &project()),
            ("GET", ["api", "v1" | "v2", "workspace", name]) => refuse(
                404,
                "NotFound",
                &format!("Project with identifier '{name}' not found"),
            ),
            ("GET", ["api", "v3", "secrets", "raw", rest @ ..]) => {
                self.read(asked, rest, "workspaceId", role)
            }
            ("GET", ["api", "v4", "secrets", rest @ ..]) if self.has_version_4 => {
                self.read(asked, rest, "projectId", role)
            }
            ("POST" | "PATCH" | "DELETE", ["api", "v3", "secrets", "raw", _])
            | ("POST" | "PATCH" | "DELETE", ["api", "v4", "secrets", _])
                if role != InfisicalRole::Full && (path[1] == "v3" || self.has_version_4) =>
            {
                denied()
            }
            ("POST" | "PATCH" | "DELETE", ["api", "v3", "secrets", "raw", name]) => {
                self.change(asked, name, "workspaceId")
            }
            ("POST" | "PATCH" | "DELETE", ["api", "v4", "secrets", name]) if self.has_version_4 => {
                self.change(asked, name, "projectId")
            }
            (_, ["api", "v1", "dynamic-secrets", rest @ ..]) => self.dynamic(asked, rest),
            _ => {
                let message = format!("Route {method}:/{} not found", path.join("/"));
                refuse(404, "Not Found", &message)
            }
        }
    }
}

fn project() -> Value {
    json!({
        "id": PROJECT_ID,
        "_id": PROJECT_ID,
        "slug": PROJECT_SLUG,
        "name": "Payments",
        "orgId": "9f0d4d3c-0d44-4b50-8888-8dd257360000",
        "environments": [{ "name": "Production", "slug": "prod", "id": "e1" }],
    })
}

/// One version of a secret, as the interface shows it.
fn shown(place: &Place, versions: &[Version], number: usize, view: bool) -> Value {
    let (environment, path, name) = place;
    let value = versions
        .get(number - 1)
        .map_or("", |version| &version.value);
    json!({
        "id": format!("{environment}{path}{name}"),
        "_id": format!("{environment}{path}{name}"),
        "workspace": PROJECT_ID,
        "environment": environment,
        "secretPath": path,
        "type": "shared",
        "version": number,
        "secretKey": name,
        "secretValue": if view { value } else { "<hidden-by-infisical>" },
        "secretValueHidden": !view,
        "secretComment": "",
        "createdAt": versions.first().map(|version| &version.at),
        "updatedAt": versions.get(number - 1).map(|version| &version.at),
    })
}

impl State {
    fn issue(&mut self, role: InfisicalRole) -> String {
        let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", random(60), random(40));
        self.tokens
            .insert(token.clone(), (role, now() + TOKEN_SECONDS));
        token
    }

    fn log_in(&mut self, kind: &str, asked: &Asked) -> Reply {
        let id = match kind {
            "universal-auth" => asked.member("clientId"),
            _ => asked.member("identityId"),
        };
        let Some((proof, role)) = self.identities.get(id) else {
            return refuse(401, "UnauthorizedError", "Invalid credentials");
        };
        let jwt = asked.member("jwt");
        let right = match (kind, proof) {
            ("universal-auth", Proof::Universal(secret)) => asked.member("clientSecret") == secret,
            ("kubernetes-auth", Proof::Kubernetes(token)) => jwt == token,
            ("oidc-auth", Proof::Oidc(verifier, audience, subject)) => {
                verifier.verify(jwt).is_ok_and(|claims| {
                    let fits = claims["aud"] == **audience || claims["aud"] == json!([audience]);
                    fits && claims["sub"] == **subject
                })
            }
            _ => false,
        };
        if !right {
            return refuse(
                403,
                "UnauthorizedError",
                "Access denied: OIDC or client credentials do not match",
            );
        }
        let role = *role;
        let token = self.issue(role);
        answer(
            200,
            &json!({
                "accessToken": token,
                "expiresIn": TOKEN_SECONDS,
                "accessTokenMaxTTL": 2_592_000,
                "tokenType": "Bearer",
            }),
        )
    }

    fn put(&mut self, place: Place, value: &str) {
        let versions = self.secrets.entry(place).or_default();
        let at = format!("2024-01-02T03:04:{:02}.000Z", versions.len() % 60);
        versions.push(Version {
            value: value.to_owned(),
            at,
        });
    }

    fn read(&mut self, asked: &Asked, name: &[&str], project: &str, role: InfisicalRole) -> Reply {
        if asked.parameter(project) != PROJECT_ID {
            let message = format!("Project with ID '{}' not found", asked.parameter(project));
            return refuse(404, "NotFound", &message);
        }
        let path = match asked.parameter("secretPath") {
            "" => "/",
            path => path,
        };
        let folder = (asked.parameter("environment").to_owned(), path.to_owned());
        let wants = asked.parameter("viewSecretValue") != "false";
        // Whoever may not see values gets them hidden when all are listed, and a refusal for one.
        let view = wants && role == InfisicalRole::Full;
        let [name] = name else {
            let found: Vec<_> = self
                .secrets
                .iter()
                .filter(|((environment, path, _), _)| (environment, path) == (&folder.0, &folder.1))
                .map(|(place, versions)| shown(place, versions, versions.len(), view))
                .collect();
            return answer(200, &json!({ "secrets": found, "imports": [] }));
        };
        if wants && !view {
            let message = "You do not have permission to read the value of this secret";
            return refuse(403, "PermissionDenied", message);
        }
        let place = (folder.0, folder.1, (*name).to_owned());
        let missing = || {
            let message = format!("Secret with name '{name}' not found");
            refuse(404, "NotFound", &message)
        };
        let Some(versions) = self.secrets.get(&place) else {
            return missing();
        };
        let number = match asked.parameter("version") {
            "" => versions.len(),
            text => text.parse().unwrap_or(0),
        };
        if !(1..=versions.len()).contains(&number) {
            return missing();
        }
        answer(
            200,
            &json!({ "secret": shown(&place, versions, number, view) }),
        )
    }

    fn change(&mut self, asked: &Asked, name: &str, project: &str) -> Reply {
        if asked.member(project) != PROJECT_ID {
            return refuse(404, "NotFound", "Project not found");
        }
        let path = match asked.member("secretPath") {
            "" => "/",
            path => path,
        };
        let place = (
            asked.member("environment").to_owned(),
            path.to_owned(),
            name.to_owned(),
        );
        let exists = self.secrets.contains_key(&place);
        match asked.method.as_str() {
            "POST" if exists => {
                return refuse(400, "BadRequest", "Secret already exist");
            }
            "PATCH" | "DELETE" if !exists => {
                let message = format!("Secret with name '{name}' not found");
                return refuse(404, "NotFound", &message);
            }
            "DELETE" => {
                let versions = self.secrets.remove(&place).unwrap_or_default();
                let secret = shown(&place, &versions, versions.len(), true);
                return answer(200, &json!({ "secret": secret }));
            }
            _ => {}
        }
        let Some(value) = asked.body["secretValue"].as_str() else {
            return refuse(422, "ValidationFailure", "secretValue is required");
        };
        // The server cuts white space, but for one line break at the end.
        let kept = match value.ends_with('\n') {
            true => format!("{}\n", value.trim()),
            false => value.trim().to_owned(),
        };
        self.put(place.clone(), &kept);
        let versions = &self.secrets[&place];
        let secret = shown(&place, versions, versions.len(), true);
        answer(200, &json!({ "secret": secret }))
    }

    fn dynamic(&mut self, asked: &Asked, path: &[&str]) -> Reply {
        let text = |name: &str| match asked.member(name) {
            "" => asked.parameter(name).to_owned(),
            text => text.to_owned(),
        };
        if text("projectSlug") != PROJECT_SLUG {
            return refuse(404, "NotFound", "Project not found");
        }
        let folder = match text("path").as_str() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        let place = |name: &str| (text("environmentSlug"), folder.clone(), name.to_owned());
        let undefined = |name: &str| {
            let message = format!("Dynamic secret with name '{name}' in folder not found");
            refuse(404, "NotFound", &message)
        };
        let ttl = asked.member("ttl");
        let seconds = match ttl.strip_suffix('s').map(str::parse) {
            Some(Ok(seconds)) => seconds,
            _ => DEFAULT_LEASE_SECONDS,
        };
        match (asked.method.as_str(), path) {
            ("POST", ["leases"]) => {
                let name = asked.member("dynamicSecretName");
                if !self.dynamic.contains(&place(name)) {
                    return undefined(name);
                }
                let id = format!("{}-0d44-4b50-8888-{}", random(8), random(12));
                let lease = Lease {
                    made: now(),
                    end: now() + seconds.min(MAX_LEASE_SECONDS),
                };
                let facts = described(&id, &lease);
                self.leases.insert(id, lease);
                let data = json!({ "DB_USERNAME": format!("inf_{}", random(8)), "DB_PASSWORD": random(32) });
                answer(
                    200,
                    &json!({ "lease": facts, "dynamicSecret": definition(name), "data": data }),
                )
            }
            ("POST", ["leases", id, "renew"]) => match self.leases.get_mut(*id) {
                Some(lease) if lease.end + seconds > lease.made + MAX_LEASE_SECONDS => {
                    refuse(400, "BadRequest", "TTL cannot be larger than max ttl")
                }
                Some(lease) => {
                    lease.end += seconds;
                    let facts = described(id, lease);
                    answer(200, &json!({ "lease": facts }))
                }
                None => refuse(
                    404,
                    "NotFound",
                    &format!("Dynamic secret lease with ID '{id}' not found"),
                ),
            },
            ("DELETE", ["leases", id]) => match self.leases.remove(*id) {
                Some(lease) => answer(200, &json!({ "lease": described(id, &lease) })),
                None => refuse(
                    404,
                    "NotFound",
                    &format!("Dynamic secret lease with ID '{id}' not found"),
                ),
            },
            ("GET", [name]) if self.dynamic.contains(&place(name)) => {
                answer(200, &json!({ "dynamicSecret": definition(name) }))
            }
            ("GET", [name]) => undefined(name),
            _ => refuse(404, "Not Found", "Route not found"),
        }
    }
}

fn definition(name: &str) -> Value {
    json!({
        "id": "5d90c3cc-0d44-4b50-8888-8dd25736052b",
        "name": name,
        "version": 1,
        "type": "sql-database",
        "defaultTTL": "1h",
        "maxTTL": "24h",
        "folderId": "7d90c3cc-0d44-4b50-8888-8dd25736052c",
        "createdAt": "2024-01-02T03:04:05.000Z",
        "updatedAt": "2024-01-02T03:04:05.000Z",
    })
}

fn described(id: &str, lease: &Lease) -> Value {
    let time = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds)
            .map_or_else(|_| String::new(), |time| time.to_string())
    };
    json!({
        "id": id,
        "version": 1,
        "externalEntityId": "inf_user",
        "expireAt": time(lease.end),
        "createdAt": time(lease.made),
        "updatedAt": time(lease.made),
        "dynamicSecretId": "5d90c3cc-0d44-4b50-8888-8dd25736052b",
        "status": null,
        "statusDetails": null,
    })
}
