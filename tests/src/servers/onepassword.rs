//! A double of 1Password's Connect server: vaults and items with the documented filters, items, files.
//!
//! It checks the token and the vaults that it is for. The official Python SDK is run against it in the tests;
//! texts rest on the published description of the interface.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::authority::Issued;
use super::double::{Asked, Behaviour, Double, random};
use super::http::{Reply, full, json as answer};

struct State {
    /// Titles by id.
    vaults: BTreeMap<String, String>,
    /// Whole items.
    items: Vec<Value>,
    files: BTreeMap<String, Vec<u8>>,
    /// Tokens with the vaults that they are for.
    tokens: BTreeMap<String, Vec<String>>,
}

/// The double.
pub struct OnePassword(Double<State>);

impl OnePassword {
    /// Starts it without any vault.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(certificate: Option<&Issued>) -> Result<Self> {
        let state = State {
            vaults: BTreeMap::new(),
            items: Vec::new(),
            files: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        Double::start(state, certificate).map(Self)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// A new vault; gives its id.
    #[must_use]
    pub fn vault(&self, name: &str) -> String {
        let id = random(26);
        self.0
            .with(|state| state.vaults.insert(id.clone(), name.to_owned()));
        id
    }

    /// A new item with these fields, sections and files in the form of the interface; gives its id.
    #[must_use]
    pub fn item(&self, vault: &str, title: &str, mut content: Value) -> String {
        let id = random(26);
        content["id"] = json!(id);
        content["title"] = json!(title);
        content["vault"] = json!({ "id": vault });
        for (name, value) in [
            ("category", json!("LOGIN")),
            ("version", json!(3)),
            ("createdAt", json!("2024-01-02T03:04:05Z")),
            ("updatedAt", json!("2024-02-03T04:05:06Z")),
            ("lastEditedBy", json!("USERUSERUSERUSERUSERUSERUS")),
        ] {
            content[name] = value;
        }
        self.0.with(|state| state.items.push(content));
        id
    }

    /// Content for a file; gives its id.
    #[must_use]
    pub fn file(&self, content: &[u8]) -> String {
        let id = random(26);
        self.0
            .with(|state| state.files.insert(id.clone(), content.to_vec()));
        id
    }

    /// A token for these vaults.
    #[must_use]
    pub fn token(&self, vaults: &[&str]) -> String {
        // The SDK looks into the token's middle part; its form is that of a signed token.
        let token = format!("eyJhbGciOiJFUzI1NiJ9.{}.{}", random(40), random(40));
        let vaults = vaults.iter().map(|vault| (*vault).to_owned()).collect();
        self.0
            .with(|state| state.tokens.insert(token.clone(), vaults));
        token
    }

    /// From now on answers `requests` more, then asks to slow down.
    pub fn limit(&self, requests: Option<u32>) {
        self.0.limit(requests);
    }

    /// How many requests came since this was asked last.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.count()
    }
}

fn refuse(status: u16, message: &str) -> Reply {
    answer(status, &json!({ "status": status, "message": message }))
}

/// The text that `attribute eq "text"` wants; `None` for any other filter.
fn wanted<'a>(filter: &'a str, attribute: &str) -> Option<&'a str> {
    let text = filter.strip_prefix(attribute)?.strip_prefix(" eq ")?;
    text.strip_prefix('"')?.strip_suffix('"')
}

impl Behaviour for State {
    fn slow_down(&self) -> Value {
        json!({ "status": 429, "message": "Too many requests" })
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let Some(token) = &asked.token else {
            return refuse(401, "Authentication is required");
        };
        let Some(allowed) = self.tokens.get(token) else {
            return refuse(401, "Invalid token signature");
        };
        let (method, path) = asked.route();
        if method != "GET" {
            return refuse(405, "Method not allowed");
        }
        let filter = asked.parameter("filter");
        match path.as_slice() {
            ["v1", "vaults"] => {
                let name = match filter {
                    "" => None,
                    filter => match wanted(filter, "name") {
                        Some(name) => Some(name),
                        None => return refuse(400, "Invalid filter"),
                    },
                };
                let found: Vec<_> = self
                    .vaults
                    .iter()
                    .filter(|(id, title)| {
                        allowed.contains(id) && name.is_none_or(|name| same(title, name))
                    })
                    .map(|(id, title)| json!({ "id": id, "name": title }))
                    .collect();
                answer(200, &json!(found))
            }
            ["v1", "vaults", vault, rest @ ..] => {
                if !self.vaults.contains_key(*vault) {
                    return refuse(404, &format!("vault {vault} not found"));
                }
                if !allowed.iter().any(|known| known == vault) {
                    return refuse(403, "token is not authorized to access this vault");
                }
                self.in_vault(vault, rest, filter)
            }
            _ => refuse(404, "page not found"),
        }
    }
}

/// Titles are looked up in any case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl State {
    fn in_vault(&self, vault: &str, path: &[&str], filter: &str) -> Reply {
        let items = || {
            self.items
                .iter()
                .filter(|item| item["vault"]["id"] == vault)
        };
        let find = |id: &str| items().find(|item| item["id"] == id);
        match path {
            [] => answer(200, &json!({ "id": vault, "name": self.vaults[vault] })),
            ["items"] => {
                let title = match filter {
                    "" => None,
                    filter => match wanted(filter, "title") {
                        Some(title) => Some(title),
                        None => return refuse(400, "Invalid filter"),
                    },
                };
                let has = |item: &Value, title: &str| {
                    item["title"]
                        .as_str()
                        .is_some_and(|known| same(known, title))
                };
                let found: Vec<_> = items()
                    .filter(|item| title.is_none_or(|title| has(item, title)))
                    .map(overview)
                    .collect();
                answer(200, &json!(found))
            }
            ["items", id] => match find(id) {
                Some(item) => answer(200, item),
                None => refuse(404, &format!("item {id} not found")),
            },
            ["items", id, "files", file, "content"] => {
                let belongs = find(id).is_some_and(|item| {
                    let files = item["files"].as_array();
                    files.is_some_and(|files| files.iter().any(|known| known["id"] == *file))
                });
                match self.files.get(*file).filter(|_| belongs) {
                    Some(content) => Reply::Answer(hyper::Response::new(full(content.clone()))),
                    None => refuse(404, &format!("file {file} not found")),
                }
            }
            _ => refuse(404, "page not found"),
        }
    }
}

/// An item in a list: no fields.
fn overview(item: &Value) -> Value {
    let mut short = item.clone();
    if let Some(members) = short.as_object_mut() {
        for name in ["fields", "sections", "files"] {
            members.remove(name);
        }
    }
    short
}
