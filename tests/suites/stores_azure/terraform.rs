//! A real Terraform drives the provider against the doubles; a canary must arrive and be left nowhere.

use e2e::sandbox::Installation;
use e2e::servers::{Algorithm, OidcIssuer, VAULT_TENANT, VaultRole};
use e2e::{Canary, Outcome, Sandbox};
use serde_json::json;

use super::*;

const HEAD: &str = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n";

/// A sandbox whose provider block knows where everything is; `login` are further settings of it.
fn stage(cloud: &Cloud, login: &str, text: &str) -> Sandbox {
    let mut sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    let provider = format!(
        "provider \"secretref\" {{\n  azure \"default\" {{\n    tenant_id      = \"{VAULT_TENANT}\"\n    authority_host \
         = \"{}\"\n    vault_urls     = {{ \"acme-kv\" = \"{}\" }}\n{login}  }}\n}}\n\n",
        cloud.azure.url(),
        cloud.vault.url()
    );
    sandbox
        .write("main.tf", &format!("{HEAD}{provider}{text}"))
        .unwrap();
    let log = sandbox.project().join("trace.log").display().to_string();
    sandbox.set_env("TF_LOG", "TRACE");
    sandbox.set_env("TF_LOG_PATH", &log);
    sandbox
}

fn log_in_as(sandbox: &mut Sandbox, app: &App) {
    sandbox.set_env("ARM_CLIENT_ID", &app.client);
    sandbox.set_env("ARM_CLIENT_SECRET", &app.secret);
}

fn terraform(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let all: Vec<_> = arguments
        .iter()
        .copied()
        .chain(["-no-color", "-input=false"])
        .collect();
    sandbox.terraform(&sandbox.project(), &all).unwrap()
}

fn apply(sandbox: &Sandbox) -> Outcome {
    terraform(sandbox, &["apply", "-auto-approve"])
        .expect_code(0)
        .unwrap()
}

/// The text that a failed command shows, without the frame and line breaks that depend on the width.
fn complaint(outcome: &Outcome) -> String {
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.text());
    let lines = outcome.stderr.lines();
    lines
        .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']))
        .collect::<Vec<_>>()
        .join(" ")
}

fn assert_no_leak(sandbox: &Sandbox, canary: &Canary) {
    for part in ["project", "home", "tmp"] {
        let (leaks, searched) = canary.search_tree(&sandbox.path(part)).unwrap();
        assert!(leaks.is_empty(), "{leaks:?}");
        assert!(searched > 0 || part != "project");
    }
}

const CONSUMER: &str = r#"
ephemeral "secretref_value" "db" {
  ref      = "azure-kv://acme-kv/app"
  applying = terraform.applying
}

ephemeral "secretref_azure_access_token" "management" {
  resource = "https://management.azure.com/"
  min_ttl  = "15m"
  applying = terraform.applying
}

data "secretref_metadata" "db" {
  ref = "azure-kv://acme-kv/app"
}

resource "secretref_secret" "copy" {
  ref              = "azure-kv://acme-kv/copy"
  value_wo         = ephemeral.secretref_value.db.value
  value_wo_version = data.secretref_metadata.db.version_number
}

resource "terraform_data" "consumer" {
  provisioner "local-exec" {
    command = "printf %s \"$VALUE\" | sha256sum | cut -d' ' -f1 > value.sha256; printf %s \"$TOKEN\" | wc -c > token.length"
    environment = {
      VALUE = ephemeral.secretref_value.db.value
      TOKEN = ephemeral.secretref_azure_access_token.management.token
    }
  }
}
"#;

#[test]
fn a_value_and_a_token_reach_their_consumers_and_nothing_else() {
    let cloud = Cloud::new();
    let canary = Canary::random();
    cloud.vault.set("app", canary.value());
    let mut sandbox = stage(&cloud, "", CONSUMER);
    log_in_as(&mut sandbox, &cloud.officer);
    let applied = apply(&sandbox);
    assert!(
        canary
            .search("terminal", applied.text().as_bytes())
            .is_empty()
    );
    assert_eq!(cloud.vault.value("copy").as_deref(), Some(canary.value()));
    let read = |name: &str| std::fs::read_to_string(sandbox.project().join(name)).unwrap();
    assert_eq!(read("value.sha256").trim(), canary.sha256());
    assert!(read("token.length").trim().parse::<usize>().unwrap() > 200);
    let second = terraform(&sandbox, &["plan", "-detailed-exitcode", "-out=tfplan"]);
    assert_eq!(second.status.code(), Some(0), "{}", second.text());
    assert_no_leak(&sandbox, &canary);
    assert_no_leak(&sandbox, &Canary::of(&cloud.officer.secret));
    // A new version is noticed, and written once more.
    let newer = Canary::random();
    cloud.vault.set("app", newer.value());
    apply(&sandbox);
    assert_eq!(cloud.vault.value("copy").as_deref(), Some(newer.value()));
    assert_no_leak(&sandbox, &newer);
    terraform(&sandbox, &["destroy", "-auto-approve"])
        .expect_code(0)
        .unwrap();
    assert_eq!(cloud.vault.value("copy"), None);
}

fn value(attributes: &str) -> String {
    format!(
        "ephemeral \"secretref_value\" \"db\" {{\n  ref = \"azure-kv://acme-kv/db\"\n{attributes}}}\n"
    )
}

#[test]
fn refusals_name_the_place_and_what_to_do() {
    let cloud = Cloud::new();
    let mut sandbox = stage(&cloud, "", &value(""));
    log_in_as(&mut sandbox, &cloud.reader);
    let said = complaint(&terraform(&sandbox, &["plan"]));
    for word in [
        "azure-kv://acme-kv/db",
        "no right to the secret",
        "Key Vault Secrets User",
    ] {
        assert!(said.contains(word), "lacks `{word}`: {said}");
    }
    // A plan that reads no value needs no right to it.
    let mut careful = stage(&cloud, "", &value("  applying = terraform.applying\n"));
    log_in_as(&mut careful, &cloud.reader);
    terraform(&careful, &["plan"]).expect_code(0).unwrap();
    log_in_as(&mut sandbox, &cloud.user);
    cloud.vault.disable("db");
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("is disabled"), "{said}");
    cloud.vault.limit(Some(0));
    let _ = cloud.vault.count();
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("slow down"), "{said}");
    assert!(cloud.vault.count() > 3, "it was tried again");
    assert_no_leak(&sandbox, &Canary::of(&cloud.reader.secret));
}

#[test]
fn a_run_logs_in_without_a_secret() {
    let cloud = Cloud::new();
    let issuer = OidcIssuer::start(Algorithm::Rs256).unwrap();
    issuer.set_job_claims(&json!({ "sub": "repo:acme/infra:ref:refs/heads/main" }));
    let audience = "api://AzureADTokenExchange";
    let subject = "repo:acme/infra:ref:refs/heads/main";
    cloud
        .azure
        .trust(&cloud.user.client, &issuer, subject, audience);
    let login = format!(
        "    client_id      = \"{}\"\n    use_oidc       = true\n",
        cloud.user.client
    );
    let mut workflow = stage(&cloud, &login, &value(""));
    workflow.set_env(
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        &issuer.actions_request_url(),
    );
    workflow.set_env(
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        issuer.actions_request_token(),
    );
    terraform(&workflow, &["plan"]).expect_code(0).unwrap();
    assert_eq!(issuer.token_requests(), [audience]);
    assert_no_leak(&workflow, &Canary::of(CANARY));

    let principal = cloud.azure.system_identity();
    cloud.vault.allow(&principal, VaultRole::User);
    let login = format!(
        "    managed_identity {{\n      endpoint = \"{}\"\n    }}\n",
        cloud.azure.url()
    );
    let machine = stage(&cloud, &login, &value(""));
    terraform(&machine, &["plan"]).expect_code(0).unwrap();
    assert_no_leak(&machine, &Canary::of(CANARY));
}
