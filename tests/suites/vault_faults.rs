//! What can break between a run and its Vault or OpenBao, with real processes: each time the right diagnostic,
//! no secret anywhere, no lease, token or database user left over, and an end in bounded time.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "vault_faults/answers.rs"]
mod answers;
#[path = "vault_faults/cluster.rs"]
mod cluster;
#[path = "vault_faults/outside.rs"]
mod outside;
#[path = "vault_faults/sizes.rs"]
mod sizes;
#[path = "vault/stage.rs"]
#[expect(dead_code, reason = "shared with another suite, which uses the rest")]
mod stage;
