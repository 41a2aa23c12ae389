//! Google Cloud: one login, the secrets of Secret Manager, and tokens that are made when opened.
//!
//! | file | what |
//! |---|---|
//! | `settings` | the block `gcp` |
//! | `account` | what all stores of a block share: client, credentials, tokens, project, made on first use |
//! | `endpoint` | where services listen |
//! | `credentials` | who we are: the files, variables and machines that credentials come from, and their tokens |
//! | `call`, `refusal` | calls with a token, and what their errors mean |
//! | `secret_manager`, `versions`, `write` | `gcp-sm://` |
//! | `tokens` | `gcp-token://` and `gcp-id-token://` |
//!
//! Nothing but this crate's HTTP client speaks to Google; ARCHITECTURE.md says why the official crate does not.

mod account;
mod call;
mod credentials;
mod endpoint;
mod refusal;
mod secret_manager;
mod settings;
mod tokens;
mod versions;
mod write;

pub(super) use secret_manager::KIND as SM;
pub(super) use tokens::{ACCESS as TOKEN, ID as ID_TOKEN};
