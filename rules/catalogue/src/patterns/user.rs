//! Patterns of a user's `secretlint.toml`: same schema, checked and compiled when loaded, so that a
//! mistake is reported with its place and its repair before anything is searched.

use std::borrow::Cow;
use std::sync::OnceLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::compiled::Compiled;
use super::{Catalogue, Pattern, PatternError, builtin};

/// Most patterns a user can add.
const MAX_PATTERNS: usize = 1000;

impl Catalogue {
    /// A catalogue of a user's patterns alone, sorted by id. A missing `vendor`, `why` or `help` is
    /// filled with a general text.
    ///
    /// # Errors
    /// Everything that is wrong, one error for each pattern at most: data that does not follow the
    /// schema's rules, a regular expression that does not compile, an id that is taken.
    pub fn from_user(patterns: Vec<Pattern>) -> Result<Self, Vec<PatternError>> {
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for pattern in patterns {
            match prepare(pattern) {
                Ok(ready) => done.push(ready),
                Err(error) => errors.push(error),
            }
        }
        done.sort_by(|(a, _): &(Pattern, Compiled), (b, _)| a.id.cmp(&b.id));
        errors.extend(
            done.windows(2)
                .filter(|pair| pair[0].0.id == pair[1].0.id)
                .map(|pair| {
                    pair[0]
                        .0
                        .error("two patterns have this id", "rename one of them")
                }),
        );
        if done.len() > MAX_PATTERNS {
            errors.push(
                done[MAX_PATTERNS]
                    .0
                    .error("is one pattern too many", "keep to 1000 patterns"),
            );
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(assemble(done))
    }
}

fn prepare(mut pattern: Pattern) -> Result<(Pattern, Compiled), PatternError> {
    let defaults = [
        (&mut pattern.vendor, "your organisation"),
        (
            &mut pattern.why,
            "Whoever reads the repository can use the secret.",
        ),
        (&mut pattern.help, "Revoke the secret and issue a new one."),
    ];
    for (text, default) in defaults {
        if text.is_empty() {
            *text = Cow::Borrowed(default);
        }
    }
    let pattern = pattern.complete()?;
    if builtin().get(&pattern.id).is_some() {
        return Err(pattern.error(
            "the id is that of a shipped pattern",
            "choose another id; a shipped pattern is switched off by its id under `rules`",
        ));
    }
    let compiled = Compiled::new(&pattern)?;
    Ok((pattern, compiled))
}

fn assemble(done: Vec<(Pattern, Compiled)>) -> Catalogue {
    let (patterns, compiled): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    Catalogue {
        keywords: OnceLock::new(),
        patterns: patterns.into(),
        compiled: compiled.into_iter().map(OnceLock::from).collect(),
    }
}

/// Written by hand: the schema is shared with the build script, which knows only serde.
impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "CredentialPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |about: &str| json_schema!({ "type": "string", "maxLength": 4096, "description": about });
        let texts = |about: &str, least: u32| json_schema!({ "type": "array", "items": { "type": "string", "maxLength": 4096 }, "minItems": least, "description": about });
        json_schema!({
            "type": "object",
            "description": "A credential format: a secret that is known by what it looks like.",
            "additionalProperties": false,
            "required": ["id", "summary", "keywords", "match", "ignore"],
            "oneOf": [{ "required": ["regex"] }, { "required": ["key", "value"] }],
            "properties": {
                "id": { "type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "description": "Rule id of the secret: unique, kebab-case." },
                "vendor": text("Who issues the secret."),
                "summary": text("What the secret is, as a noun phrase."),
                "why": text("What somebody can do with it."),
                "help": text("How to revoke or rotate it."),
                "references": texts("Pages that describe the format or the rotation.", 0),
                "keywords": texts("Lower-case literals of at least three characters; every match contains one of them, in any case.", 1),
                "regex": text("Regular expression with a group named `secret` around the value. Classes and boundaries are ASCII."),
                "key": text("Regular expression of the name the value is assigned to, in any case; together with `value`."),
                "value": text("Regular expression of the value; together with `key`."),
                "entropy": { "type": "number", "minimum": 0, "maximum": 8, "description": "Least Shannon entropy of the secret, in bits per character." },
                "verify": { "enum": ["aws-access-key-id", "base62-crc32", "base64-bytes64", "base64-pem", "jwt", "mixed", "opaque", "password", "pem"], "description": "What else is proved about a match." },
                "severity": { "enum": ["note", "warning", "error"], "default": "error", "description": "Harm if a match is a live secret." },
                "confidence": { "enum": ["low", "medium", "high"], "default": "high", "description": "Likelihood that a match is what the pattern says." },
                "window": { "type": "integer", "minimum": 1, "maximum": 65536, "description": "Bytes looked at before and after a keyword; default: the longest possible match, or 512." },
                "overlaps": texts("Ids of more specific patterns; where one matches, this one is silent.", 0),
                "match": texts("Texts that must match.", 1),
                "ignore": texts("Texts that must not match.", 1),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Catalogue;
    use crate::patterns::{Class, Pattern, PatternError, test_examples};

    fn load(toml: &str) -> Result<Catalogue, Vec<PatternError>> {
        #[derive(serde::Deserialize)]
        struct Config {
            pattern: Vec<Pattern>,
        }
        Catalogue::from_user(toml::from_str::<Config>(toml).unwrap().pattern)
    }

    const ACME: &str = r#"
        [[pattern]]
        id = "acme-token"
        summary = "Acme token"
        keywords = ["acme_"]
        regex = '\b(?P<secret>acme_[a-z0-9]{16})\b'
        match = ['t = "acme_{{base36 16}}"']
        ignore = ['t = "acme_{{base36 6}}"']
    "#;

    fn what(toml: &str) -> String {
        load(toml)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn a_users_pattern_is_searched_and_tested() {
        let catalogue = load(ACME).unwrap();
        assert_eq!(test_examples(&catalogue), []);
        let text = "x = \"acme_0a1b2c3d4e5f6g7h\"";
        let found = catalogue.scan(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&text[found[0].span.clone()], found[0].class),
            ("acme_0a1b2c3d4e5f6g7h", Class::Real)
        );
    }

    #[test]
    fn mistakes_are_named_with_their_repair() {
        assert!(what(&ACME.replace("acme-token", "Acme")).contains("not kebab-case"));
        assert!(what(&ACME.replace("acme-token", "npm-access-token")).contains("shipped pattern"));
        assert!(what(&ACME.replace("(?P<secret>", "(")).contains("no group `secret`"));
        assert!(what(&ACME.replace("\\b(?P", "((?P")).contains("correct the regular expression"));
        assert!(what(&ACME.replace("acme_[a-z0-9]{16}", "[a-z]*")).contains("empty text"));
        assert!(what(&ACME.replace("{16})\\b", "{1,9999}){99}")).contains("too large"));
        assert!(what(&ACME.replace("\"acme_\"", "\"ac\"")).contains("shorter than 3"));
        assert!(what(&format!("{ACME}{ACME}")).contains("two patterns"));
    }

    #[test]
    fn a_failing_example_is_reported() {
        let catalogue = load(&ACME.replace("{{base36 16}}", "{{base36 6}}")).unwrap();
        let failures = test_examples(&catalogue);
        assert_eq!(failures.len(), 1);
        assert_eq!(
            failures[0].to_string(),
            "pattern `acme-token`: match[0]: is not found"
        );
    }

    #[test]
    fn the_schema_lists_every_key() {
        let schema = schemars::schema_for!(Pattern);
        let properties = schema
            .get("properties")
            .and_then(|value| value.as_object())
            .unwrap();
        // An unknown key makes serde list those it knows.
        let error = toml::from_str::<Pattern>("unknown = 1")
            .unwrap_err()
            .to_string();
        let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert!(known.len() > 15, "{error}");
        assert!(
            known.iter().all(|key| properties.contains_key(*key)),
            "{error}"
        );
        assert_eq!(known.len(), properties.len());
    }
}
