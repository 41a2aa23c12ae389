//! Doppler, Infisical and 1Password: each store against its double, and the double against the official client,
//! so that what the store passes with is what that service's own client takes for the service.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stores/bench.rs"]
mod bench;
#[path = "stores_saas/doppler.rs"]
mod doppler;
#[path = "stores_saas/infisical.rs"]
mod infisical;
#[path = "stores_saas/onepassword.rs"]
mod onepassword;
