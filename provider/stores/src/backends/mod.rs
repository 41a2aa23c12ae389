//! One file for each kind of store, and the one list of them.

mod env;
mod file;
mod local;

use std::collections::BTreeMap;
use std::sync::Arc;

use secret_policy::Scheme;

use crate::capability::Capability;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::local::Passphrase;
use crate::store::SecretStore;
use crate::suggest;

/// Every kind of store, sorted by scheme. Adding a store is its file and its line here.
pub const STORES: &[StoreKind] = &[env::KIND, file::KIND, local::KIND];

/// A kind of store.
#[derive(Clone, Copy, Debug)]
pub struct StoreKind {
    /// The scheme of its references.
    pub scheme: Scheme,
    /// What it is, in a few words for documentation.
    pub summary: &'static str,
    /// What it can do.
    pub capability: Capability,
    /// Settings of a store block: name and meaning, sorted.
    pub settings: &'static [(&'static str, &'static str)],
    build: fn(&StoreContext<'_>) -> Result<Arc<dyn SecretStore>>,
}

/// Settings of a store block by name. For settings that are no secret.
pub type Settings = BTreeMap<String, String>;

/// What a store is built from.
pub(crate) struct StoreContext<'a> {
    /// The process around.
    pub(crate) environment: &'a Environment,
    /// The store name of the reference.
    pub(crate) name: Option<&'a str>,
    /// The settings of its block; `None` when there is no block.
    pub(crate) settings: Option<&'a Settings>,
    /// How to get the passphrase of an identity.
    pub(crate) passphrase: &'a Passphrase,
}

impl StoreKind {
    /// The kind for `scheme`.
    ///
    /// # Errors
    /// `unsupported` when this program has no such store.
    pub fn of(scheme: Scheme) -> Result<&'static Self> {
        STORES
            .iter()
            .find(|kind| kind.scheme == scheme)
            .ok_or_else(|| {
                let known =
                    suggest::list(STORES.iter().map(|kind| kind.scheme.name())).unwrap_or_default();
                StoreError::new(
                    ErrorKind::Unsupported,
                    Operation::Configure,
                    format!("this version of the program has no store for `{scheme}://`"),
                )
                .with_help(format!("it has: {known}"))
            })
    }

    /// Checks the names of settings.
    ///
    /// # Errors
    /// `config`, naming the setting and the nearest one.
    pub fn check_settings(&self, settings: &Settings) -> Result<()> {
        let known = self.settings.iter().map(|(name, _)| *name);
        let Some(unknown) = settings
            .keys()
            .find(|name| !known.clone().any(|known| known == name.as_str()))
        else {
            return Ok(());
        };
        let error = StoreError::new(
            ErrorKind::Config,
            Operation::Configure,
            format!(
                "a store of kind `{}` has no setting `{unknown}`",
                self.scheme
            ),
        );
        Err(match suggest::hint(unknown, known) {
            Some(hint) => error.with_help(hint),
            None => error.with_help("it has no settings"),
        })
    }

    pub(crate) fn build(&self, context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
        (self.build)(context)
    }
}

impl StoreContext<'_> {
    /// The setting `name`.
    fn setting(&self, name: &str) -> Option<&str> {
        self.settings?.get(name).map(String::as_str)
    }

    /// Refuses a store name without a block, for kinds where a name means nothing by itself.
    fn require_block(&self, scheme: Scheme) -> Result<()> {
        match (self.name, self.settings) {
            (Some(name), None) => Err(StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                format!("no store `{name}` of kind `{scheme}` is configured"),
            )
            .with_help(format!(
                "add a block for it, or write `{scheme}://` without a name"
            ))),
            _ => Ok(()),
        }
    }
}

/// Runs blocking work of a store where it does not hold up other calls.
async fn blocking<T: Send + 'static>(
    operation: Operation,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the work of the store was interrupted",
            )
            .with_source(error))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_their_settings_are_sorted() {
        assert!(STORES.is_sorted_by(|one, other| one.scheme.name() < other.scheme.name()));
        for kind in STORES {
            assert!(
                kind.settings
                    .is_sorted_by(|(one, _), (other, _)| one < other),
                "{}",
                kind.scheme
            );
        }
    }

    #[test]
    fn unknown_kinds_and_settings_name_what_exists() {
        let error = StoreKind::of(Scheme::Op).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.help().unwrap().contains("`local`"), "{error:?}");
        let settings = Settings::from([("pth".to_owned(), "x".to_owned())]);
        let error = StoreKind::of(Scheme::Local)
            .unwrap()
            .check_settings(&settings)
            .unwrap_err();
        assert!(error.help().unwrap().contains("`path`"), "{error:?}");
    }
}
