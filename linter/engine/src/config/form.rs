//! The form of `secretlint.toml`: one definition for reading it, for its JSON Schema and for the
//! check that reports unknown keys and wrong types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secretlint_rules::patterns::Pattern;
use serde::Deserialize;
use toml::Spanned;

/// Settings of secretlint. All paths are relative to the folder of this file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Form {
    /// Which files are read.
    pub(super) files: FilesForm,
    /// Level by rule id or family (`credentials`, `environments`, `state`, `flow`, `lifetime`,
    /// `config`). A rule's own entry wins over its family's.
    #[schemars(with = "BTreeMap<String, Level>")]
    pub(super) rules: BTreeMap<Spanned<String>, Level>,
    /// Other levels for some paths. Later entries win.
    pub(super) overrides: Vec<OverrideForm>,
    /// Findings that are accepted, with a reason.
    pub(super) allow: Vec<AllowForm>,
    /// How suppression comments are treated.
    pub(super) suppressions: SuppressionsForm,
    /// Path of the baseline file: findings accepted for now.
    pub(super) baseline: Option<String>,
    /// A private text that keys the digests of this project; makes fingerprints depend on the
    /// secret's value without telling it. At least 16 characters; may be committed.
    #[schemars(with = "Option<String>")]
    pub(super) digest_key: Option<Spanned<String>>,
    /// Path globs by environment, for trees whose folder names do not say it.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(super) environments: BTreeMap<String, Vec<Spanned<String>>>,
    /// Credential patterns of your own, in the form of the built-in ones.
    #[schemars(with = "Vec<Pattern>")]
    pub(super) patterns: Vec<Spanned<Pattern>>,
}

/// Which files are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct FilesForm {
    /// Globs of files and folders that are left out.
    #[schemars(with = "Vec<String>")]
    pub(super) exclude: Vec<Spanned<String>>,
    /// Also look at hidden files and folders. `.git`, `.terraform` and `.terragrunt-cache` are
    /// never entered.
    pub(super) hidden: bool,
    /// Obey `.gitignore`, `.ignore` and `.secretlintignore`.
    pub(super) ignore_files: bool,
    /// Files with more bytes are reported as unreadable. Up to 4,000,000,000.
    pub(super) max_bytes: u64,
}

impl Default for FilesForm {
    fn default() -> Self {
        Self {
            exclude: Vec::new(),
            hidden: false,
            ignore_files: true,
            max_bytes: super::DEFAULT_MAX_BYTES,
        }
    }
}

/// What happens with the findings of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Not reported.
    Off,
    /// Reported with the rule's own severity; turns preview rules on.
    On,
    /// Reported as a note.
    Note,
    /// Reported as a warning.
    Warning,
    /// Reported as an error.
    Error,
}

/// Other levels for some paths.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OverrideForm {
    /// Globs of the files it is for.
    #[schemars(with = "Vec<String>")]
    pub(super) paths: Vec<Spanned<String>>,
    /// Level by rule id or family.
    #[schemars(with = "BTreeMap<String, Level>")]
    pub(super) rules: BTreeMap<Spanned<String>, Level>,
}

/// Accepted findings: everything given must match.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AllowForm {
    /// Rule ids or families; all rules when not given.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) rules: Vec<Spanned<String>>,
    /// Globs of files; all files when not given.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) paths: Vec<Spanned<String>>,
    /// Globs of addresses (`aws_db_instance.*.password`); all when not given.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) addresses: Vec<Spanned<String>>,
    /// Fingerprints of single findings, or keyed digests of values, as reports show them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) fingerprints: Vec<Spanned<String>>,
    /// Why these are accepted.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
    /// The last day on which it holds, `2027-01-31`.
    #[schemars(with = "Option<String>")]
    pub(super) until: Option<Spanned<String>>,
}

/// How suppression comments are treated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct SuppressionsForm {
    /// Comments without a reason are findings and silence nothing.
    pub(super) require_reason: bool,
    /// Comments silence nothing: for audits.
    pub(super) disabled: bool,
}

/// The JSON Schema of `secretlint.toml`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Form).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "secretlint.toml".into());
    }
    schema
}
