//! Store blocks of the provider configuration as data: schema, documentation and decoding follow from here.
//!
//! A [`StoreBlock`] serves one family of stores, which may have several schemes: the block `aws` configures
//! `aws-sm://`, `aws-ssm://` and the others. A block is labelled with the store name that references use
//! (`vault "prod"` for `vault+prod://…`); the label [`DEFAULT_LABEL`] configures references without a name.

mod settings;

pub use settings::{SettingValue, Settings};

use secret_policy::Scheme;

use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::suggest;

/// The label that configures references without a store name.
pub const DEFAULT_LABEL: &str = "default";

/// A kind of block in the provider configuration.
#[derive(Clone, Copy, Debug)]
pub struct StoreBlock {
    /// The word that starts the block.
    pub name: &'static str,
    /// What it configures; Markdown, first sentence first.
    pub summary: &'static str,
    /// The schemes it serves, sorted.
    pub schemes: &'static [Scheme],
    /// What may be set, sorted by name.
    pub settings: &'static [Setting],
}

/// One thing that may be set in a block or in a group of one.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: SettingKind,
    /// Meaning, unit, default and the environment variables that stand in for it; Markdown.
    pub doc: &'static str,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// Text that is no secret.
    Text,
    /// Text that is secret. Refused in a configuration unless static credentials are allowed.
    Secret,
    /// True or false.
    Bool,
    /// A whole number from 0.
    Number,
    /// A period, such as `90s`, `15m` or `1h30m`.
    Duration,
    /// A list of texts.
    TextList,
    /// Texts by name.
    TextMap,
    /// A nested block that may stand once.
    Group(&'static [Setting]),
}

impl Setting {
    /// A setting of `kind`.
    #[must_use]
    pub const fn new(name: &'static str, kind: SettingKind, doc: &'static str) -> Self {
        Self { name, kind, doc }
    }

    /// Text that is no secret.
    #[must_use]
    pub const fn text(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Text, doc)
    }
}

impl StoreBlock {
    /// Checks names and kinds of settings.
    ///
    /// # Errors
    /// `config`, naming the setting and the nearest one.
    pub fn check(&self, settings: &Settings) -> Result<()> {
        check(self.name, self.settings, settings)
    }
}

fn check(place: &str, known: &'static [Setting], settings: &Settings) -> Result<()> {
    for (name, value) in settings.iter() {
        let Some(setting) = known.iter().find(|setting| setting.name == name) else {
            let error = wrong(format!("`{place}` has no setting `{name}`"));
            let names = known.iter().map(|setting| setting.name);
            return Err(match suggest::hint(name, names) {
                Some(hint) => error.with_help(hint),
                None => error.with_help("it has no settings"),
            });
        };
        match (setting.kind, value) {
            (SettingKind::Group(inner), SettingValue::Group(values)) => {
                check(&format!("{place}.{name}"), inner, values)?;
            }
            (kind, value) if value.is(kind) => {}
            (kind, _) => {
                return Err(wrong(format!(
                    "the setting `{name}` of `{place}` is not {}",
                    kind.what()
                )));
            }
        }
    }
    Ok(())
}

fn wrong(message: String) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}

impl SettingKind {
    /// What it holds, in words for messages.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Secret => "a secret text",
            Self::Bool => "true or false",
            Self::Number => "a whole number from 0",
            Self::Duration => "a period such as `15m`",
            Self::TextList => "a list of texts",
            Self::TextMap => "a map of texts",
            Self::Group(_) => "a block",
        }
    }
}
