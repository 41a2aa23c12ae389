//! The data of a credential pattern, as written in `credentials/<vendor>.toml` and, with the same
//! keys, in a user's `secretlint.toml`.
//!
//! Read [`Pattern`] first. This file knows how to parse, complete and check the data; it does not
//! compile regular expressions or search. The build script compiles it too, so it uses nothing
//! but serde.

use std::borrow::Cow;

use serde::Deserialize;

/// Text that is static for built-in patterns and owned for a user's patterns.
pub type Text = Cow<'static, str>;
/// A list of [`Text`]s.
pub type Texts = Cow<'static, [Text]>;

/// Harm if a match is a live secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Should be repaired: test-mode keys, identifiers that open little on their own.
    Warning,
    /// A secret is exposed. The default.
    #[default]
    Error,
}

/// Likelihood that a match is what the pattern says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The shape is shared with things that are no secrets.
    Low,
    /// A name next to the value decides.
    Medium,
    /// The format itself decides. The default.
    #[default]
    High,
}

/// What is proved about a match beyond its regular expression. See `verify` for what each checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// AWS access key id: the account number in its bits has at most twelve digits.
    AwsAccessKeyId,
    /// The last six characters are the CRC-32 of the part after the prefix, in base 62.
    Base62Crc32,
    /// Base64 text of exactly 64 bytes.
    Base64Bytes64,
    /// Base64 text of a PEM private key.
    Base64Pem,
    /// JSON Web Token: three parts, a JSON header with `alg`, JSON claims.
    Jwt,
    /// A random text: upper-case and lower-case letters, and digits.
    Mixed,
    /// A random text in any alphabet: letters and digits, not words with hyphens.
    Opaque,
    /// A password written by a person: no template, no dummy word.
    Password,
    /// PEM private key: the body decodes to a key structure.
    Pem,
}

/// One credential pattern.
///
/// Either `regex`, with a group named `secret` around the value (`secret2`, … in further
/// alternatives), or `key` and `value`: two
/// regular expressions for the name a value is assigned to and for the value.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pattern {
    /// Kebab-case name of the secret, unique; it is the rule id, for example `aws-access-key-id`.
    pub id: Text,
    /// Who issues the secret. Empty = the file's vendor.
    #[serde(default)]
    pub vendor: Text,
    /// What the secret is, as a noun phrase: `GitHub personal access token`.
    pub summary: Text,
    /// What somebody can do with it. Empty = the file's.
    #[serde(default)]
    pub why: Text,
    /// How to revoke or rotate it. Empty = the file's.
    #[serde(default)]
    pub help: Text,
    /// Pages of the vendor that describe the format or the rotation. Empty = the file's.
    #[serde(default)]
    pub references: Texts,
    /// Lower-case literals; every match contains one of them, in any case.
    pub keywords: Texts,
    /// The regular expression, byte-oriented (`\w`, `\b` and case folding are ASCII).
    #[serde(default)]
    pub regex: Text,
    /// Regular expression of the name, any case; replaces `regex` together with `value`.
    #[serde(default)]
    pub key: Text,
    /// Regular expression of the value, case-sensitive; replaces `regex` together with `key`.
    #[serde(default)]
    pub value: Text,
    /// Least Shannon entropy of the secret, in bits per character. None = not looked at.
    #[serde(default)]
    pub entropy: Option<f32>,
    /// What else is proved about a match.
    #[serde(default)]
    pub verify: Option<Verify>,
    /// Harm. Default: error.
    #[serde(default)]
    pub severity: Severity,
    /// Likelihood. Default: high.
    #[serde(default)]
    pub confidence: Confidence,
    /// Bytes looked at before and after a keyword. None = the longest match of the regular
    /// expression, or 512 where that is unlimited.
    #[serde(default)]
    pub window: Option<u32>,
    /// Ids of more specific patterns that also match here; where one does, this one is silent.
    #[serde(default)]
    pub overlaps: Texts,
    /// Texts that must match, in the notation of `example`.
    #[serde(rename = "match")]
    pub matches: Texts,
    /// Texts that must not match, in the notation of `example`.
    pub ignore: Texts,
}

/// One `credentials/<vendor>.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorFile {
    vendor: Text,
    why: Text,
    help: Text,
    references: Texts,
    pattern: Vec<Pattern>,
}

/// Something wrong with the data of a pattern: which pattern, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Id of the pattern as written.
    pub id: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pattern `{}`: {}: {}", self.id, self.what, self.help)
    }
}

impl std::error::Error for PatternError {}

/// Longest text of an id, keyword, regular expression or example, in bytes.
const MAX_TEXT: usize = 4096;
/// Most keywords of one pattern.
const MAX_KEYWORDS: usize = 32;
/// Shortest keyword: a shorter one would select half of every file.
const MIN_KEYWORD: usize = 3;
/// Longest keyword.
const MAX_KEYWORD: usize = 64;
/// Largest window.
const MAX_WINDOW: u32 = 65_536;

impl VendorFile {
    /// The file's patterns, completed by what the file says once for all of them.
    ///
    /// # Errors
    /// The first pattern that is not valid.
    pub fn into_patterns(self) -> Result<Vec<Pattern>, PatternError> {
        let fill = |own: &mut Text, shared: &Text| {
            if own.is_empty() {
                own.clone_from(shared);
            }
        };
        self.pattern
            .into_iter()
            .map(|mut pattern| {
                fill(&mut pattern.vendor, &self.vendor);
                fill(&mut pattern.why, &self.why);
                fill(&mut pattern.help, &self.help);
                if pattern.references.is_empty() {
                    pattern.references.clone_from(&self.references);
                }
                pattern.complete()
            })
            .collect()
    }
}

impl Pattern {
    /// Checks the data and writes `key` and `value` as one regular expression.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn complete(mut self) -> Result<Self, PatternError> {
        if !is_kebab(&self.id) {
            return self.wrong(
                "the id is not kebab-case",
                "use lower-case letters, digits and single hyphens, starting with a letter",
            );
        }
        self.check_texts()?;
        self.check_keywords()?;
        if self.window.is_some_and(|window| window > MAX_WINDOW) {
            return self.wrong("`window` is above 65536", "choose a smaller window");
        }
        match (
            self.regex.is_empty(),
            self.key.is_empty(),
            self.value.is_empty(),
        ) {
            (false, true, true) => {
                if !self.regex.contains("(?P<secret>") && !self.regex.contains("(?<secret>") {
                    return self.wrong(
                        "the regular expression has no group `secret`",
                        "write `(?P<secret>…)` around the value",
                    );
                }
            }
            (true, false, false) => self.regex = assigned(&self.key, &self.value).into(),
            _ => {
                return self.wrong(
                    "needs either `regex` or both `key` and `value`",
                    "give one of the two forms",
                );
            }
        }
        Ok(self)
    }

    fn check_texts(&self) -> Result<(), PatternError> {
        if self.summary.is_empty() {
            return self.wrong("`summary` is empty", "say what the secret is");
        }
        if self.matches.is_empty() || self.ignore.is_empty() {
            return self.wrong(
                "examples are missing",
                "give at least one text under `match` and one under `ignore`",
            );
        }
        let texts = [&self.id, &self.summary, &self.regex, &self.key, &self.value];
        let lists = [&self.keywords, &self.matches, &self.ignore];
        let longest = texts
            .into_iter()
            .chain(lists.into_iter().flat_map(|list| list.iter()))
            .map(|text| text.len())
            .max();
        if longest > Some(MAX_TEXT) {
            return self.wrong("a text is longer than 4096 bytes", "shorten it");
        }
        Ok(())
    }

    fn check_keywords(&self) -> Result<(), PatternError> {
        if self.keywords.is_empty() || self.keywords.len() > MAX_KEYWORDS {
            return self.wrong(
                "needs between 1 and 32 keywords",
                "list literals of which every match contains one",
            );
        }
        let lengths = MIN_KEYWORD..=MAX_KEYWORD;
        if self
            .keywords
            .iter()
            .any(|word| !lengths.contains(&word.len()))
        {
            return self.wrong(
                "a keyword is shorter than 3 or longer than 64 bytes",
                "use a literal of another length",
            );
        }
        if self
            .keywords
            .iter()
            .any(|word| word.bytes().any(|b| b.is_ascii_uppercase()))
        {
            return self.wrong(
                "a keyword has upper-case letters",
                "write it in lower case; it is found in any case",
            );
        }
        Ok(())
    }

    fn wrong<T>(&self, what: &str, help: &str) -> Result<T, PatternError> {
        Err(self.error(what, help))
    }

    /// An error about this pattern.
    #[must_use]
    pub fn error(&self, what: impl Into<String>, help: impl Into<String>) -> PatternError {
        PatternError {
            id: self.id.clone().into_owned(),
            what: what.into(),
            help: help.into(),
        }
    }
}

/// A value assigned to a name, in every way configurations write it: `name = "value"`,
/// `"name": "value"`, `variable "name" { default = "value" }`, `{ name = "name", value = "value" }`,
/// `name=value` in a script.
fn assigned(key: &str, value: &str) -> String {
    format!(
        r#"(?i:{key})\\?["'\]]{{0,2}}(?:\s*(?:=>|[=:,]|\{{[^{{}}]*?\bdefault\s*=)\s*|\s*\n\s*)(?:\\?"?(?i:value)\\?"?\s*[=:]\s*)?\\?["']?(?P<secret>{value})(?:[\\"'\s,;)}}\]]|$)"#
    )
}

fn is_kebab(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && !id.ends_with('-')
        && !id.contains("--")
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
