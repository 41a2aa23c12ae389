//! All values of a file, decrypted, and the hash over them compared: a file is whole or not used at all.

use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::cipher::{Broken, DataKey};
use super::metadata::{Metadata, Rule};
use super::tree::{Item, Node};

/// What the hash of a file starts with when it is over encrypted values alone, so that the two kinds of hashes
/// never agree: the SHA-256 of `sops`.
const ENCRYPTED_ONLY: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Decrypts `documents` in place.
///
/// # Errors
/// A reason that names the key of the value that was changed, or says that the file as a whole was.
pub(super) fn decrypt(
    documents: &mut [Vec<Item>],
    metadata: &Metadata,
    key: &DataKey,
) -> Result<(), String> {
    let mut walk = Walk {
        key,
        rule: &metadata.rule,
        only_encrypted: metadata.mac_only_encrypted,
        hash: Sha512::new(),
        path: String::new(),
    };
    if walk.only_encrypted {
        walk.hash.update(ENCRYPTED_ONLY);
    }
    for document in documents {
        walk.items(document, false)?;
    }
    let computed = hexadecimal(&walk.hash.finalize());
    let stored = key
        .decrypt(&metadata.mac, &metadata.modified)
        .map_err(|_| "its hash (`mac`) or `lastmodified` was changed".to_owned())?;
    match stored {
        Node::Text(stored) if *stored == computed => Ok(()),
        _ => Err(
            "values were added, removed, moved or changed since it was encrypted (`mac` differs)"
                .to_owned(),
        ),
    }
}

struct Walk<'a> {
    key: &'a DataKey,
    rule: &'a Rule,
    only_encrypted: bool,
    hash: Sha512,
    /// The keys down to here, each followed by a colon.
    path: String,
}

impl Walk<'_> {
    /// `named` says whether the rule speaks of something above.
    fn items(&mut self, items: &mut [Item], named: bool) -> Result<(), String> {
        for item in items {
            // An entry of a list has no name; rules about names do not see it.
            let visible = !item.key.is_empty() || self.rule.is_about_comments();
            let named = named || (visible && self.rule.names(item));
            let length = self.path.len();
            if !item.key.is_empty() {
                self.path.push_str(&item.key);
                self.path.push(':');
            }
            self.value(&mut item.node, named)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn value(&mut self, node: &mut Node, named: bool) -> Result<(), String> {
        let encrypted = named == self.rule.names_encrypted();
        match node {
            Node::Null => return Ok(()),
            Node::Map(items) | Node::List(items) => return self.items(items, named),
            // Empty texts are not encrypted.
            Node::Text(text) if encrypted && !text.is_empty() => {
                let plain = self.key.decrypt(text, &self.path);
                *node = plain.map_err(|broken| self.explain(broken))?;
            }
            Node::Text(_) => {}
            _ if encrypted => return Err(self.explain(Broken::Form)),
            _ => {}
        }
        if encrypted || !self.only_encrypted {
            match node {
                Node::Bytes(bytes) => self.hash.update(&**bytes),
                _ => self.hash.update(text_of(node).as_bytes()),
            }
        }
        Ok(())
    }

    fn explain(&self, broken: Broken) -> String {
        let place = self.path.trim_end_matches(':');
        match broken {
            Broken::Form => format!("`{place}` should be encrypted and is not"),
            Broken::Changed => {
                format!("the value of `{place}` was changed or moved there from elsewhere")
            }
            Broken::Type => format!("the value of `{place}` is not of the type that it says"),
        }
    }
}

/// The text of a scalar, as SOPS hashes it.
fn text_of(node: &Node) -> Zeroizing<String> {
    Zeroizing::new(match node {
        Node::Text(text) => return text.clone(),
        Node::Bool(true) => "True".to_owned(),
        Node::Bool(false) => "False".to_owned(),
        Node::Int(number) => number.to_string(),
        Node::Float(number) => float(*number),
        Node::Time(text) => text.clone(),
        Node::Bytes(_) | Node::Null | Node::Map(_) | Node::List(_) => String::new(),
    })
}

fn float(number: f64) -> String {
    match number {
        number if number == f64::INFINITY => "+Inf".to_owned(),
        number if number == f64::NEG_INFINITY => "-Inf".to_owned(),
        number => number.to_string(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    crate::hex::encode(bytes).to_uppercase()
}
