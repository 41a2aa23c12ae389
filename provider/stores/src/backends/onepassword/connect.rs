//! The Connect server: vaults and items by name or id, items with their fields, contents of files.

use async_trait::async_trait;
use reqwest::Method;
use secret_value::Secret;
use serde::Deserialize;

use super::super::StoreContext;
use super::super::rest::{Call, Client, LogIn, Server, Token};
use super::item::{File, Item};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::Response;

/// Largest file that is fetched.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Connect(Client<Login>);

/// The token of the Connect server, which does not change.
#[derive(Debug)]
struct Login(Option<Secret>);

#[async_trait]
impl LogIn for Login {
    fn can_repeat(&self) -> bool {
        false
    }

    async fn log_in(&self, operation: Operation, _: &Server) -> Result<Token> {
        let token = self.0.clone().ok_or_else(|| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                "there is no token for the Connect server",
            )
            .with_help("set OP_CONNECT_TOKEN")
        })?;
        Ok(Token {
            text: token,
            ttl: None,
        })
    }
}

/// A vault or an item in a list: no values.
#[derive(Deserialize)]
struct Entry {
    id: String,
}

impl Connect {
    pub(super) fn new(context: &StoreContext<'_>, address: &str) -> Result<Self> {
        let set = context
            .settings
            .and_then(|settings| settings.secret("token").cloned());
        let environment = context.environment;
        let token = set.or_else(|| environment.text("OP_CONNECT_TOKEN").map(Secret::from_text));
        Client::new(context, address, Login(token)).map(Self)
    }

    /// The item `item` of `vault`, each named by title or id.
    pub(super) async fn item(&self, operation: Operation, vault: &str, item: &str) -> Result<Item> {
        let vault = if is_id(vault) {
            vault.to_owned()
        } else {
            self.find(operation, &["v1", "vaults"], "name", vault, "vault")
                .await?
        };
        let items = ["v1", "vaults", &vault, "items"];
        let id = if is_id(item) {
            item.to_owned()
        } else {
            self.find(operation, &items, "title", item, "item").await?
        };
        let path = ["v1", "vaults", &vault, "items", &id];
        let answer = self.get(operation, &path, &[]).await?;
        accepted(answer, "the item")?.json()
    }

    /// The content of a file of `item`.
    pub(super) async fn file(
        &self,
        operation: Operation,
        item: &Item,
        file: &File,
    ) -> Result<Secret> {
        let too_large = || {
            StoreError::new(
                ErrorKind::TooLarge,
                operation,
                format!("the file is larger than the limit of {MAX_FILE_BYTES} bytes"),
            )
        };
        if file.size > MAX_FILE_BYTES {
            return Err(too_large());
        }
        let path = [
            "v1",
            "vaults",
            &item.vault.id,
            "items",
            &item.id,
            "files",
            &file.id,
            "content",
        ];
        let answer = self.get(operation, &path, &[]).await?;
        let mut answer = accepted(answer, "the file")?;
        if answer.body.len() as u64 > MAX_FILE_BYTES {
            return Err(too_large());
        }
        Ok(Secret::new(std::mem::take(&mut *answer.body)))
    }

    /// The id of the only entry whose `attribute` is `name`.
    async fn find(
        &self,
        operation: Operation,
        path: &[&str],
        attribute: &str,
        name: &str,
        what: &str,
    ) -> Result<String> {
        let filter = format!("{attribute} eq {}", quoted(operation, name)?);
        let answer = self.get(operation, path, &[("filter", &filter)]).await?;
        let place = match what {
            "vault" => "the vaults",
            _ => "the vault",
        };
        let entries: Vec<Entry> = accepted(answer, place)?.json()?;
        match entries.as_slice() {
            [only] => Ok(only.id.clone()),
            [] => Err(StoreError::new(
                ErrorKind::NotFound,
                operation,
                format!("there is no {what} `{name}` that this login may see"),
            )
            .with_help(format!(
                "look at the name, or use the id of the {what}; the token may lack the right to the vault"
            ))),
            _ => Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                format!("there are several {what}s `{name}`"),
            )
            .with_help(format!("use the id of the {what} instead of its name"))),
        }
    }

    async fn get(
        &self,
        operation: Operation,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response> {
        let call = Call::new(operation, Method::GET, path).query(query);
        self.0.call(&call).await
    }
}

/// Ids are 26 lower-case letters and digits.
fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// A name as a filter wants it.
fn quoted(operation: Operation, name: &str) -> Result<String> {
    if name.contains(['"', '\\']) {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "a name with `\"` or `\\` cannot be looked up",
        )
        .with_help("use the id of the vault or item"));
    }
    Ok(format!("\"{name}\""))
}

/// The answer, when it is a success.
fn accepted(answer: Response, what: &str) -> Result<Response> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let error = answer.refusal(what);
    Err(match answer.status.as_u16() {
        401 => error.with_help("the token is wrong, ended, or is of another Connect server"),
        403 => error.with_help("give the token access to the vault"),
        _ => error,
    })
}
