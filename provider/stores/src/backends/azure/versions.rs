//! What is known about the versions of a secret without its value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;

use super::refusal;
use super::vault::{Call, Vaults};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::payload::Metadata;

/// Pages of one list at most; a page has 25 versions.
const MAX_PAGES: usize = 400;
/// Length of the id of a version, in hexadecimal digits.
const VERSION_LENGTH: usize = 32;

/// Facts about one version.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Version {
    id: String,
    #[serde(rename = "contentType")]
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) attributes: Attributes,
    /// Null where there are none.
    pub(super) tags: Option<BTreeMap<String, String>>,
}

/// Times are seconds since 1970.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
    created: Option<i64>,
}

#[derive(Deserialize)]
struct Page {
    value: Option<Vec<Version>>,
    #[serde(rename = "nextLink")]
    next: Option<String>,
}

fn moment(seconds: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_second(seconds?).ok()
}

/// Whether a vault could have a version of this name.
pub(super) fn is_version(text: &str) -> bool {
    text.len() == VERSION_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Attributes {
    /// Refuses what the owner of the secret says shall not be used now, though the vault would give it.
    ///
    /// # Errors
    /// `permission_denied` outside the time for which the secret is meant.
    pub(super) fn check_window(&self, operation: Operation) -> Result<()> {
        let now = Timestamp::now();
        let outside = |message: String| {
            StoreError::new(ErrorKind::PermissionDenied, operation, message).with_help(
                "store a new version, or change its dates; `allow_expired = true` in the `azure` block opens it all \
                 the same",
            )
        };
        if let Some(start) = moment(self.nbf).filter(|start| *start > now) {
            return Err(outside(format!(
                "the secret is not to be used before {start}"
            )));
        }
        if let Some(end) = moment(self.exp).filter(|end| *end <= now) {
            return Err(outside(format!("the secret expired at {end}")));
        }
        Ok(())
    }
}

impl Version {
    /// Its id, the last part of its address.
    pub(super) fn name(&self) -> &str {
        self.id
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
    }

    /// What is known about it alone.
    pub(super) fn facts(&self) -> Metadata {
        let attributes = &self.attributes;
        let mut labels = self.tags.clone().unwrap_or_default();
        if let Some(content_type) = &self.content_type {
            labels.insert("contentType".to_owned(), content_type.clone());
        }
        let mut notes = Vec::new();
        if attributes.enabled == Some(false) {
            notes.push("This version of the secret is disabled, so it cannot be opened".to_owned());
        }
        if let Some(start) = moment(attributes.nbf).filter(|start| *start > Timestamp::now()) {
            notes.push(format!("The secret is not to be used before {start}"));
        }
        Metadata {
            version: Some(self.name().to_owned()),
            number: attributes
                .created
                .and_then(|created| u64::try_from(created).ok()),
            updated: moment(attributes.created),
            expires: moment(attributes.exp),
            labels,
            notes,
            ..Metadata::default()
        }
    }
}

/// Every version of a secret; none when there is no such secret.
///
/// # Errors
/// Those of the vault.
pub(super) async fn list(
    vaults: &Vaults,
    operation: Operation,
    vault: &str,
    name: &str,
) -> Result<Vec<Version>> {
    let path = ["secrets", name, "versions"];
    let call = Call::new(operation, Method::GET, vault, &path);
    let mut answer = vaults.send(&call).await?;
    let mut all = Vec::new();
    for _ in 0..MAX_PAGES {
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        if !answer.status.is_success() {
            return Err(refusal::refusal(&answer, "the facts about the secret"));
        }
        let page: Page = answer.json()?;
        all.extend(page.value.unwrap_or_default());
        match page.next.filter(|next| !next.is_empty()) {
            Some(next) => answer = vaults.follow(&call, &next).await?,
            None => return Ok(all),
        }
    }
    Err(StoreError::new(
        ErrorKind::TooLarge,
        operation,
        format!("the secret has more than {} versions", MAX_PAGES * 25),
    ))
}

/// Facts about the version `wanted`, or the current one, which is the newest. `None` when it is not there.
pub(super) fn facts(versions: &[Version], wanted: Option<&str>) -> Option<Metadata> {
    let created = |version: &Version| version.attributes.created;
    let newest = versions.iter().max_by_key(|version| created(version))?;
    let chosen = match wanted {
        Some(wanted) => versions
            .iter()
            .find(|version| version.name().eq_ignore_ascii_case(wanted))?,
        None => newest,
    };
    let mut facts = chosen.facts();
    let same_second = versions
        .iter()
        .filter(|version| created(version) == created(newest));
    if wanted.is_none() && same_second.count() > 1 {
        // The vault tells seconds alone, and lists versions in any order.
        facts.version = None;
    }
    facts.versions = u64::try_from(versions.len()).ok();
    facts.created = moment(versions.iter().filter_map(created).min());
    Some(facts)
}

/// The newest version, whose content type and tags a new one keeps.
pub(super) fn newest(versions: &[Version]) -> Option<&Version> {
    versions
        .iter()
        .max_by_key(|version| version.attributes.created)
}
