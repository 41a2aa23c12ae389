//! The credential helpers, used by the programs that they are for: git, and the libraries of Docker, AWS and
//! Kubernetes that read helpers.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};

use e2e::binaries::Binaries;
use e2e::python::{Scope, package, python};
use e2e::sandbox::Installation;
use e2e::{Canary, Sandbox};

const PROJECT: &str = r#"
[environments.dev]
refs = ["local://dev/**"]

[[credentials.git]]
url      = "https://git.example.com"
ref      = "local://dev/secret"
username = "deployer"

[[credentials.docker]]
url      = "registry.example.com"
ref      = "local://dev/secret"
username = "robot"
"#;

/// A project whose `local://dev/secret` is `canary`, and whose `bin` folder has links with the names of helpers.
fn project(canary: &Canary) -> Sandbox {
    let mut sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    sandbox.set_env("SECRETREF_ENVIRONMENT", "dev");
    sandbox.write("secretref.toml", PROJECT).unwrap();
    provider(&sandbox, &["store", "init"], "");
    provider(
        &sandbox,
        &["store", "set", "local://dev/secret"],
        canary.value(),
    );
    let program = Binaries::build().unwrap().provider;
    for name in ["docker-credential-secretref", "git-credential-secretref"] {
        symlink(&program, sandbox.path("bin").join(name)).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let bin = sandbox.path("bin");
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path)));
    sandbox.set_env("PATH", path.unwrap().to_str().unwrap());
    sandbox
}

fn provider(sandbox: &Sandbox, arguments: &[&str], input: &str) {
    sandbox
        .provider(&sandbox.project(), arguments, input)
        .unwrap()
        .expect_code(0)
        .unwrap();
}

fn fed(mut command: Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.as_bytes()).unwrap();
    drop(pipe);
    child.wait_with_output().unwrap()
}

/// What a Python program prints that runs inside the sandbox, with `arguments`.
fn python_says(
    sandbox: &Sandbox,
    packages: &str,
    version: &str,
    text: &str,
    arguments: &[&str],
) -> String {
    let packages = package(packages, version, Scope::WithDependencies).unwrap();
    let made = python(text, Some(&packages));
    let mut command = sandbox.command(made.get_program(), &sandbox.project());
    command.args(made.get_args()).args(arguments);
    command.env("PYTHONPATH", &packages);
    let output = fed(command, "");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn git_asks_for_the_login_of_a_server_and_gets_it() {
    let canary = Canary::random();
    let sandbox = project(&canary);
    let fill = |host: &str| {
        let mut command = sandbox.command("git", &sandbox.project());
        command
            .args(["-c", "credential.helper=secretref", "credential", "fill"])
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        fed(command, &format!("protocol=https\nhost={host}\n\n"))
    };
    let output = fill("git.example.com");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("username=deployer\n"), "{said}");
    assert!(said.contains(&format!("password={}\n", canary.value())));
    // Nobody has a login for this one, and git would ask.
    let output = fill("elsewhere.example.com");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("terminal prompts disabled"), "{said}");
}

#[test]
fn the_library_of_docker_gets_logins_and_takes_a_missing_one_for_missing() {
    let canary = Canary::random();
    let sandbox = project(&canary);
    let text = r#"
import json
from docker.credentials import Store, CredentialsNotFound
store = Store("secretref")
try:
    store.get("elsewhere.example.com")
except CredentialsNotFound:
    print("missing")
print(json.dumps([store.get("registry.example.com"), store.list()]))
"#;
    let said = python_says(&sandbox, "docker", "7.2.0", text, &[]);
    let (missing, answers) = said.split_once('\n').unwrap();
    assert_eq!(missing, "missing");
    let answers: serde_json::Value = serde_json::from_str(answers).unwrap();
    assert_eq!(answers[0]["Username"], "robot");
    assert_eq!(answers[0]["Secret"], canary.value());
    assert_eq!(answers[1]["registry.example.com"], "robot");
}

#[test]
fn the_library_of_aws_runs_the_process_and_knows_when_to_ask_again() {
    let canary = Canary::random();
    let sandbox = project(&canary);
    let keys = format!(
        r#"{{"access_key_id":"AKIAEXAMPLE","secret_access_key":"{}","session_token":"t","expires_at":"2096-10-02T07:06:40Z"}}"#,
        canary.value()
    );
    provider(&sandbox, &["store", "set", "local://dev/aws"], &keys);
    let program = Binaries::build().unwrap().provider;
    let profile = format!(
        "[profile ci]\ncredential_process = {:?} credential aws local://dev/aws\n",
        program.display().to_string()
    );
    std::fs::create_dir_all(sandbox.path("home/.aws")).unwrap();
    std::fs::write(sandbox.path("home/.aws/config"), profile).unwrap();
    let text = r#"
import botocore.session
found = botocore.session.Session(profile="ci").get_credentials()
frozen = found.get_frozen_credentials()
print(found.method, frozen.access_key, frozen.secret_key, frozen.token, found._expiry_time.isoformat())
"#;
    let said = python_says(&sandbox, "botocore", "1.44.8", text, &[]);
    let expected = format!(
        "custom-process AKIAEXAMPLE {} t 2096-10-02T07:06:40+00:00",
        canary.value()
    );
    assert_eq!(said.trim(), expected);
}

#[test]
fn the_client_of_kubernetes_runs_the_exec_of_a_kubeconfig() {
    let canary = Canary::random();
    let sandbox = project(&canary);
    let program = Binaries::build().unwrap().provider;
    let kubeconfig = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:1" } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
        "users": [{ "name": "u", "user": { "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": program.display().to_string(),
            "args": ["credential", "kubernetes", "local://dev/secret"],
            "interactiveMode": "Never",
        } } }],
    });
    sandbox
        .write("kubeconfig", &kubeconfig.to_string())
        .unwrap();
    let text = r#"
import sys
from kubernetes import client, config
made = client.Configuration()
config.load_kube_config(config_file=sys.argv[1], client_configuration=made)
print(*made.api_key.values())
"#;
    let said = python_says(&sandbox, "kubernetes", "37.0.2", text, &["kubeconfig"]);
    assert_eq!(said.trim(), format!("Bearer {}", canary.value()));
}
