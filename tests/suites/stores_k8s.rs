//! Kubernetes: the stores against the double of an API server, the double against the real `kubectl`, and a real
//! Terraform with the built provider before it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stores/bench.rs"]
mod bench;
#[path = "stores_k8s/kubectl.rs"]
mod kubectl;
#[path = "stores_k8s/runs.rs"]
mod runs;
#[path = "stores_k8s/store.rs"]
mod store;
