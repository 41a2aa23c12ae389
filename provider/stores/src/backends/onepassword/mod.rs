//! `op://vault/item/[section/]field`: fields and files of 1Password items.
//!
//! Through a Connect server, or, where the block says `cli = true`, through the `op` program with a service
//! account. Vaults, items, sections and fields are named by title, label or id. A one-time password is
//! `{"code":…,"uri":…}`; `#code` selects what is valid now. Read only; several fields of an item are one read.

mod cli;
mod connect;
mod item;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;

use super::{StoreContext, StoreKind};
use crate::blocks::{Setting, SettingKind, StoreBlock};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};
use cli::Cli;
use connect::Connect;
use item::{Found, Item};

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Op,
    summary: "items of 1Password",
    tested: "a double, judged by the official Connect client",
    capability: Capability {
        batch: true,
        ..Capability::READ_ONLY
    },
    block: Some(&BLOCK),
    build,
};

static BLOCK: StoreBlock = StoreBlock {
    name: "onepassword",
    summary: "1Password, under the name that references use: `op+NAME://…`.",
    schemes: &[Scheme::Op],
    settings: &[
        Setting::text(
            "address",
            "Address of the Connect server. Default: `OP_CONNECT_HOST`.",
        ),
        Setting::text(
            "ca_file",
            "File with the certificate authorities to trust, PEM. Default: those of the system.",
        ),
        Setting::new(
            "cli",
            SettingKind::Bool,
            "Run the `op` program with the service account in `OP_SERVICE_ACCOUNT_TOKEN` where there is no Connect \
             server. Default: false.",
        ),
        Setting::new(
            "token",
            SettingKind::Secret,
            "Token for the Connect server. Default: `OP_CONNECT_TOKEN`.",
        ),
    ],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    let environment = context.environment;
    let address = context
        .setting("address")
        .map(str::to_owned)
        .or_else(|| environment.text("OP_CONNECT_HOST"));
    let allows_cli = context
        .settings
        .and_then(|settings| settings.flag("cli"))
        .unwrap_or(false);
    let way = match address {
        Some(address) => Way::Connect(Box::new(Connect::new(context, &address)?)),
        None if allows_cli => Way::Cli(Arc::new(Cli::new(context))),
        None => Way::Nowhere,
    };
    Ok(Arc::new(OnePasswordStore(way)))
}

#[derive(Debug)]
struct OnePasswordStore(Way);

/// How items are read.
#[derive(Debug)]
enum Way {
    Connect(Box<Connect>),
    Cli(Arc<Cli>),
    Nowhere,
}

/// The item and the place in it that a reference means.
struct Place<'a> {
    vault: &'a str,
    item: &'a str,
    section: Option<&'a str>,
    field: &'a str,
}

fn locate(operation: Operation, reference: &SecretRef) -> Result<Place<'_>> {
    let wrong = || {
        StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "a field of 1Password is `vault/item/field` or `vault/item/section/field`",
        )
    };
    match reference.segments() {
        [vault, item, field] => Ok(Place {
            vault,
            item,
            section: None,
            field,
        }),
        [vault, item, section, field] => Ok(Place {
            vault,
            item,
            section: Some(section),
            field,
        }),
        _ => Err(wrong()),
    }
}

impl OnePasswordStore {
    async fn item(&self, operation: Operation, vault: &str, item: &str) -> Result<Arc<Item>> {
        let found = match &self.0 {
            Way::Connect(connect) => connect.item(operation, vault, item).await,
            Way::Cli(cli) => cli.item(operation, vault, item).await,
            Way::Nowhere => Err(StoreError::new(
                ErrorKind::Config,
                operation,
                "there is no way to 1Password: neither a Connect server nor a service account is configured",
            )
            .with_help(
                "set OP_CONNECT_HOST and OP_CONNECT_TOKEN, or `cli = true` in the store block with \
                 OP_SERVICE_ACCOUNT_TOKEN and the `op` program",
            )),
        };
        found.map(Arc::new)
    }

    /// The value at `place` of `item`.
    async fn value(&self, item: &Item, place: &Place<'_>) -> Result<SecretPayload> {
        let operation = Operation::Open;
        let facts = item.facts();
        match item.find(operation, place.section, place.field)? {
            Found::Value(value) => Ok(SecretPayload::opaque(value, facts)),
            Found::OneTimePassword(json) => Ok(SecretPayload::fields(json, facts)),
            Found::File(file) => {
                let bytes: Secret = match &self.0 {
                    Way::Connect(connect) => connect.file(operation, item, file).await?,
                    Way::Cli(cli) => cli.file(operation, place).await?,
                    Way::Nowhere => return Err(StoreError::unsupported(operation, "op")),
                };
                Ok(SecretPayload::opaque(bytes, facts))
            }
        }
    }
}

#[async_trait]
impl SecretStore for OnePasswordStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let place = locate(Operation::Open, reference)?;
        let item = self.item(Operation::Open, place.vault, place.item).await?;
        self.value(&item, &place).await.map(Leased::forever)
    }

    /// Reads each item once.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        _options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let operation = Operation::Open;
        let mut items: BTreeMap<(&str, &str), Result<Arc<Item>>> = BTreeMap::new();
        let mut answers = Vec::with_capacity(references.len());
        for reference in references {
            let place = match locate(operation, reference) {
                Ok(place) => place,
                Err(error) => {
                    answers.push(Err(error));
                    continue;
                }
            };
            let key = (place.vault, place.item);
            let item = match items.entry(key) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(free) => free
                    .insert(self.item(operation, key.0, key.1).await)
                    .clone(),
            };
            answers.push(match item {
                Ok(item) => self.value(&item, &place).await.map(Leased::forever),
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// Reads the item: 1Password does not tell fields and values apart.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let place = locate(operation, reference)?;
        let item = self.item(operation, place.vault, place.item).await?;
        item.find(operation, place.section, place.field)?;
        Ok(item.facts())
    }
}
