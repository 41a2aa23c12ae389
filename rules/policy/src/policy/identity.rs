//! Who may use an environment: claims of an identity, and what the policy demands of them.

use std::collections::BTreeMap;
use std::fmt;

use super::toml::{Mistakes, Section, in_order, shorten, span};
use crate::glob::TextGlob;
use crate::span::Span;

/// The claims of the identity in use, already verified or straight from the place that issued it.
/// Never the token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Who vouches for the identity, for example `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// Every other claim by name; claims inside objects have names joined by dots.
    pub claims: BTreeMap<String, Vec<String>>,
}

impl Claims {
    /// Reads the payload of an identity token. `None` without an `iss`, which every demand needs.
    /// Numbers and booleans become text; objects are flattened, four levels deep.
    pub fn from_json(payload: &serde_json::Value) -> Option<Self> {
        let issuer = payload.get("iss")?.as_str()?.to_owned();
        let mut claims = BTreeMap::new();
        flatten(payload, "", 4, &mut claims);
        claims.remove("iss");
        Some(Self { issuer, claims })
    }
}

fn flatten(
    value: &serde_json::Value,
    name: &str,
    depth: u8,
    claims: &mut BTreeMap<String, Vec<String>>,
) {
    use serde_json::Value;
    let mut add = |text: String| claims.entry(name.to_owned()).or_default().push(text);
    match value {
        Value::Null => {}
        Value::Bool(value) => add(value.to_string()),
        Value::Number(value) => add(value.to_string()),
        Value::String(value) => add(value.clone()),
        Value::Array(values) if depth > 0 => values
            .iter()
            .for_each(|value| flatten(value, name, depth - 1, claims)),
        Value::Object(members) if depth > 0 => {
            for (key, value) in members {
                let path = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(value, &path, depth - 1, claims);
            }
        }
        Value::Array(_) | Value::Object(_) => {}
    }
}

/// One identity that may use an environment: every demand must be met.
#[derive(Clone, Debug)]
pub struct Identity {
    issuer: String,
    demands: Vec<(String, String, TextGlob)>,
    pub(super) span: Span,
}

/// Why an identity is not the demanded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    Issuer,
    Missing {
        claim: String,
    },
    Differs {
        claim: String,
        wanted: String,
        found: String,
    },
}

impl Identity {
    /// Who must vouch for the identity.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The first demand that the claims do not meet.
    pub(super) fn mismatch(&self, claims: &Claims) -> Option<Mismatch> {
        if self.issuer != claims.issuer {
            return Some(Mismatch::Issuer);
        }
        self.demands
            .iter()
            .find_map(|(claim, wanted, glob)| match claims.claims.get(claim) {
                None => Some(Mismatch::Missing {
                    claim: claim.clone(),
                }),
                Some(found) if found.iter().any(|value| glob.matches(value)) => None,
                Some(found) => {
                    let found = shorten(&found.join(", "));
                    Some(Mismatch::Differs {
                        claim: claim.clone(),
                        wanted: wanted.clone(),
                        found,
                    })
                }
            })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer => f.write_str("another issuer vouches for it"),
            Self::Missing { claim } => write!(f, "it has no claim `{claim}`"),
            Self::Differs {
                claim,
                wanted,
                found,
            } => write!(f, "its claim `{claim}` is `{found}`, not `{wanted}`"),
        }
    }
}

/// Reads `identities = [{ issuer = "…", claim = "pattern", … }]`.
pub(super) fn read_all(mistakes: &mut Mistakes<'_>, section: &Section<'_>) -> Vec<Identity> {
    let list = section.list(mistakes, "identities");
    list.iter()
        .filter_map(|value| read(mistakes, value))
        .collect()
}

fn read(mistakes: &mut Mistakes<'_>, value: &toml_span::Value<'_>) -> Option<Identity> {
    let pairs = read_pairs(mistakes, value)?;
    let place = span(value.span);
    let mut issuer = None;
    let mut demands = Vec::new();
    for (claim, wanted, at) in pairs {
        if claim != "issuer" {
            let glob = TextGlob::new(&wanted);
            demands.push((claim, wanted, glob));
        } else if wanted.contains('*') {
            mistakes.add(
                at,
                "an issuer is matched exactly",
                "write it without `*`, one identity for each issuer",
            );
        } else {
            issuer = Some(wanted);
        }
    }
    if value.as_table().is_some_and(|table| table.len() == 1) {
        mistakes.add(
            place,
            "the identity demands no claim, so anybody with a token of that issuer would do",
            "name at least one claim, for example `repository` or `sub`",
        );
    }
    Some(Identity {
        issuer: issuer?,
        demands,
        span: place,
    })
}

/// Reads the claims of a test.
pub(super) fn read_claims(
    mistakes: &mut Mistakes<'_>,
    value: &toml_span::Value<'_>,
) -> Option<Claims> {
    let mut claims = Claims::default();
    for (claim, text, _) in read_pairs(mistakes, value)? {
        if claim == "issuer" {
            claims.issuer = text;
        } else {
            claims.claims.insert(claim, vec![text]);
        }
    }
    Some(claims)
}

fn read_pairs(
    mistakes: &mut Mistakes<'_>,
    value: &toml_span::Value<'_>,
) -> Option<Vec<(String, String, Span)>> {
    let table = mistakes.any_table(value, "an identity")?;
    let mut pairs = Vec::new();
    for (key, value) in in_order(table) {
        let text = match (value.as_bool(), value.as_integer()) {
            (Some(value), _) => value.to_string(),
            (_, Some(value)) => value.to_string(),
            _ => match mistakes.string(value, &format!("the claim `{}`", shorten(&key.name))) {
                Some("") => {
                    mistakes.add(
                        span(value.span),
                        format!("the claim `{}` is empty", shorten(&key.name)),
                        "write what it must be",
                    );
                    continue;
                }
                Some(text) => text.to_owned(),
                None => continue,
            },
        };
        pairs.push((key.name.clone().into_owned(), text, span(value.span)));
    }
    if !table.contains_key("issuer") {
        mistakes.add(
            span(value.span),
            "the identity has no `issuer`",
            "name who vouches for it: issuer = \"https://…\"",
        );
        return None;
    }
    Some(pairs)
}
