//! Secret stores: one narrow trait, layers around it, one file for each backend, and the embedded store.
//!
//! Knows nothing of the program that uses it. Read [`SecretStore`] first, then `LocalStore` in [`local`].
//!
//! - A *reference* says where a secret is; [`SecretStore::fetch`] gives the value whole, with its lease.
//! - [`StoreError`] has a stable kind, a reason, a place and help; never a value.
//! - Values are [`secret_value::Secret`] all the way.

// The futures of stores that log in, renew and wait while they ask are nested deeper than the default allows.
#![recursion_limit = "256"]

pub mod audit;
pub mod blocks;
pub mod identity;
pub mod layers;
pub mod local;
pub mod select;

mod backends;
mod capability;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod environment;
mod error;
mod files;
mod hex;
#[cfg_attr(
    not(all(
        feature = "aws",
        feature = "azure",
        feature = "doppler",
        feature = "gcp",
        feature = "infisical",
        feature = "kubernetes",
        feature = "onepassword",
        feature = "sops",
        feature = "vault",
    )),
    allow(
        dead_code,
        unused_imports,
        reason = "every family of stores uses a part of it"
    )
)]
mod http;
pub mod journal;
mod lease;
mod payload;
mod shared;
mod store;
mod stores;
mod suggest;

pub use backends::{STORES, StoreKind, store_blocks};
pub use blocks::{Settings, StoreBlock};
pub use capability::Capability;
pub use environment::Environment;
pub use error::{ErrorKind, Operation, Result, Retry, StoreError};
pub use lease::{Lease, LeaseFacts, LeaseHandle, Leased, id_hash};
pub use payload::{Metadata, SecretPayload, Shape};
pub use store::{FetchOptions, Precondition, SecretStore, WriteRequest};
pub use stores::Stores;
