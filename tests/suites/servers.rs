//! The servers that other suites rely on are what they claim to be, and leave nothing behind.
#![cfg(unix)]

#[path = "servers/cluster.rs"]
mod cluster;
#[path = "servers/doubles.rs"]
mod doubles;
#[path = "servers/openbao.rs"]
mod openbao;
#[path = "servers/postgres.rs"]
mod postgres;
