//! Vault and OpenBao from outside: a real Terraform with the built provider against a real OpenBao and a real
//! PostgreSQL, with every request counted on its way. What breaks is in `vault_faults.rs`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "vault/brokers.rs"]
mod brokers;
#[path = "vault/command_line.rs"]
mod command_line;
#[path = "vault/connection.rs"]
mod connection;
#[path = "vault/engines.rs"]
mod engines;
#[path = "vault/examples.rs"]
mod examples;
#[path = "vault/keys.rs"]
mod keys;
#[path = "vault/leases.rs"]
mod leases;
#[path = "vault/login.rs"]
mod login;
#[path = "vault/requests.rs"]
mod requests;
#[path = "vault/stage.rs"]
mod stage;
