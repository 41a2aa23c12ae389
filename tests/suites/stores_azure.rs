//! Azure: the stores against doubles of Microsoft Entra and Key Vault, the doubles against the official Python
//! clients, and a real Terraform against both.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stores/bench.rs"]
mod bench;
#[path = "stores_azure/judge.rs"]
mod judge;
#[path = "stores_azure/logins.rs"]
mod logins;
#[path = "stores_azure/secrets.rs"]
mod secrets;
#[path = "stores_azure/terraform.rs"]
mod terraform;

use std::collections::BTreeMap;

use e2e::servers::{Azure, KeyVault, VAULT_TENANT, VaultRole};
use secret_stores::{Settings, Stores};

use bench::*;

/// Microsoft Entra, a vault with `db` in it, and applications with secrets.
struct Cloud {
    azure: Azure,
    vault: KeyVault,
    officer: App,
    user: App,
    reader: App,
    nobody: App,
}

struct App {
    client: String,
    secret: String,
}

impl Cloud {
    fn new() -> Self {
        let azure = Azure::start(None).unwrap();
        let vault = KeyVault::start(&azure, None).unwrap();
        let app = |role: Option<VaultRole>| {
            let client = azure.application();
            if let Some(role) = role {
                vault.allow(&client, role);
            }
            let secret = azure.secret(&client, false);
            App { client, secret }
        };
        let (officer, user) = (app(Some(VaultRole::Officer)), app(Some(VaultRole::User)));
        let (reader, nobody) = (app(Some(VaultRole::Reader)), app(None));
        vault.set("db", CANARY);
        Self {
            azure,
            vault,
            officer,
            user,
            reader,
            nobody,
        }
    }

    /// A block that knows where everything is; `vault` is the address of the vault.
    fn block(&self, vault: &str) -> Settings {
        let urls = BTreeMap::from([("acme-kv".to_owned(), vault.to_owned())]);
        Settings::new()
            .with("tenant_id", VAULT_TENANT)
            .with("authority_host", self.azure.url())
            .with("vault_urls", urls)
    }

    /// Stores that log in as `app` with its secret.
    fn stores_at(&self, vault: &str, app: &App) -> Stores {
        let variables = [
            ("ARM_CLIENT_ID", app.client.as_str()),
            ("ARM_CLIENT_SECRET", app.secret.as_str()),
        ];
        with_block(&variables, "azure", self.block(vault))
    }

    fn stores(&self, app: &App) -> Stores {
        self.stores_at(&self.vault.url(), app)
    }
}
