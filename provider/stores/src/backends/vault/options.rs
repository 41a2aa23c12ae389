//! From the block and the environment to a client: the one place that knows the variables.

use std::time::Duration;

use secret_value::Secret;

use super::client::Client;
use crate::blocks::Settings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::http::{ClientIdentity, HttpClient, HttpOptions, TlsOptions, base_url};

/// Longest time for one request: shorter than the limit of the layer around, which would cut it off.
const LONGEST: Duration = Duration::from_secs(28);
/// Largest file with a key, certificate or token.
pub(super) const MAX_FILE_BYTES: u64 = 256 * 1024;

/// A block together with the environment around it.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) environment: Environment,
    pub(super) settings: Settings,
}

/// A mistake in the configuration.
pub(super) fn wrong(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}

impl Options {
    /// A variable by the name that both programs share; `BAO_…` wins over `VAULT_…`.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        ["BAO", "VAULT"]
            .into_iter()
            .find_map(|program| self.environment.text(&format!("{program}_{name}")))
    }

    fn text(&self, setting: &str, variable: &str) -> Option<String> {
        let set = self.settings.text(setting).map(str::to_owned);
        set.or_else(|| self.variable(variable))
    }

    fn flag(&self, setting: &str, variable: &str) -> Result<bool> {
        if let Some(set) = self.settings.flag(setting) {
            return Ok(set);
        }
        match self.variable(variable).as_deref() {
            None => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some(_) => Err(wrong(format!(
                "the variable `VAULT_{variable}` or `BAO_{variable}` is neither `true` nor `false`"
            ))),
        }
    }

    /// Time to live of the token of the run.
    pub(super) fn token_ttl(&self) -> Duration {
        let ttl = self.settings.duration("token_ttl");
        ttl.unwrap_or(Duration::from_secs(600))
            .max(Duration::from_secs(10))
    }

    /// The client. Reads certificates; contacts nobody.
    pub(super) fn client(&self) -> Result<Client> {
        let address = self
            .settings
            .text("address")
            .map(str::to_owned)
            .or_else(|| self.variable("AGENT_ADDR"))
            .or_else(|| self.variable("ADDR"))
            .ok_or_else(|| {
                wrong("the address of the Vault or OpenBao server is not known")
                    .with_help("set `address` in the `vault` block, or VAULT_ADDR or BAO_ADDR")
            })?;
        if address.starts_with("unix:") {
            return Err(wrong("an agent on a socket file is not supported")
                .with_help("let the agent listen on an address, such as `http://127.0.0.1:8100`"));
        }
        let base = base_url("address", &address)?;
        self.check_plain(&base)?;
        let http = HttpClient::new(
            &self.environment,
            &HttpOptions {
                tls: self.tls()?,
                proxy: self.text("proxy", "PROXY_ADDR"),
                ..HttpOptions::default()
            },
        )?;
        let mut client = Client::new(http, base);
        client.namespace = self
            .text("namespace", "NAMESPACE")
            .map(|name| name.trim_matches('/').to_owned())
            .filter(|name| !name.is_empty());
        client.redirect_hosts = self.settings.list("redirect_hosts").to_vec();
        client.retries = self.retries()?;
        client.budget = self.budget()?;
        Ok(client)
    }

    fn check_plain(&self, base: &reqwest::Url) -> Result<()> {
        let local = match base.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if base.scheme() == "https" || local || self.settings.flag("allow_plain_http") == Some(true)
        {
            return Ok(());
        }
        Err(
            wrong("the server is on another machine and its address starts with http://, so tokens and secrets \
                   would be sent in the clear")
            .with_help("write https://; if the network is safe otherwise, set `allow_plain_http = true` in the block"),
        )
    }

    fn tls(&self) -> Result<TlsOptions> {
        let path = |setting, variable| {
            let path = self.text(setting, variable)?;
            Some(self.environment.directory().join(path))
        };
        let client = match (
            path("client_cert", "CLIENT_CERT"),
            path("client_key", "CLIENT_KEY"),
        ) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                let read = |path| files::read_limited(Operation::Configure, path, MAX_FILE_BYTES);
                Some(ClientIdentity {
                    certificate: read(&certificate)?.to_vec(),
                    key: Secret::new(std::mem::take(&mut *read(&key)?)),
                })
            }
            _ => {
                return Err(wrong("of `client_cert` and `client_key` only one is set")
                    .with_help("set both, or none"));
            }
        };
        Ok(TlsOptions {
            ca_files: path("ca_cert", "CACERT").into_iter().collect(),
            ca_folders: path("ca_path", "CAPATH").into_iter().collect(),
            ca_pem: self.text("ca_pem", "CACERT_BYTES"),
            client,
            skip_verify: self.flag("skip_verify", "SKIP_VERIFY")?,
            server_name: self.text("tls_server_name", "TLS_SERVER_NAME"),
        })
    }

    fn retries(&self) -> Result<u32> {
        let number = match self.settings.number("max_retries") {
            Some(number) => Some(number),
            None => self
                .variable("MAX_RETRIES")
                .map(|text| text.trim().parse())
                .transpose()
                .map_err(|_| {
                    wrong("`VAULT_MAX_RETRIES` or `BAO_MAX_RETRIES` is no whole number")
                })?,
        };
        Ok(number.map_or(2, |number| u32::try_from(number.min(100)).unwrap_or(100)))
    }

    fn budget(&self) -> Result<Duration> {
        let chosen = match self.settings.duration("timeout") {
            Some(chosen) => Some(chosen),
            None => self
                .variable("CLIENT_TIMEOUT")
                .map(|text| {
                    period(&text).ok_or_else(|| {
                        wrong("`VAULT_CLIENT_TIMEOUT` or `BAO_CLIENT_TIMEOUT` is no period")
                            .with_help("write a number of seconds, or a period such as `30s`")
                    })
                })
                .transpose()?,
        };
        Ok(chosen
            .unwrap_or(LONGEST)
            .clamp(Duration::from_secs(1), LONGEST))
    }
}

/// Seconds, or a period with a unit.
fn period(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let span: jiff::SignedDuration = text.trim().parse().ok()?;
    Duration::try_from(span).ok()
}
