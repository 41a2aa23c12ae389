//! What the host tells the plugin through environment variables, read once.
//!
//! [`Environment::from_process`] is the only place of this crate that looks at the process environment;
//! everything else takes the [`Environment`] as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::ServeError;
use crate::log::Levels;

/// Name of the variable that tells a plugin that a host started it.
pub const COOKIE_KEY: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// Value of [`COOKIE_KEY`]; the same for Terraform and OpenTofu. Not a secret: it only guards against
/// running a plugin by hand.
pub const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

const DEFAULT_PORTS: (u16, u16) = (10_000, 25_000);

/// The plugin contract's environment.
#[derive(Clone, Debug)]
pub struct Environment {
    /// True when [`COOKIE_KEY`] holds [`COOKIE_VALUE`].
    pub cookie: bool,
    /// Major protocol versions the host offers (`PLUGIN_PROTOCOL_VERSIONS`); entries that are not numbers
    /// are left out. Empty when the variable is not set.
    pub protocol_versions: Vec<u32>,
    /// First and last TCP port to try (`PLUGIN_MIN_PORT`, `PLUGIN_MAX_PORT`), both included.
    pub ports: (u16, u16),
    /// PEM text of the host's certificate (`PLUGIN_CLIENT_CERT`); `None` asks for plaintext.
    pub client_certificate: Option<String>,
    /// Where the host wants the socket (`PLUGIN_UNIX_SOCKET_DIR`).
    pub socket_dir: Option<PathBuf>,
    /// Name or number of the group that may use the socket (`PLUGIN_UNIX_SOCKET_GROUP`).
    pub socket_group: Option<String>,
    /// True when the host knows the seventh handshake field (`PLUGIN_MULTIPLEX_GRPC` is set).
    pub multiplex_known: bool,
    /// Folder for temporary files.
    pub temp_dir: PathBuf,
    /// What to log.
    pub log_levels: Levels,
}

impl Environment {
    /// Reads the process environment for the provider called `name` (as in `TF_LOG_PROVIDER_<NAME>`).
    ///
    /// # Errors
    /// [`ServeError::Environment`] when a port variable is not a port or the range is empty.
    pub fn from_process(name: &str) -> Result<Self, ServeError> {
        let temp_dir = std::env::temp_dir();
        Ok(Self {
            temp_dir,
            ..Self::from_vars(name, std::env::vars_os())?
        })
    }

    /// Like [`Environment::from_process`], with the variables given and `/tmp` as
    /// [`Environment::temp_dir`]. An empty value counts as not set.
    ///
    /// # Errors
    /// As [`Environment::from_process`].
    pub fn from_vars(
        name: &str,
        vars: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ServeError> {
        // No variable of the contract but the folder is of use when it is not text.
        let vars: BTreeMap<String, OsString> = vars
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value)))
            .collect();
        let text = |key: &str| vars.get(key)?.to_str().map(str::to_owned);
        let texts = vars
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), value.to_str()?)))
            .collect();
        Ok(Self {
            cookie: text(COOKIE_KEY).is_some_and(|value| value == COOKIE_VALUE),
            protocol_versions: protocol_versions(
                &text("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default(),
            ),
            ports: ports(text("PLUGIN_MIN_PORT"), text("PLUGIN_MAX_PORT"))?,
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket_dir: vars.get("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
            multiplex_known: vars.contains_key("PLUGIN_MULTIPLEX_GRPC"),
            temp_dir: PathBuf::from("/tmp"),
            log_levels: Levels::from_vars(name, &texts),
        })
    }
}

fn protocol_versions(list: &str) -> Vec<u32> {
    list.split(',')
        .filter_map(|version| version.trim().parse().ok())
        .collect()
}

fn ports(min: Option<String>, max: Option<String>) -> Result<(u16, u16), ServeError> {
    let parse = |name, value: Option<String>, default| match value {
        None => Ok(default),
        Some(text) => text.parse::<u16>().map_err(|_| ServeError::Environment {
            name,
            reason: "is not a port: expected a number from 0 to 65535".into(),
        }),
    };
    let min = parse("PLUGIN_MIN_PORT", min, DEFAULT_PORTS.0)?;
    let max = parse("PLUGIN_MAX_PORT", max, DEFAULT_PORTS.1.max(min))?;
    if min > max {
        return Err(ServeError::Environment {
            name: "PLUGIN_MIN_PORT",
            reason: format!("({min}) is above PLUGIN_MAX_PORT ({max})"),
        });
    }
    Ok((min, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> Result<Environment, ServeError> {
        let pair = |(key, value): &(&str, &str)| (OsString::from(key), OsString::from(value));
        Environment::from_vars("secretref", vars.iter().map(pair))
    }

    #[test]
    fn what_terraform_sets_is_understood() {
        let env = env(&[
            (COOKIE_KEY, COOKIE_VALUE),
            ("PLUGIN_PROTOCOL_VERSIONS", "6,5"),
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
            ("PLUGIN_CLIENT_CERT", "-----BEGIN CERTIFICATE-----\n"),
        ])
        .unwrap();
        assert!(env.cookie);
        assert_eq!(env.protocol_versions, [6, 5]);
        assert_eq!(env.ports, (10_000, 25_000));
        assert!(env.client_certificate.is_some());
        assert!(!env.multiplex_known);
        assert_eq!(env.log_levels.level(), Some(tracing::Level::WARN));
    }

    #[test]
    fn a_missing_or_other_cookie_is_not_a_host() {
        assert!(!env(&[]).unwrap().cookie);
        assert!(!env(&[(COOKIE_KEY, "x")]).unwrap().cookie);
    }

    #[test]
    fn empty_variables_count_as_unset() {
        let env = env(&[("PLUGIN_CLIENT_CERT", ""), ("PLUGIN_UNIX_SOCKET_DIR", "")]).unwrap();
        assert!(env.client_certificate.is_none() && env.socket_dir.is_none());
    }

    #[test]
    fn bad_ports_are_named() {
        for (vars, name) in [
            (vec![("PLUGIN_MIN_PORT", "x")], "PLUGIN_MIN_PORT"),
            (vec![("PLUGIN_MAX_PORT", "70000")], "PLUGIN_MAX_PORT"),
            (
                vec![("PLUGIN_MIN_PORT", "9"), ("PLUGIN_MAX_PORT", "8")],
                "PLUGIN_MIN_PORT",
            ),
        ] {
            assert!(env(&vars).unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn odd_version_lists_keep_the_numbers() {
        assert_eq!(protocol_versions(" 5, six,6,,-1,99999999999"), [5, 6]);
    }
}
