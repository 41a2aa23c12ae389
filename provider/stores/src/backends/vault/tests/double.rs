//! A double of the server for tests beside the code: checks tokens, keeps a key-value mount of version 2, makes
//! leased credentials, and answers the errors of a real OpenBao word for word. It counts what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

/// What one request was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) asked: Vec<Asked>,
    /// Answers for the next requests whose path starts so, as raw HTTP.
    pub(super) script: VecDeque<(&'static str, String)>,
    /// Tokens that are valid, and whether their policies allow more than the default ones.
    pub(super) tokens: BTreeMap<String, bool>,
    pub(super) leases: Vec<String>,
    /// Wrapping tokens and the paths that made them.
    pub(super) wrapped: BTreeMap<String, String>,
    /// Versions of each path: the value, or `None` when it was destroyed.
    kv: BTreeMap<String, Vec<Option<Value>>>,
    made: usize,
}

/// A running double; ends with the test process.
#[derive(Clone)]
pub(super) struct Double {
    pub(super) address: String,
    pub(super) state: Arc<Mutex<State>>,
}

const TIME: &str = "2026-01-02T03:04:05Z";

impl Double {
    /// A double that knows the token `good`, which may do everything.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let double = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        double.allow("good", true);
        let serving = double.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        double
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Answers the next request whose path starts with `path`.
    pub(super) fn answer(&self, path: &'static str, status: u16, headers: &str, body: &str) {
        let text = http(status, headers, body);
        self.change(|state| state.script.push_back((path, text)));
    }

    /// How many requests had a path that starts so.
    pub(super) fn count(&self, path: &str) -> usize {
        self.change(|state| {
            let all = state.asked.iter();
            all.filter(|asked| asked.path.starts_with(path)).count()
        })
    }

    pub(super) fn put(&self, path: &str, value: Value) {
        self.change(|state| {
            let versions = state.kv.entry(path.to_owned()).or_default();
            versions.push(Some(value));
        });
    }

    /// Makes a token valid; `all` says whether it may do more than the default policy allows.
    pub(super) fn allow(&self, token: &str, all: bool) {
        self.change(|state| {
            state.tokens.insert(token.to_owned(), all);
        });
    }

    /// Makes a wrapping token, as `path` would.
    pub(super) fn wrap(&self, token: &str, path: &str) {
        self.change(|state| {
            state.wrapped.insert(token.to_owned(), path.to_owned());
        });
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        while let Some((asked, body)) = read(&mut reader) {
            let text = self.change(|state| {
                state.asked.push(asked.clone());
                let scripted = state
                    .script
                    .iter()
                    .position(|(path, _)| asked.path.starts_with(path));
                match scripted.and_then(|place| state.script.remove(place)) {
                    Some((_, text)) => text,
                    None => state.answer(&asked, &body),
                }
            });
            if writer.write_all(text.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(Asked, Value)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut parts = line.split(' ');
    let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let asked = Asked {
        method,
        path: path.strip_prefix("/v1/")?.to_owned(),
        headers,
    };
    Some((asked, serde_json::from_slice(&body).unwrap_or_default()))
}

fn ok(value: &Value) -> String {
    http(200, "", &value.to_string())
}

fn errors(status: u16, texts: &[&str]) -> String {
    http(status, "", &json!({ "errors": texts }).to_string())
}

impl State {
    fn answer(&mut self, asked: &Asked, body: &Value) -> String {
        let path = asked.path.split('?').next().unwrap().to_owned();
        if let Some(user) = path.strip_prefix("auth/userpass/login/") {
            if body["password"] != format!("pass-{user}") {
                return errors(400, &["invalid username or password"]);
            }
            return self.token(900, true);
        }
        if let Some(user) = path.strip_prefix("auth/ldap/login/") {
            if body["password"] != format!("pass-{user}") {
                return errors(400, &["ldap operation failed: failed to bind as user"]);
            }
            return self.token(900, true);
        }
        #[cfg(feature = "aws")]
        if let Some(method) = path
            .strip_prefix("auth/")
            .and_then(|rest| rest.strip_suffix("/login"))
            .filter(|method| matches!(*method, "aws" | "azure" | "gcp"))
        {
            return match super::clouds::problem(method, body) {
                Some(problem) => errors(400, &[problem]),
                None => self.token(300, true),
            };
        }
        match path.as_str() {
            "sys/wrapping/lookup" => {
                return self.wrapping(body["token"].as_str().unwrap_or_default(), false);
            }
            "auth/approle/login" => {
                if (body["role_id"].as_str(), body["secret_id"].as_str())
                    != (Some("role"), Some("secret-id-1"))
                {
                    return errors(400, &["invalid role or secret ID"]);
                }
                return self.token(300, true);
            }
            "auth/kubernetes/login" | "auth/jwt/login" => {
                let known = body["role"] == "ci"
                    && body["jwt"]
                        .as_str()
                        .is_some_and(|jwt| jwt.starts_with("e30."));
                if !known {
                    return errors(403, &["permission denied"]);
                }
                return self.token(300, true);
            }
            _ => {}
        }
        if path == "sys/wrapping/unwrap" {
            let token = asked
                .headers
                .get("x-vault-token")
                .cloned()
                .unwrap_or_default();
            return self.wrapping(&token, true);
        }
        if let Some(login) = asked.headers.get("x-vault-inline-auth-path") {
            return self.inline(login, asked, body);
        }
        let token = asked
            .headers
            .get("x-vault-token")
            .cloned()
            .unwrap_or_default();
        let Some(allowed) = self.tokens.get(&token).copied() else {
            return errors(403, &["permission denied"]);
        };
        let denied = || errors(403, &["1 error occurred:\n\t* permission denied\n\n"]);
        match (asked.method.as_str(), path.as_str()) {
            ("GET", "auth/token/lookup-self") => {
                ok(&json!({ "data": { "ttl": 3600, "renewable": true, "type": "service" } }))
            }
            ("POST", "auth/token/create") if allowed => self.token(600, allowed),
            ("POST", "auth/token/renew-self") => ok(
                &json!({ "auth": { "client_token": token, "lease_duration": 600, "renewable": true } }),
            ),
            ("POST", "auth/token/revoke-self") => {
                self.tokens.remove(&token);
                self.leases.retain(|lease| !lease.ends_with(&token));
                http(204, "", "")
            }
            ("GET", path) if path.starts_with("sys/internal/ui/mounts/") => mount(path),
            ("POST", "sys/leases/renew") => self.renew(body),
            ("POST", "sys/leases/revoke") if allowed => {
                let id = body["lease_id"].as_str().unwrap();
                self.leases.retain(|lease| lease != id);
                http(204, "", "")
            }
            ("POST", "sys/capabilities-self") => {
                ok(&json!({ "data": { "capabilities": ["read"] } }))
            }
            ("GET", "db/creds/app") => {
                self.made += 1;
                let id = format!("db/creds/app/{}.{token}", self.made);
                self.leases.push(id.clone());
                ok(
                    &json!({ "lease_id": id, "lease_duration": 60, "renewable": true,
                    "data": { "username": format!("u{}", self.made), "password": "plumAnchor-db" } }),
                )
            }
            (method, path) if path.starts_with("kv/") => self.kv(method, asked, path, body),
            _ => denied(),
        }
    }

    /// A login that comes with the request itself; the parameters are base64url of JSON.
    fn inline(&mut self, login: &str, asked: &Asked, body: &Value) -> String {
        let parameters = asked
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("x-vault-inline-auth-parameter-"));
        let right = parameters.into_iter().any(|(_, text)| {
            let json = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
            let parameter: Value = serde_json::from_slice(&json).unwrap();
            parameter == json!({ "key": "password", "value": "pass-ci" })
        });
        let path = asked.path.split('?').next().unwrap();
        if login != "auth/userpass/login/ci" || !right || !path.starts_with("kv/") {
            return errors(403, &["permission denied"]);
        }
        self.kv(&asked.method, asked, path, body)
    }

    /// What a wrapping token holds, once; looking is free.
    fn wrapping(&mut self, token: &str, open: bool) -> String {
        let Some(path) = self.wrapped.get(token).cloned() else {
            return errors(400, &["wrapping token is not valid or does not exist"]);
        };
        if !open {
            return ok(&json!({ "data": { "creation_path": path, "creation_ttl": 60 } }));
        }
        self.wrapped.remove(token);
        ok(&json!({ "data": { "secret_id": "secret-id-1", "secret_id_accessor": "a" } }))
    }

    fn token(&mut self, ttl: u64, allowed: bool) -> String {
        self.made += 1;
        let text = format!("made-{}", self.made);
        self.tokens.insert(text.clone(), allowed);
        ok(
            &json!({ "auth": { "client_token": text, "accessor": format!("acc-{}", self.made),
            "lease_duration": ttl, "renewable": true, "token_type": "service", "policies": ["default"] } }),
        )
    }

    fn renew(&self, body: &Value) -> String {
        let id = body["lease_id"].as_str().unwrap().to_owned();
        if self.leases.contains(&id) {
            ok(&json!({ "lease_id": id, "lease_duration": 60, "renewable": true }))
        } else {
            errors(400, &["lease not found"])
        }
    }

    fn kv(&mut self, method: &str, asked: &Asked, path: &str, body: &Value) -> String {
        let (part, name) = path.trim_start_matches("kv/").split_once('/').unwrap();
        let versions = self.kv.entry(name.to_owned()).or_default();
        let count = versions.len();
        match (method, part) {
            (_, "data" | "metadata") if count == 0 && method == "GET" => errors(404, &[]),
            ("GET", "data") => {
                let wanted = asked.path.split_once("version=");
                let wanted = wanted.map_or(count, |(_, text)| text.parse().unwrap());
                match versions.get(wanted.wrapping_sub(1)) {
                    None => errors(404, &[]),
                    Some(value) => {
                        let metadata = facts(wanted, value.is_none());
                        let status = if value.is_some() { 200 } else { 404 };
                        http(
                            status,
                            "",
                            &json!({ "data": { "data": value, "metadata": metadata } }).to_string(),
                        )
                    }
                }
            }
            ("GET", "metadata") => {
                let all: BTreeMap<_, _> = versions
                    .iter()
                    .enumerate()
                    .map(|(place, value)| {
                        ((place + 1).to_string(), facts(place + 1, value.is_none()))
                    })
                    .collect();
                ok(
                    &json!({ "data": { "current_version": count, "created_time": TIME, "versions": all,
                    "custom_metadata": { "team": "payments" } } }),
                )
            }
            ("POST", "data") => {
                let cas = body["options"]["cas"].as_u64();
                if cas.is_some_and(|cas| cas != count as u64) {
                    return errors(
                        400,
                        &["check-and-set parameter did not match the current version"],
                    );
                }
                versions.push(Some(body["data"].clone()));
                ok(&json!({ "data": facts(count + 1, false) }))
            }
            ("DELETE", "metadata") => {
                self.kv.remove(name);
                http(204, "", "")
            }
            ("POST", "destroy") => {
                for version in body["versions"].as_array().unwrap() {
                    let place = usize::try_from(version.as_u64().unwrap()).unwrap() - 1;
                    versions[place] = None;
                }
                http(204, "", "")
            }
            _ => errors(405, &["unsupported operation"]),
        }
    }
}

fn facts(version: usize, destroyed: bool) -> Value {
    json!({ "version": version, "created_time": TIME, "deletion_time": "", "destroyed": destroyed })
}

fn mount(path: &str) -> String {
    let rest = path.trim_start_matches("sys/internal/ui/mounts/");
    match rest.split('/').next().unwrap() {
        "kv" => {
            ok(&json!({ "data": { "path": "kv/", "type": "kv", "options": { "version": "2" } } }))
        }
        "db" => ok(&json!({ "data": { "path": "db/", "type": "database", "options": null } })),
        other => errors(
            403,
            &[&format!(
                "preflight capability check returned 403, please ensure client's policies grant access to path \"{other}/\""
            )],
        ),
    }
}
