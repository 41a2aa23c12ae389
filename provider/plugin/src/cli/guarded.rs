//! Stores for commands that open secrets for other programs: judged by the policy, under the identity of this
//! process, recorded in the access log, as for Terraform. Named stores are configured in `secretref.toml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use secret_policy::nearest;
use secret_stores::blocks::{Setting, SettingKind, SettingValue};
use secret_stores::{Environment, StoreBlock, Stores, store_blocks};
use secret_value::Secret;
use serde::Deserialize;

use super::arguments::Access;
use super::store::ask_for_passphrase;
use crate::settings::{self, Settings};
use crate::store_blocks::{ConfiguredStore, parse_duration};

/// What `secretref.toml` says to the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Project {
    /// Settings of store blocks, by kind and name.
    stores: BTreeMap<String, BTreeMap<String, toml::Table>>,
    /// What the credential helpers hand out.
    pub(super) credentials: Credentials,
}

/// What the credential helpers hand out, by the protocol that asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Credentials {
    /// For `credential git`.
    pub(super) git: Vec<Login>,
    /// For `credential docker`.
    pub(super) docker: Vec<Login>,
}

/// A login for a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The server.
    pub(super) url: String,
    /// Where the password is.
    pub(super) r#ref: String,
    /// The user name, where the secret does not hold it.
    pub(super) username: Option<String>,
}

impl Project {
    /// Reads the file that the policy is read from; nothing without one.
    pub(super) fn read(environment: &Environment, access: &Access) -> anyhow::Result<Self> {
        let Some(file) = settings::policy_file(environment, access.policy.as_deref())? else {
            return Ok(Self::default());
        };
        // The error quotes no line, because it may hold a credential that does not belong there.
        toml::from_str(&file.text).map_err(|error| {
            let line = error.span().map(|span| {
                file.text[..span.start.min(file.text.len())]
                    .matches('\n')
                    .count()
                    + 1
            });
            let place = line.map(|line| format!(":{line}")).unwrap_or_default();
            anyhow!("{}{place}: {}", file.shown, error.message())
        })
    }

    fn blocks(&self) -> anyhow::Result<Vec<ConfiguredStore>> {
        let mut blocks = Vec::new();
        for (kind, named) in &self.stores {
            let block = block(kind)?;
            for (label, table) in named {
                let place = format!("stores.{kind}.{label}");
                blocks.push(ConfiguredStore {
                    block: block.name,
                    label: label.clone(),
                    settings: group(&place, block.settings, table)?,
                });
            }
        }
        Ok(blocks)
    }

    /// The stores, guarded. Nothing is contacted.
    pub(super) fn stores(
        &self,
        environment: &Environment,
        access: &Access,
    ) -> anyhow::Result<Arc<Stores>> {
        let settings = Settings {
            environment: access.environment.clone(),
            policy: access.policy.clone(),
            stores: self.blocks()?,
            ..Settings::default()
        };
        let guarded = settings::guarded_stores(environment, &settings)?;
        Ok(Arc::new(
            guarded.stores.with_passphrase(ask_for_passphrase()),
        ))
    }
}

fn block(kind: &str) -> anyhow::Result<&'static StoreBlock> {
    let known = store_blocks();
    let names = || known.iter().map(|block| block.name);
    if let Some(found) = known.iter().find(|block| block.name == kind) {
        return Ok(found);
    }
    match nearest(kind, names()) {
        Some(near) => bail!("`stores.{kind}` is no kind of store; did you mean `{near}`?"),
        None => bail!(
            "`stores.{kind}` is no kind of store; there are: {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

fn group(
    place: &str,
    known: &'static [Setting],
    table: &toml::Table,
) -> anyhow::Result<secret_stores::Settings> {
    let mut settings = secret_stores::Settings::new();
    for (name, value) in table {
        let Some(setting) = known.iter().find(|setting| setting.name == name) else {
            // The block itself reports it, with the nearest one that exists.
            settings.set(name, true);
            continue;
        };
        let place = format!("{place}.{name}");
        match single(&place, setting.kind, value)? {
            Some(value) => settings.set(name, value),
            None => bail!("`{place}` is not {}", setting.kind.what()),
        }
    }
    Ok(settings)
}

/// `None` when the value is of another kind.
fn single(
    place: &str,
    kind: SettingKind,
    value: &toml::Value,
) -> anyhow::Result<Option<SettingValue>> {
    let text = || value.as_str().map(str::to_owned);
    Ok(match kind {
        SettingKind::Text => text().map(SettingValue::Text),
        SettingKind::Secret => text().map(Secret::from_text).map(SettingValue::Secret),
        SettingKind::Bool => value.as_bool().map(SettingValue::Bool),
        SettingKind::Number => value
            .as_integer()
            .and_then(|number| u64::try_from(number).ok())
            .map(SettingValue::Number),
        SettingKind::Duration => text()
            .and_then(|text| parse_duration(&text))
            .map(SettingValue::Duration),
        SettingKind::TextList => value
            .as_array()
            .and_then(|items| items.iter().map(own_text).collect())
            .map(SettingValue::TextList),
        SettingKind::TextMap => value
            .as_table()
            .and_then(|items| {
                let pairs = items.iter();
                pairs
                    .map(|(name, value)| Some((name.clone(), own_text(value)?)))
                    .collect()
            })
            .map(SettingValue::TextMap),
        SettingKind::Group(inner) => match value.as_table() {
            Some(table) => Some(SettingValue::Group(group(place, inner, table)?)),
            None => None,
        },
    })
}

fn own_text(value: &toml::Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Project> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secretref.toml"), text).unwrap();
        let environment = Environment::fixed(folder.path(), []);
        Project::read(&environment, &Access::default())
    }

    #[test]
    fn blocks_have_the_settings_of_the_provider_block() {
        let project = read(
            "[environments.prod]\nrefs = [\"local://**\"]\n[stores.file.keys]\n[stores.local.team]\n",
        )
        .unwrap();
        assert_eq!(project.stores.len(), 2);
        let unknown = read("[stores.valt.prod]\n").unwrap().blocks().unwrap_err();
        assert!(unknown.to_string().contains("`stores.valt`"), "{unknown}");
    }

    #[cfg(feature = "vault")]
    #[test]
    fn settings_are_read_by_their_kind() {
        let project = read(
            "[stores.vault.prod]\naddress = \"https://vault.example\"\ntoken_ttl = \"15m\"\n\
             [stores.vault.prod.auth.jwt]\nrole = \"infra\"\n",
        )
        .unwrap();
        let blocks = project.blocks().unwrap();
        assert_eq!(
            (blocks[0].block, blocks[0].label.as_str()),
            ("vault", "prod")
        );
        assert_eq!(
            blocks[0].settings.text("address"),
            Some("https://vault.example")
        );
        assert_eq!(
            blocks[0].settings.duration("token_ttl"),
            Some(std::time::Duration::from_secs(900))
        );
        for (text, says) in [
            (
                "token_ttl = 15",
                "`stores.vault.prod.token_ttl` is not a period",
            ),
            (
                "address = true",
                "`stores.vault.prod.address` is not a text",
            ),
        ] {
            let error = read(&format!("[stores.vault.prod]\n{text}\n"))
                .unwrap()
                .blocks()
                .unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn mistakes_name_their_line_and_quote_none() {
        let error = read("\n[[credentials.git]]\nurl = \"x\"\npassword = \"hunter2\"\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("secretref.toml:"), "{error}");
        assert!(
            error.contains("password") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
