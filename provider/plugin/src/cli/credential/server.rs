//! Logins for servers: which of the configured ones is meant, and what it holds.

use anyhow::{Context as _, bail};
use secret_stores::Environment;
use secret_value::Secret;

use super::{Credential, open};
use crate::cli::arguments::ServerLogin;
use crate::cli::guarded::{Login, Project};
use crate::cli::reference;

/// What is configured for one protocol.
pub(super) struct Logins<'a> {
    environment: &'a Environment,
    asked: &'a ServerLogin,
    project: Project,
    all: Vec<Login>,
}

/// An opened login.
pub(super) struct Opened {
    pub(super) username: Secret,
    pub(super) password: Secret,
    pub(super) credential: Credential,
}

impl<'a> Logins<'a> {
    /// The login of the command line and those of `secretref.toml`.
    pub(super) fn read(
        environment: &'a Environment,
        asked: &'a ServerLogin,
        of: fn(&mut Project) -> &mut Vec<Login>,
    ) -> anyhow::Result<Self> {
        let mut project = Project::read(environment, &asked.access)?;
        let mut all = std::mem::take(of(&mut project));
        if let (Some(url), Some(reference)) = (&asked.url, &asked.reference) {
            all.insert(
                0,
                Login {
                    url: url.clone(),
                    r#ref: reference.clone(),
                    username: asked.username.clone(),
                },
            );
        }
        Ok(Self {
            environment,
            asked,
            project,
            all,
        })
    }

    pub(super) fn all(&self) -> &[Login] {
        &self.all
    }

    /// Opens a login. `username` stands in where neither the configuration nor the secret has one.
    pub(super) fn open(&self, login: &Login, username: Option<&str>) -> anyhow::Result<Opened> {
        let reference = reference::parse(&login.r#ref)
            .with_context(|| format!("the login of {}", login.url))?;
        let access = &self.asked.access;
        let mut credential = open(self.environment, &self.project, access, &reference, None)?;
        let written = login.username.as_deref().map(str::to_owned);
        let username = written
            .map(Secret::from_text)
            .or_else(|| credential.part(&["username", "user"]))
            .or_else(|| username.map(|name| Secret::from_text(name.to_owned())));
        let Some(username) = username else {
            bail!(
                "the login of {} has no user name: set `username` beside `ref`, or store it as a key of the secret",
                login.url
            );
        };
        let password = credential.whole_or(&["password", "token", "secret"])?;
        Ok(Opened {
            username,
            password,
            credential,
        })
    }
}
