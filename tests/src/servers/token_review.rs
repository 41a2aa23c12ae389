//! A double of the part of a Kubernetes API server at which OpenBao's kubernetes login asks whether a service
//! account's token is good, and its kubernetes engine for a new one. It issues such tokens itself and checks the
//! signature, the end and the audience of every token, and the bearer token and rights of who asks.

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

/// The service account that may ask for tokens of others.
const MINTER: (&str, &str) = ("openbao", "minter");

/// A service account that others may get tokens of.
const ACCOUNT: (&str, &str) = ("payments", "app");

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

    /// The token with which an engine asks for tokens of the account `app` in `payments`, for
    /// `service_account_jwt`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn minter_token(&self) -> Result<String> {
        self.service_account_token(MINTER.0, MINTER.1)
    }

    /// The claims of a token that is good now; `None` for any other.
    #[must_use]
    pub fn claims(&self, token: &str) -> Option<Value> {
        valid(&self.signer, token, &[]).ok()
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
    let account = path
        .strip_prefix("/api/v1/namespaces/")
        .and_then(|rest| rest.strip_suffix("/token"))
        .and_then(|rest| rest.split_once("/serviceaccounts/"));
    if account.is_none() && path != "/apis/authentication.k8s.io/v1/tokenreviews" {
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
    if let Some(account) = account {
        return mint(signer, request, &asking, account);
    }
    if asking["sub"] != subject(REVIEWER) {
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

fn subject((namespace, name): (&str, &str)) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// Answers a request for a token of `account`.
fn mint(
    signer: &TokenSigner,
    request: &Request<Bytes>,
    asking: &Value,
    account: (&str, &str),
) -> Reply {
    if asking["sub"] != subject(MINTER) {
        return status(
            403,
            "Forbidden",
            "serviceaccounts is forbidden: the user cannot create resource \"serviceaccounts/token\"",
        );
    }
    if account != ACCOUNT {
        return status(404, "NotFound", "serviceaccounts not found");
    }
    let Some(seconds) = asked_seconds(request.body()) else {
        return status(400, "BadRequest", "the body is no TokenRequest");
    };
    // As the real one, which makes none shorter than ten minutes.
    if seconds < LIFETIME_SECONDS {
        return status(
            422,
            "Invalid",
            "spec.expirationSeconds: may not specify a duration less than 10 minutes",
        );
    }
    let from = now();
    let mut claims = claims(account.0, account.1, from);
    claims["exp"] = (from + seconds).into();
    let Ok(token) = signer.sign(&claims) else {
        return status(500, "InternalError", "the token cannot be signed");
    };
    let end = i64::try_from(from + seconds)
        .ok()
        .and_then(|end| jiff::Timestamp::from_second(end).ok());
    answer(
        201,
        &json!({
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": { "name": account.1, "namespace": account.0 },
            "spec": { "audiences": [ISSUER], "expirationSeconds": seconds },
            "status": { "token": token, "expirationTimestamp": end.unwrap_or_default().to_string() },
        }),
    )
}

/// How long the token of a request is to live, an hour where it does not say: in JSON, or in the encoding that Go
/// clients prefer (protobuf, <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>).
fn asked_seconds(body: &[u8]) -> Option<u64> {
    const USUAL: u64 = 3600;
    let Some(envelope) = body.strip_prefix(b"k8s\0") else {
        let request: Value = serde_json::from_slice(body).ok()?;
        return Some(
            request["spec"]["expirationSeconds"]
                .as_u64()
                .unwrap_or(USUAL),
        );
    };
    // The object in its envelope, the specification in the object, the period in the specification.
    let (_, object) = member(envelope, 2)?;
    let (_, specification) = member(object, 2)?;
    Some(member(specification, 4).map_or(USUAL, |(seconds, _)| seconds))
}

/// The member `wanted` of a message: its number, or its bytes.
fn member(mut message: &[u8], wanted: u64) -> Option<(u64, &[u8])> {
    loop {
        let tag = number(&mut message)?;
        let value = number(&mut message)?;
        let bytes = match tag & 7 {
            0 => &[][..],
            2 => {
                let (bytes, rest) = message.split_at_checked(usize::try_from(value).ok()?)?;
                message = rest;
                bytes
            }
            _ => return None,
        };
        if tag >> 3 == wanted {
            return Some((value, bytes));
        }
    }
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
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
