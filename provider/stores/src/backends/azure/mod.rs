//! Microsoft Azure: one login, secrets and certificates of key vaults, access tokens.
//!
//! | file | what |
//! |---|---|
//! | `settings` | the block `azure` |
//! | `account` | what both stores of a block share: clients, the login that works, tokens by application |
//! | `login` | which logins there are, in which order they are tried, and one file for each |
//! | `certificate` | private key and certificates, out of PEM and PKCS #12 |
//! | `challenge` | what a vault says about who may log in, and whether it is believed |
//! | `vault`, `refusal` | calls to key vaults, and what their errors mean |
//! | `secret`, `versions`, `write` | `azure-kv://` |
//! | `token` | `azure-token://` |
//!
//! A token for key vaults goes to nobody but the vault that the reference or the block names, and only after that
//! has asked for a token of the right application.

mod account;
mod certificate;
mod challenge;
mod login;
mod refusal;
mod secret;
mod settings;
#[cfg(test)]
mod tests;
mod token;
mod vault;
mod versions;
mod write;

pub(super) use secret::KIND as SECRET;
pub(super) use token::KIND as TOKEN;
