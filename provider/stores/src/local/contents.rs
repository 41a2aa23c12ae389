//! What is in a store: choosing versions, checking conditions, and saying what is near when nothing fits.

use std::collections::BTreeMap;

use secret_value::Secret;

use super::document::{Document, Version, VersionInfo};
use super::{Listed, Recipient};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::store::Precondition;
use crate::suggest;

/// Largest path of a secret, in bytes.
const MAX_PATH_BYTES: usize = 1024;

impl Document {
    /// A version of `path`; `None` means the newest.
    pub(crate) fn get(&self, path: &str, number: Option<u64>) -> Result<(Secret, VersionInfo)> {
        let operation = Operation::Open;
        let versions = self
            .secrets
            .get(path)
            .ok_or_else(|| no_secret(operation, path, self.secrets.keys()))?;
        let place = choose(operation, &infos(versions), path, number)?;
        let Version { info, value } = &versions[place];
        let value = value.clone().ok_or_else(|| {
            StoreError::new(
                ErrorKind::Integrity,
                operation,
                "the version has no value and is not marked removed",
            )
            .with_context("secret", path)
        })?;
        Ok((value, info.clone()))
    }

    /// All versions of `path`, oldest first.
    pub(crate) fn history(&self, path: &str) -> Result<Vec<VersionInfo>> {
        let versions = self.secrets.get(path);
        let versions =
            versions.ok_or_else(|| no_secret(Operation::Metadata, path, self.secrets.keys()))?;
        Ok(versions
            .iter()
            .map(|version| version.info.clone())
            .collect())
    }

    /// Adds a version to `path` and numbers it.
    pub(super) fn push(&mut self, path: &str, mut version: Version) -> VersionInfo {
        let versions = self.secrets.entry(path.to_owned()).or_default();
        version.info.number = versions
            .last()
            .map_or(1, |newest| newest.info.number.saturating_add(1));
        let info = version.info.clone();
        versions.push(version);
        info
    }

    /// Erases one version, or all, marking them with `now`.
    pub(super) fn erase(
        &mut self,
        path: &str,
        number: Option<u64>,
        now: jiff::Timestamp,
    ) -> Result<()> {
        let operation = Operation::Remove;
        if !self.secrets.contains_key(path) {
            return Err(no_secret(operation, path, self.secrets.keys()));
        }
        let versions = self.secrets.entry(path.to_owned()).or_default();
        let mut erased = false;
        for version in versions.iter_mut() {
            if version.info.removed.is_none()
                && number.is_none_or(|number| number == version.info.number)
            {
                version.info.removed = Some(now);
                version.value = None;
                erased = true;
            }
        }
        if erased {
            return Ok(());
        }
        Err(no_version(operation, &infos(versions), path, number))
    }

    /// Checks the condition of a write to `path`.
    pub(super) fn check(&self, path: &str, precondition: &Precondition) -> Result<()> {
        let newest = self.secrets.get(path).and_then(|versions| versions.last());
        let current = newest
            .filter(|version| version.info.removed.is_none())
            .map(|version| version.info.number.to_string());
        let message = match (precondition, current) {
            (Precondition::None, _) | (Precondition::Absent, None) => return Ok(()),
            (Precondition::Version(wanted), Some(number)) if *wanted == number => return Ok(()),
            (Precondition::Absent, Some(number)) => {
                format!("a secret is stored here already, in version {number}")
            }
            (Precondition::Version(wanted), Some(number)) => {
                format!(
                    "the current version is {number}, not {wanted}: somebody else changed the secret"
                )
            }
            (Precondition::Version(wanted), None) => {
                format!("version {wanted} is demanded and no secret is stored here")
            }
        };
        Err(
            StoreError::new(ErrorKind::Conflict, Operation::Write, message)
                .with_context("secret", path),
        )
    }

    /// Adds a recipient.
    pub(super) fn add_recipient(&mut self, recipient: Recipient) -> Result<()> {
        recipient.parse_key()?;
        if self
            .recipients
            .iter()
            .any(|known| known.key == recipient.key)
        {
            let message = format!("{} is a recipient already", recipient.key);
            return Err(StoreError::new(
                ErrorKind::Conflict,
                Operation::Configure,
                message,
            ));
        }
        self.recipients.push(recipient);
        Ok(())
    }

    /// Removes the recipient with this public key or name, but none of `own`.
    pub(super) fn remove_recipient(
        &mut self,
        key_or_name: &str,
        own: &[String],
    ) -> Result<Recipient> {
        let refuse = |kind, message: &str| {
            StoreError::new(
                kind,
                Operation::Configure,
                format!("`{key_or_name}` {message}"),
            )
        };
        let fits = |known: &Recipient| {
            known.key == key_or_name || known.name.as_deref() == Some(key_or_name)
        };
        let mut fitting = self
            .recipients
            .iter()
            .enumerate()
            .filter(|(_, known)| fits(known));
        let (place, recipient) = fitting.next().ok_or_else(|| {
            refuse(ErrorKind::NotFound, "is not a recipient")
                .with_help("`store recipients list` shows them")
        })?;
        if fitting.next().is_some() {
            return Err(refuse(ErrorKind::Conflict, "names several recipients")
                .with_help("give the public key"));
        }
        if own.contains(&recipient.key) {
            return Err(refuse(
                ErrorKind::Conflict,
                "is the identity in use: you would lock yourself out",
            )
            .with_help("let another recipient do it"));
        }
        Ok(self.recipients.remove(place))
    }

    /// Everything but the values.
    pub(super) fn into_infos(self) -> BTreeMap<String, Vec<VersionInfo>> {
        let infos =
            |versions: Vec<Version>| versions.into_iter().map(|version| version.info).collect();
        self.secrets
            .into_iter()
            .map(|(path, versions)| (path, infos(versions)))
            .collect()
    }
}

/// The facts of version `number` in `history`; `None` means the newest.
///
/// # Errors
/// `not_found` when it does not exist or was removed.
pub(crate) fn current_of<'a>(
    history: &'a [VersionInfo],
    path: &str,
    number: Option<u64>,
) -> Result<&'a VersionInfo> {
    let infos: Vec<_> = history.iter().collect();
    let place = choose(Operation::Metadata, &infos, path, number)?;
    Ok(&history[place])
}

/// One line for each secret.
pub(super) fn list(secrets: BTreeMap<String, Vec<VersionInfo>>) -> Vec<Listed> {
    let one = |(path, versions): (String, Vec<VersionInfo>)| {
        Some(Listed {
            path,
            versions: versions.len() as u64,
            created: versions.first()?.created,
            current: versions.into_iter().next_back()?,
        })
    };
    secrets.into_iter().filter_map(one).collect()
}

/// The versions of `path` in what an index tells.
pub(super) fn history_in(
    mut secrets: BTreeMap<String, Vec<VersionInfo>>,
    path: &str,
) -> Result<Vec<VersionInfo>> {
    secrets
        .remove(path)
        .ok_or_else(|| no_secret(Operation::Metadata, path, secrets.keys()))
}

/// Refuses paths that a reference could not name or that read like something else.
pub(super) fn check_path(path: &str) -> Result<()> {
    let wrong = |why: &str| {
        let message = format!("this path cannot hold a secret: {why}");
        StoreError::new(ErrorKind::InvalidReference, Operation::Write, message)
            .with_help("use names separated by `/`, for instance `payments/database`")
    };
    if path.len() > MAX_PATH_BYTES {
        return Err(wrong("it is too long"));
    }
    // The grammar of references decides; what it would read differently could not be named later.
    if format!("local://{}", escape(path))
        .parse()
        .is_ok_and(|reference: secret_policy::SecretRef| reference.path() == path)
    {
        return Ok(());
    }
    match path
        .split('/')
        .find(|name| matches!(*name, "" | "." | ".."))
    {
        Some("") => Err(wrong("a name in it is empty")),
        Some(_) => Err(wrong("it holds `.` or `..` as a name")),
        None => Err(wrong("it holds a character that no reference can hold")),
    }
}

/// Percent-encodes what has a meaning in a reference.
fn escape(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '%' => escaped.push_str("%25"),
            '?' => escaped.push_str("%3F"),
            '#' => escaped.push_str("%23"),
            ' ' => escaped.push_str("%20"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn choose(
    operation: Operation,
    infos: &[&VersionInfo],
    path: &str,
    number: Option<u64>,
) -> Result<usize> {
    let place = match number {
        Some(number) => infos.iter().position(|info| info.number == number),
        None => infos.len().checked_sub(1),
    };
    let readable = place.filter(|place| infos[*place].removed.is_none());
    readable.ok_or_else(|| no_version(operation, infos, path, number))
}

fn infos(versions: &[Version]) -> Vec<&VersionInfo> {
    versions.iter().map(|version| &version.info).collect()
}

fn no_secret<'a>(
    operation: Operation,
    path: &str,
    known: impl Iterator<Item = &'a String> + Clone,
) -> StoreError {
    let error = StoreError::new(
        ErrorKind::NotFound,
        operation,
        format!("no secret is stored at `{path}`"),
    );
    match suggest::hint(path, known.map(String::as_str)) {
        Some(hint) => error.with_help(format!(
            "{hint}; `store list` shows all, `store set local://{path}` stores one"
        )),
        None => error.with_help(format!(
            "the store is empty; `store set local://{path}` stores one"
        )),
    }
}

fn no_version(
    operation: Operation,
    infos: &[&VersionInfo],
    path: &str,
    number: Option<u64>,
) -> StoreError {
    let readable: Vec<_> = infos
        .iter()
        .filter(|info| info.removed.is_none())
        .map(|info| info.number.to_string())
        .collect();
    let message = match number {
        None => format!("the secret at `{path}` was removed"),
        Some(number) if infos.iter().any(|info| info.number == number) => {
            format!("version {number} of `{path}` was removed")
        }
        Some(number) => format!("`{path}` has no version {number}"),
    };
    let help = if readable.is_empty() {
        format!("no version is left; `store set local://{path}` stores a new one")
    } else {
        format!("these versions can be read: {}", readable.join(", "))
    };
    StoreError::new(ErrorKind::NotFound, operation, message).with_help(help)
}
