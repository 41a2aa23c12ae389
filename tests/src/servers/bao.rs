//! What tests do with an OpenBao as its administrator: prepare mounts, roles and policies, and look
//! afterwards which leases and tokens are left.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::postgres::Postgres;

/// Creates a login that ends with its lease.
const CREATE_ROLE: &str =
    "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

/// How long a new key-value mount of version 2 may take to be ready.
const UPGRADE_LIMIT: Duration = Duration::from_secs(30);

/// An administrator's view of one OpenBao server.
#[derive(Clone)]
pub struct Bao {
    client: Client,
}

/// Periods of the leases of a database role, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct LeasePeriod {
    /// What a new lease gets.
    pub default_seconds: u64,
    /// What renewing can reach.
    pub max_seconds: u64,
}

impl Bao {
    /// Talks through `client` with `token`.
    #[must_use]
    pub fn new(client: Client, token: &str) -> Self {
        Self {
            client: client.header("x-vault-token", token),
        }
    }

    /// Sends `method` to `path` below `/v1/` and returns the answer, whatever it is.
    ///
    /// # Errors
    /// When no answer arrives.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.client.send(method, &format!("/v1/{path}"), body)
    }

    /// Reads `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn read(&self, path: &str) -> Result<Value> {
        self.done("GET", path, None)
    }

    /// Writes `body` to `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn write(&self, path: &str, body: &Value) -> Result<Value> {
        self.done("POST", path, Some(body))
    }

    /// Adds to what is at `path` of a key-value mount of version 2.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn merge(&self, path: &str, body: &Value) -> Result<Value> {
        self.done("PATCH", path, Some(body))
    }

    /// Deletes `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.done("DELETE", path, None).map(drop)
    }

    /// The keys below `path`; none where there is nothing.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn list(&self, path: &str) -> Result<Vec<String>> {
        let answer = self.send("GET", &format!("{path}?list=true"), None)?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let body = answer.success().with_context(|| format!("LIST {path}"))?;
        Ok(strings(&body["data"]["keys"]))
    }

    /// Mounts the secrets engine `kind` at `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn mount(&self, path: &str, kind: &str, options: &Value) -> Result<()> {
        let body = json!({ "type": kind, "options": options });
        self.write(&format!("sys/mounts/{path}"), &body)?;
        if options["version"] != "2" {
            return Ok(());
        }
        // A new mount of version 2 refuses everything for a moment, while it thinks it is upgraded.
        let started = Instant::now();
        loop {
            let answer = self.send("GET", &format!("{path}/config"), None)?;
            let upgrading = answer.body.to_string().contains("Upgrading");
            if !upgrading || started.elapsed() > UPGRADE_LIMIT {
                return answer.success().map(drop);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Turns on the login method `kind` at `path`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn enable_auth(&self, path: &str, kind: &str) -> Result<()> {
        self.write(&format!("sys/auth/{path}"), &json!({ "type": kind }))
            .map(drop)
    }

    /// Writes the policy `name`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn policy(&self, name: &str, rules: &str) -> Result<()> {
        self.write(
            &format!("sys/policies/acl/{name}"),
            &json!({ "policy": rules }),
        )
        .map(drop)
    }

    /// Creates a token with the `properties` of `auth/token/create`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn create_token(&self, properties: &Value) -> Result<String> {
        let answer = self.write("auth/token/create", properties)?;
        let token = answer["auth"]["client_token"].as_str();
        Ok(token.context("the answer holds no token")?.to_owned())
    }

    /// Ids of the leases below `prefix`, such as `db/creds`; every lease for the empty one.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn leases(&self, prefix: &str) -> Result<Vec<String>> {
        let mut open = vec![match prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for key in self.list(&format!("sys/leases/lookup/{folder}"))? {
                let path = format!("{folder}{key}");
                if path.ends_with('/') {
                    open.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Accessors of all tokens that are alive.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn token_accessors(&self) -> Result<Vec<String>> {
        let mut accessors = self.list("auth/token/accessors")?;
        accessors.sort();
        Ok(accessors)
    }

    /// Mounts the database engine at `mount`, connected to `postgres`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn connect_database(&self, mount: &str, postgres: &Postgres) -> Result<()> {
        self.mount(mount, "database", &Value::Null)?;
        let connection = json!({
            "plugin_name": "postgresql-database-plugin",
            "allowed_roles": "*",
            "connection_url": format!(
                "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres?sslmode=disable",
                postgres.port(),
            ),
            "username": postgres.user(),
            "password": postgres.password(),
        });
        self.write(&format!("{mount}/config/postgres"), &connection)
            .map(drop)
    }

    /// Defines a role whose credentials are new logins of the database connected at `mount`.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn database_role(&self, mount: &str, name: &str, period: LeasePeriod) -> Result<()> {
        let role = json!({
            "db_name": "postgres",
            "creation_statements": [CREATE_ROLE],
            "default_ttl": period.default_seconds,
            "max_ttl": period.max_seconds,
        });
        self.write(&format!("{mount}/roles/{name}"), &role)
            .map(drop)
    }

    fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        self.send(method, path, body)?
            .success()
            .with_context(|| format!("{method} {path}"))
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|key| key.as_str().map(str::to_owned))
        .collect()
}
