//! The content of a SOPS file, whatever its format: documents of named values, with their comments.

use zeroize::Zeroizing;

/// Deepest nesting of maps and lists; real files have a few levels.
pub(super) const MAX_DEPTH: usize = 64;

/// A value.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A moment, in the text form that SOPS hashes (RFC 3339).
    Time(String),
    Text(Zeroizing<String>),
    /// Bytes that are no text. Only a wrapped binary file has a use for them.
    Bytes(Zeroizing<Vec<u8>>),
    Map(Vec<Item>),
    List(Vec<Item>),
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Item {
    /// Its name; empty in a list.
    pub(super) key: String,
    /// Comments that stand before it or on its line, without the comment sign.
    pub(super) comments: Vec<String>,
    pub(super) node: Node,
}

impl Item {
    pub(super) fn new(key: impl Into<String>, node: Node) -> Self {
        Self {
            key: key.into(),
            comments: Vec::new(),
            node,
        }
    }
}

impl Node {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// The text of a scalar, as SOPS' metadata take any scalar for text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Time(text) => Some(text),
            _ => None,
        }
    }

    /// The member `key` of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(items) = self else { return None };
        let found = items.iter().find(|item| item.key == key);
        found.map(|item| &item.node)
    }

    /// The items of a list; empty for anything else.
    pub(super) fn list(&self) -> &[Item] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// A file, parsed and still encrypted.
#[derive(Debug)]
pub(super) struct Encrypted {
    /// The documents without their metadata. Only YAML can have more than one.
    pub(super) documents: Vec<Vec<Item>>,
    /// The `sops` entry.
    pub(super) metadata: Node,
}

/// Takes the `sops` entry out of the documents; that of the first document counts.
pub(super) fn split(mut documents: Vec<Vec<Item>>) -> Option<Encrypted> {
    let mut metadata = None;
    for (index, document) in documents.iter_mut().enumerate() {
        let place = document.iter().position(|item| item.key == "sops");
        if let Some(place) = place {
            let entry = document.remove(place).node;
            if index == 0 {
                metadata = Some(entry);
            }
        }
    }
    let metadata = metadata.filter(|entry| matches!(entry, Node::Map(_)))?;
    Some(Encrypted {
        documents,
        metadata,
    })
}
