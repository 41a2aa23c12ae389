//! The official Python clients take the double for Google Cloud: `google-auth` for logins, and the client of Secret
//! Manager over REST.

use e2e::python::{self, Scope};
use e2e::servers::{Algorithm, GoogleRole, OidcIssuer, VersionState};
use serde_json::{Value, json};

use super::bench::{CANARY, open, run, text};
use super::{PROJECT, admin, double};

const PROGRAM: &str = r#"
import json, sys
from google.api_core import exceptions
from google.auth import identity_pool
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.cloud import secretmanager_v1 as sm
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceRestTransport
from google.oauth2 import credentials as users, service_account

url, key, person, proof, provider, target = sys.argv[1:]
scope = ["https://www.googleapis.com/auth/cloud-platform"]
account = service_account.Credentials.from_service_account_file(key, scopes=scope)
account.refresh(Request())
identity = service_account.IDTokenCredentials.from_service_account_file(key, target_audience="https://app.example")
identity.refresh(Request())
user = users.Credentials.from_authorized_user_file(person)
user._token_uri = json.load(open(person))["token_uri"]
user.refresh(Request())
federated = identity_pool.Credentials(
    audience="//iam.googleapis.com/" + provider,
    subject_token_type="urn:ietf:params:oauth:token-type:jwt",
    token_url=url + "/v1/token",
    service_account_impersonation_url=url + "/v1/projects/-/serviceAccounts/" + target + ":generateAccessToken",
    credential_source={"file": proof},
    scopes=scope,
)
federated.refresh(Request())

def client(token):
    return sm.SecretManagerServiceClient(transport=SecretManagerServiceRestTransport(
        host=url.split("://")[1], url_scheme="http", credentials=users.Credentials(token)))

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff

def refusal(call):
    try:
        call()
    except exceptions.GoogleAPICallError as error:
        return type(error).__name__ + ": " + (error.reason or "")
    except RefreshError:
        # The client took the refusal for the end of the token.
        return "Unauthorized"

mine = client(account.token)
name = "projects/acme/secrets/PW/versions/"
latest = mine.access_secret_version(name=name + "latest")
made = mine.create_secret(parent="projects/acme", secret_id="MADE", secret={"replication": {"automatic": {}}})
added = mine.add_secret_version(parent="projects/acme/secrets/MADE", payload={
    "data": b"three", "data_crc32c": crc32c(b"three")})
print(json.dumps({
    "value": latest.payload.data.decode(),
    "sum": latest.payload.data_crc32c == crc32c(latest.payload.data),
    "name": latest.name,
    "alias": mine.get_secret_version(name=name + "stable").name,
    "versions": [[v.name.split("/")[-1], v.state.name] for v in mine.list_secret_versions(parent="projects/acme/secrets/PW")],
    "federated": client(federated.token).access_secret_version(name=name + "latest").name == latest.name,
    "user": client(user.token).access_secret_version(name=name + "1").payload.data.decode(),
    "identity": identity.token,
    "checked": added.client_specified_payload_checksum,
    "missing": refusal(lambda: mine.access_secret_version(name="projects/acme/secrets/NONE/versions/latest")),
    "denied": refusal(lambda: mine.access_secret_version(name="projects/other/secrets/PW/versions/latest")),
    "disabled": refusal(lambda: mine.access_secret_version(name=name + "2")),
    "exists": refusal(lambda: mine.create_secret(parent="projects/acme", secret_id="MADE", secret={"replication": {"automatic": {}}})),
    "broken": refusal(lambda: mine.add_secret_version(parent="projects/acme/secrets/MADE", payload={"data": b"x", "data_crc32c": 1})),
    "stranger": refusal(lambda: client("ya29.wrong").access_secret_version(name=name + "latest")),
}))
"#;

#[test]
fn the_official_clients_take_the_double_for_google() {
    let google = double();
    google.put("PW", CANARY.as_bytes());
    google.set_state("PW", 2, VersionState::Disabled);
    google.alias("PW", "stable", 1);
    let email = google.service_account("ci");
    google.grant(&email, GoogleRole::Admin);
    google.grant("ana", GoogleRole::Accessor);
    let issuer = OidcIssuer::start(Algorithm::Rs256).unwrap();
    let (provider, identity) = google.trust(&issuer, "job");
    google.delegate(&identity, &email);
    let proof = issuer
        .token(
            &format!("https://iam.googleapis.com/{provider}"),
            &json!({ "sub": "job" }),
        )
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let package = python::package(
        "google-cloud-secret-manager",
        "2.32.0",
        Scope::WithDependencies,
    )
    .unwrap();
    let mut command = python::python(PROGRAM, Some(&package));
    command
        .env("HOME", folder.path())
        .env("NO_GCE_CHECK", "true")
        .env_remove("GOOGLE_APPLICATION_CREDENTIALS")
        .args([
            google.url(),
            file("key.json", &google.key(&email).unwrap()),
            file("person.json", &google.person("ana")),
            file("proof", &proof),
            provider,
            email,
        ]);
    let seen: Value = serde_json::from_str(run(&mut command).trim()).unwrap();
    let number = google.project_number();
    let name = |version: u32| format!("projects/{number}/secrets/PW/versions/{version}");
    assert_eq!(
        google.claims(seen["identity"].as_str().unwrap()).unwrap()["aud"],
        "https://app.example"
    );
    for (what, expected) in [
        ("value", json!(CANARY)),
        ("sum", json!(true)),
        ("name", json!(name(3))),
        ("alias", json!(name(1))),
        (
            "versions",
            json!([["3", "ENABLED"], ["2", "DISABLED"], ["1", "ENABLED"]]),
        ),
        ("federated", json!(true)),
        ("user", json!("before")),
        ("checked", json!(true)),
        ("missing", json!("NotFound: ")),
        ("denied", json!("Forbidden: IAM_PERMISSION_DENIED")),
        ("disabled", json!("BadRequest: ")),
        ("exists", json!("Conflict: ")),
        ("broken", json!("BadRequest: ")),
        ("stranger", json!("Unauthorized")),
    ] {
        assert_eq!(seen[what], expected, "{what}");
    }
    let ours = open(&admin(&google), &format!("gcp-sm://{PROJECT}/MADE"));
    assert_eq!(ours.unwrap(), text("three"));
}
