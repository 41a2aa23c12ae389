//! Logins with the identity of a cloud, which no server at hand has: what Vault demands of each is checked here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use super::double::Double;
use super::logins::{auth, double, open};
use crate::blocks::Settings;
use crate::{Environment, Stores};

const SERVER_ID: &str = "vault.example";
const AWS_SECRET: &str = "plumAnchor-aws";

/// Why Vault would refuse a login with `body`; `None` when it is right.
pub(super) fn problem(method: &str, body: &Value) -> Option<&'static str> {
    let right = match method {
        "aws" => is_caller(body),
        "azure" => {
            body["role"] == "ci"
                && audience(body) == Some("https://management.azure.com/".to_owned())
                && body["subscription_id"] == "sub-1"
                && body["vm_name"] == "machine-1"
                && body.get("vmss_name").is_none()
        }
        _ => body["role"] == "ci" && audience(body) == Some("http://vault/ci".to_owned()),
    };
    (!right).then_some("the double does not accept the proof")
}

/// Whether the body holds a signed `GetCallerIdentity` that names this server: what the method `iam` sends on to
/// AWS. <https://developer.hashicorp.com/vault/api-docs/auth/aws#login>
fn is_caller(body: &Value) -> bool {
    let part = |name: &str| {
        let text = body[name].as_str().unwrap_or_default();
        BASE64_STANDARD.decode(text).unwrap_or_default()
    };
    let request = part("iam_request_body");
    let headers: Value = serde_json::from_slice(&part("iam_request_headers")).unwrap_or_default();
    let Ok(url) = url::Url::parse(&String::from_utf8_lossy(&part("iam_request_url"))) else {
        return false;
    };
    let headers: Vec<(String, String)> = headers
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, values)| Some((name.clone(), values[0].as_str()?.to_owned())))
        .collect();
    let signed_server = headers.iter().any(|(name, value)| {
        name == "authorization" && value.contains("x-vault-aws-iam-server-id")
    });
    let named = headers
        .iter()
        .any(|(name, value)| name == "x-vault-aws-iam-server-id" && value == SERVER_ID);
    body["role"] == "ci"
        && body["iam_http_request_method"] == "POST"
        && url.host_str() == Some("sts.amazonaws.com")
        && request == b"Action=GetCallerIdentity&Version=2011-06-15"
        && signed_server
        && named
        && crate::backends::aws::tests::is_proof_by(AWS_SECRET, &url, &headers, &request)
}

/// The audience of the token in a login.
fn audience(body: &Value) -> Option<String> {
    let payload = body["jwt"].as_str()?.split('.').nth(1)?;
    let claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(claims["aud"].as_str()?.to_owned())
}

fn token(audience: &str) -> String {
    let claims = json!({ "aud": audience, "exp": 4_102_444_800_u64 }).to_string();
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

/// The metadata service of a machine: its address. It answers `answer` to requests whose first line holds all of
/// `asked`, with this header, and 404 to others.
fn machine(asked: &'static [&'static str], header: &'static str, answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let right = asked.iter().all(|part| lines[0].contains(part))
                && lines[1..]
                    .iter()
                    .any(|line| line.eq_ignore_ascii_case(header));
            let (status, body) = if right { (200, &*answer) } else { (404, "") };
            let text = format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(text.as_bytes());
        }
    });
    address
}

fn stores(double: &Double, variables: &[(&str, &str)], method: &str, settings: Settings) -> Stores {
    let variables = variables
        .iter()
        .copied()
        .chain([("VAULT_ADDR", double.address.as_str())]);
    Stores::new(
        Environment::fixed("/nowhere", variables),
        crate::layers::Layers::default(),
    )
    .with_block("vault", "default", auth(method, settings))
    .unwrap()
}

#[test]
fn aws_gets_a_signed_request_that_tells_who_signed_it() {
    let double = double();
    let keys = |secret| {
        [
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_SESSION_TOKEN", "session"),
        ]
    };
    let settings = || {
        Settings::new()
            .with("role", "ci")
            .with("header_value", SERVER_ID)
    };
    open(&stores(&double, &keys(AWS_SECRET), "aws", settings())).unwrap();
    let error = open(&stores(&double, &keys("another"), "aws", settings())).unwrap_err();
    assert!(!format!("{error:?}").contains("another"), "{error:?}");
    let other = settings().with("header_value", "elsewhere.example");
    open(&stores(&double, &keys(AWS_SECRET), "aws", other)).unwrap_err();
    assert_eq!(double.count("auth/aws/login"), 3);
    assert_eq!(double.count("kv/data/a"), 1);
}

#[test]
fn a_machine_of_google_cloud_shows_its_identity_to_this_role_alone() {
    let double = double();
    let metadata = machine(
        &[
            "GET /computeMetadata/v1/instance/service-accounts/default/identity?",
            "audience=http%3A%2F%2Fvault%2Fci",
            "format=full",
        ],
        "metadata-flavor: Google",
        token("http://vault/ci"),
    );
    let variables = [("GCE_METADATA_HOST", metadata.as_str())];
    let role = |role: &str| Settings::new().with("role", role);
    open(&stores(&double, &variables, "gcp", role("ci"))).unwrap();
    // The metadata service has nothing for another role: nothing is sent.
    let error = open(&stores(&double, &variables, "gcp", role("other"))).unwrap_err();
    assert!(error.to_string().contains("no identity"), "{error}");
    assert_eq!(double.count("auth/gcp/login"), 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwt");
    std::fs::write(&file, token("http://vault/ci")).unwrap();
    let from_file = role("ci").with("jwt_file", file.to_str().unwrap());
    open(&stores(&double, &[], "gcp", from_file)).unwrap();
    assert_eq!(double.count("auth/gcp/login"), 2);
}

#[test]
fn a_machine_of_azure_shows_its_identity_and_its_place() {
    let double = double();
    let answer = json!({ "access_token": token("https://management.azure.com/") });
    let metadata = machine(
        &[
            "GET /metadata/identity/oauth2/token?",
            "api-version=2018-02-01",
            "resource=https%3A%2F%2Fmanagement.azure.com%2F",
        ],
        "metadata: true",
        answer.to_string(),
    );
    let metadata = format!("http://{metadata}");
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.as_str())];
    let settings = |machine: &str| {
        Settings::new()
            .with("role", "ci")
            .with("subscription_id", "sub-1")
            .with("vm_name", machine)
    };
    open(&stores(&double, &variables, "azure", settings("machine-1"))).unwrap();
    open(&stores(&double, &variables, "azure", settings("machine-2"))).unwrap_err();
    assert_eq!(double.count("auth/azure/login"), 2);
}
