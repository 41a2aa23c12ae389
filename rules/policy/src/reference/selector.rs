//! Which part of a structured secret a reference means.

use std::fmt;

use super::error::{ReferenceError, ReferenceErrorKind as Kind};
use super::escape;
use crate::span::Part;

/// Which part of a structured secret is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Selector {
    /// A key of the secret's own top level, taken literally: `#tls.crt` is the key `tls.crt`.
    Key(String),
    /// A JSON pointer (RFC 6901): its unescaped steps, at least one. `#/db/password` has two.
    Pointer(Vec<String>),
}

impl Selector {
    /// The steps from the top: one for a key.
    pub fn steps(&self) -> &[String] {
        match self {
            Self::Key(key) => std::slice::from_ref(key),
            Self::Pointer(steps) => steps,
        }
    }

    /// The shortest selector with these steps; `None` without steps. A single step is a key, except
    /// where a key would read as a pointer.
    pub(crate) fn from_steps(mut steps: Vec<String>) -> Option<Self> {
        match &steps[..] {
            [] => None,
            [only] if !only.is_empty() && !only.starts_with('/') => steps.pop().map(Self::Key),
            _ => Some(Self::Pointer(steps)),
        }
    }

    /// Reads what follows `#`.
    pub(super) fn parse(part: Part<'_>) -> Result<Self, ReferenceError> {
        if part.text.is_empty() {
            return Err(ReferenceError::new(
                Kind::Selector,
                part.span(),
                "nothing follows `#`",
                "name a key (`#password`) or a JSON pointer (`#/db/password`), or remove `#`",
            ));
        }
        if part.text.contains('#') {
            return Err(ReferenceError::new(
                Kind::Selector,
                part.span(),
                "a reference has one `#`",
                "write `%23` for a `#` inside a key",
            ));
        }
        let text = escape::decode(part)?;
        let Some(pointer) = text.strip_prefix('/') else {
            return Ok(Self::Key(text));
        };
        let steps = pointer
            .split('/')
            .map(unescape_step)
            .collect::<Option<Vec<_>>>();
        steps.map(Self::Pointer).ok_or_else(|| {
            ReferenceError::new(
                Kind::Selector,
                part.span(),
                "the JSON pointer holds a `~` that is followed by neither `0` nor `1`",
                "write `~0` for `~` and `~1` for `/` inside a step",
            )
        })
    }
}

/// RFC 6901 §4. `None` for an escape that does not exist.
fn unescape_step(step: &str) -> Option<String> {
    let mut pieces = step.split('~');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if let Some(rest) = piece.strip_prefix('0') {
            plain.push('~');
            plain.push_str(rest);
        } else {
            plain.push('/');
            plain.push_str(piece.strip_prefix('1')?);
        }
    }
    Some(plain)
}

impl fmt::Display for Selector {
    /// As written after `#`, before percent-encoding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Pointer(steps) => steps
                .iter()
                .try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1"))),
        }
    }
}
