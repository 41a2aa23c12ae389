//! A double of the part of RabbitMQ's management interface that a secrets engine works with: users, their tags and
//! their permissions. It checks the login of who asks, that a user is there before permissions are set, and that
//! what must be said is said; passwords are kept as RabbitMQ compares them.
//!
//! <https://www.rabbitmq.com/docs/http-api-reference>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use futures::FutureExt as _;
use hyper::header::AUTHORIZATION;
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::http::{Handler, HttpServer, Reply, full, json as answer};

/// The user that administrates the broker.
const ADMINISTRATOR: &str = "administrator";

#[derive(Debug)]
struct User {
    password: String,
    tags: String,
    /// `configure`, `write` and `read` by virtual host.
    permissions: BTreeMap<String, [String; 3]>,
}

type Users = BTreeMap<String, User>;

/// The double; it ends when this is dropped.
pub struct RabbitMq {
    server: HttpServer,
    users: Arc<Mutex<Users>>,
    password: String,
}

impl RabbitMq {
    /// Starts a broker with one administrator and the virtual host `/`.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start() -> Result<Self> {
        let password = crate::Canary::random().value().to_owned();
        let administrator = User {
            password: password.clone(),
            tags: "administrator".to_owned(),
            permissions: BTreeMap::new(),
        };
        let users = Arc::new(Mutex::new(Users::from([(
            ADMINISTRATOR.to_owned(),
            administrator,
        )])));
        let handler: Handler = {
            let users = Arc::clone(&users);
            Arc::new(move |request| {
                let reply = handle(&mut lock(&users), &request);
                async move { reply }.boxed()
            })
        };
        Ok(Self {
            server: HttpServer::start(None, handler)?,
            users,
            password,
        })
    }

    /// Its address, for `connection_uri`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Name and password of the administrator.
    #[must_use]
    pub fn administrator(&self) -> (&str, &str) {
        (ADMINISTRATOR, &self.password)
    }

    /// Users besides the administrator.
    #[must_use]
    pub fn users(&self) -> Vec<String> {
        let users = lock(&self.users);
        let others = users.keys().filter(|name| *name != ADMINISTRATOR);
        others.cloned().collect()
    }

    /// What a client with this login may read of the virtual host; `None` when the broker does not let it in.
    #[must_use]
    pub fn may_read(&self, name: &str, password: &str, host: &str) -> Option<String> {
        let users = lock(&self.users);
        let user = users.get(name).filter(|user| user.password == password)?;
        user.permissions.get(host).map(|[_, _, read]| read.clone())
    }
}

fn lock(users: &Mutex<Users>) -> MutexGuard<'_, Users> {
    users.lock().unwrap_or_else(PoisonError::into_inner)
}

fn handle(users: &mut Users, request: &Request<Bytes>) -> Reply {
    if !is_administrator(users, request) {
        return problem(401, "not_authorised", "Login failed");
    }
    let path = request.uri().path().trim_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    match (request.method().as_str(), parts.as_slice()) {
        ("GET", ["api", "users"]) => {
            let all = users
                .iter()
                .map(|(name, user)| json!({ "name": name, "tags": user.tags, "limits": {} }));
            answer(200, &all.collect())
        }
        ("PUT", ["api", "users", name]) => {
            let (Some(password), Some(tags)) = (body["password"].as_str(), body["tags"].as_str())
            else {
                return problem(400, "bad_request", "key_missing");
            };
            let user = User {
                password: password.to_owned(),
                tags: tags.to_owned(),
                permissions: BTreeMap::new(),
            };
            done(match users.insert((*name).to_owned(), user) {
                None => 201,
                Some(_) => 204,
            })
        }
        ("DELETE", ["api", "users", name]) => match users.remove(*name) {
            Some(_) => done(204),
            None => problem(404, "Object Not Found", "Not Found"),
        },
        ("PUT", ["api", "permissions", host, name]) => {
            let part = |part: &str| body[part].as_str().map(str::to_owned);
            let (Some(configure), Some(write), Some(read)) =
                (part("configure"), part("write"), part("read"))
            else {
                return problem(400, "bad_request", "key_missing");
            };
            match users.get_mut(*name) {
                Some(user) if *host == "%2F" => {
                    user.permissions
                        .insert("/".to_owned(), [configure, write, read]);
                    done(201)
                }
                Some(_) => problem(400, "bad_request", "vhost_not_found"),
                None => problem(400, "bad_request", "no_such_user"),
            }
        }
        _ => problem(404, "Object Not Found", "Not Found"),
    }
}

fn is_administrator(users: &Users, request: &Request<Bytes>) -> bool {
    let login = || {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let decoded = BASE64_STANDARD
            .decode(header.strip_prefix("Basic ")?)
            .ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        let user = users.get(name)?;
        Some(user.password == password && user.tags == "administrator")
    };
    login() == Some(true)
}

fn done(status: u16) -> Reply {
    let mut response = Response::new(full(""));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Reply::Answer(response)
}

fn problem(status: u16, error: &str, reason: &str) -> Reply {
    answer(status, &json!({ "error": error, "reason": reason }))
}
