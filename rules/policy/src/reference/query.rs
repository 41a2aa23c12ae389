//! What follows `?`: which version is meant and how the value is stored. Every key is known, given
//! once and checked against the scheme.

use std::fmt;

use super::error::{ReferenceError, ReferenceErrorKind as Kind};
use super::scheme::{QueryKey, VersionForm};
use super::{Scheme, guard, parse};
use crate::nearest::nearest;
use crate::span::Part;

const LONGEST_VALUE: usize = 256;

/// The keys of a reference, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Query {
    pub(super) version: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) encoding: Encoding,
    pub(super) optional: bool,
}

/// How the stored text encodes the value; it is decoded after the selector has been applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// The text is the value. The default.
    #[default]
    Text,
    /// Standard base64 with padding.
    Base64,
    /// URL-safe base64, with or without padding.
    Base64Url,
    /// Hexadecimal digits.
    Hex,
}

impl Encoding {
    const ALL: [Self; 4] = [Self::Text, Self::Base64, Self::Base64Url, Self::Hex];

    /// The name as written in a reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Base64 => "base64",
            Self::Base64Url => "base64url",
            Self::Hex => "hex",
        }
    }
}

impl Query {
    /// Reads `key=value` pairs.
    pub(super) fn read(scheme: Scheme, pairs: &[Part<'_>]) -> Result<Self, ReferenceError> {
        let mut query = Self::default();
        let mut seen: Vec<QueryKey> = Vec::new();
        for pair in pairs {
            let (name, value) = parse::split_optional(*pair, '=');
            let key = read_key(scheme, name)?;
            if seen.contains(&key) {
                return Err(query_error(
                    name,
                    format!("`{}` is given twice", key.name()),
                    "give it once",
                ));
            }
            seen.push(key);
            match key {
                QueryKey::Version => {
                    query.version = Some(read_version(scheme, required(name, value)?)?);
                }
                QueryKey::Stage => query.stage = Some(read_stage(required(name, value)?)?),
                QueryKey::Encoding => query.encoding = read_encoding(required(name, value)?)?,
                QueryKey::Optional => query.optional = read_optional(value)?,
            }
            if query.version.is_some() && query.stage.is_some() {
                return Err(query_error(
                    name,
                    "`version` and `stage` contradict each other",
                    "keep one of them",
                ));
            }
        }
        Ok(query)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoding = (self.encoding != Encoding::Text).then(|| self.encoding.name());
        let pairs = [
            ("version", self.version.as_deref()),
            ("stage", self.stage.as_deref()),
            ("encoding", encoding),
            ("optional", self.optional.then_some("true")),
        ];
        let given = pairs
            .into_iter()
            .filter_map(|(key, value)| value.map(|value| (key, value)));
        for (index, (key, value)) in given.enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

fn read_key(scheme: Scheme, name: Part<'_>) -> Result<QueryKey, ReferenceError> {
    guard::check_query_key(name)?;
    let found = QueryKey::ALL
        .into_iter()
        .find(|key| key.name() == name.text);
    match found {
        Some(key) if scheme.accepts(key) => Ok(key),
        Some(key) => Err(query_error(
            name,
            format!("`{scheme}` has no `{}`", key.name()),
            takes(scheme),
        )),
        None if name.text.is_empty() => {
            Err(query_error(name, "a query key is missing", takes(scheme)))
        }
        None => {
            let help = match nearest(name.text, scheme.query_keys()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => takes(scheme),
            };
            Err(query_error(
                name,
                "there is no query key of this name",
                help,
            ))
        }
    }
}

fn takes(scheme: Scheme) -> String {
    let keys: Vec<_> = scheme.query_keys().collect();
    format!(
        "`{scheme}` takes {}; write `%3F` for a question mark in a name",
        keys.join(", ")
    )
}

fn query_error(
    part: Part<'_>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> ReferenceError {
    ReferenceError::new(Kind::Query, part.span(), message, help)
}

fn required<'a>(name: Part<'a>, value: Option<Part<'a>>) -> Result<Part<'a>, ReferenceError> {
    value.filter(|value| !value.text.is_empty()).ok_or_else(|| {
        query_error(
            name,
            format!("`{}` has no value", name.text),
            format!("write `{}=` and a value, or remove it", name.text),
        )
    })
}

/// Checks a version that did not come from a reference text.
pub(super) fn version(scheme: Scheme, version: &str) -> Result<String, ReferenceError> {
    read_version(scheme, Part::new(version))
}

fn read_version(scheme: Scheme, value: Part<'_>) -> Result<String, ReferenceError> {
    let text = value.text;
    match scheme.version_form() {
        None => Err(query_error(
            value,
            format!("`{scheme}` keeps no versions"),
            "remove `version`",
        )),
        Some(VersionForm::Number) => {
            let number = text
                .parse::<u64>()
                .ok()
                .filter(|number| *number > 0 && number.to_string() == text);
            number.map(|_| text.to_owned()).ok_or_else(|| {
                query_error(value, "this is not a version number", format!("`{scheme}` counts versions 1, 2, 3, …; leave `version` out for the current one"))
            })
        }
        Some(VersionForm::Name) => read_name(value, "this is not a version"),
    }
}

fn read_stage(value: Part<'_>) -> Result<String, ReferenceError> {
    read_name(value, "this is not a stage")
}

fn read_name(value: Part<'_>, message: &str) -> Result<String, ReferenceError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if value.text.is_empty() || value.text.len() > LONGEST_VALUE || !value.text.bytes().all(fits) {
        return Err(query_error(
            value,
            message,
            "use letters, digits, `_`, `.` and `-`",
        ));
    }
    Ok(value.text.to_owned())
}

fn read_encoding(value: Part<'_>) -> Result<Encoding, ReferenceError> {
    Encoding::ALL
        .into_iter()
        .find(|encoding| encoding.name() == value.text)
        .ok_or_else(|| {
            let names = Encoding::ALL.map(Encoding::name);
            let help = match nearest(value.text, names) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("use one of {}", names.join(", ")),
            };
            query_error(value, "there is no such encoding", help)
        })
}

fn read_optional(value: Option<Part<'_>>) -> Result<bool, ReferenceError> {
    match value.map(|value| (value, value.text)) {
        None | Some((_, "true")) => Ok(true),
        Some((_, "false")) => Ok(false),
        Some((value, _)) => Err(query_error(
            value,
            "`optional` is true or false",
            "write `optional=true`",
        )),
    }
}
