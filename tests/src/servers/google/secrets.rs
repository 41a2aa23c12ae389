//! `secretmanager.googleapis.com`, version 1.
//! <https://cloud.google.com/secret-manager/docs/reference/rest>

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::super::double::Asked;
use super::{CLOUD_PLATFORM, GoogleRole, Refused, State};

/// Largest value, in bytes.
const MAX_BYTES: usize = 65_536;
/// Versions in a page when nothing is said; few, so that pages are turned.
const PAGE: usize = 2;

/// The state of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Its value can be read.
    Enabled,
    /// Its value is kept and not given.
    Disabled,
    /// Its value is gone.
    Destroyed,
}

impl VersionState {
    fn word(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Destroyed => "DESTROYED",
        }
    }
}

struct Version {
    value: Vec<u8>,
    state: VersionState,
    created: String,
    /// Grows with each change.
    etag: u64,
    checked: bool,
}

#[derive(Default)]
pub(super) struct Secret {
    versions: Vec<Version>,
    pub(super) aliases: BTreeMap<String, u64>,
    created: Option<String>,
    pub(super) description: Value,
}

fn time() -> String {
    jiff::Timestamp::now().to_string()
}

impl Secret {
    pub(super) fn add(&mut self, value: &[u8]) -> u64 {
        self.created.get_or_insert_with(time);
        self.versions.push(Version {
            value: value.to_vec(),
            state: VersionState::Enabled,
            created: time(),
            etag: 1,
            checked: false,
        });
        self.versions.len() as u64
    }

    pub(super) fn set_state(&mut self, number: u64, to: VersionState) {
        let place = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(version) = self.versions.get_mut(place) {
            version.state = to;
            version.etag += 1;
            if to == VersionState::Destroyed {
                version.value.clear();
            }
        }
    }

    /// The number of the version called `name`.
    fn number(&self, name: &str, resource: &str) -> Result<u64, Refused> {
        let missing = || {
            Refused::missing(format!(
                "Secret Version [{resource}/versions/{name}] not found."
            ))
        };
        let number = match name {
            "latest" if self.versions.is_empty() => {
                return Err(Refused::missing(format!(
                    "Secret [{resource}] not found or has no versions."
                )));
            }
            "latest" => self.versions.len() as u64,
            name => match self.aliases.get(name) {
                Some(number) => *number,
                None => name.parse().map_err(|_| missing())?,
            },
        };
        let known = (1..=self.versions.len() as u64).contains(&number);
        known.then_some(number).ok_or_else(missing)
    }

    fn version(&self, number: u64) -> &Version {
        &self.versions[usize::try_from(number).unwrap_or(1) - 1]
    }

    fn show_version(&self, resource: &str, number: u64) -> Value {
        let version = self.version(number);
        json!({
            "name": format!("{resource}/versions/{number}"),
            "createTime": version.created,
            "state": version.state.word(),
            "etag": format!("\"{}\"", version.etag),
            "clientSpecifiedPayloadChecksum": version.checked,
        })
    }

    fn show(&self, resource: &str) -> Value {
        let mut shown = self.description.clone();
        if !shown.is_object() {
            shown = json!({ "replication": { "automatic": {} } });
        }
        shown["name"] = resource.into();
        shown["createTime"] = self.created.clone().into();
        shown["etag"] = "\"1\"".into();
        let aliases = self.aliases.iter();
        let aliases: BTreeMap<_, _> = aliases
            .map(|(name, number)| (name, number.to_string()))
            .collect();
        if !aliases.is_empty() {
            shown["versionAliases"] = json!(aliases);
        }
        shown
    }
}

/// CRC32C (Castagnoli), bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let divisor = if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
            (sum >> 1) ^ divisor
        })
    })
}

/// Whether one of the roles has `permission`.
fn allows(role: GoogleRole, permission: &str) -> bool {
    match role {
        GoogleRole::Admin => true,
        GoogleRole::Accessor => permission == "secretmanager.versions.access",
        GoogleRole::Adder => permission == "secretmanager.versions.add",
        GoogleRole::Viewer => matches!(
            permission,
            "secretmanager.secrets.get"
                | "secretmanager.secrets.list"
                | "secretmanager.versions.get"
                | "secretmanager.versions.list"
        ),
    }
}

impl State {
    pub(super) fn secret_manager(
        &mut self,
        asked: &Asked,
        method: &str,
        project: &str,
        rest: &[&str],
    ) -> Result<Value, Refused> {
        let caller = self.caller(asked, CLOUD_PLATFORM)?;
        let (location, rest) = match rest {
            ["locations", location, rest @ ..] => (*location, rest),
            rest => ("", rest),
        };
        let permission = permission(method, rest)?;
        let (id, number) = self.project.clone();
        let allowed = project == id || project == number;
        let allowed = allowed
            && self
                .roles
                .iter()
                .any(|(its, role)| *its == caller && allows(*role, permission));
        if !allowed {
            return Err(Refused::denied(permission, &format!("projects/{project}")));
        }
        // Answers name the project by its number.
        let parent = match location {
            "" => format!("projects/{number}"),
            location => format!("projects/{number}/locations/{location}"),
        };
        let place = |secret: &str| (location.to_owned(), secret.to_owned());
        match rest {
            ["secrets"] if method == "POST" => {
                let name = asked.parameter("secretId");
                self.create(asked, place(name), &format!("{parent}/secrets/{name}"))
            }
            ["secrets"] => {
                let shown: Vec<_> = self
                    .secrets
                    .iter()
                    .filter(|((its, _), _)| its == location)
                    .map(|((_, name), secret)| secret.show(&format!("{parent}/secrets/{name}")))
                    .collect();
                Ok(json!({ "totalSize": shown.len(), "secrets": shown }))
            }
            ["secrets", name] => {
                let (name, verb) = name.split_once(':').unwrap_or((*name, ""));
                let resource = format!("{parent}/secrets/{name}");
                let place = place(name);
                if !self.secrets.contains_key(&place) {
                    return Err(Refused::missing(format!("Secret [{resource}] not found.")));
                }
                if method == "DELETE" {
                    self.secrets.remove(&place);
                    return Ok(json!({}));
                }
                let secret = self.secrets.entry(place).or_default();
                match verb {
                    "addVersion" => add_version(secret, asked, &resource),
                    _ => Ok(secret.show(&resource)),
                }
            }
            ["secrets", name, "versions", version @ ..] => {
                let resource = format!("{parent}/secrets/{name}");
                let corrupts = self.corrupts;
                let secret = self.secrets.get_mut(&place(name)).ok_or_else(|| {
                    Refused::missing(format!("Secret [{resource}] not found or has no versions."))
                })?;
                let Some(version) = version.first() else {
                    return list(secret, asked, &resource);
                };
                let (version, verb) = version.split_once(':').unwrap_or((version, ""));
                let number = secret.number(version, &resource)?;
                match verb {
                    "access" => access(secret, number, &resource, corrupts),
                    "destroy" => destroy(secret, number, &resource, asked.member("etag")),
                    _ => Ok(secret.show_version(&resource, number)),
                }
            }
            _ => Err(Refused::missing("Method not found.".to_owned())),
        }
    }

    fn create(
        &mut self,
        asked: &Asked,
        place: (String, String),
        resource: &str,
    ) -> Result<Value, Refused> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if place.1.is_empty() || place.1.len() > 255 || !place.1.chars().all(fits) {
            return Err(Refused::invalid("Invalid secret ID."));
        }
        let replication = asked.body.get("replication");
        if replication.is_some() != place.0.is_empty() {
            return Err(Refused::invalid(
                "Field [replication] is required for global secrets and not allowed for regional ones.",
            ));
        }
        if self.secrets.contains_key(&place) {
            return Err(Refused(
                409,
                "ALREADY_EXISTS",
                format!("Secret [{resource}] already exists."),
                "",
            ));
        }
        let secret = Secret {
            created: Some(time()),
            description: asked.body.clone(),
            ..Secret::default()
        };
        let shown = secret.show(resource);
        self.secrets.insert(place, secret);
        Ok(shown)
    }
}

/// The right that a call takes.
fn permission(method: &str, rest: &[&str]) -> Result<&'static str, Refused> {
    let verb = rest.last().and_then(|last| last.split_once(':'));
    let verb = verb.map_or("", |(_, verb)| verb);
    Ok(match (method, rest, verb) {
        ("POST", ["secrets"], _) => "secretmanager.secrets.create",
        ("GET", ["secrets"], _) => "secretmanager.secrets.list",
        ("GET", ["secrets", _], _) => "secretmanager.secrets.get",
        ("DELETE", ["secrets", _], _) => "secretmanager.secrets.delete",
        ("POST", ["secrets", _], "addVersion") => "secretmanager.versions.add",
        ("GET", ["secrets", _, "versions"], _) => "secretmanager.versions.list",
        ("GET", ["secrets", _, "versions", _], "access") => "secretmanager.versions.access",
        ("GET", ["secrets", _, "versions", _], "") => "secretmanager.versions.get",
        ("POST", ["secrets", _, "versions", _], "destroy") => "secretmanager.versions.destroy",
        _ => return Err(Refused::missing("Method not found.".to_owned())),
    })
}

fn add_version(secret: &mut Secret, asked: &Asked, resource: &str) -> Result<Value, Refused> {
    let payload = &asked.body["payload"];
    let value = payload["data"].as_str().unwrap_or_default();
    // Both alphabets are taken.
    let value = BASE64_STANDARD
        .decode(value.replace('-', "+").replace('_', "/"))
        .map_err(|_| Refused::invalid("Base64 decoding failed."))?;
    if value.is_empty() {
        return Err(Refused::invalid("Secret Payload cannot be empty."));
    }
    if value.len() > MAX_BYTES {
        return Err(Refused::invalid(
            "The secret payload is larger than the limit of 65536 bytes.",
        ));
    }
    let told = match &payload["dataCrc32c"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        number => Some(number.to_string()),
    };
    let checked = told.is_some();
    if told.is_some_and(|told| told != checksum(&value).to_string()) {
        return Err(Refused::invalid(
            "The checksum of the payload does not match the payload.",
        ));
    }
    let number = secret.add(&value);
    if let Some(version) = secret.versions.last_mut() {
        version.checked = checked;
    }
    Ok(secret.show_version(resource, number))
}

fn access(secret: &Secret, number: u64, resource: &str, corrupts: bool) -> Result<Value, Refused> {
    let version = secret.version(number);
    if version.state != VersionState::Enabled {
        return Err(Refused(
            400,
            "FAILED_PRECONDITION",
            format!(
                "Secret Version [{resource}/versions/{number}] is in {} state.",
                version.state.word()
            ),
            "",
        ));
    }
    let sum = checksum(&version.value) ^ u32::from(corrupts);
    Ok(json!({
        "name": format!("{resource}/versions/{number}"),
        "payload": { "data": BASE64_STANDARD.encode(&version.value), "dataCrc32c": sum.to_string() },
    }))
}

fn destroy(secret: &mut Secret, number: u64, resource: &str, etag: &str) -> Result<Value, Refused> {
    let version = secret.version(number);
    if !etag.is_empty() && etag != format!("\"{}\"", version.etag) {
        return Err(Refused(
            409,
            "ABORTED",
            "The etag provided does not match the current one.".to_owned(),
            "",
        ));
    }
    if version.state == VersionState::Destroyed {
        return Err(Refused(
            400,
            "FAILED_PRECONDITION",
            format!("Secret Version [{resource}/versions/{number}] is in DESTROYED state."),
            "",
        ));
    }
    secret.set_state(number, VersionState::Destroyed);
    Ok(secret.show_version(resource, number))
}

fn list(secret: &Secret, asked: &Asked, resource: &str) -> Result<Value, Refused> {
    let size: usize = asked.parameter("pageSize").parse().unwrap_or(PAGE);
    let size = size.clamp(1, PAGE);
    // The newest first; the token says how many were shown.
    let skip: usize = match asked.parameter("pageToken") {
        "" => 0,
        token => token
            .parse()
            .map_err(|_| Refused::invalid("Invalid page token."))?,
    };
    let total = secret.versions.len();
    let shown: Vec<_> = (1..=total as u64)
        .rev()
        .skip(skip)
        .take(size)
        .map(|number| secret.show_version(resource, number))
        .collect();
    let next = skip + shown.len();
    let mut page = json!({ "versions": shown, "totalSize": total });
    if next < total {
        page["nextPageToken"] = next.to_string().into();
    }
    Ok(page)
}
