//! The blocks of stores in the provider block: made from the descriptions that the stores give, so that a
//! setting is written down once.

use std::collections::BTreeMap;
use std::time::Duration;

use secret_stores::blocks::{DEFAULT_LABEL, Setting, SettingKind, SettingValue};
use secret_stores::{Settings, StoreBlock, store_blocks};
use secret_value::Secret;
use tf_framework::model::{Decoder, Failed, Field, Fields, Model, optional};
use tf_framework::prelude::*;
use tf_framework::schema::{Block, NestedBlock, Nesting};
use tf_framework::value::{Object, Value};

use crate::provider::ProviderModel;

/// The whole provider block: what is fixed, and the blocks of stores.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// What is fixed.
    pub(crate) fixed: ProviderModel,
    /// Settings of each block of a store.
    pub(crate) stores: Vec<ConfiguredStore>,
}

/// One block of a store.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredStore {
    /// The word that starts it.
    pub(crate) block: &'static str,
    /// Its label.
    pub(crate) label: String,
    /// What it sets.
    pub(crate) settings: Settings,
}

impl Model for Configuration {
    fn block() -> Block {
        let fixed = ProviderModel::block();
        store_blocks().into_iter().fold(fixed, |block, store| {
            block.block(NestedBlock::new(
                store.name,
                Nesting::Map,
                described(&summary(store), store.settings),
            ))
        })
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, Failed> {
        let stores: Result<Vec<_>, Failed> = store_blocks()
            .into_iter()
            .map(|store| configured(fields, store))
            .collect();
        let fixed = <ProviderModel as Model>::decode(fields)?;
        let stores = stores?.into_iter().flatten().collect();
        Ok(Self { fixed, stores })
    }

    fn encode(self) -> Object {
        // Terraform never gets a provider block back.
        Model::encode(self.fixed)
    }
}

fn summary(store: &StoreBlock) -> String {
    format!(
        "{} The label is the store name in references; the label `{DEFAULT_LABEL}` configures references without one.",
        store.summary
    )
}

fn described(summary: &str, settings: &'static [Setting]) -> Block {
    settings
        .iter()
        .fold(Block::new(summary), |block, setting| match setting.kind {
            SettingKind::Text | SettingKind::Duration => {
                block.field::<Option<String>>(setting.name, optional(), setting.doc)
            }
            SettingKind::Secret => {
                block.field::<Option<Secret>>(setting.name, optional().sensitive(), setting.doc)
            }
            SettingKind::Bool => block.field::<Option<bool>>(setting.name, optional(), setting.doc),
            SettingKind::Number => {
                block.field::<Option<u64>>(setting.name, optional(), setting.doc)
            }
            SettingKind::TextList => {
                block.field::<Option<Vec<String>>>(setting.name, optional(), setting.doc)
            }
            SettingKind::TextMap => block.field::<Option<BTreeMap<String, String>>>(
                setting.name,
                optional(),
                setting.doc,
            ),
            SettingKind::Group(inner) => block.block(NestedBlock::new(
                setting.name,
                Nesting::Single,
                described(setting.doc, inner),
            )),
        })
}

/// Reads all blocks of one kind.
fn configured(
    fields: &mut Fields<'_>,
    store: &'static StoreBlock,
) -> Result<Vec<ConfiguredStore>, Failed> {
    let blocks = fields.take_with(store.name, |value, decoder| match value {
        Value::Null => Ok(BTreeMap::new()),
        value => decoder.entries(value, |value, decoder| {
            group(store.settings, value, decoder)
        }),
    })?;
    let blocks = blocks.into_iter().map(|(label, settings)| ConfiguredStore {
        block: store.name,
        label,
        settings,
    });
    Ok(blocks.collect())
}

/// Reads the settings of a block or of a group; every problem is reported before failing.
fn group(
    known: &'static [Setting],
    value: Value,
    decoder: &mut Decoder,
) -> Result<Settings, Failed> {
    decoder.object(value, |fields| {
        let mut settings = Settings::new();
        let mut failed = None;
        for setting in known {
            let read = fields.take_with(setting.name, |value, decoder| {
                single(setting.kind, value, decoder)
            });
            match read {
                Ok(Some(value)) => settings.set(setting.name, value),
                Ok(None) => {}
                Err(reported) => failed = Some(reported),
            }
        }
        failed.map_or(Ok(settings), Err)
    })
}

fn single(
    kind: SettingKind,
    value: Value,
    decoder: &mut Decoder,
) -> Result<Option<SettingValue>, Failed> {
    if value == Value::Null {
        return Ok(None);
    }
    Ok(Some(match kind {
        SettingKind::Text => String::decode(value, decoder)?.into(),
        SettingKind::Secret => Secret::decode(value, decoder)?.into(),
        SettingKind::Bool => bool::decode(value, decoder)?.into(),
        SettingKind::Number => u64::decode(value, decoder)?.into(),
        SettingKind::Duration => period(&String::decode(value, decoder)?, decoder)?.into(),
        SettingKind::TextList => Vec::<String>::decode(value, decoder)?.into(),
        SettingKind::TextMap => BTreeMap::<String, String>::decode(value, decoder)?.into(),
        SettingKind::Group(inner) => group(inner, value, decoder)?.into(),
    }))
}

/// Reads a period such as `90s` or `1h30m`.
fn period(text: &str, decoder: &mut Decoder) -> Result<Duration, Failed> {
    parse_duration(text).ok_or_else(|| {
        decoder.fail(
            Diagnostic::error("Not a period")
                .detail("Write a number with a unit, such as `90s`, `15m`, `1h30m` or `7d`."),
        )
    })
}

/// Reads a period as policy files and blocks write it.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    // Of what others write, nothing has days, whose length depends on a calendar.
    let other = || Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok();
    secret_policy::policy::parse_duration(text).or_else(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_documented() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h30m", 5_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
            (" 1h 30m ", 5_400),
            ("0s", 0),
        ] {
            let read = parse_duration(text);
            assert_eq!(read, Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "90", "soon", "-1h", "1.5d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
