//! An OpenID Connect issuer that signs real tokens: discovery document, key set, and the endpoint at which
//! a GitHub Actions job asks for a token of its own.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::FutureExt as _;
use hyper::Request;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::authority::Authority;
use super::http::{Handler, HttpServer, Reply, json as answer};
use super::tokens::{Algorithm, TokenSigner, now};

/// How long its tokens are valid, in seconds.
const LIFETIME_SECONDS: u64 = 300;

struct Shared {
    signer: TokenSigner,
    url: Mutex<String>,
    request_token: String,
    job: Mutex<Value>,
    token_requests: Mutex<Vec<String>>,
}

/// The issuer; it ends when this is dropped.
pub struct OidcIssuer {
    // Held for its drop.
    _server: HttpServer,
    shared: Arc<Shared>,
}

impl OidcIssuer {
    /// Starts an issuer that speaks plain HTTP.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn start(algorithm: Algorithm) -> Result<Self> {
        Self::launch(algorithm, None)
    }

    /// Starts an issuer with a certificate of `authority`.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn start_tls(algorithm: Algorithm, authority: &Authority) -> Result<Self> {
        Self::launch(algorithm, Some(authority))
    }

    fn launch(algorithm: Algorithm, authority: Option<&Authority>) -> Result<Self> {
        let shared = Arc::new(Shared {
            signer: TokenSigner::new(algorithm)?,
            url: Mutex::default(),
            request_token: crate::Canary::random().value().to_owned(),
            job: Mutex::new(github_job()),
            token_requests: Mutex::default(),
        });
        let handler: Handler = {
            let shared = Arc::clone(&shared);
            Arc::new(move |request| {
                let reply = shared.handle(&request);
                async move { reply }.boxed()
            })
        };
        let tls = authority
            .map(|authority| authority.server_certificate()?.server_config())
            .transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = HttpServer::start(tls, handler)?;
        *lock(&shared.url) = format!("{scheme}://{}", server.address());
        Ok(Self {
            _server: server,
            shared,
        })
    }

    /// Its identifier: the `iss` of its tokens and the address of its discovery document.
    #[must_use]
    pub fn url(&self) -> String {
        lock(&self.shared.url).clone()
    }

    /// Address of its key set.
    #[must_use]
    pub fn key_set_url(&self) -> String {
        format!("{}/jwks", self.url())
    }

    /// What `ACTIONS_ID_TOKEN_REQUEST_URL` holds in a job.
    #[must_use]
    pub fn actions_request_url(&self) -> String {
        format!("{}/actions/token?api-version=2.0", self.url())
    }

    /// What `ACTIONS_ID_TOKEN_REQUEST_TOKEN` holds in a job.
    #[must_use]
    pub fn actions_request_token(&self) -> &str {
        &self.shared.request_token
    }

    /// Sets claims of the tokens that a job gets, in addition to or instead of the usual ones.
    pub fn set_job_claims(&self, claims: &Value) {
        merge(&mut lock(&self.shared.job), claims);
    }

    /// Audiences for which jobs asked for a token, in order.
    #[must_use]
    pub fn token_requests(&self) -> Vec<String> {
        lock(&self.shared.token_requests).clone()
    }

    /// A token for `audience` with these claims in addition to or instead of `iss`, `iat`, `nbf`, `exp`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, audience: &str, claims: &Value) -> Result<String> {
        self.shared.token(audience, claims)
    }

    /// A token that ended an hour ago.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn expired_token(&self, audience: &str, claims: &Value) -> Result<String> {
        let past = now() - 3600;
        let mut claims = claims.clone();
        merge(
            &mut claims,
            &json!({ "iat": past - LIFETIME_SECONDS, "nbf": past - LIFETIME_SECONDS, "exp": past }),
        );
        self.shared.token(audience, &claims)
    }
}

/// Checks tokens of an issuer, as services that trust it do.
pub(super) struct Verifier(Arc<Shared>);

impl Verifier {
    /// The claims of a token that is signed by the issuer and has not ended.
    pub(super) fn verify(&self, token: &str) -> Result<Value> {
        let claims = self.0.signer.verify(token)?;
        let ends = claims["exp"].as_u64().unwrap_or(0);
        anyhow::ensure!(ends > now(), "the token has ended");
        Ok(claims)
    }
}

impl OidcIssuer {
    /// Who checks its tokens.
    pub(super) fn verifier(&self) -> Verifier {
        Verifier(Arc::clone(&self.shared))
    }
}

impl Shared {
    fn handle(&self, request: &Request<Bytes>) -> Reply {
        let url = lock(&self.url).clone();
        match (request.method().as_str(), request.uri().path()) {
            ("GET", "/.well-known/openid-configuration") => answer(
                200,
                &json!({
                    "issuer": url,
                    "jwks_uri": format!("{url}/jwks"),
                    "authorization_endpoint": format!("{url}/authorize"),
                    "response_types_supported": ["id_token"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": [self.signer.algorithm()],
                }),
            ),
            ("GET", "/jwks") => answer(200, &self.signer.key_set()),
            ("GET", "/actions/token") => self.actions_token(request),
            _ => answer(404, &json!({ "message": "not found" })),
        }
    }

    /// <https://docs.github.com/actions/reference/security/oidc>: the job appends `&audience=`.
    fn actions_token(&self, request: &Request<Bytes>) -> Reply {
        let wanted = format!("bearer {}", self.request_token);
        let given = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        // The scheme of a credential is case-insensitive, the token is not.
        let fits = given.is_some_and(|given| {
            given.split_once(' ').is_some_and(|(scheme, token)| {
                scheme.eq_ignore_ascii_case("bearer") && token == &wanted["bearer ".len()..]
            })
        });
        if !fits {
            return answer(401, &json!({ "message": "Bad credentials" }));
        }
        let job = lock(&self.job).clone();
        let owner = job["repository_owner"].as_str().unwrap_or_default();
        let audience = audience(request.uri().query().unwrap_or_default())
            .unwrap_or_else(|| format!("https://github.com/{owner}"));
        lock(&self.token_requests).push(audience.clone());
        match self.token(&audience, &job) {
            Ok(token) => answer(200, &json!({ "count": token.len(), "value": token })),
            Err(error) => answer(500, &json!({ "message": error.to_string() })),
        }
    }

    fn token(&self, audience: &str, claims: &Value) -> Result<String> {
        let now = now();
        let mut all = json!({
            "iss": lock(&self.url).clone(),
            "aud": audience,
            "iat": now,
            // Clocks of two machines differ, and so do theirs at the second.
            "nbf": now - 5,
            "exp": now + LIFETIME_SECONDS,
        });
        merge(&mut all, claims);
        self.signer.sign(&all).context("cannot sign a token")
    }
}

/// Claims of a job on the main branch.
fn github_job() -> Value {
    json!({
        "sub": "repo:acme/infra:ref:refs/heads/main",
        "repository": "acme/infra",
        "repository_owner": "acme",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "environment": "prod",
        "workflow": "deploy",
        "job_workflow_ref": "acme/infra/.github/workflows/deploy.yml@refs/heads/main",
        "run_id": "1",
        "run_attempt": "1",
        "sha": "0000000000000000000000000000000000000000",
        "event_name": "push",
    })
}

/// The parameter `audience` of a query.
fn audience(query: &str) -> Option<String> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("audience="))?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::audience;

    #[test]
    fn the_audience_is_decoded() {
        assert_eq!(
            audience("a=b&audience=https%3A%2F%2Fx%2By+z"),
            Some("https://x+y z".to_owned())
        );
        assert_eq!(audience("api-version=2.0"), None);
        assert_eq!(audience("audience=%f"), None);
    }
}
