//! `credential docker`: the protocol of Docker's credential helpers, which podman, buildah, skopeo, cosign and oras
//! speak, too.
//!
//! One word as argument, the server on standard input, JSON on standard output:
//! <https://github.com/docker/docker-credential-helpers#development>. A failure is told on standard output, where its
//! callers look for it. Nothing is stored: `store` is refused, and `erase` has nothing to do.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use secret_stores::Environment;
use secret_value::redaction;
use serde::Serialize;

use super::server::Logins;
use super::{answer, request};
use crate::cli::arguments::ServerLogin;
use crate::cli::explained;
use crate::cli::guarded::Login;
use crate::json::Shown;

/// What callers take for "try something else" instead of an error.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// What Docker Hub is called in images, in logins and by its interface.
const HUB: &[&str] = &["docker.io", "index.docker.io", "registry-1.docker.io"];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: Shown<'a>,
    secret: Shown<'a>,
}

pub(super) fn execute(environment: &Environment, asked: &ServerLogin) -> ExitCode {
    match respond(environment, asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => told(NOT_FOUND),
        Err(error) => told(&redaction::redact(&explained(&error))),
    }
}

fn told(problem: &str) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{problem}");
    ExitCode::FAILURE
}

/// False when nothing is configured for the server.
fn respond(environment: &Environment, asked: &ServerLogin) -> anyhow::Result<bool> {
    let logins = || {
        Logins::read(environment, asked, |project| {
            &mut project.credentials.docker
        })
    };
    match asked.operation.as_str() {
        "get" => get(&logins()?),
        "list" => {
            let logins = logins()?;
            let names: BTreeMap<&str, &str> = logins
                .all()
                .iter()
                .map(|login| {
                    let username = login.username.as_deref().unwrap_or_default();
                    (login.url.as_str(), username)
                })
                .collect();
            answer(&names)?;
            Ok(true)
        }
        "erase" => Ok(true),
        "store" => bail!(
            "secretref stores no logins: name the secret under [[credentials.docker]] in secretref.toml instead"
        ),
        other => bail!("`{other}` is none of `get`, `list`, `store`, `erase`"),
    }
}

fn get(logins: &Logins<'_>) -> anyhow::Result<bool> {
    let asked = request()?;
    let server = asked.trim();
    let Some(login) = logins.all().iter().find(|login| is_same(login, server)) else {
        return Ok(false);
    };
    let opened = logins.open(login, None)?;
    answer(&Answer {
        server_url: server,
        username: Shown(&opened.username),
        secret: Shown(&opened.password),
    })?;
    Ok(true)
}

/// Registries are told apart by host and port; a scheme and a path are decoration.
fn is_same(login: &Login, server: &str) -> bool {
    let (one, other) = (host(&login.url), host(server));
    !one.is_empty() && one == other
}

fn host(server: &str) -> String {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    if HUB.contains(&host.as_str()) {
        HUB[0].to_owned()
    } else {
        host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_the_same_whatever_they_are_called() {
        for (configured, asked, same) in [
            ("registry.example.com", "registry.example.com", true),
            (
                "https://registry.example.com/",
                "registry.example.com",
                true,
            ),
            (
                "registry.example.com",
                "https://Registry.example.com/v2/",
                true,
            ),
            ("docker.io", "https://index.docker.io/v1/", true),
            ("registry.example.com:5000", "registry.example.com", false),
            ("example.com", "registry.example.com", false),
            ("", "", false),
        ] {
            let login = Login {
                url: configured.to_owned(),
                r#ref: String::new(),
                username: None,
            };
            assert_eq!(is_same(&login, asked), same, "{configured} {asked}");
        }
    }
}
