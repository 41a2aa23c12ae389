//! The reference grammar: where a secret is, never what it is and never how to get in.
//!
//! ```text
//! ref      = scheme [ "+" store ] "://" path [ "?" query ] [ "#" selector ]
//! query    = key "=" value *( "&" key "=" value )     version | stage | encoding | optional
//! selector = key | JSON pointer (starts with "/")
//! ```
//!
//! A reference is safe to print, log, lint and commit: hosts, credentials and authentication
//! parameters are refused. The parser is our own because URL libraries lower-case the first segment
//! and accept user information; it is total: any text gives a reference or an error with a span.
//! Read [`SecretRef`] first.

mod error;
mod escape;
mod guard;
mod parse;
mod pattern;
mod query;
mod scheme;
mod selector;
mod shape;

use std::fmt::{self, Write};
use std::str::FromStr;

pub use error::{ReferenceError, ReferenceErrorKind, ReferenceWarning};
pub use pattern::RefPattern;
pub use query::Encoding;
use query::Query;
pub use scheme::Scheme;
pub use selector::Selector;

/// Where a secret is. Equal references are written the same way by [`fmt::Display`] and the other
/// way round: aliases, escapes and the order of query keys do not matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretRef {
    scheme: Scheme,
    store: Option<String>,
    absolute: bool,
    segments: Vec<String>,
    query: Query,
    selector: Option<Selector>,
}

/// The parts of a reference before they are checked.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) scheme: Scheme,
    pub(crate) store: Option<String>,
    /// Decoded, joined by `/`.
    pub(crate) path: String,
    pub(crate) version: Option<String>,
    pub(crate) stage: Option<String>,
    pub(crate) selector: Option<Selector>,
}

/// A reference and what was unusual about the way it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The reference.
    pub reference: SecretRef,
    /// What should be written differently, in the order of the text; usually empty.
    pub warnings: Vec<ReferenceWarning>,
}

impl SecretRef {
    /// The longest reference in bytes, as given and in canonical form.
    pub const MAX_BYTES: usize = 2048;

    /// Reads a reference.
    ///
    /// # Errors
    /// Every text that is not a reference; see [`ReferenceErrorKind`].
    pub fn parse(text: &str) -> Result<Parsed, ReferenceError> {
        parse::parse(text)
    }

    /// The kind of store.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name of the store block; `None` means the store of its kind that is configured without a
    /// name. It never stands for a named one: a policy that denies `vault+prod://**` relies on that.
    pub fn store(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// The path as the store knows it: decoded, joined by `/`, with a leading `/` where that belongs
    /// to the name (files, `aws-sm`, and every hierarchical `aws-ssm` parameter).
    pub fn path(&self) -> String {
        let joined = self.segments.join("/");
        if self.absolute {
            format!("/{joined}")
        } else {
            joined
        }
    }

    /// The parts of the path, decoded; at least one, none empty.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The version asked for; `None` means the current one.
    pub fn version(&self) -> Option<&str> {
        self.query.version.as_deref()
    }

    /// The stage or label asked for, instead of a version (`aws-sm`, `aws-ssm`).
    pub fn stage(&self) -> Option<&str> {
        self.query.stage.as_deref()
    }

    /// How the stored text encodes the value.
    pub fn encoding(&self) -> Encoding {
        self.query.encoding
    }

    /// Whether a missing secret is an empty result instead of an error.
    pub fn optional(&self) -> bool {
        self.query.optional
    }

    /// Which part of a structured secret is meant; `None` means the whole.
    pub fn selector(&self) -> Option<&Selector> {
        self.selector.as_ref()
    }

    /// The same secret in another version, or in the current one for `None`; a stage is dropped.
    ///
    /// # Errors
    /// [`ReferenceErrorKind::Query`] when the store keeps no versions or they look different. The
    /// span is that of `version` itself.
    pub fn with_version(&self, version: Option<&str>) -> Result<Self, ReferenceError> {
        let mut changed = self.clone();
        changed.query.stage = None;
        changed.query.version = version
            .map(|version| query::version(self.scheme, version))
            .transpose()?;
        Ok(changed)
    }

    /// The same secret without selector, encoding and `optional`: what is read from the store.
    /// References that differ only there are answered by one read.
    pub fn without_selector(&self) -> Self {
        let mut whole = self.clone();
        whole.selector = None;
        whole.query.encoding = Encoding::Text;
        whole.query.optional = false;
        whole
    }

    /// Puts a reference together from parts that came from another notation, through the same
    /// checks as a text.
    pub(crate) fn assemble(draft: Draft) -> Result<Self, ReferenceError> {
        let Draft {
            scheme,
            store,
            path,
            version,
            stage,
            selector,
        } = draft;
        let absolute = scheme.has_absolute_paths() && path.starts_with('/');
        let segments = path
            .split('/')
            .skip(usize::from(absolute))
            .map(str::to_owned)
            .collect();
        let query = Query {
            version,
            stage,
            ..Query::default()
        };
        let reference = Self {
            scheme,
            store,
            absolute,
            segments,
            query,
            selector,
        };
        reference.to_string().parse()
    }

    /// Hierarchical parameters always start with `/`, so writing it says nothing.
    fn shows_leading_slash(&self) -> bool {
        self.absolute && !(self.scheme == Scheme::AwsSsm && self.segments.len() > 1)
    }
}

impl fmt::Display for SecretRef {
    /// The canonical form; [`SecretRef::parse`] gives the same reference back, without warnings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme.name())?;
        if let Some(store) = &self.store {
            write!(f, "+{store}")?;
        }
        f.write_str(if self.shows_leading_slash() {
            ":///"
        } else {
            "://"
        })?;
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_char('/')?;
            }
            escape::encode(f, segment, |c| c == '/' || escape::must_be_encoded(c))?;
        }
        self.query.fmt(f)?;
        if let Some(selector) = &self.selector {
            f.write_char('#')?;
            escape::encode(f, &selector.to_string(), escape::must_be_encoded)?;
        }
        Ok(())
    }
}

impl FromStr for SecretRef {
    type Err = ReferenceError;

    /// Like [`SecretRef::parse`], dropping warnings.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).map(|parsed| parsed.reference)
    }
}

impl serde::Serialize for SecretRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SecretRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
