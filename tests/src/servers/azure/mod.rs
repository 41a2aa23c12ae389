//! Doubles of Azure: Microsoft Entra with the services for managed identities ([`Azure`]), and key vaults that take
//! its tokens ([`KeyVault`]).
//!
//! Every proof of a login is checked: secrets, signatures and thumbprints of certificates, tokens of a trusted
//! issuer with subject and audience, the headers of the metadata services. Tokens are signed, name the application
//! they are for and who got them; a vault verifies them and gives each principal its role. The official Python
//! clients are run against both in the tests, so what those ask for and understand is right; texts, limits and
//! codes of errors rest on the documentation.

mod entra;
mod material;
mod vault;

pub use entra::{Azure, VAULT_TENANT};
pub use material::Material;
pub use vault::{KeyVault, VaultRole};
