//! Microsoft Entra: applications, managed identities, and the tokens they get.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::authority::Issued;
use super::super::double::{Asked, Behaviour, Double, random};
use super::super::http::{Reply, json as answer};
use super::super::oidc_issuer::{OidcIssuer, Verifier};
use super::super::tokens::{Algorithm, TokenSigner, now};
use super::Material;

/// The tenant of the applications and of the vaults.
pub const VAULT_TENANT: &str = "7d2c5b1e-0f43-4c55-9a63-1f4f3a0c8e21";

/// Seconds that a token holds.
const LIFETIME: u64 = 3599;
/// Applications that tokens can be for.
const RESOURCES: [&str; 2] = ["https://vault.azure.net", "https://management.azure.com"];
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the doubles of Azure have in common: who there is, and which tokens hold.
pub(super) struct Directory {
    signer: TokenSigner,
    applications: BTreeMap<String, Application>,
    /// User-assigned managed identities: resource id by client id.
    identities: BTreeMap<String, String>,
    /// Whether the machine has an identity of its own.
    has_system: bool,
    granted: u32,
    /// Seconds that its clock is ahead.
    ahead: u64,
    url: String,
    header: String,
}

#[derive(Default)]
struct Application {
    /// The tenants it is known in, besides [`VAULT_TENANT`].
    tenants: Vec<String>,
    secrets: Vec<(String, bool)>,
    /// Public keys by the thumbprints of their certificate, SHA-256 and SHA-1.
    certificates: BTreeMap<Vec<u8>, Vec<u8>>,
    trusted: Vec<Trusted>,
}

struct Trusted {
    verifier: Verifier,
    issuer: String,
    subject: String,
    audience: String,
}

/// Who got a token, and what for.
pub(super) struct Bearer {
    pub(super) principal: String,
    pub(super) resource: String,
    pub(super) tenant: String,
}

impl Directory {
    fn issue(&mut self, tenant: &str, principal: &str, resource: &str) -> Result<String> {
        self.granted += 1;
        let time = now();
        self.signer.sign(&json!({
            "aud": resource,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "tid": tenant,
            "appid": principal,
            "oid": principal,
            "iat": time,
            "nbf": time,
            "exp": time + LIFETIME,
            "uti": random(22),
        }))
    }

    /// Who shows `token`; `None` when it is none of ours, ended or revoked.
    pub(super) fn bearer(&self, token: &str) -> Option<Bearer> {
        let claims = self.signer.verify(token).ok()?;
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let holds = claims["exp"].as_u64()? > now();
        let bearer = Bearer {
            principal: text("appid")?,
            resource: text("aud")?,
            tenant: text("tid")?,
        };
        holds.then_some(bearer)
    }
}

pub(super) type Shared = Arc<Mutex<Directory>>;

pub(super) fn lock(shared: &Shared) -> MutexGuard<'_, Directory> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Desk(Shared);

/// Microsoft Entra, the metadata service of a machine, and that of App Service.
pub struct Azure {
    double: Double<Desk>,
    shared: Shared,
}

impl Azure {
    /// Starts it, with nobody in it.
    ///
    /// # Errors
    /// When no key can be made or no thread be started.
    pub fn start(certificate: Option<&Issued>) -> Result<Self> {
        let shared = Arc::new(Mutex::new(Directory {
            signer: TokenSigner::new(Algorithm::Es256)?,
            applications: BTreeMap::new(),
            identities: BTreeMap::new(),
            has_system: false,
            granted: 0,
            ahead: 0,
            url: String::new(),
            header: random(32),
        }));
        let double = Double::start(Desk(Arc::clone(&shared)), certificate)?;
        lock(&shared).url = double.url();
        Ok(Self { double, shared })
    }

    /// Its address: the authority host, and that of the metadata service.
    #[must_use]
    pub fn url(&self) -> String {
        self.double.url()
    }

    /// What `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` hold in an app.
    #[must_use]
    pub fn app_service(&self) -> (String, String) {
        (
            format!("{}/msi/token", self.url()),
            lock(&self.shared).header.clone(),
        )
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn change(&self, client: &str, change: impl FnOnce(&mut Application)) {
        let mut directory = lock(&self.shared);
        change(directory.applications.entry(client.to_owned()).or_default());
    }

    /// A new application without any proof; its client id.
    #[must_use]
    pub fn application(&self) -> String {
        let digits = random(32);
        let client = format!(
            "{}-{}-{}-{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..]
        );
        self.change(&client, |_| {});
        client
    }

    /// Makes an application known in another tenant, too.
    pub fn join_tenant(&self, client: &str, tenant: &str) {
        self.change(client, |app| app.tenants.push(tenant.to_owned()));
    }

    /// A new secret of an application.
    #[must_use]
    pub fn secret(&self, client: &str, expired: bool) -> String {
        // As real ones: with characters that a form must escape.
        let secret = format!("{}~{}.+&=%", random(8), random(24));
        self.change(client, |app| app.secrets.push((secret.clone(), expired)));
        secret
    }

    /// Registers the certificate of `material` with an application.
    ///
    /// # Errors
    /// When its key is none.
    pub fn register(&self, client: &str, material: &Material) -> Result<()> {
        let key = RsaKeyPair::from_pkcs8(&material.key_der).map_err(anyhow::Error::msg)?;
        let certificate = &material.certificate_der;
        let old = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
        let thumbprints = [Sha256::digest(certificate).to_vec(), old.as_ref().to_vec()];
        let public = key.public().as_ref().to_vec();
        self.change(client, |app| {
            for thumbprint in thumbprints {
                app.certificates.insert(thumbprint, public.clone());
            }
        });
        Ok(())
    }

    /// Lets tokens of `issuer` for this subject log in as an application.
    pub fn trust(&self, client: &str, issuer: &OidcIssuer, subject: &str, audience: &str) {
        let trusted = Trusted {
            verifier: issuer.verifier(),
            issuer: issuer.url(),
            subject: subject.to_owned(),
            audience: audience.to_owned(),
        };
        self.change(client, |app| app.trusted.push(trusted));
    }

    /// Gives the machine an identity of its own; returns its principal.
    #[must_use]
    pub fn system_identity(&self) -> String {
        lock(&self.shared).has_system = true;
        "system".to_owned()
    }

    /// Assigns an identity to the machine; returns its client id and its resource id.
    #[must_use]
    pub fn user_identity(&self) -> (String, String) {
        let client = self.application();
        let resource = format!(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
            random(6)
        );
        lock(&self.shared)
            .identities
            .insert(client.clone(), resource.clone());
        (client, resource)
    }

    /// A token, as somebody would get it who logged in as `principal`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, principal: &str, resource: &str) -> Result<String> {
        lock(&self.shared).issue(VAULT_TENANT, principal, resource)
    }

    /// From now on no token holds that was made before.
    ///
    /// # Errors
    /// When no new key can be made.
    pub fn revoke_all(&self) -> Result<()> {
        lock(&self.shared).signer = TokenSigner::new(Algorithm::Es256)?;
        Ok(())
    }

    /// How many tokens were made since this was asked last.
    #[must_use]
    pub fn granted(&self) -> u32 {
        std::mem::take(&mut lock(&self.shared).granted)
    }

    /// Sets its clock ahead by so many seconds.
    pub fn set_ahead(&self, seconds: u64) {
        lock(&self.shared).ahead = seconds;
    }

    /// From now on answers `requests` more, then asks to slow down.
    pub fn limit(&self, requests: Option<u32>) {
        self.double.limit(requests);
    }

    /// How many requests came since this was asked last.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.double.count()
    }
}

/// Why a login is refused: status, OAuth error, AADSTS number, text.
type Refused = (u16, &'static str, u64, &'static str);

const BAD_SECRET: Refused = (
    401,
    "invalid_client",
    7_000_215,
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID",
);
const EXPIRED_SECRET: Refused = (
    401,
    "invalid_client",
    7_000_222,
    "The provided client secret keys for app are expired",
);
const NO_TENANT: Refused = (
    400,
    "invalid_request",
    90_002,
    "Tenant not found. Check to make sure you have the correct tenant ID",
);
const NO_APPLICATION: Refused = (
    400,
    "unauthorized_client",
    700_016,
    "Application was not found in the directory",
);
const BAD_SCOPE: Refused = (
    400,
    "invalid_scope",
    1_002_012,
    "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier",
);
const NO_RESOURCE: Refused = (
    400,
    "invalid_resource",
    500_011,
    "The resource principal was not found in the tenant",
);
const BAD_GRANT: Refused = (
    400,
    "unsupported_grant_type",
    70_003,
    "The app requested an unsupported grant type",
);
const NO_PROOF: Refused = (
    401,
    "invalid_client",
    7_000_218,
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'",
);
const BAD_TIME: Refused = (
    401,
    "invalid_client",
    700_024,
    "Client assertion is not within its valid time range",
);
const BAD_CERTIFICATE: Refused = (
    401,
    "invalid_client",
    700_027,
    "The certificate with identifier used to sign the client assertion is not registered on application",
);
const BAD_ASSERTION: Refused = (
    401,
    "invalid_client",
    50_027,
    "JWT token is invalid or malformed",
);
const BAD_AUDIENCE: Refused = (
    401,
    "invalid_client",
    700_023,
    "Client assertion audience claim does not match Realm issuer",
);
const NO_TRUST: Refused = (
    401,
    "invalid_client",
    700_211,
    "No matching federated identity record found for presented assertion issuer",
);
const OTHER_AUDIENCE: Refused = (
    401,
    "invalid_client",
    700_212,
    "No matching federated identity record found for presented assertion audience",
);
const OTHER_SUBJECT: Refused = (
    401,
    "invalid_client",
    700_213,
    "No matching federated identity record found for presented assertion subject",
);

fn refuse((status, error, code, text): Refused) -> Reply {
    let (trace, correlation) = (random(32), random(32));
    answer(
        status,
        &json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {text}. Trace ID: {trace} Correlation ID: {correlation} Timestamp: 2026-01-01 00:00:00Z"),
            "error_codes": [code],
            "timestamp": "2026-01-01 00:00:00Z",
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}

impl Behaviour for Desk {
    fn slow_down(&self) -> Value {
        json!({ "error": "temporarily_unavailable", "error_description": "AADSTS90055: The tenant is throttled", "error_codes": [90055] })
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let mut directory = lock(&self.0);
        let (method, path) = asked.route();
        match (method, path.as_slice()) {
            ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
                match directory.log_in(tenant, asked) {
                    Ok(token) => answer(
                        200,
                        &json!({ "token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token }),
                    ),
                    Err(refused) => refuse(refused),
                }
            }
            ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
                let base = format!("{}/{tenant}", directory.url);
                answer(
                    200,
                    &json!({
                        "issuer": format!("{base}/v2.0"),
                        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
                        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
                        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                    }),
                )
            }
            ("GET", ["metadata", "identity", "oauth2", "token"]) => directory.of_machine(asked),
            ("GET", ["msi", "token"]) => directory.of_app(asked),
            _ => answer(404, &json!({ "error": "not_found" })),
        }
    }
}

impl Directory {
    fn log_in(&mut self, tenant: &str, asked: &Asked) -> std::result::Result<String, Refused> {
        let client = asked.field("client_id");
        let known_elsewhere = |app: &Application| app.tenants.iter().any(|its| its == tenant);
        if tenant != VAULT_TENANT && !self.applications.values().any(known_elsewhere) {
            return Err(NO_TENANT);
        }
        if asked.field("grant_type") != "client_credentials" {
            return Err(BAD_GRANT);
        }
        let application = self.applications.get(client).ok_or(NO_APPLICATION)?;
        if tenant != VAULT_TENANT && !known_elsewhere(application) {
            return Err(NO_APPLICATION);
        }
        let resource = asked
            .field("scope")
            .strip_suffix("/.default")
            .ok_or(BAD_SCOPE)?;
        if !RESOURCES.contains(&resource) {
            return Err(NO_RESOURCE);
        }
        let assertion = asked.field("client_assertion");
        if assertion.is_empty() {
            application.check_secret(asked.field("client_secret"))?;
        } else {
            if asked.field("client_assertion_type") != JWT_BEARER {
                return Err(NO_PROOF);
            }
            let endpoint = format!("{}/{tenant}/oauth2/v2.0/token", self.url);
            application.check_assertion(assertion, client, &endpoint, now() + self.ahead)?;
        }
        self.issue(tenant, client, resource)
            .map_err(|_| BAD_ASSERTION)
    }

    /// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>
    fn of_machine(&mut self, asked: &Asked) -> Reply {
        let refuse = |text: &str| {
            answer(
                400,
                &json!({ "error": "invalid_request", "error_description": text }),
            )
        };
        if !asked.header("metadata").eq_ignore_ascii_case("true") {
            return refuse("Required metadata header not specified");
        }
        if !asked.header("x-forwarded-for").is_empty() {
            return refuse("X-Forwarded-For is not allowed");
        }
        if asked.parameter("api-version") != "2018-02-01" {
            return refuse("Required query variable 'api-version' is missing or not supported");
        }
        match self.assigned(asked, ["client_id", "object_id", "msi_res_id"]) {
            None => refuse("Identity not found"),
            Some(principal) => self.grant(&principal, asked.parameter("resource"), true),
        }
    }

    /// <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>
    fn of_app(&mut self, asked: &Asked) -> Reply {
        if asked.header("x-identity-header") != self.header {
            return answer(
                401,
                &json!({ "statusCode": 401, "message": "Unauthorized" }),
            );
        }
        let principal = match asked.parameter("api-version") {
            "2019-08-01" => self.assigned(asked, ["client_id", "principal_id", "mi_res_id"]),
            _ => None,
        };
        match principal {
            None => answer(
                400,
                &json!({ "statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId." }),
            ),
            Some(principal) => self.grant(&principal, asked.parameter("resource"), false),
        }
    }

    /// The identity that is asked for by `names`: client id, object id (the same here), resource id.
    fn assigned(&self, asked: &Asked, names: [&str; 3]) -> Option<String> {
        let [client, object, resource] = names.map(|name| asked.parameter(name));
        let by_id = |id: &str| self.identities.contains_key(id).then(|| id.to_owned());
        match (client, object, resource) {
            ("", "", "") => self.has_system.then(|| "system".to_owned()),
            (id, "", "") | ("", id, "") => by_id(id),
            ("", "", id) => {
                let mut found = self.identities.iter().filter(|(_, its)| *its == id);
                found.next().map(|(client, _)| client.clone())
            }
            _ => None,
        }
    }

    fn grant(&mut self, principal: &str, resource: &str, of_machine: bool) -> Reply {
        if !RESOURCES.contains(&resource) {
            return answer(
                400,
                &json!({ "error": "invalid_resource", "error_description": "AADSTS500011" }),
            );
        }
        let Ok(token) = self.issue(VAULT_TENANT, principal, resource) else {
            return answer(500, &json!({ "error": "server_error" }));
        };
        let mut granted = json!({
            "access_token": token,
            "client_id": principal,
            "expires_on": (now() + LIFETIME).to_string(),
            "resource": resource,
            "token_type": "Bearer",
        });
        if of_machine {
            granted["expires_in"] = LIFETIME.to_string().into();
            granted["not_before"] = now().to_string().into();
        }
        answer(200, &granted)
    }
}

impl Application {
    fn check_secret(&self, given: &str) -> std::result::Result<(), Refused> {
        if given.is_empty() {
            return Err(NO_PROOF);
        }
        match self.secrets.iter().find(|(secret, _)| secret == given) {
            None => Err(BAD_SECRET),
            Some((_, true)) => Err(EXPIRED_SECRET),
            Some((_, false)) => Ok(()),
        }
    }

    fn check_assertion(
        &self,
        assertion: &str,
        client: &str,
        endpoint: &str,
        time: u64,
    ) -> std::result::Result<(), Refused> {
        let mut parts = assertion.split('.').map(|part| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
            serde_json::from_slice::<Value>(&bytes).unwrap_or(Value::Null)
        });
        let (Some(header), Some(claims)) = (parts.next(), parts.next()) else {
            return Err(BAD_ASSERTION);
        };
        let named = |name: &str| header[name].as_str().map(|text| text.trim_end_matches('='));
        let thumbprint = match (named("x5t#S256").or(named("x5t")), named("kid")) {
            (Some(text), _) => BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default(),
            (None, Some(_)) => return self.check_federated(assertion, &claims),
            (None, None) => return Err(BAD_ASSERTION),
        };
        let key = self.certificates.get(&thumbprint).ok_or(BAD_CERTIFICATE)?;
        let (text, signature) = assertion.rsplit_once('.').ok_or(BAD_ASSERTION)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let verified = match header["alg"].as_str() {
            Some("PS256") => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
                .verify(text.as_bytes(), &signature),
            Some("RS256") => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(text.as_bytes(), &signature),
            _ => return Err(BAD_ASSERTION),
        };
        verified.map_err(|_| BAD_CERTIFICATE)?;
        if claims["iss"] != client || claims["sub"] != client || !claims["jti"].is_string() {
            return Err(BAD_ASSERTION);
        }
        if claims["aud"] != endpoint {
            return Err(BAD_AUDIENCE);
        }
        // Some clients send fractions of seconds. Five minutes are allowed for clocks that differ.
        let number = |name: &str| claims[name].as_f64().unwrap_or(0.0);
        let time = time as f64;
        if number("nbf") > time + 300.0 || number("exp") + 300.0 < time {
            return Err(BAD_TIME);
        }
        Ok(())
    }

    fn check_federated(&self, token: &str, claims: &Value) -> std::result::Result<(), Refused> {
        let of_issuer: Vec<_> = self
            .trusted
            .iter()
            .filter(|trusted| claims["iss"] == trusted.issuer)
            .collect();
        if of_issuer.is_empty() {
            return Err(NO_TRUST);
        }
        let of_subject: Vec<_> = of_issuer
            .into_iter()
            .filter(|trusted| claims["sub"] == trusted.subject)
            .collect();
        if of_subject.is_empty() {
            return Err(OTHER_SUBJECT);
        }
        let matching = of_subject
            .into_iter()
            .find(|trusted| claims["aud"] == trusted.audience)
            .ok_or(OTHER_AUDIENCE)?;
        // The verifier checks the signature and the end.
        matching.verifier.verify(token).map_err(|_| BAD_TIME)?;
        Ok(())
    }
}
