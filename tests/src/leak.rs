//! The search for a leaked secret: a random canary, and every form in which it could lie around.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rand::RngExt as _;
use sha2::{Digest, Sha256};

/// A random value that stands for a secret in a test: it must arrive where it is meant to and appear
/// nowhere else.
pub struct Canary {
    value: String,
}

/// One place where the canary was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// File, and the entry within it for archives.
    pub place: String,
    /// Which form of the canary: `plain`, `base64`, `hex`, ….
    pub form: &'static str,
}

impl Canary {
    /// A new canary of 40 random letters and digits.
    #[must_use]
    pub fn random() -> Self {
        let mut random = rand::rng();
        let value = (0..40)
            .map(|_| char::from(random.sample(rand::distr::Alphanumeric)))
            .collect();
        Self { value }
    }

    /// A canary for a value that a server made, such as the password of a dynamic login.
    #[must_use]
    pub fn of(value: &str) -> Self {
        Self {
            value: value.to_owned(),
        }
    }

    /// The value itself, for handing it to the program under test.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// SHA-256 of the value in lower-case hex: proof of arrival that does not give the value away.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256(self.value.as_bytes())
    }

    /// Searches `bytes`, which stand for `place`.
    #[must_use]
    pub fn search(&self, place: &str, bytes: &[u8]) -> Vec<Leak> {
        self.forms()
            .into_iter()
            .filter(|(_, needle)| memchr::memmem::find(bytes, needle).is_some())
            .map(|(form, _)| Leak {
                place: place.to_owned(),
                form,
            })
            .collect()
    }

    /// Searches every file below `folder`, looking into zip archives (plan files are such).
    /// Returns the leaks and the number of files and archive entries searched.
    ///
    /// # Errors
    /// When a file cannot be read: an unread file proves nothing.
    pub fn search_tree(&self, folder: &Path) -> Result<(Vec<Leak>, usize)> {
        let mut leaks = Vec::new();
        let mut searched = 0;
        for path in files_below(folder)? {
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let place = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .display()
                .to_string();
            leaks.extend(self.search(&place, &bytes));
            searched += 1;
            for (entry, content) in archive_entries(&path, &bytes)? {
                leaks.extend(self.search(&format!("{place}!{entry}"), &content));
                searched += 1;
            }
        }
        Ok((leaks, searched))
    }

    fn forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let bytes = self.value.as_bytes();
        let mut forms = vec![
            ("plain", bytes.to_vec()),
            ("hex", hex(bytes).into_bytes()),
            ("hex", hex(bytes).to_uppercase().into_bytes()),
            ("reversed", bytes.iter().rev().copied().collect()),
            (
                "UTF-16",
                self.value
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ),
        ];
        // Base64 of a longer text holds the canary at one of three alignments; the characters at both
        // ends depend on the neighbours and are cut off.
        for lead in 0..3 {
            let padded = [vec![b'x'; lead], bytes.to_vec()].concat();
            let text = BASE64_STANDARD.encode(padded);
            let text = text.trim_end_matches('=');
            let inner = &text[if lead == 0 { 0 } else { 4 }..text.len() - 2];
            forms.push(("base64", inner.as_bytes().to_vec()));
            forms.push((
                "base64",
                inner.replace('+', "-").replace('/', "_").into_bytes(),
            ));
        }
        forms
    }
}

/// SHA-256 of `bytes` in lower-case hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(current) = open.pop() {
        let entries = std::fs::read_dir(&current)
            .with_context(|| format!("cannot list {}", current.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn archive_entries(path: &Path, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(Vec::new());
    }
    let mut archive = zip::ZipArchive::new(File::open(path)?)
        .with_context(|| format!("cannot open the archive {}", path.display()))?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        entries.push((entry.name().to_owned(), content));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found_inside_other_text() {
        let canary = Canary::random();
        let value = canary.value();
        for lead in 0..6 {
            let text = format!("{}{value} and more", "y".repeat(lead));
            let encoded = BASE64_STANDARD.encode(&text);
            assert!(
                canary
                    .search("t", encoded.as_bytes())
                    .iter()
                    .any(|l| l.form == "base64"),
                "base64 at offset {lead}"
            );
        }
        let hexed = format!("0x{}", hex(value.as_bytes()));
        assert_eq!(canary.search("t", hexed.as_bytes())[0].form, "hex");
        assert_eq!(canary.search("t", value.as_bytes())[0].form, "plain");
    }

    #[test]
    fn another_value_is_not_found() {
        let canary = Canary::random();
        let other = Canary::random();
        assert!(canary.search("t", other.value().as_bytes()).is_empty());
    }

    #[test]
    fn archives_are_searched_entry_by_entry() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let canary = Canary::random();
        let mut writer = zip::ZipWriter::new(File::create(folder.path().join("plan")).unwrap());
        writer
            .start_file("tfplan", zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(canary.value().as_bytes()).unwrap();
        writer.finish().unwrap();
        let (leaks, searched) = canary.search_tree(folder.path()).unwrap();
        assert_eq!(searched, 2);
        assert_eq!(leaks[0].place, "plan!tfplan");
    }
}
