//! One file for each kind of store, and the one list of them.

#[cfg(feature = "sops")]
mod age;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "azure")]
mod azure;
#[cfg(any(feature = "azure", feature = "sops"))]
mod azure_cloud;
#[cfg(feature = "doppler")]
mod doppler;
mod env;
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp"))]
mod fields;
mod file;
#[cfg(feature = "gcp")]
mod gcp;
mod identity;
#[cfg(feature = "infisical")]
mod infisical;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod local;
#[cfg(feature = "onepassword")]
mod onepassword;
#[cfg(any(feature = "azure", feature = "gcp", feature = "onepassword"))]
mod program;
#[cfg(any(feature = "doppler", feature = "infisical", feature = "onepassword"))]
mod rest;
#[cfg(feature = "sops")]
mod sops;
#[cfg(feature = "vault")]
mod vault;

#[cfg(all(feature = "sops", any(test, feature = "testing")))]
pub(crate) use sops::is_sops;
#[cfg(feature = "vault")]
pub(crate) use vault::janitor::end as end_vault_lease;

use std::any::Any;
use std::sync::Arc;

use secret_policy::Scheme;

use crate::blocks::{Settings, StoreBlock};
use crate::capability::Capability;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::identity::IdentityTokens;
use crate::local::Passphrase;
use crate::shared::Shared;
use crate::store::SecretStore;
use crate::suggest;

/// Every kind of store, sorted by scheme. Adding a store is its file and its line here.
pub const STORES: &[StoreKind] = &[
    #[cfg(feature = "sops")]
    age::KIND,
    #[cfg(feature = "aws")]
    aws::ECR,
    #[cfg(feature = "aws")]
    aws::EKS,
    #[cfg(feature = "aws")]
    aws::KMS,
    #[cfg(feature = "aws")]
    aws::RDS,
    #[cfg(feature = "aws")]
    aws::SM,
    #[cfg(feature = "aws")]
    aws::SSM,
    #[cfg(feature = "aws")]
    aws::STS,
    #[cfg(feature = "azure")]
    azure::SECRET,
    #[cfg(feature = "azure")]
    azure::TOKEN,
    #[cfg(feature = "doppler")]
    doppler::KIND,
    env::KIND,
    file::KIND,
    #[cfg(feature = "gcp")]
    gcp::ID_TOKEN,
    #[cfg(feature = "gcp")]
    gcp::SM,
    #[cfg(feature = "gcp")]
    gcp::TOKEN,
    identity::KIND,
    #[cfg(feature = "infisical")]
    infisical::KIND,
    #[cfg(feature = "kubernetes")]
    kubernetes::SECRET,
    #[cfg(feature = "kubernetes")]
    kubernetes::TOKEN,
    local::KIND,
    #[cfg(feature = "onepassword")]
    onepassword::KIND,
    #[cfg(feature = "sops")]
    sops::KIND,
    #[cfg(feature = "vault")]
    vault::KIND,
];

/// A kind of store.
#[derive(Clone, Copy, Debug)]
pub struct StoreKind {
    /// The scheme of its references.
    pub scheme: Scheme,
    /// What it is, in a few words for documentation.
    pub summary: &'static str,
    /// What the tests run it against: a real server, or a double where none can be had.
    pub tested: &'static str,
    /// What it can do.
    pub capability: Capability,
    /// The block that configures it; `None` when there is nothing to configure.
    pub block: Option<&'static StoreBlock>,
    build: fn(&StoreContext<'_>) -> Result<Arc<dyn SecretStore>>,
}

/// What a store is built from. Building does no input or output.
pub(crate) struct StoreContext<'a> {
    /// The process around.
    pub(crate) environment: &'a Environment,
    /// The store name of the reference.
    pub(crate) name: Option<&'a str>,
    /// The settings of its block; `None` when there is no block.
    pub(crate) settings: Option<&'a Settings>,
    /// How to get the passphrase of an identity.
    pub(crate) passphrase: &'a Passphrase,
    /// Proofs of who runs this process, for logins.
    pub(crate) identity: &'a Arc<IdentityTokens>,
    /// What the stores of a block have in common.
    pub(crate) shared: &'a Shared,
}

/// Every kind of block, in the order of the first scheme that each serves.
pub fn store_blocks() -> Vec<&'static StoreBlock> {
    let mut blocks: Vec<&'static StoreBlock> = Vec::new();
    for block in STORES.iter().filter_map(|kind| kind.block) {
        if !blocks.iter().any(|known| known.name == block.name) {
            blocks.push(block);
        }
    }
    blocks
}

/// The kind of block called `name`.
///
/// # Errors
/// `config` when there is none.
pub(crate) fn store_block(name: &str) -> Result<&'static StoreBlock> {
    let known = store_blocks();
    known
        .iter()
        .find(|block| block.name == name)
        .copied()
        .ok_or_else(|| {
            let error = StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                format!("there is no store block `{name}`"),
            );
            match suggest::hint(name, known.iter().map(|block| block.name)) {
                Some(hint) => error.with_help(hint),
                None => error,
            }
        })
}

impl StoreKind {
    /// The kind for `scheme`.
    ///
    /// # Errors
    /// `unsupported` when this program has no such store.
    pub fn of(scheme: Scheme) -> Result<&'static Self> {
        Self::among(STORES, scheme)
    }

    fn among(kinds: &'static [Self], scheme: Scheme) -> Result<&'static Self> {
        kinds
            .iter()
            .find(|kind| kind.scheme == scheme)
            .ok_or_else(|| {
                let known =
                    suggest::list(kinds.iter().map(|kind| kind.scheme.name())).unwrap_or_default();
                StoreError::new(
                    ErrorKind::Unsupported,
                    Operation::Configure,
                    format!("this version of the program has no store for `{scheme}://`"),
                )
                .with_help(format!("it has: {known}"))
            })
    }

    pub(crate) fn build(&self, context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
        (self.build)(context)
    }

    /// Whether it is files or variables of this machine: reading them anew costs nothing, and whatever changes
    /// them during a run is seen at once.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        matches!(
            self.scheme,
            Scheme::Age | Scheme::Env | Scheme::File | Scheme::Local | Scheme::Sops
        )
    }
}

impl StoreContext<'_> {
    /// The text setting `name`.
    fn setting(&self, name: &str) -> Option<&str> {
        self.settings?.text(name)
    }

    /// What all stores of this block have in common, made once.
    ///
    /// # Errors
    /// Those of `make`.
    fn share<T: Any + Send + Sync>(&self, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        self.shared.get_or_make(self.name, make)
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
    use crate::blocks::{Setting, SettingKind};

    fn sorted(settings: &'static [Setting]) -> bool {
        settings.is_sorted_by(|one, other| one.name < other.name)
            && settings.iter().all(|setting| match setting.kind {
                SettingKind::Group(inner) => sorted(inner),
                _ => true,
            })
    }

    #[test]
    fn kinds_and_their_settings_are_sorted() {
        assert!(STORES.is_sorted_by(|one, other| one.scheme.name() < other.scheme.name()));
        for block in store_blocks() {
            assert!(sorted(block.settings), "{}", block.name);
            let served: Vec<_> = STORES
                .iter()
                .filter(|kind| kind.block.is_some_and(|its| its.name == block.name))
                .map(|kind| kind.scheme)
                .collect();
            assert_eq!(served, block.schemes, "{}", block.name);
        }
    }

    #[test]
    fn a_program_without_a_kind_of_store_says_which_it_has() {
        const FEW: &[StoreKind] = &[env::KIND, file::KIND];
        assert!(StoreKind::among(FEW, Scheme::Env).is_ok());
        let error = StoreKind::among(FEW, Scheme::GcpSm).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let shown = format!("{error:?}");
        assert!(
            shown.contains("`gcp-sm://`") && shown.contains("`env`"),
            "{shown}"
        );
    }

    #[test]
    fn unknown_kinds_and_settings_name_what_exists() {
        let error = store_block("locall").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.help().unwrap().contains("`local`"), "{error:?}");
        let settings = Settings::new().with("pth", "x");
        let error = local::BLOCK.check(&settings).unwrap_err();
        assert!(error.help().unwrap().contains("`path`"), "{error:?}");
        let settings = Settings::new().with("path", true);
        let error = local::BLOCK.check(&settings).unwrap_err();
        assert!(error.to_string().contains("not a text"), "{error:?}");
    }
}
