//! A double of a Kubernetes API server: logins, rights, Secrets, tokens of service accounts and their review.
//!
//! It issues the tokens of service accounts itself and checks signature, end, audience and bound object of each; it
//! knows client certificates of its authority, static tokens and the tokens of OpenID Connect issuers. Nobody may do
//! anything that was not granted. The real `kubectl` is run against it in the tests, and OpenBao's kubernetes login;
//! limits and texts rest on the documentation of Kubernetes 1.34.
//!
//! | file | what |
//! |---|---|
//! | `mod` | who asks, and what they may do |
//! | `accounts` | TokenRequest and TokenReview |
//! | `objects` | Secrets |
//! | `discovery` | what `kubectl` asks before anything else |
//! | `protobuf` | bodies of the calls for which `kubectl` sends no JSON |

mod accounts;
mod discovery;
mod objects;
mod protobuf;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::authority::{Authority, Issued};
use super::double::{Asked, Behaviour, Double};
use super::http::{Reply, json as answer};
use super::oidc_issuer::{OidcIssuer, Verifier};
use super::tokens::{Algorithm, TokenSigner};

/// A call that somebody may make.
struct Grant {
    user: String,
    verbs: Vec<String>,
    resource: String,
    namespace: String,
}

/// What a call needs: a verb on a resource, `serviceaccounts/token`, in a namespace (empty: in the cluster).
#[derive(Clone, Copy)]
struct Need<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    namespace: &'a str,
}

struct State {
    signer: TokenSigner,
    tokens: BTreeMap<String, String>,
    certificates: BTreeMap<Vec<u8>, String>,
    issuers: Vec<(Verifier, String)>,
    grants: Vec<Grant>,
    accounts: BTreeSet<(String, String)>,
    secrets: BTreeMap<(String, String), Value>,
    version: u64,
    calls: Vec<String>,
}

/// The double; it ends when this is dropped.
pub struct Kubernetes {
    double: Double<State>,
}

impl Kubernetes {
    /// Starts an empty cluster with a certificate of `authority`, whose client certificates it accepts.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn start(authority: &Authority) -> Result<Self> {
        let tls = authority.server_certificate()?;
        let tls = tls.server_config_for_clients_of(authority)?;
        Ok(Self {
            double: Double::with_tls(State::new()?, Some(tls))?,
        })
    }

    /// Starts an empty cluster that speaks plain HTTP, as behind a proxy.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn start_plain() -> Result<Self> {
        Ok(Self {
            double: Double::with_tls(State::new()?, None)?,
        })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.double.url()
    }

    /// A token of `user` that does not end.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        let token = crate::Canary::random().value().to_owned();
        self.double
            .with(|state| state.tokens.insert(token.clone(), user.to_owned()));
        token
    }

    /// A certificate of the cluster's authority by which `user` logs in.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn client_certificate(&self, authority: &Authority, user: &str) -> Result<Issued> {
        let issued = authority.client_certificate(user)?;
        let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes())?;
        self.double
            .with(|state| state.certificates.insert(der.to_vec(), user.to_owned()));
        Ok(issued)
    }

    /// From now on the subject of a token of `issuer` for `audience` is the user `oidc:<subject>`.
    pub fn trust(&self, issuer: &OidcIssuer, audience: &str) {
        let trusted = (issuer.verifier(), audience.to_owned());
        self.double.with(|state| state.issuers.push(trusted));
    }

    /// Lets `user` use `verbs` on `resource`, such as `secrets` or `serviceaccounts/token`, in `namespace` (`*`:
    /// everywhere).
    pub fn grant(&self, user: &str, verbs: &[&str], resource: &str, namespace: &str) {
        let grant = Grant {
            user: user.to_owned(),
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
        };
        self.double.with(|state| state.grants.push(grant));
    }

    /// Stores a Secret with these keys.
    pub fn set_secret(&self, namespace: &str, name: &str, keys: &[(&str, &[u8])]) {
        self.double
            .with(|state| state.put_secret(namespace, name, keys));
    }

    /// The keys of a Secret; `None` when there is none.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        self.double.with(|state| state.keys_of(namespace, name))
    }

    /// Removes a Secret behind everybody's back.
    pub fn remove_secret(&self, namespace: &str, name: &str) {
        let place = (namespace.to_owned(), name.to_owned());
        self.double.with(|state| state.secrets.remove(&place));
    }

    /// Makes a service account.
    pub fn add_service_account(&self, namespace: &str, name: &str) {
        let place = (namespace.to_owned(), name.to_owned());
        self.double.with(|state| state.accounts.insert(place));
    }

    /// A token of a service account, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn service_account_token(&self, namespace: &str, name: &str) -> Result<String> {
        self.add_service_account(namespace, name);
        self.double.with(|state| state.usual_token(namespace, name))
    }

    /// A token of a service account that has ended.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn expired_token(&self, namespace: &str, name: &str) -> Result<String> {
        self.add_service_account(namespace, name);
        self.double
            .with(|state| state.expired_token(namespace, name))
    }

    /// The token with which a login method of OpenBao asks, for `token_reviewer_jwt`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn reviewer_token(&self) -> Result<String> {
        let token = self.service_account_token("openbao", "reviewer")?;
        let user = "system:serviceaccount:openbao:reviewer";
        self.grant(user, &["create"], "tokenreviews", "*");
        Ok(token)
    }

    /// The token with which an engine of OpenBao makes tokens of the accounts in `namespace`, for
    /// `service_account_jwt`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn minter_token(&self, namespace: &str) -> Result<String> {
        let token = self.service_account_token("openbao", "minter")?;
        let user = "system:serviceaccount:openbao:minter";
        self.grant(user, &["create"], "serviceaccounts/token", namespace);
        Ok(token)
    }

    /// The claims of a token of a service account that is good now; `None` for any other.
    #[must_use]
    pub fn claims(&self, token: &str) -> Option<Value> {
        self.double.with(|state| state.valid(token, &[]).ok())
    }

    /// Methods and paths of the calls since this was asked last.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.double.with(|state| std::mem::take(&mut state.calls))
    }
}

/// An error as the API machinery words it.
fn status(code: u16, reason: &str, message: &str) -> Reply {
    answer(
        code,
        &json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }),
    )
}

fn not_found(resource: &str, name: &str) -> Reply {
    status(404, "NotFound", &format!("{resource} {name:?} not found"))
}

impl Behaviour for State {
    fn answer(&mut self, asked: &Asked) -> Reply {
        self.calls
            .push(format!("{} /{}", asked.method, asked.path.join("/")));
        let user = match self.user(asked) {
            Ok(user) => user,
            Err(reply) => return *reply,
        };
        let (method, path) = asked.route();
        match (method, path.as_slice()) {
            ("POST", ["apis", "authentication.k8s.io", "v1", "tokenreviews"]) => {
                self.review(&user, asked)
            }
            ("POST", ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"]) => {
                answer(201, &self.whoami(&user))
            }
            (
                "POST",
                [
                    "apis",
                    "authorization.k8s.io",
                    "v1",
                    "selfsubjectaccessreviews",
                ],
            ) => self.access_review(&user, asked),
            (
                "POST",
                [
                    "api",
                    "v1",
                    "namespaces",
                    namespace,
                    "serviceaccounts",
                    name,
                    "token",
                ],
            ) => self.token_request(&user, (namespace, name), asked),
            (_, ["api", "v1", "namespaces", namespace, "secrets", rest @ ..]) => {
                self.secrets(&user, namespace, rest.first().copied(), asked)
            }
            ("GET", _) => discovery::discover(&path),
            _ => status(
                404,
                "NotFound",
                "the server could not find the requested resource",
            ),
        }
    }

    fn slow_down(&self) -> Value {
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": "The server has received too many requests and has asked us to try again later",
            "reason": "TooManyRequests",
            "code": 429,
        })
    }
}

impl State {
    fn new() -> Result<Self> {
        Ok(Self {
            signer: TokenSigner::new(Algorithm::Es256)?,
            tokens: BTreeMap::new(),
            certificates: BTreeMap::new(),
            issuers: Vec::new(),
            grants: Vec::new(),
            accounts: BTreeSet::new(),
            secrets: BTreeMap::new(),
            version: 100,
            calls: Vec::new(),
        })
    }

    /// Who asks, or acts as whom.
    fn user(&self, asked: &Asked) -> Result<String, Box<Reply>> {
        let user = self
            .login(asked)
            .ok_or_else(|| Box::new(status(401, "Unauthorized", "Unauthorized")))?;
        let other = asked.header("impersonate-user");
        if other.is_empty() {
            return Ok(user);
        }
        let need = Need {
            verb: "impersonate",
            group: "",
            resource: "users",
            namespace: "",
        };
        self.allow(&user, need).map(|()| other.to_owned())
    }

    /// A certificate goes before a token; a token that nobody knows is no login.
    fn login(&self, asked: &Asked) -> Option<String> {
        if let Some(certificate) = &asked.certificate {
            return self.certificates.get(certificate).cloned();
        }
        let token = asked.token.as_deref()?;
        if let Some(user) = self.tokens.get(token) {
            return Some(user.clone());
        }
        if let Ok(claims) = self.valid(token, &[]) {
            return claims["sub"].as_str().map(str::to_owned);
        }
        self.issuers.iter().find_map(|(verifier, audience)| {
            let claims = verifier.verify(token).ok()?;
            let fits = claims["aud"] == audience.as_str();
            fits.then(|| format!("oidc:{}", claims["sub"].as_str().unwrap_or_default()))
        })
    }

    fn may(&self, user: &str, need: Need<'_>) -> bool {
        let fits = |granted: &str, wanted: &str| granted == "*" || granted == wanted;
        self.grants.iter().any(|grant| {
            grant.user == user
                && grant.verbs.iter().any(|verb| fits(verb, need.verb))
                && fits(&grant.resource, need.resource)
                && fits(&grant.namespace, need.namespace)
        })
    }

    fn allow(&self, user: &str, need: Need<'_>) -> Result<(), Box<Reply>> {
        if self.may(user, need) {
            return Ok(());
        }
        let Need {
            verb,
            group,
            resource,
            namespace,
        } = need;
        let place = match namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        let message = format!(
            "{resource} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}"
        );
        Err(Box::new(status(403, "Forbidden", &message)))
    }

    fn whoami(&self, user: &str) -> Value {
        json!({
            "kind": "SelfSubjectReview",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": { "creationTimestamp": null },
            "status": { "userInfo": { "username": user, "groups": ["system:authenticated"] } },
        })
    }

    fn access_review(&self, user: &str, asked: &Asked) -> Reply {
        let Some(spec) = asked.spec::<protobuf::AccessReview>() else {
            return status(400, "BadRequest", "the body is no SelfSubjectAccessReview");
        };
        let wanted = &spec["resourceAttributes"];
        let text = |name: &str| wanted[name].as_str().unwrap_or_default();
        let resource = match text("subresource") {
            "" => text("resource").to_owned(),
            part => format!("{}/{part}", text("resource")),
        };
        let need = Need {
            verb: text("verb"),
            group: text("group"),
            resource: &resource,
            namespace: text("namespace"),
        };
        let allowed = self.may(user, need);
        answer(
            201,
            &json!({
                "kind": "SelfSubjectAccessReview",
                "apiVersion": "authorization.k8s.io/v1",
                "metadata": { "creationTimestamp": null },
                "spec": spec,
                "status": { "allowed": allowed },
            }),
        )
    }

    /// The next version of any object.
    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }
}
