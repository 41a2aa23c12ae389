//! The services that give tokens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::double::Asked;
use super::super::http::{Reply, json as answer};
use super::{CLOUD_PLATFORM, IAM, Refused, State, TOKEN_SECONDS, Trust, aws, google_key};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use hyper::Response;
use hyper::header::HeaderValue;

/// How far the clocks of a caller may be off, in seconds.
const SKEW_SECONDS: u64 = 300;
const LONGEST_SECONDS: u64 = 3600;
const FLAVOR: &str = "metadata-flavor";

type Form = BTreeMap<String, String>;
/// A refusal of a token service: its code, and what it says.
type Unwilling = (&'static str, &'static str);

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

fn scopes(text: &str) -> Result<Vec<String>, Unwilling> {
    let all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let known =
        |scope: &String| scope.starts_with("https://www.googleapis.com/auth/") || scope == "openid";
    if all.is_empty() || !all.iter().all(known) {
        return Err((
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ));
    }
    Ok(all)
}

impl State {
    /// `oauth2.googleapis.com/token`.
    pub(super) fn oauth(&mut self, asked: &Asked) -> Reply {
        let form = &asked.form;
        let outcome = match field(form, "grant_type") {
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => self.assertion(form),
            "refresh_token" => self.refresh(form),
            _ => Err(("unsupported_grant_type", "Invalid grant_type")),
        };
        unwilling(outcome)
    }

    fn assertion(&mut self, form: &Form) -> Result<Value, Unwilling> {
        let text = field(form, "assertion");
        let header: Option<Value> = text.split('.').next().and_then(|part| {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        });
        let header = header.ok_or(("invalid_grant", "Invalid JWT"))?;
        if header["alg"] != "RS256" {
            return Err(("invalid_grant", "Invalid JWT: unsupported algorithm"));
        }
        let known = self.keys.get(header["kid"].as_str().unwrap_or_default());
        let (email, signer) = known.ok_or(("invalid_grant", "Invalid grant: account not found"))?;
        let claims = signer
            .verify(text)
            .map_err(|_| ("invalid_grant", "Invalid JWT Signature."))?;
        let email = email.clone();
        if claims["iss"] != *email {
            return Err(("invalid_grant", "Invalid grant: account not found"));
        }
        let audience = claims["aud"].as_str().unwrap_or_default();
        if audience != "https://oauth2.googleapis.com/token"
            && audience != format!("{}/token", self.url)
        {
            return Err(("invalid_grant", "Invalid JWT: Failed audience check."));
        }
        let (issued, ends) = (claims["iat"].as_u64(), claims["exp"].as_u64());
        let (issued, ends) = issued.zip(ends).unwrap_or_default();
        let now = self.now();
        let in_time = issued <= now + SKEW_SECONDS
            && ends + SKEW_SECONDS > now
            && ends.saturating_sub(issued) <= LONGEST_SECONDS
            && issued + LONGEST_SECONDS + SKEW_SECONDS > now;
        if !in_time {
            return Err((
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check \
                 your iat and exp values in the JWT claim.",
            ));
        }
        if let Some(audience) = claims["target_audience"].as_str() {
            let token = self
                .identity_token(&email, audience, true)
                .map_err(|_| ("server_error", ""))?;
            return Ok(json!({ "id_token": token }));
        }
        let scopes = scopes(claims["scope"].as_str().unwrap_or_default())?;
        Ok(self.granted(&email, &scopes))
    }

    fn refresh(&mut self, form: &Form) -> Result<Value, Unwilling> {
        let shown = (field(form, "client_id"), field(form, "client_secret"));
        let refresh = field(form, "refresh_token");
        let found = self
            .people
            .iter()
            .find(|(_, (_, _, held))| held == refresh)
            .map(|(name, (id, secret, _))| (name.clone(), id.clone(), secret.clone()));
        let (name, id, secret) = found.ok_or(("invalid_grant", "Bad Request"))?;
        if shown != (id.as_str(), secret.as_str()) {
            return Err(("invalid_client", "The OAuth client was not found."));
        }
        let scopes = match field(form, "scope") {
            "" => vec![CLOUD_PLATFORM.to_owned()],
            named => scopes(named)?,
        };
        Ok(self.granted(&name, &scopes))
    }

    fn granted(&mut self, caller: &str, scopes: &[String]) -> Value {
        let token = self.give(caller, scopes, TOKEN_SECONDS);
        json!({ "access_token": token, "expires_in": TOKEN_SECONDS - 1, "token_type": "Bearer" })
    }

    /// `sts.googleapis.com/v1/token`.
    pub(super) fn exchange(&mut self, asked: &Asked) -> Reply {
        unwilling(self.exchanged(&asked.form))
    }

    fn exchanged(&mut self, form: &Form) -> Result<Value, Unwilling> {
        let fixed = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            (
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
        ];
        if fixed
            .iter()
            .any(|(name, value)| field(form, name) != *value)
        {
            return Err(("invalid_request", "Invalid value for a required parameter."));
        }
        let scopes = scopes(field(form, "scope"))?;
        let audience = field(form, "audience");
        let trust = audience
            .strip_prefix("//iam.googleapis.com/")
            .and_then(|provider| Some((provider, self.providers.get(provider)?)));
        let (provider, trust) = trust.ok_or((
            "invalid_target",
            "The target service indicated by the \"audience\" parameters is invalid. This might either be because the \
             pool or provider is disabled or deleted or because it doesn't exist.",
        ))?;
        let proof = field(form, "subject_token");
        let subject = match (trust, field(form, "subject_token_type")) {
            (
                Trust::Issuer {
                    verifier,
                    audience,
                    subject,
                },
                "urn:ietf:params:oauth:token-type:jwt"
                | "urn:ietf:params:oauth:token-type:id_token",
            ) => {
                let claims = verifier.verify(proof).map_err(|_| {
                    (
                        "invalid_grant",
                        "The token is expired or its signature is invalid.",
                    )
                })?;
                if claims["aud"] != **audience {
                    return Err((
                        "invalid_grant",
                        "The audience in ID Token does not match the expected audience.",
                    ));
                }
                if claims["sub"] != **subject {
                    return Err((
                        "unauthorized_client",
                        "The given credential is rejected by the attribute condition.",
                    ));
                }
                subject.clone()
            }
            (Trust::Aws { key, account }, "urn:ietf:params:aws:token-type:aws4_request") => {
                aws::verify(proof, audience, key)
                    .map_err(|_| ("invalid_grant", "Unable to verify the AWS identity."))?;
                account.clone()
            }
            _ => return Err(("invalid_request", "Invalid subject_token_type.")),
        };
        let pool = provider.split("/providers/").next().unwrap_or_default();
        let caller = format!("principal://iam.googleapis.com/{pool}/subject/{subject}");
        let token = self.give(&caller, &scopes, TOKEN_SECONDS);
        Ok(json!({
            "access_token": token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS - 1,
        }))
    }

    /// `iamcredentials.googleapis.com` and `iam.googleapis.com`: `EMAIL:verb`.
    pub(super) fn service_account_verb(
        &mut self,
        asked: &Asked,
        verb: &str,
    ) -> Result<Value, Refused> {
        let caller = self.caller(asked, IAM)?;
        let (email, verb) = verb
            .rsplit_once(':')
            .ok_or_else(|| Refused::invalid("Unknown method."))?;
        if verb == "testIamPermissions" {
            let may = self.accounts.contains(email) && self.may_act(&caller, &[], email);
            let wanted = asked.body["permissions"].clone();
            return Ok(if may {
                json!({ "permissions": wanted })
            } else {
                json!({})
            });
        }
        let delegates = asked.body["delegates"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let delegates: Vec<&str> = delegates
            .iter()
            .filter_map(|name| name.as_str()?.strip_prefix("projects/-/serviceAccounts/"))
            .collect();
        let permission = match verb {
            "generateAccessToken" => "iam.serviceAccounts.getAccessToken",
            "generateIdToken" => "iam.serviceAccounts.getOpenIdToken",
            _ => return Err(Refused::invalid("Unknown method.")),
        };
        if !self.accounts.contains(email) || !self.may_act(&caller, &delegates, email) {
            return Err(Refused::denied(
                permission,
                &format!("projects/-/serviceAccounts/{email}"),
            ));
        }
        if verb == "generateIdToken" {
            let audience = asked.member("audience");
            if audience.is_empty() {
                return Err(Refused::invalid("The audience is required."));
            }
            let include = asked.body["includeEmail"] == true;
            let token = self
                .identity_token(email, audience, include)
                .map_err(|_| Refused(500, "INTERNAL", "Internal error.".to_owned(), ""))?;
            return Ok(json!({ "token": token }));
        }
        let named = asked.body["scope"].as_array().cloned().unwrap_or_default();
        let scopes: Vec<String> = named
            .iter()
            .filter_map(|scope| scope.as_str().map(str::to_owned))
            .collect();
        if scopes.is_empty() {
            return Err(Refused::invalid("The scope is required."));
        }
        let lifetime = asked.body["lifetime"].as_str().unwrap_or("3600s");
        let seconds: u64 = lifetime
            .strip_suffix('s')
            .and_then(|seconds| seconds.parse().ok())
            .filter(|seconds| (1..=LONGEST_SECONDS).contains(seconds))
            .ok_or_else(|| {
                Refused::invalid("The access token lifetime cannot exceed 3600 seconds.")
            })?;
        let token = self.give(email, &scopes, seconds);
        let ends = jiff::Timestamp::from_second((self.now() + seconds).cast_signed());
        let ends = ends.map_or_else(|_| String::new(), |ends| ends.to_string());
        Ok(json!({ "accessToken": token, "expireTime": ends }))
    }

    /// Whether each in the chain may make tokens of the next.
    fn may_act(&self, caller: &str, delegates: &[&str], target: &str) -> bool {
        let mut chain = vec![caller];
        chain.extend_from_slice(delegates);
        chain.push(target);
        chain.windows(2).all(|pair| {
            let pair = (pair[0].to_owned(), pair[1].to_owned());
            self.delegations.contains(&pair)
        })
    }

    fn identity_token(
        &self,
        email: &str,
        audience: &str,
        include_email: bool,
    ) -> anyhow::Result<String> {
        let now = self.now();
        let mut claims = json!({
            "iss": "https://accounts.google.com",
            "aud": audience,
            "sub": "100000000000000000001",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        });
        if include_email {
            claims["email"] = email.into();
            claims["email_verified"] = true.into();
        }
        google_key()?.sign(&claims)
    }

    /// `metadata.google.internal`.
    pub(super) fn metadata(&mut self, asked: &Asked, rest: &[&str]) -> Reply {
        if asked.header(FLAVOR) != "Google" || !asked.header("x-forwarded-for").is_empty() {
            return text(403, "Missing Metadata-Flavor:Google header.");
        }
        let Some(email) = self.machine.clone() else {
            return text(404, "not found");
        };
        match rest {
            ["project", "project-id"] => text(200, &self.project.0),
            ["instance", "service-accounts", "default", "email"] => text(200, &email),
            ["instance", "service-accounts", "default", "token"] => {
                let scopes: Vec<String> = match asked.parameter("scopes") {
                    "" => vec![CLOUD_PLATFORM.to_owned()],
                    named => named.split(',').map(str::to_owned).collect(),
                };
                let granted = self.granted(&email, &scopes);
                text(200, &granted.to_string())
            }
            ["instance", "service-accounts", "default", "identity"] => {
                let audience = asked.parameter("audience");
                let full = asked.parameter("format") == "full";
                match self.identity_token(&email, audience, full) {
                    Ok(token) if !audience.is_empty() => text(200, &token),
                    _ => text(400, "non-empty audience parameter required"),
                }
            }
            _ => text(404, "not found"),
        }
    }
}

fn unwilling(outcome: Result<Value, Unwilling>) -> Reply {
    match outcome {
        Ok(value) => answer(200, &value),
        Err((code, description)) => {
            let status = if code == "invalid_client" { 401 } else { 400 };
            answer(
                status,
                &json!({ "error": code, "error_description": description }),
            )
        }
    }
}

/// An answer of the metadata server, which says what it is.
fn text(status: u16, body: &str) -> Reply {
    let mut response = Response::new(super::super::http::full(body.to_owned()));
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(FLAVOR, HeaderValue::from_static("Google"));
    Reply::Answer(response)
}
