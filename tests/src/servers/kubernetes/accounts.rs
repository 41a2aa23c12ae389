//! Tokens of service accounts: made, checked, reviewed.

use anyhow::Result;
use serde_json::{Value, json};

use super::super::double::Asked;
use super::super::http::{Reply, json as answer};
use super::super::tokens::now;
use super::{Need, State, not_found, protobuf, status};

/// How long the tokens that tests ask for are valid, in seconds; also the shortest that a request may ask for.
const SHORTEST_SECONDS: u64 = 600;
const USUAL_SECONDS: u64 = 3600;

/// `iss` of the tokens, and the audience they have when none is asked for.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

impl State {
    pub(super) fn usual_token(&self, namespace: &str, name: &str) -> Result<String> {
        self.signer
            .sign(&claims(namespace, name, now(), SHORTEST_SECONDS))
    }

    pub(super) fn expired_token(&self, namespace: &str, name: &str) -> Result<String> {
        let from = now() - 2 * SHORTEST_SECONDS;
        self.signer
            .sign(&claims(namespace, name, from, SHORTEST_SECONDS))
    }

    /// <https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/>
    pub(super) fn token_request(
        &self,
        user: &str,
        (namespace, name): (&str, &str),
        asked: &Asked,
    ) -> Reply {
        let need = Need {
            verb: "create",
            group: "",
            resource: "serviceaccounts/token",
            namespace,
        };
        if let Err(reply) = self.allow(user, need) {
            return *reply;
        }
        let account = (namespace.to_owned(), name.to_owned());
        if !self.accounts.contains(&account) {
            return not_found("serviceaccounts", name);
        }
        let Some(mut spec) = asked.spec::<protobuf::TokenRequest>() else {
            return status(400, "BadRequest", "the body is no TokenRequest");
        };
        let seconds = spec["expirationSeconds"].as_u64().unwrap_or(USUAL_SECONDS);
        if seconds < SHORTEST_SECONDS {
            let message = format!(
                "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: {seconds}: \
                 may not specify a duration less than 10 minutes"
            );
            return status(422, "Invalid", &message);
        }
        let mut claims = claims(namespace, name, now(), seconds);
        if spec["audiences"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
        {
            claims["aud"] = spec["audiences"].clone();
        }
        spec["audiences"] = claims["aud"].clone();
        spec["expirationSeconds"] = seconds.into();
        let bound = spec["boundObjectRef"].clone();
        if !bound.is_null() {
            match self.bound(namespace, &bound) {
                Ok(object) => claims["kubernetes.io"]["secret"] = object,
                Err(reply) => return *reply,
            }
        }
        let end = i64::try_from(now() + seconds).unwrap_or(i64::MAX);
        let end = jiff::Timestamp::from_second(end).unwrap_or_default();
        match self.signer.sign(&claims) {
            Ok(token) => answer(
                201,
                &json!({
                    "kind": "TokenRequest",
                    "apiVersion": "authentication.k8s.io/v1",
                    "metadata": { "name": name, "namespace": namespace },
                    "spec": spec,
                    "status": { "token": token, "expirationTimestamp": end.to_string() },
                }),
            ),
            Err(error) => status(500, "InternalError", &error.to_string()),
        }
    }

    /// The object that a token is bound to; only Secrets can be here.
    fn bound(&self, namespace: &str, bound: &Value) -> Result<Value, Box<Reply>> {
        let text = |name: &str| bound[name].as_str().unwrap_or_default();
        if text("kind") != "Secret" {
            let message = format!("cannot bind token to object of type {:?}", text("kind"));
            return Err(Box::new(status(400, "BadRequest", &message)));
        }
        let place = (namespace.to_owned(), text("name").to_owned());
        let Some(found) = self.secrets.get(&place) else {
            return Err(Box::new(not_found("secrets", text("name"))));
        };
        let uid = &found["metadata"]["uid"];
        if !text("uid").is_empty() && *uid != text("uid") {
            let message = format!(
                "the UID in the bound object reference ({}) does not match the UID in record ({uid})",
                text("uid")
            );
            return Err(Box::new(status(409, "Conflict", &message)));
        }
        Ok(json!({ "name": text("name"), "uid": uid }))
    }

    /// <https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/>
    pub(super) fn review(&self, user: &str, asked: &Asked) -> Reply {
        let need = Need {
            verb: "create",
            group: "authentication.k8s.io",
            resource: "tokenreviews",
            namespace: "",
        };
        if let Err(reply) = self.allow(user, need) {
            return *reply;
        }
        let mut review = asked.body.clone();
        if !review.is_object() {
            return status(400, "BadRequest", "the body is no TokenReview");
        }
        let audiences: Vec<_> = review["spec"]["audiences"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|audience| audience.as_str().map(str::to_owned))
            .collect();
        let token = review["spec"]["token"].as_str().unwrap_or_default();
        review["status"] = match self.valid(token, &audiences) {
            Ok(claims) => authenticated(&claims),
            Err(reason) => json!({ "authenticated": false, "error": reason }),
        };
        answer(201, &review)
    }

    /// The claims of a good token for one of `audiences`; the API server's own when there are none.
    pub(super) fn valid(&self, token: &str, audiences: &[String]) -> Result<Value, String> {
        let claims = self.signer.verify(token).map_err(
            |_| "[invalid bearer token, square/go-jose: error in cryptographic primitive]",
        )?;
        if claims["exp"].as_u64().is_none_or(|end| end <= now()) {
            return Err("[invalid bearer token, service account token has expired]".to_owned());
        }
        let own = [ISSUER.to_owned()];
        let audiences = if audiences.is_empty() {
            &own
        } else {
            audiences
        };
        let has = |wanted: &str| {
            let all = claims["aud"].as_array();
            all.is_some_and(|all| all.iter().any(|one| one == wanted))
        };
        if !audiences.iter().any(|wanted| has(wanted)) {
            return Err(format!(
                "[invalid bearer token, token audiences {} is invalid for the target audiences {audiences:?}]",
                claims["aud"]
            ));
        }
        let account = &claims["kubernetes.io"];
        let bound = &account["secret"];
        if let (Some(name), Some(namespace)) =
            (bound["name"].as_str(), account["namespace"].as_str())
        {
            let place = (namespace.to_owned(), name.to_owned());
            let found = self.secrets.get(&place);
            if found.is_none_or(|object| object["metadata"]["uid"] != bound["uid"]) {
                return Err(
                    "[invalid bearer token, service account token has been invalidated]".to_owned(),
                );
            }
        }
        Ok(claims)
    }
}

fn claims(namespace: &str, name: &str, from: u64, seconds: u64) -> Value {
    json!({
        "iss": ISSUER,
        "aud": [ISSUER],
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "iat": from,
        "nbf": from - 5,
        "exp": from + seconds,
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
