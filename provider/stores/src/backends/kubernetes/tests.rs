//! The stores against a double of an API server that checks bearer and roles and answers with `Status` objects.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_value::Secret;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::{secret, token};
use crate::blocks::Settings;
use crate::conformance::{Fixture, conformance};
use crate::environment::Environment;
use crate::error::{ErrorKind, Result};
use crate::payload::SecretPayload;
use crate::store::{FetchOptions, SecretStore};

const TOKEN: &str = "t0ken-of-the-pipeline";

/// An API server with Secrets in memory.
#[derive(Default)]
struct Server {
    secrets: Mutex<BTreeMap<String, (u64, Value)>>,
    requests: Mutex<Vec<String>>,
}

impl Server {
    fn start(self: Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let server = Arc::clone(&self);
                std::thread::spawn(move || {
                    let _ = server.serve(stream.unwrap());
                });
            }
        });
        address
    }

    fn serve(&self, mut stream: std::net::TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let mut words = line.split_whitespace().map(str::to_owned);
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let (mut length, mut bearer, mut partial) = (0, String::new(), false);
            loop {
                let mut header = String::new();
                reader.read_line(&mut header)?;
                let Some((name, value)) = header.trim().split_once(": ") else {
                    break;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "authorization" => bearer = value.to_owned(),
                    "accept" => partial = value.contains("PartialObjectMetadata"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            self.requests
                .lock()
                .unwrap()
                .push(format!("{method} {path}"));
            let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let (status, answer) = if bearer == format!("Bearer {TOKEN}") {
                self.answer(&method, &path, &body, partial)
            } else {
                failure(401, "Unauthorized")
            };
            let text = answer.to_string();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nretry-after: 1\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            )?;
        }
    }

    fn answer(&self, method: &str, path: &str, body: &Value, partial: bool) -> (u16, Value) {
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        if path.contains("/namespaces/forbidden/") {
            return failure(403, "Forbidden");
        }
        if path.contains("/namespaces/busy/") {
            return failure(429, "TooManyRequests");
        }
        match (method, parts.as_slice()) {
            (
                "POST",
                [
                    "api",
                    "v1",
                    "namespaces",
                    _,
                    "serviceaccounts",
                    "absent",
                    "token",
                ],
            ) => failure(404, "NotFound"),
            (
                "POST",
                [
                    "api",
                    "v1",
                    "namespaces",
                    _,
                    "serviceaccounts",
                    name,
                    "token",
                ],
            ) => {
                let seconds = body["spec"]["expirationSeconds"].as_i64().unwrap();
                let end = Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
                let audience = body["spec"]["audiences"][0].as_str().unwrap_or("api");
                (
                    201,
                    json!({ "status": { "token": format!("{name}.{audience}"), "expirationTimestamp": end } }),
                )
            }
            (
                "POST",
                [
                    "apis",
                    "authorization.k8s.io",
                    "v1",
                    "selfsubjectaccessreviews",
                ],
            ) => {
                let asked = &body["spec"]["resourceAttributes"];
                let allowed = asked["namespace"] == "ci" && asked["subresource"] == "token";
                (201, json!({ "status": { "allowed": allowed } }))
            }
            (_, ["api", "v1", "namespaces", namespace, "secrets", rest @ ..]) => {
                let name = rest
                    .first()
                    .copied()
                    .or_else(|| body["metadata"]["name"].as_str());
                self.object(
                    method,
                    &format!("{namespace}/{}", name.unwrap()),
                    body,
                    partial,
                )
            }
            _ => failure(404, "NotFound"),
        }
    }

    fn object(&self, method: &str, key: &str, body: &Value, partial: bool) -> (u16, Value) {
        let mut secrets = self.secrets.lock().unwrap();
        let found = secrets.get(key).cloned();
        let shown = |version: u64, data: &Value| {
            let mut object = json!({ "metadata": {
                "resourceVersion": version.to_string(),
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [{ "manager": "kubectl", "time": "2026-01-02T00:00:00Z" }],
            }});
            if !partial {
                object["data"] = data.clone();
            }
            object
        };
        match (method, found) {
            ("POST", Some(_)) => failure(409, "AlreadyExists"),
            ("POST", None) => {
                secrets.insert(key.to_owned(), (1, body["data"].clone()));
                (201, shown(1, &body["data"]))
            }
            (_, None) => failure(404, "NotFound"),
            ("GET", Some((version, data))) => (200, shown(version, &data)),
            ("DELETE", Some(_)) => {
                secrets.remove(key);
                (200, json!({ "status": "Success" }))
            }
            (_, Some((version, _))) => {
                let changes = body.as_array().unwrap();
                let current = version.to_string();
                let holds = changes
                    .iter()
                    .filter(|change| change["op"] == "test")
                    .all(|change| change["value"] == current.as_str());
                if !holds {
                    return failure(422, "Invalid");
                }
                let data = changes.last().unwrap()["value"].clone();
                secrets.insert(key.to_owned(), (version + 1, data.clone()));
                (200, shown(version + 1, &data))
            }
        }
    }
}

fn failure(status: u16, reason: &str) -> (u16, Value) {
    (
        status,
        json!({ "kind": "Status", "status": "Failure", "reason": reason, "code": status, "message": "plumAnchor" }),
    )
}

/// Works with the stores on a server that holds `payments/db`, logged in with `bearer`.
fn with_stores<T>(
    bearer: &str,
    work: impl AsyncFnOnce(Arc<dyn SecretStore>, Arc<dyn SecretStore>) -> T,
) -> T {
    let server = Arc::new(Server::default());
    let encoded = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    server.secrets.lock().unwrap().insert(
        "payments/db".into(),
        (
            7,
            json!({ "password": encoded(b"correct horse"), "key": encoded(&[0xff, 0]), "empty": "" }),
        ),
    );
    let address = Arc::clone(&server).start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), bearer).unwrap();
    let environment = Environment::fixed(folder.path(), []);
    let settings = Settings::new()
        .with("host", address)
        .with("token_file", "token");
    let cluster = Arc::new(Cluster::new(&environment, settings));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work(
        Arc::new(secret::SecretObjects(Arc::clone(&cluster))),
        Arc::new(token::Tokens(cluster)),
    ))
}

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

async fn open(store: &dyn SecretStore, text: &str) -> Result<SecretPayload> {
    let answer = store
        .fetch(&reference(text), &FetchOptions::default())
        .await;
    answer.map(|leased| leased.value)
}

#[test]
fn secrets_conform() {
    with_stores(TOKEN, async |secrets, _| {
        let present = reference("k8s://payments/db");
        let value = open(secrets.as_ref(), "k8s://payments/db")
            .await
            .unwrap()
            .body;
        let fixture = Fixture {
            store: secrets,
            present,
            value,
            missing: reference("k8s://payments/absent"),
            free: Some(reference("k8s://payments/free")),
        };
        conformance(&fixture).await.unwrap();
    });
}

#[test]
fn keys_are_fields_and_bytes_stay_in_base64() {
    with_stores(TOKEN, async |secrets, _| {
        let payload = open(secrets.as_ref(), "k8s://payments/db").await.unwrap();
        let expected = r#"{"empty":"","key":"/wA=","password":"correct horse"}"#;
        assert_eq!(payload.body, Secret::from_text(expected.into()));
        assert_eq!(payload.metadata.version.as_deref(), Some("7"));
        assert_eq!(payload.metadata.number, Some(7));
        assert_eq!(payload.metadata.author.as_deref(), Some("kubectl"));
        let facts = secrets
            .metadata(&reference("k8s://payments/db"))
            .await
            .unwrap();
        assert_eq!(facts, payload.metadata);
    });
}

#[test]
fn writes_keep_their_conditions() {
    use crate::store::{Precondition, WriteRequest};
    with_stores(TOKEN, async |secrets, _| {
        let target = reference("k8s://payments/new");
        let value = || Secret::from_text(r#"{"a":"1"}"#.into());
        let write = async |request: WriteRequest| secrets.write(&target, &request).await;
        let first = write(WriteRequest::if_absent(value())).await.unwrap();
        assert_eq!(first.version.as_deref(), Some("1"));
        let again = write(WriteRequest::if_absent(value())).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Conflict);
        let at = |version: &str| WriteRequest {
            precondition: Precondition::Version(version.into()),
            ..WriteRequest::new(value())
        };
        assert_eq!(write(at("1")).await.unwrap().version.as_deref(), Some("2"));
        assert_eq!(
            write(at("1")).await.unwrap_err().kind(),
            ErrorKind::Conflict
        );
        let text = WriteRequest::new(Secret::from_text(r#"{"plumAnchor":1}"#.into()));
        let error = write(text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference);
        assert!(!format!("{error:?}").contains("plumAnchor"));
        secrets.remove(&target).await.unwrap();
        assert_eq!(
            secrets.remove(&target).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert!(
            write(WriteRequest::new(value())).await.is_ok(),
            "made when missing"
        );
    });
}

#[test]
fn refusals_have_their_kind_and_no_text_of_the_server() {
    let ask = |bearer: &str, text: &str| {
        with_stores(bearer, async |secrets, _| {
            open(secrets.as_ref(), text).await.unwrap_err()
        })
    };
    for (bearer, text, kind) in [
        (TOKEN, "k8s://payments/absent", ErrorKind::NotFound),
        (TOKEN, "k8s://forbidden/db", ErrorKind::PermissionDenied),
        (TOKEN, "k8s://busy/db", ErrorKind::Throttled),
        ("wrong", "k8s://payments/db", ErrorKind::PermissionDenied),
    ] {
        let error = ask(bearer, text);
        assert_eq!(error.kind(), kind, "{text}: {error:?}");
        assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
        assert!(error.help().is_some(), "{error:?}");
    }
}

#[test]
fn tokens_are_made_for_an_audience_and_end() {
    with_stores(TOKEN, async |_, tokens| {
        let options = FetchOptions {
            ttl: Some(std::time::Duration::from_secs(900)),
            arguments: Settings::new().with("audiences", vec!["vault".to_owned()]),
            ..FetchOptions::default()
        };
        let wanted = reference("k8s-token://ci/deployer");
        let leased = tokens.fetch(&wanted, &options).await.unwrap();
        let lease = leased.lease.unwrap();
        assert!(lease.facts.ttl.as_secs() > 850 && lease.facts.ttl.as_secs() <= 900);
        assert!(!lease.facts.revocable && !lease.facts.renewable);
        let expires = leased.value.metadata.expires.unwrap();
        let document = json!({ "token": "deployer.vault", "expires_at": expires.to_string() });
        assert_eq!(leased.value.body, Secret::from_text(document.to_string()));

        assert!(tokens.metadata(&wanted).await.is_ok());
        let denied = tokens
            .metadata(&reference("k8s-token://prod/deployer"))
            .await;
        assert_eq!(denied.unwrap_err().kind(), ErrorKind::PermissionDenied);
        let absent = open(tokens.as_ref(), "k8s-token://ci/absent").await;
        assert_eq!(absent.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn without_a_cluster_the_error_says_how_to_name_one() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::fixed(folder.path(), []);
    let store = secret::SecretObjects(Arc::new(Cluster::new(&environment, Settings::new())));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime
        .block_on(open(&store, "k8s://payments/db"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.help().unwrap().contains("KUBECONFIG"), "{error:?}");
}
