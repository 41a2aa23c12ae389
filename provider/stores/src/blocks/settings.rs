//! Values of settings by name, as a block or the arguments of one call have them.

use std::collections::BTreeMap;
use std::time::Duration;

use secret_value::Secret;

use super::SettingKind;

/// Settings by name. Getters answer `None` for what is not set and for what has another kind; kinds are
/// checked once, by [`super::StoreBlock::check`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, SettingValue>);

/// The value of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// Text that is no secret.
    Text(String),
    /// Text that is secret.
    Secret(Secret),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(u64),
    /// A period.
    Duration(Duration),
    /// A list of texts.
    TextList(Vec<String>),
    /// Texts by name.
    TextMap(BTreeMap<String, String>),
    /// A nested block.
    Group(Settings),
}

impl SettingValue {
    /// Whether the value is of `kind`.
    #[must_use]
    pub fn is(&self, kind: SettingKind) -> bool {
        matches!(
            (self, kind),
            (Self::Text(_), SettingKind::Text)
                | (Self::Secret(_), SettingKind::Secret)
                | (Self::Bool(_), SettingKind::Bool)
                | (Self::Number(_), SettingKind::Number)
                | (Self::Duration(_), SettingKind::Duration)
                | (Self::TextList(_), SettingKind::TextList)
                | (Self::TextMap(_), SettingKind::TextMap)
                | (Self::Group(_), SettingKind::Group(_))
        )
    }
}

macro_rules! from {
    ($($rust:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$rust> for SettingValue {
            fn from(value: $rust) -> Self {
                Self::$variant(value)
            }
        }
    )+};
}
from!(
    String => Text,
    Secret => Secret,
    bool => Bool,
    u64 => Number,
    Duration => Duration,
    Vec<String> => TextList,
    BTreeMap<String, String> => TextMap,
    Settings => Group,
);

impl From<&str> for SettingValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl Settings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same settings and `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<SettingValue>) -> Self {
        self.set(name, value);
        self
    }

    /// The same settings, and `name` set where there is a value.
    #[must_use]
    pub fn with_some<T: Into<SettingValue>>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets `name` to `value`.
    pub fn set(&mut self, name: &str, value: impl Into<SettingValue>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All settings, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SettingValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            SettingValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A secret text.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.0.get(name)? {
            SettingValue::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// True or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            SettingValue::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            SettingValue::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// A period.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.0.get(name)? {
            SettingValue::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// A list of texts; empty when not set.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(SettingValue::TextList(list)) => list,
            _ => &[],
        }
    }

    /// Texts by name.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        match self.0.get(name)? {
            SettingValue::TextMap(map) => Some(map),
            _ => None,
        }
    }

    /// A nested block.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Self> {
        match self.0.get(name)? {
            SettingValue::Group(settings) => Some(settings),
            _ => None,
        }
    }

    /// The path of a secret setting, such as `approle.secret_id`; `None` when there is none.
    #[must_use]
    pub fn static_credential(&self) -> Option<String> {
        self.0.iter().find_map(|(name, value)| match value {
            SettingValue::Secret(_) => Some(name.clone()),
            SettingValue::Group(inner) => Some(format!("{name}.{}", inner.static_credential()?)),
            _ => None,
        })
    }
}
