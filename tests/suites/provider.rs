//! The provider, driven by a real Terraform: what works, what it refuses and how it says so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use e2e::sandbox::Installation;
use e2e::{Canary, Outcome, Sandbox};

#[path = "provider/guard.rs"]
mod guard;
#[path = "provider/made.rs"]
mod made;

/// A sandbox with a store that holds `canary` under `local://dev/db`.
fn with_secret(canary: &Canary) -> Sandbox {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    cli(&sandbox, &["store", "init"], "");
    cli(
        &sandbox,
        &["store", "set", "local://dev/db"],
        canary.value(),
    );
    sandbox
}

fn cli(sandbox: &Sandbox, arguments: &[&str], input: &str) -> String {
    sandbox
        .provider(&sandbox.project(), arguments, input)
        .unwrap()
        .expect_code(0)
        .unwrap()
        .stdout
}

/// Writes `main.tf`: the provider's requirement, `text`, and nothing else.
fn configure(sandbox: &Sandbox, text: &str) {
    let head = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n";
    sandbox.write("main.tf", &format!("{head}{text}")).unwrap();
}

fn terraform(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut all = vec![arguments[0], "-no-color"];
    if matches!(arguments[0], "plan" | "apply" | "destroy" | "import") {
        all.push("-input=false");
    }
    if matches!(arguments[0], "apply" | "destroy") {
        all.push("-auto-approve");
    }
    all.extend(&arguments[1..]);
    sandbox.terraform(&sandbox.project(), &all).unwrap()
}

fn apply(sandbox: &Sandbox) -> Outcome {
    terraform(sandbox, &["apply"]).expect_code(0).unwrap()
}

/// The text that a failed command shows, without the frame and line breaks that depend on the width.
fn complaint(outcome: &Outcome) -> String {
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.text());
    outcome
        .stderr
        .lines()
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
  ref = "local://dev/db"
}

resource "secretref_secret" "copy" {
  ref              = "local://dev/copy"
  value_wo         = ephemeral.secretref_value.db.value
  value_wo_version = 1
}
"#;

#[test]
fn a_value_reaches_a_write_only_argument_and_is_stored_nowhere_else() {
    let canary = Canary::random();
    let mut sandbox = with_secret(&canary);
    configure(&sandbox, CONSUMER);
    let log = sandbox.project().join("trace.log");
    sandbox.set_env("TF_LOG", "TRACE");
    sandbox.set_env("TF_LOG_PATH", &log.display().to_string());
    let applied = apply(&sandbox);
    assert!(
        canary
            .search("terminal", applied.text().as_bytes())
            .is_empty()
    );
    assert_no_leak(&sandbox, &canary);
    assert_eq!(
        cli(&sandbox, &["store", "get", "local://dev/copy"], ""),
        canary.value()
    );
    let second = terraform(&sandbox, &["plan", "-detailed-exitcode"]);
    assert_eq!(
        second.status.code(),
        Some(0),
        "the second plan has changes: {}",
        second.text()
    );
}

#[test]
fn a_changed_trigger_writes_the_value_again() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    configure(&sandbox, CONSUMER);
    apply(&sandbox);
    let newer = Canary::random();
    cli(&sandbox, &["store", "set", "local://dev/db"], newer.value());
    apply(&sandbox);
    assert_eq!(
        cli(&sandbox, &["store", "get", "local://dev/copy"], ""),
        canary.value()
    );
    configure(
        &sandbox,
        &CONSUMER.replace("value_wo_version = 1", "value_wo_version = 2"),
    );
    apply(&sandbox);
    assert_eq!(
        cli(&sandbox, &["store", "get", "local://dev/copy"], ""),
        newer.value()
    );
    assert_no_leak(&sandbox, &newer);
}

#[test]
fn destroy_removes_the_secret_unless_told_to_keep_it() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    configure(
        &sandbox,
        &format!(
            "{CONSUMER}\nresource \"secretref_secret\" \"kept\" {{\n  ref             = \"local://dev/kept\"\n  keep_on_destroy = true\n  generate {{\n    length = 20\n  }}\n}}\n"
        ),
    );
    apply(&sandbox);
    let kept = cli(&sandbox, &["store", "get", "local://dev/kept"], "");
    assert_eq!(kept.chars().count(), 20);
    terraform(&sandbox, &["destroy"]).expect_code(0).unwrap();
    assert_eq!(
        cli(&sandbox, &["store", "get", "local://dev/kept"], ""),
        kept
    );
    let gone = sandbox
        .provider(
            &sandbox.project(),
            &["store", "get", "local://dev/copy"],
            "",
        )
        .unwrap();
    assert_eq!(gone.status.code(), Some(1), "{}", gone.text());
}

#[test]
fn a_secret_is_imported_by_its_reference() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    configure(
        &sandbox,
        "resource \"secretref_secret\" \"db\" {\n  ref              = \"local://dev/db\"\n  value_wo         = \"unused\"\n  value_wo_version = 1\n}\n",
    );
    terraform(
        &sandbox,
        &["import", "secretref_secret.db", "local://dev/db"],
    )
    .expect_code(0)
    .unwrap();
    let state = std::fs::read_to_string(sandbox.project().join("terraform.tfstate")).unwrap();
    assert!(state.contains("\"version_number\": 1"), "{state}");
    assert_no_leak(&sandbox, &canary);
}

#[test]
fn a_secret_that_exists_is_not_overwritten_by_a_new_resource() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    configure(
        &sandbox,
        &CONSUMER.replace("local://dev/copy", "local://dev/db"),
    );
    let said = complaint(&terraform(&sandbox, &["apply"]));
    assert!(said.contains("local://dev/db"), "{said}");
    assert_eq!(
        cli(&sandbox, &["store", "get", "local://dev/db"], ""),
        canary.value()
    );
}

#[test]
fn a_plan_that_is_gated_needs_no_key() {
    let canary = Canary::random();
    let mut sandbox = with_secret(&canary);
    configure(
        &sandbox,
        &CONSUMER.replace(
            "ref = \"local://dev/db\"\n}",
            "ref      = \"local://dev/db\"\n  applying = terraform.applying\n}",
        ),
    );
    let elsewhere = sandbox.path("nowhere").display().to_string();
    sandbox.set_env("SECRETREF_IDENTITY_FILE", &elsewhere);
    terraform(&sandbox, &["plan", "-out=tfplan"])
        .expect_code(0)
        .unwrap();
    assert_no_leak(&sandbox, &canary);
    let said = complaint(&terraform(&sandbox, &["apply"]));
    assert!(said.contains("nowhere"), "the missing key is named: {said}");
}

#[test]
fn a_failing_consumer_leaks_nothing() {
    let canary = Canary::random();
    let mut sandbox = with_secret(&canary);
    configure(
        &sandbox,
        r#"
ephemeral "secretref_value" "db" {
  ref = "local://dev/db"
}

resource "terraform_data" "broken" {
  provisioner "local-exec" {
    command     = "exit 3"
    environment = { PASSWORD = ephemeral.secretref_value.db.value }
  }
}
"#,
    );
    let log = sandbox.project().join("trace.log");
    sandbox.set_env("TF_LOG", "TRACE");
    sandbox.set_env("TF_LOG_PATH", &log.display().to_string());
    let failed = terraform(&sandbox, &["apply"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stderr.contains("exit status 3"), "{}", failed.stderr);
    assert!(
        canary
            .search("terminal", failed.text().as_bytes())
            .is_empty()
    );
    assert_no_leak(&sandbox, &canary);
}

#[test]
fn bad_references_are_refused_with_place_reason_and_help() {
    let sandbox = with_secret(&Canary::random());
    cli(&sandbox, &["store", "set", "local://dev/app#user"], "app");
    for (reference, says) in [
        ("locla://dev/db", &["line 11", "local"][..]),
        ("local://dev/db?colour=red", &["colour", "version"]),
        ("local://user:pw@dev/db", &["line 11"]),
        ("", &["line 11"]),
        ("local://dev/dc", &["local://dev/dc", "dev/db"]),
        ("local://dev/db?version=9", &["version 9"]),
        ("local://dev/app", &["user"]),
        ("local://dev/app#usr", &["user"]),
        ("local://dev/db#password", &["JSON"]),
    ] {
        configure(
            &sandbox,
            &format!("\nephemeral \"secretref_value\" \"x\" {{\n  ref = \"{reference}\"\n}}\n"),
        );
        let said = complaint(&terraform(&sandbox, &["plan"]));
        for part in says {
            assert!(said.contains(part), "`{reference}` lacks `{part}`: {said}");
        }
    }
}

#[test]
fn a_store_that_cannot_be_opened_says_which_file_and_why() {
    let canary = Canary::random();
    let mut sandbox = with_secret(&canary);
    configure(&sandbox, CONSUMER);
    let store = sandbox.project().join(".secretref/store.age");
    let bytes = std::fs::read(&store).unwrap();

    let mut changed = bytes.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    std::fs::write(&store, &changed).unwrap();
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("store.age"), "{said}");

    std::fs::write(&store, &bytes[..bytes.len() / 2]).unwrap();
    assert!(complaint(&terraform(&sandbox, &["plan"])).contains("store.age"));

    std::fs::write(&store, "not a store").unwrap();
    assert!(complaint(&terraform(&sandbox, &["plan"])).contains("store.age"));

    std::fs::remove_file(&store).unwrap();
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("store init"), "{said}");

    std::fs::write(&store, &bytes).unwrap();
    let other = Sandbox::new(Installation::DevOverrides).unwrap();
    cli(&other, &["store", "init"], "");
    let key = other.path("home/.config/secretref/identity.txt");
    sandbox.set_env("SECRETREF_IDENTITY_FILE", &key.display().to_string());
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(
        said.contains("identity.txt"),
        "the wrong key is named: {said}"
    );
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = with_secret(&Canary::random());
    configure(&sandbox, CONSUMER);
    let key = sandbox.path("home/.config/secretref/identity.txt");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("chmod"), "{said}");
}

#[test]
fn the_policy_refuses_before_the_store_is_touched() {
    let sandbox = with_secret(&Canary::random());
    sandbox
        .write(
            "secretref.toml",
            "[environments.dev]\nrefs = [\"local://dev/**\"]\n\n[environments.prod]\nrefs = [\"local://prod/**\"]\n",
        )
        .unwrap();
    let value = "ephemeral \"secretref_value\" \"x\" {\n  ref = \"local://dev/db\"\n}\n";
    let provider =
        |environment: &str| format!("provider \"secretref\" {{\n  {environment}\n}}\n\n{value}");

    configure(&sandbox, &provider("environment = \"dev\""));
    terraform(&sandbox, &["plan"]).expect_code(0).unwrap();

    configure(&sandbox, &provider("environment = \"prod\""));
    let said = complaint(&terraform(&sandbox, &["plan"]));
    for part in ["prod", "local://dev/db", "secretref.toml:"] {
        assert!(said.contains(part), "lacks `{part}`: {said}");
    }

    configure(&sandbox, value);
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(
        said.contains("environment"),
        "no environment chosen: {said}"
    );

    configure(&sandbox, &provider("environment = \"qa\""));
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("qa") && said.contains("prod"), "{said}");

    // A refused access is on record.
    assert!(cli(&sandbox, &["audit", "show"], "").contains("local://dev/db"));
}

#[test]
fn a_broken_policy_is_an_error_with_its_line() {
    let sandbox = with_secret(&Canary::random());
    configure(&sandbox, CONSUMER);
    sandbox
        .write("secretref.toml", "[environments.dev]\nreffs = []\n")
        .unwrap();
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("secretref.toml:2"), "{said}");
    assert!(said.contains("refs"), "the nearest key is named: {said}");
}

#[test]
fn bytes_that_are_no_text_come_as_base64() {
    let sandbox = with_secret(&Canary::random());
    // `e` and a combining accent: text that Terraform would change silently.
    cli(
        &sandbox,
        &["store", "set", "local://dev/accent"],
        "e\u{301}",
    );
    let proof = sandbox.project().join("proof").display().to_string();
    let config = |attribute: &str| {
        format!(
            "ephemeral \"secretref_value\" \"x\" {{\n  ref = \"local://dev/accent\"\n}}\n\nresource \"terraform_data\" \"x\" {{\n  provisioner \"local-exec\" {{\n    command     = \"printf %s \\\"$V\\\" > '{proof}'\"\n    environment = {{ V = ephemeral.secretref_value.x.{attribute} }}\n  }}\n}}\n"
        )
    };
    configure(&sandbox, &config("value_base64"));
    let applied = apply(&sandbox);
    assert!(
        applied.stdout.contains("`value_base64`"),
        "the practitioner is warned that `value` is null: {}",
        applied.text()
    );
    assert_eq!(std::fs::read_to_string(&proof).unwrap(), "ZcyB");
}

#[test]
fn a_password_meets_its_demands_and_is_kept_nowhere() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    let proof = sandbox.project().join("proof").display().to_string();
    configure(
        &sandbox,
        &format!(
            r#"
ephemeral "secretref_password" "x" {{
  length  = 24
  special = false
  upper   = false
}}

resource "terraform_data" "x" {{
  provisioner "local-exec" {{
    command     = "printf %s \"$V\" > '{proof}'"
    environment = {{ V = ephemeral.secretref_password.x.value }}
  }}
}}
"#
        ),
    );
    apply(&sandbox);
    let password = std::fs::read_to_string(&proof).unwrap();
    std::fs::remove_file(&proof).unwrap();
    assert_eq!(password.len(), 24);
    assert!(
        password
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    );
    let state = std::fs::read_to_string(sandbox.project().join("terraform.tfstate")).unwrap();
    assert!(!state.contains(&password));

    configure(
        &sandbox,
        "ephemeral \"secretref_password\" \"x\" {\n  length    = 3\n  min_lower = 4\n}\n",
    );
    let said = complaint(&terraform(&sandbox, &["validate"]));
    assert!(said.contains('4') && said.contains('3'), "{said}");
}

#[test]
fn functions_take_references_apart() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    configure(
        &sandbox,
        "output \"parts\" {\n  value = provider::secretref::parse_ref(\"bao+prod://kv/db?version=3#password\")\n}\n\noutput \"foreign\" {\n  value = provider::secretref::parse_ref(\"arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db\", \"main\").ref\n}\n\noutput \"newer\" {\n  value = provider::secretref::with_version(\"local://dev/db\", \"4\")\n}\n",
    );
    apply(&sandbox);
    let json = terraform(&sandbox, &["output", "-json"])
        .expect_code(0)
        .unwrap()
        .stdout;
    let outputs: serde_json::Value = serde_json::from_str(&json).unwrap();
    let parts = &outputs["parts"]["value"];
    assert_eq!(parts["scheme"], "vault");
    assert_eq!(parts["store"], "prod");
    assert_eq!(parts["path"], "kv/db");
    assert_eq!(parts["version"], "3");
    assert_eq!(parts["selector"], "password");
    assert_eq!(outputs["foreign"]["value"], "aws-ssm+main://prod/db");
    assert_eq!(outputs["newer"]["value"], "local://dev/db?version=4");
}

#[test]
fn every_secret_attribute_is_marked_in_the_schema() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    configure(&sandbox, "");
    let json = sandbox
        .terraform(&sandbox.project(), &["providers", "schema", "-json"])
        .unwrap()
        .expect_code(0)
        .unwrap()
        .stdout;
    let document: serde_json::Value = serde_json::from_str(&json).unwrap();
    let schemas = document["provider_schemas"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap();
    let value = &schemas["ephemeral_resource_schemas"]["secretref_value"]["block"]["attributes"];
    for name in ["value", "value_base64", "json"] {
        assert_eq!(value[name]["sensitive"], true, "{name}");
    }
    let secret = &schemas["resource_schemas"]["secretref_secret"]["block"]["attributes"];
    assert_eq!(secret["value_wo"]["write_only"], true);
    assert!(schemas["data_source_schemas"]["secretref_metadata"].is_object());
    assert!(schemas["ephemeral_resource_schemas"]["secretref_password"].is_object());
    assert!(schemas["functions"]["parse_ref"].is_object());
}

#[test]
fn an_unpacked_mirror_installs_the_provider() {
    let canary = Canary::random();
    let sandbox = Sandbox::new(Installation::Mirror).unwrap();
    cli(&sandbox, &["store", "init"], "");
    cli(
        &sandbox,
        &["store", "set", "local://dev/db"],
        canary.value(),
    );
    configure(&sandbox, CONSUMER);
    terraform(&sandbox, &["init"]).expect_code(0).unwrap();
    apply(&sandbox);
    assert_no_leak(&sandbox, &canary);
}

#[cfg(target_os = "linux")]
mod processes {
    use super::*;
    use e2e::processes::{provider_runs, running, wait_until};

    fn sleeping_consumer(sandbox: &Sandbox) {
        configure(
            sandbox,
            &format!(
                "ephemeral \"secretref_value\" \"db\" {{\n  ref = \"local://dev/db\"\n}}\n\nresource \"terraform_data\" \"slow\" {{\n  provisioner \"local-exec\" {{\n    command     = \"touch '{}'; sleep 20\"\n    environment = {{ V = ephemeral.secretref_value.db.value }}\n  }}\n}}\n",
                sandbox.project().join("started").display()
            ),
        );
    }

    #[test]
    fn nothing_is_left_running_and_no_socket_stays() {
        let canary = Canary::random();
        let sandbox = with_secret(&canary);
        configure(&sandbox, CONSUMER);
        apply(&sandbox);
        wait_until("all processes to end", || running(&sandbox).is_empty());
        let left: Vec<_> = std::fs::read_dir(sandbox.path("tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn the_provider_ends_when_terraform_is_killed() {
        let sandbox = with_secret(&Canary::random());
        sleeping_consumer(&sandbox);
        let mut terraform = sandbox
            .terraform_command(
                &sandbox.project(),
                &["apply", "-auto-approve", "-input=false"],
            )
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let started = sandbox.project().join("started");
        wait_until("the provisioner to start", || started.exists());
        terraform.kill().unwrap();
        terraform.wait().unwrap();
        wait_until("the provider to notice", || !provider_runs(&sandbox));
    }
}
