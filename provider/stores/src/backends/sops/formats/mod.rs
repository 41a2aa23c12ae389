//! The formats of SOPS files, each to the same tree.
//!
//! Parsers are total: any bytes give a tree or a reason. They cost linear time and bounded depth. A reason
//! never quotes the file, because values may stand in it unencrypted.

mod dotenv;
mod ini;
mod json;
mod unflatten;
mod yaml;

use std::collections::HashSet;

use super::tree::{Encrypted, Item, split};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    /// Any bytes, wrapped in JSON.
    Binary,
}

/// Why a text cannot be read; names a line where it can.
pub(super) type Reason = String;

impl Format {
    /// The format that the name of a file says; `None` for other endings.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        match ending {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "env" => Some(Self::Dotenv),
            "ini" => Some(Self::Ini),
            _ => None,
        }
    }
}

/// Reads `text` and tells its format.
pub(super) fn read(path: &str, text: &str) -> Result<(Format, Encrypted), Reason> {
    let named = Format::of_path(path);
    let format = match named {
        Some(format) => format,
        // `sops` takes every other file for wrapped bytes.
        None if text.trim_start().starts_with('{') => Format::Json,
        None => {
            return Err("the format cannot be told from the name of the file; let it end in .yaml, .json, .env or .ini".to_owned());
        }
    };
    let encrypted = match format {
        Format::Yaml => split(yaml::parse(text)?),
        Format::Json | Format::Binary => split(vec![json::parse(text)?]),
        Format::Dotenv => dotenv::parse(text)?,
        Format::Ini => ini::parse(text)?,
    };
    let encrypted =
        encrypted.ok_or("there is no `sops` entry, so it was not encrypted with SOPS")?;
    let wrapped = named.is_none()
        && encrypted
            .documents
            .first()
            .is_some_and(|items| matches!(items.as_slice(), [item] if item.key == "data"));
    Ok((if wrapped { Format::Binary } else { format }, encrypted))
}

/// Refuses two entries of one name, which readers understand differently.
fn unique(items: &[Item]) -> Result<(), Reason> {
    let mut seen = HashSet::with_capacity(items.len());
    match items.iter().find(|item| !seen.insert(item.key.as_str())) {
        Some(twice) => Err(format!("the key `{}` stands twice", twice.key)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
