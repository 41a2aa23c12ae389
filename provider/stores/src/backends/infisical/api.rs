//! Calls with a login, the two versions of the interface, and refusals.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde::Deserialize;

use super::super::StoreContext;
use super::super::rest::{Call, Client};
use super::login::Login;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::Response;

const ADDRESS: &str = "https://app.infisical.com";

#[derive(Debug)]
pub(super) struct Api {
    client: Client<Login>,
    projects: Mutex<BTreeMap<String, Project>>,
    /// Whether the server turned out not to have version 4.
    is_old: AtomicBool,
}

/// A project with both of its names.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) slug: String,
}

#[derive(Deserialize)]
struct Wrapped {
    // Newer servers put the project into an object of its own.
    #[serde(alias = "workspace")]
    project: Project,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: serde_json::Value,
}

impl Api {
    pub(super) fn new(context: &StoreContext<'_>) -> Result<Self> {
        let address = context
            .setting("address")
            .map(str::to_owned)
            .or_else(|| context.environment.text("INFISICAL_API_URL"))
            .unwrap_or_else(|| ADDRESS.to_owned());
        let address = address.trim_end_matches('/');
        let address = address.strip_suffix("/api").unwrap_or(address);
        Ok(Self {
            client: Client::new(context, address, Login::of(context)?)?,
            projects: Mutex::default(),
            is_old: AtomicBool::new(false),
        })
    }

    /// Sends a request with the login.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Response> {
        self.client.call(call).await
    }

    /// Sends a request about secrets to version 4 of the interface, or to version 3 where the server has no
    /// other. `make` makes what is asked in each, without the path.
    pub(super) async fn secrets<'a>(
        &self,
        name: Option<&'a str>,
        make: impl Fn(Version) -> Result<Call<'a>> + Send,
    ) -> Result<Response> {
        if !self.is_old.load(Ordering::Relaxed) {
            let mut call = make(Version::Four)?;
            call.path = ["api", "v4", "secrets"].into_iter().chain(name).collect();
            let answer = self.client.call(&call).await?;
            if !is_missing_route(&answer) {
                return Ok(answer);
            }
            self.is_old.store(true, Ordering::Relaxed);
        }
        let mut call = make(Version::Three)?;
        let path = ["api", "v3", "secrets", "raw"].into_iter();
        call.path = path.chain(name).collect();
        self.client.call(&call).await
    }

    /// Both names of a project that is named by one of them.
    pub(super) async fn project(&self, operation: Operation, name: &str) -> Result<Project> {
        {
            let known = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(project) = known.get(name) {
                return Ok(project.clone());
            }
        }
        let path = if is_id(name) {
            ["api", "v1", "workspace", name]
        } else {
            ["api", "v2", "workspace", name]
        };
        let answer = self.call(&Call::new(operation, Method::GET, &path)).await?;
        let answer = accepted(answer, "the project")?;
        let project = match answer.json::<Wrapped>() {
            Ok(wrapped) => wrapped.project,
            Err(_) => answer.json::<Project>()?,
        };
        let mut known = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), project.clone());
        Ok(project)
    }

    /// The id of a project; asks nobody when it is named by that.
    pub(super) async fn project_id(&self, operation: Operation, name: &str) -> Result<String> {
        if is_id(name) {
            return Ok(name.to_owned());
        }
        self.project(operation, name)
            .await
            .map(|project| project.id)
    }
}

/// Version of the interface for secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Three,
    Four,
}

impl Version {
    /// What a project is called.
    pub(super) const fn project(self) -> &'static str {
        match self {
            Self::Three => "workspaceId",
            Self::Four => "projectId",
        }
    }
}

/// Whether `name` is an id: five groups of hexadecimal digits, or 24 of them on old servers.
fn is_id(name: &str) -> bool {
    let hexadecimal = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let groups: Vec<&str> = name.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    hexadecimal(name, 24)
        || (groups.len() == lengths.len()
            && groups
                .iter()
                .zip(lengths)
                .all(|(group, length)| hexadecimal(group, length)))
}

/// What the server says, when it says it in words.
pub(super) fn words(answer: &Response) -> String {
    match answer.json::<Refusal>().map(|refusal| refusal.message) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Whether the server does not know the address, which is something else than not having the secret.
fn is_missing_route(answer: &Response) -> bool {
    answer.status.as_u16() == 404 && words(answer).starts_with("Route ")
}

/// The answer, when it is a success.
pub(super) fn accepted(answer: Response, what: &str) -> Result<Response> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let error: StoreError = answer.refusal(what);
    Err(match answer.status.as_u16() {
        401 => error.with_help("the token is wrong or ended; log in with a machine identity"),
        403 => error.with_help("give the machine identity a role in the project that allows it"),
        404 => error.with_help("look at project, environment, folder and name; each is part of the reference"),
        _ if error.kind() == ErrorKind::InvalidReference => {
            error.with_help("look at project, environment, folder and name for characters that the store does not take")
        }
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_slugs() {
        assert!(is_id("3c90c3cc-0d44-4b50-8888-8dd25736052a"));
        assert!(is_id("6374e36f0a0b0c0d0e0f1011"));
        for slug in ["payments", "payments-x1y2", "3c90c3cc-0d44-4b50-8888", ""] {
            assert!(!is_id(slug), "{slug}");
        }
    }
}
