//! What is mounted where: how a path is read depends on it. Asked once for each mount.

use std::sync::Arc;

use super::answer::Envelope;
use super::client::Call;
use super::run::{Need, Run};
use crate::error::{ErrorKind, Operation, Result};

/// An engine and the path it is mounted at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Without slashes around.
    pub(super) path: String,
    pub(super) engine: Engine,
}

/// What kind of engine, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// Key-value, version 1.
    Kv1,
    /// Key-value, version 2.
    Kv2,
    /// Another one, by its type.
    Other(String),
}

/// The mounts that are known.
#[derive(Debug, Default)]
pub(super) struct Mounts(tokio::sync::Mutex<Vec<Mount>>);

/// Paths of the server itself.
const SYSTEM: &[&str] = &["auth", "cubbyhole", "identity", "sys"];

#[derive(serde::Deserialize)]
struct Facts {
    path: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    options: Option<Options>,
}

#[derive(serde::Deserialize)]
struct Options {
    #[serde(default)]
    version: Option<String>,
}

impl Mount {
    /// Where nobody needs to know: a wrapping token says itself what it holds.
    pub(super) fn unknown() -> Self {
        Self {
            path: "sys".to_owned(),
            engine: Engine::Other("sys".to_owned()),
        }
    }

    /// The part of `path` below the mount.
    pub(super) fn below<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&self.path)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or_default()
    }

    /// What a request below the mount needs.
    pub(super) fn need(&self) -> Need {
        match &self.engine {
            Engine::Kv1 | Engine::Kv2 => Need::Read,
            Engine::Other(kind) => match kind.as_str() {
                "cubbyhole" | "identity" | "sys" | "totp" | "transit" => Need::Read,
                _ => Need::Lease,
            },
        }
    }
}

impl Mounts {
    /// The mount that serves `path`.
    ///
    /// # Errors
    /// `not_found` when there is none; `permission_denied` when nothing below is allowed.
    pub(super) async fn of(
        &self,
        run: &Arc<Run>,
        operation: Operation,
        path: &str,
    ) -> Result<Mount> {
        let first = path.split('/').next().unwrap_or_default();
        if SYSTEM.contains(&first) {
            return Ok(Mount {
                path: first.to_owned(),
                engine: Engine::Other(first.to_owned()),
            });
        }
        if let Some(mount) = configured(run, path) {
            return Ok(mount);
        }
        // Held while asking, so that many references of one mount ask once.
        let mut known = self.0.lock().await;
        let serves = |mount: &Mount| !mount.below(path).is_empty();
        if let Some(mount) = known.iter().find(|mount| serves(mount)) {
            return Ok(mount.clone());
        }
        let mount = ask(run, operation, path).await?;
        known.push(mount.clone());
        Ok(mount)
    }
}

/// The mount that the block names; the longest one where several would do.
fn configured(run: &Run, path: &str) -> Option<Mount> {
    let settings = &run.options.settings;
    let of = |name: &str, engine: Engine| {
        let mounts = settings.list(name).iter().map(move |path| Mount {
            path: path.trim_matches('/').to_owned(),
            engine: engine.clone(),
        });
        mounts.collect::<Vec<_>>()
    };
    of("kv1_mounts", Engine::Kv1)
        .into_iter()
        .chain(of("kv2_mounts", Engine::Kv2))
        .filter(|mount| !mount.below(path).is_empty())
        .max_by_key(|mount| mount.path.len())
}

async fn ask(run: &Arc<Run>, operation: Operation, path: &str) -> Result<Mount> {
    let place = format!("sys/internal/ui/mounts/{path}");
    let answer = run.call(Need::Login, Call::get(operation, &place)).await?;
    let facts = Envelope::read(operation, &answer).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => error.with_help(
            "the login is not valid any more, or its policies allow nothing at this path (a path that is not mounted \
             looks the same); check the login, the namespace and the mount",
        ),
        _ => error,
    })?;
    let facts: Facts = facts.data(operation)?.read(operation)?;
    let version = facts.options.and_then(|options| options.version);
    Ok(Mount {
        path: facts.path.trim_matches('/').to_owned(),
        engine: match (facts.kind.as_str(), version.as_deref()) {
            ("kv", Some("2")) => Engine::Kv2,
            ("kv" | "generic", _) => Engine::Kv1,
            _ => Engine::Other(facts.kind),
        },
    })
}
