//! Google Cloud: the stores against the double of its services, the double against the official Python clients, and
//! a real Terraform that drives the provider against the double.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stores/bench.rs"]
mod bench;
#[path = "stores_gcp/judge.rs"]
mod judge;
#[path = "stores_gcp/logins.rs"]
mod logins;
#[path = "stores_gcp/secrets.rs"]
mod secrets;
#[path = "stores_gcp/terraform.rs"]
mod terraform;

use e2e::servers::{Google, GoogleRole};
use secret_stores::{Settings, Stores};

use bench::{CANARY, with_block};

/// The project of the tests.
const PROJECT: &str = "acme";

/// A double whose secret `PW` has two versions; the second is the canary.
fn double() -> Google {
    let google = Google::start(PROJECT, None).unwrap();
    google.put("PW", b"before");
    google.put("PW", CANARY.as_bytes());
    google
}

/// A block whose services all are at `url`.
fn block(url: &str) -> Settings {
    Settings::new().with("endpoint", url)
}

/// Stores that call with `token`.
fn with_token(token: &str, settings: Settings) -> Stores {
    with_block(&[("GOOGLE_OAUTH_ACCESS_TOKEN", token)], "gcp", settings)
}

/// Stores of somebody who may do everything.
fn admin(google: &Google) -> Stores {
    with_token(&google.token(&[GoogleRole::Admin]), block(&google.url()))
}
