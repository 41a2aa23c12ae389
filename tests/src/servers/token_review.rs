//! A double of the part of a Kubernetes API server at which OpenBao's kubernetes login asks whether a service
//! account's token is good. It issues such tokens itself and checks the signature, the end and the audience
//! of every token, and the bearer token of who asks.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use futures::FutureExt as _;
use hyper::Request;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::authority::Authority;
use super::http::{Handler, HttpServer, Reply, json as answer};
use super::tokens::{Algorithm, TokenSigner, now};

/// How long its tokens are valid, in seconds.
const LIFETIME_SECONDS: u64 = 600;

/// `iss` of its tokens, and the audience they have when none is asked for.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// The service account that may review tokens.
const REVIEWER: (&str, &str) = ("openbao", "reviewer");

/// The double; it ends when this is dropped.
pub struct TokenReview {
    server: HttpServer,
    signer: Arc<TokenSigner>,
}

impl TokenReview {
    /// Starts it with a certificate of `authority`.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn start(authority: &Authority) -> Result<Self> {
        let signer = Arc::new(TokenSigner::new(Algorithm::Es256)?);
        let handler: Handler = {
            let signer = Arc::clone(&signer);
            Arc::new(move |request| {
                let reply = handle(&signer, &request);
                async move { reply }.boxed()
            })
        };
        let tls = authority.server_certificate()?.server_config()?;
        Ok(Self {
            server: HttpServer::start(Some(tls), handler)?,
            signer,
        })
    }

    /// Its address, for `kubernetes_host`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.server.address())
    }

    /// A token of the service account `name` in `namespace`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn service_account_token(&self, namespace: &str, name: &str) -> Result<String> {
        self.signer.sign(&claims(namespace, name, now()))
    }

    /// A token that has ended.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn expired_token(&self, namespace: &str, name: &str) -> Result<String> {
        self.signer
            .sign(&claims(namespace, name, now() - 2 * LIFETIME_SECONDS))
    }

    /// The token with which a login method asks, for `token_reviewer_jwt`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn reviewer_token(&self) -> Result<String> {
        self.service_account_token(REVIEWER.0, REVIEWER.1)
    }
}

fn claims(namespace: &str, name: &str, from: u64) -> Value {
    json!({
        "iss": ISSUER,
        "aud": [ISSUER],
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "iat": from,
        "nbf": from - 5,
        "exp": from + LIFETIME_SECONDS,
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": { "name": name, "uid": uid(namespace, name) },
        },
    })
}

/// A uid that stays the same for one account.
fn uid(namespace: &str, name: &str) -> String {
    let digest = crate::leak::sha256(format!("{namespace}/{name}").as_bytes());
    format!(
        "{}-{}-4000-8000-{}",
        &digest[..8],
        &digest[8..12],
        &digest[12..24]
    )
}

fn handle(signer: &TokenSigner, request: &Request<Bytes>) -> Reply {
    let path = request.uri().path();
    if path != "/apis/authentication.k8s.io/v1/tokenreviews" {
        return status(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
    }
    if request.method() != hyper::Method::POST {
        return status(
            405,
            "MethodNotAllowed",
            "the server does not allow this method",
        );
    }
    let bearer = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Ok(asking) = valid(signer, bearer.unwrap_or_default(), &[]) else {
        return status(401, "Unauthorized", "Unauthorized");
    };
    if asking["sub"] != format!("system:serviceaccount:{}:{}", REVIEWER.0, REVIEWER.1) {
        return status(
            403,
            "Forbidden",
            "tokenreviews.authentication.k8s.io is forbidden: the user cannot create resource \
             \"tokenreviews\" in API group \"authentication.k8s.io\" at the cluster scope",
        );
    }
    let Ok(mut review) = serde_json::from_slice::<Value>(request.body()) else {
        return status(400, "BadRequest", "the body is no TokenReview");
    };
    let audiences: Vec<_> = review["spec"]["audiences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|audience| audience.as_str().map(str::to_owned))
        .collect();
    let token = review["spec"]["token"].as_str().unwrap_or_default();
    review["status"] = match valid(signer, token, &audiences) {
        Ok(claims) => authenticated(&claims),
        Err(reason) => json!({ "authenticated": false, "error": reason }),
    };
    answer(201, &review)
}

fn authenticated(claims: &Value) -> Value {
    let account = &claims["kubernetes.io"];
    let namespace = account["namespace"].as_str().unwrap_or_default();
    json!({
        "authenticated": true,
        "audiences": claims["aud"],
        "user": {
            "username": claims["sub"],
            "uid": account["serviceaccount"]["uid"],
            "groups": [
                "system:serviceaccounts",
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated",
            ],
        },
    })
}

/// The claims of a good token for one of `audiences`; the API server's own when there are none.
fn valid(signer: &TokenSigner, token: &str, audiences: &[String]) -> Result<Value, String> {
    let claims = signer
        .verify(token)
        .map_err(|_| "[invalid bearer token, square/go-jose: error in cryptographic primitive]")?;
    if claims["exp"].as_u64().is_none_or(|end| end <= now()) {
        return Err("[invalid bearer token, service account token has expired]".to_owned());
    }
    let has = |wanted: &str| {
        claims["aud"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == wanted))
    };
    if !audiences.is_empty() && !audiences.iter().any(|wanted| has(wanted)) {
        return Err(format!(
            "[invalid bearer token, token audiences {} is invalid for the target audiences {audiences:?}]",
            claims["aud"]
        ));
    }
    Ok(claims)
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
