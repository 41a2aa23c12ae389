//! A key vault: secrets with versions, certificates, what was removed; roles of principals.

use std::collections::BTreeMap;

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::super::authority::Issued;
use super::super::double::{Asked, Behaviour, Double, random};
use super::super::http::{Reply, json as answer};
use super::super::tokens::now;
use super::entra::{Azure, Bearer, Shared, lock};
use super::{Material, VAULT_TENANT};

/// Versions of the interface that are known.
const INTERFACES: [&str; 4] = ["7.4", "7.6", "2025-07-01", "2026-04-01"];
const RESOURCE: &str = "https://vault.azure.net";
/// Longest value, in bytes.
const MAX_BYTES: usize = 25_600;
const RECOVERABLE_DAYS: u64 = 90;

/// What a principal may do in a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultRole {
    /// `Key Vault Secrets Officer`: everything.
    Officer,
    /// `Key Vault Secrets User`: read values and facts.
    User,
    /// `Key Vault Reader`: read facts.
    Reader,
}

#[derive(Clone)]
struct Version {
    id: String,
    value: String,
    content_type: Option<String>,
    tags: Value,
    enabled: bool,
    nbf: Option<u64>,
    exp: Option<u64>,
    created: u64,
    is_certificate: bool,
}

struct State {
    directory: Shared,
    roles: BTreeMap<String, VaultRole>,
    tenant: String,
    resource: String,
    secrets: BTreeMap<String, Vec<Version>>,
    removed: BTreeMap<String, Vec<Version>>,
    page: usize,
    foreign_pages: Option<String>,
    bodies: Vec<Value>,
    url: String,
}

/// The double.
pub struct KeyVault(Double<State>);

impl KeyVault {
    /// Starts an empty vault that takes the tokens of `azure`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(azure: &Azure, certificate: Option<&Issued>) -> Result<Self> {
        let state = State {
            directory: Shared::clone(azure.shared()),
            roles: BTreeMap::new(),
            tenant: VAULT_TENANT.to_owned(),
            resource: RESOURCE.to_owned(),
            secrets: BTreeMap::new(),
            removed: BTreeMap::new(),
            page: 25,
            foreign_pages: None,
            bodies: Vec::new(),
            url: String::new(),
        };
        let double = Double::start(state, certificate)?;
        let url = double.url();
        double.with(|state| state.url = url);
        Ok(Self(double))
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Gives a principal a role.
    pub fn allow(&self, principal: &str, role: VaultRole) {
        self.0
            .with(|state| state.roles.insert(principal.to_owned(), role));
    }

    /// Stores a new version of a secret; returns its id.
    pub fn set(&self, name: &str, value: &str) -> String {
        self.0.with(|state| state.put(name, Version::new(value)).id)
    }

    /// Stores a version that holds from `nbf` to `exp`, seconds since 1970.
    pub fn set_window(&self, name: &str, value: &str, nbf: Option<u64>, exp: Option<u64>) {
        let version = Version {
            nbf,
            exp,
            ..Version::new(value)
        };
        self.0.with(|state| drop(state.put(name, version)));
    }

    /// Stores a certificate with its private key, as PEM or as PKCS #12.
    pub fn set_certificate(&self, name: &str, material: &Material, as_pem: bool) {
        let (value, content_type) = if as_pem {
            let chain = format!("{}{}", material.pem(), material.authority_pem);
            (chain, "application/x-pem-file")
        } else {
            (
                BASE64_STANDARD.encode(&material.pkcs12),
                "application/x-pkcs12",
            )
        };
        let version = Version {
            content_type: Some(content_type.to_owned()),
            is_certificate: true,
            ..Version::new(&value)
        };
        self.0.with(|state| drop(state.put(name, version)));
    }

    /// Disables the newest version of a secret.
    pub fn disable(&self, name: &str) {
        self.0.with(|state| {
            let versions = state.secrets.get_mut(name);
            if let Some(version) = versions.and_then(|versions| versions.last_mut()) {
                version.enabled = false;
            }
        });
    }

    /// The newest value of a secret.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.0.with(|state| {
            let version = state.secrets.get(name)?.last()?;
            Some(version.value.clone())
        })
    }

    /// Content type and tags of the newest version of a secret.
    #[must_use]
    pub fn labels(&self, name: &str) -> Option<(Option<String>, Value)> {
        self.0.with(|state| {
            let version = state.secrets.get(name)?.last()?;
            Some((version.content_type.clone(), version.tags.clone()))
        })
    }

    /// Forgets what was removed.
    pub fn purge(&self) {
        self.0.with(|state| state.removed.clear());
    }

    /// How many versions a page has.
    pub fn set_page(&self, page: usize) {
        self.0.with(|state| state.page = page);
    }

    /// From now on names another host for the next page.
    pub fn point_pages_to(&self, url: &str) {
        self.0
            .with(|state| state.foreign_pages = Some(url.to_owned()));
    }

    /// From now on asks for tokens of another application.
    pub fn ask_for(&self, resource: &str) {
        self.0.with(|state| state.resource = resource.to_owned());
    }

    /// Moves the vault to another tenant.
    pub fn move_to(&self, tenant: &str) {
        self.0.with(|state| state.tenant = tenant.to_owned());
    }

    /// What was written, whole requests.
    #[must_use]
    pub fn written(&self) -> Vec<Value> {
        self.0.with(|state| std::mem::take(&mut state.bodies))
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

impl Version {
    fn new(value: &str) -> Self {
        Self {
            id: random(32),
            value: value.to_owned(),
            content_type: None,
            tags: Value::Null,
            enabled: true,
            nbf: None,
            exp: None,
            created: now(),
            is_certificate: false,
        }
    }

    /// Everything but the value.
    fn facts(&self, place: &str) -> Value {
        let mut attributes = json!({
            "enabled": self.enabled,
            "created": self.created,
            "updated": self.created,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": RECOVERABLE_DAYS,
        });
        for (name, moment) in [("nbf", self.nbf), ("exp", self.exp)] {
            if let Some(moment) = moment {
                attributes[name] = moment.into();
            }
        }
        let mut facts = json!({ "id": format!("{place}/{}", self.id), "attributes": attributes });
        if let Some(content_type) = &self.content_type {
            facts["contentType"] = json!(content_type);
        }
        if !self.tags.is_null() {
            facts["tags"] = self.tags.clone();
        }
        if self.is_certificate {
            facts["managed"] = json!(true);
        }
        facts
    }
}

fn refuse(status: u16, code: &str, inner: &str, message: &str) -> Reply {
    let mut error = json!({ "code": code, "message": message });
    if !inner.is_empty() {
        error["innererror"] = json!({ "code": inner });
    }
    answer(status, &json!({ "error": error }))
}

fn not_found(name: &str) -> Reply {
    refuse(
        404,
        "SecretNotFound",
        "",
        &format!(
            "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        ),
    )
}

fn bad(message: &str) -> Reply {
    refuse(400, "BadParameter", "", message)
}

impl Behaviour for State {
    fn slow_down(&self) -> Value {
        json!({ "error": { "code": "Throttled", "message": "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached" } })
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let bearer = match self.admit(asked) {
            Ok(bearer) => bearer,
            Err(reply) => return *reply,
        };
        if !INTERFACES.contains(&asked.parameter("api-version")) {
            return bad("The specified version is not recognized");
        }
        let role = self.roles.get(&bearer.principal).copied();
        let (method, mut path) = asked.route();
        // The official clients leave the slash before the version that they do not name.
        path.pop_if(|last| last.is_empty());
        let names_fit = path
            .get(1)
            .is_none_or(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        if !names_fit {
            return bad("The request URI contains an invalid name");
        }
        let needed: &[VaultRole] = match (method, path.as_slice()) {
            ("GET", ["secrets"] | ["secrets", _, "versions"]) => {
                &[VaultRole::Officer, VaultRole::User, VaultRole::Reader]
            }
            ("GET", ["secrets", ..]) => &[VaultRole::Officer, VaultRole::User],
            _ => &[VaultRole::Officer],
        };
        if !role.is_some_and(|role| needed.contains(&role)) {
            return refuse(
                403,
                "Forbidden",
                "ForbiddenByRbac",
                &format!(
                    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid={}",
                    bearer.principal
                ),
            );
        }
        let name = path
            .get(1)
            .map_or_else(String::new, |name| name.to_ascii_lowercase());
        match (method, path.as_slice()) {
            ("GET", ["secrets", _, "versions"]) => self.versions(&name, asked),
            ("GET", ["secrets", _]) => self.read(&name, None),
            ("GET", ["secrets", _, version]) => self.read(&name, Some(version)),
            ("PUT", ["secrets", _]) => self.write(&name, &asked.body),
            ("DELETE", ["secrets", _]) => self.remove(&name),
            ("GET", ["deletedsecrets", _]) => match self.removed.get(&name) {
                None => not_found(&name),
                Some(versions) => answer(200, &self.deleted(&name, versions)),
            },
            _ => refuse(404, "NotFound", "", "There is no such operation"),
        }
    }
}

impl State {
    fn place(&self, name: &str) -> String {
        format!("{}/secrets/{name}", self.url)
    }

    /// Who asks; else the answer of a vault to whom it does not know.
    fn admit(&self, asked: &Asked) -> std::result::Result<Bearer, Box<Reply>> {
        let challenge = |message: &str| {
            let mut reply = refuse(401, "Unauthorized", "", message);
            let text = format!(
                "Bearer authorization=\"https://login.windows.net/{}\", resource=\"{}\"",
                self.tenant, self.resource
            );
            if let (Reply::Answer(response), Ok(value)) = (&mut reply, HeaderValue::from_str(&text))
            {
                let name = HeaderName::from_static("www-authenticate");
                response.headers_mut().insert(name, value);
            }
            Box::new(reply)
        };
        let Some(token) = &asked.token else {
            return Err(challenge(
                "AKV10000: Request is missing a Bearer or PoP token.",
            ));
        };
        let directory = lock(&self.directory);
        let Some(bearer) = directory.bearer(token) else {
            return Err(challenge(
                "[TokenExpired] Error validating token: 'S2S12086'.",
            ));
        };
        if bearer.resource != RESOURCE {
            return Err(challenge(
                "AKV10022: Invalid audience. Expected https://vault.azure.net",
            ));
        }
        if bearer.tenant != self.tenant {
            return Err(challenge("AKV10032: Invalid issuer."));
        }
        Ok(bearer)
    }

    fn put(&mut self, name: &str, mut version: Version) -> Version {
        let versions = self.secrets.entry(name.to_owned()).or_default();
        // Times are whole seconds, and tests do not wait for the next one.
        if let Some(last) = versions.last() {
            version.created = version.created.max(last.created + 1);
        }
        versions.push(version.clone());
        version
    }

    fn versions(&self, name: &str, asked: &Asked) -> Reply {
        let none = Vec::new();
        let versions = self.secrets.get(name).unwrap_or(&none);
        let skip: usize = asked.parameter("$skiptoken").parse().unwrap_or(0);
        let wanted = asked.parameter("maxresults").parse().unwrap_or(self.page);
        let place = self.place(name);
        // In no order that a client may rely on.
        let page: Vec<Value> = versions
            .iter()
            .skip(skip)
            .take(wanted.min(self.page))
            .map(|version| version.facts(&place))
            .collect();
        let after = skip + page.len();
        let next = (after < versions.len()).then(|| {
            let host = self.foreign_pages.as_ref().unwrap_or(&self.url);
            let interface = asked.parameter("api-version");
            format!("{host}/secrets/{name}/versions?api-version={interface}&$skiptoken={after}&maxresults={wanted}")
        });
        answer(200, &json!({ "value": page, "nextLink": next }))
    }

    fn read(&self, name: &str, version: Option<&str>) -> Reply {
        let versions = self
            .secrets
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let found = match version {
            None => versions.last(),
            Some(id) => versions.iter().find(|version| version.id == id),
        };
        let Some(found) = found else {
            return not_found(name);
        };
        if !found.enabled {
            return refuse(
                403,
                "Forbidden",
                "SecretDisabled",
                "Operation get is not allowed on a disabled secret.",
            );
        }
        let mut bundle = found.facts(&self.place(name));
        bundle["value"] = found.value.as_str().into();
        if found.is_certificate {
            bundle["kid"] = format!("{}/keys/{name}/{}", self.url, found.id).into();
        }
        answer(200, &bundle)
    }

    fn write(&mut self, name: &str, body: &Value) -> Reply {
        self.bodies.push(body.clone());
        let Some(value) = body["value"].as_str() else {
            return bad("The parameter value is required");
        };
        if value.len() > MAX_BYTES {
            return bad("The secret value exceeds the limit of 25600 bytes");
        }
        if self.removed.contains_key(name) {
            return refuse(
                409,
                "Conflict",
                "ObjectIsDeletedButRecoverable",
                &format!(
                    "Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged."
                ),
            );
        }
        let versions = self.secrets.get(name);
        if versions.is_some_and(|versions| versions.iter().any(|its| its.is_certificate)) {
            return refuse(
                403,
                "Forbidden",
                "SecretManagedByKeyVault",
                "Operation set is not allowed on a secret that is managed by Key Vault.",
            );
        }
        let moment = |field: &str| body["attributes"][field].as_u64();
        let version = Version {
            content_type: body["contentType"].as_str().map(str::to_owned),
            tags: match &body["tags"] {
                Value::Object(tags) => Value::Object(Map::clone(tags)),
                _ => Value::Null,
            },
            enabled: body["attributes"]["enabled"].as_bool().unwrap_or(true),
            nbf: moment("nbf"),
            exp: moment("exp"),
            ..Version::new(value)
        };
        let version = self.put(name, version);
        let mut bundle = version.facts(&self.place(name));
        bundle["value"] = version.value.into();
        answer(200, &bundle)
    }

    fn remove(&mut self, name: &str) -> Reply {
        let Some(versions) = self.secrets.remove(name) else {
            return not_found(name);
        };
        let deleted = self.deleted(name, &versions);
        self.removed.insert(name.to_owned(), versions);
        answer(200, &deleted)
    }

    fn deleted(&self, name: &str, versions: &[Version]) -> Value {
        let mut facts = versions
            .last()
            .map_or_else(|| json!({}), |version| version.facts(&self.place(name)));
        facts["recoveryId"] = format!("{}/deletedsecrets/{name}", self.url).into();
        facts["deletedDate"] = now().into();
        facts["scheduledPurgeDate"] = (now() + RECOVERABLE_DAYS * 86_400).into();
        facts
    }
}
