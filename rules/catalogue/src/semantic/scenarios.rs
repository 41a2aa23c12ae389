//! Every sink and every way environments show, on small configurations: what must be reported, and what
//! must not.

use super::tests::check;

fn is_reported(rule: &str, fixture: &str) -> bool {
    check(fixture).iter().any(|finding| finding.rule == rule)
}

fn count(rule: &str, fixture: &str) -> usize {
    let found = check(fixture);
    found.iter().filter(|finding| finding.rule == rule).count()
}

/// Ways in which a secret gets into a value; `{}` stands for the rest of the configuration.
const SOURCES: &[(&str, &str)] = &[
    (
        "variable \"db_password\" {\n  sensitive = true\n}\n",
        "var.db_password",
    ),
    ("", "random_password.db.result"),
    (
        "",
        "data.aws_secretsmanager_secret_version.db.secret_string",
    ),
    ("", "ephemeral.secretref_value.db.value"),
    ("", "azurerm_storage_account.main.primary_access_key"),
    (
        "locals {\n  login = { p = random_password.db.result }\n}\n",
        "local.login.p",
    ),
    (
        "locals {\n  all = { a = random_password.db.result }\n}\n",
        "values(local.all)[0]",
    ),
];

/// Sinks: the rule, and a configuration in which `@` is the value.
const SINKS: &[(&str, &str)] = &[
    ("unmarked-secret-output", "output \"o\" {\n  value = @\n}\n"),
    (
        "unmarked-secret-output",
        "output \"o\" {\n  value = { a = jsonencode({ b = @ }) }\n}\n",
    ),
    (
        "nonsensitive-secret",
        "locals {\n  shown = nonsensitive(@)\n}\n",
    ),
    (
        "secret-in-user-data",
        "resource \"aws_instance\" \"i\" {\n  user_data = base64encode(\"export P=${@}\")\n}\n",
    ),
    (
        "secret-in-user-data",
        "resource \"aws_launch_template\" \"t\" {\n  user_data = templatefile(\"init.sh\", { p = @ })\n}\n",
    ),
    (
        "secret-in-user-data",
        "resource \"azurerm_linux_virtual_machine\" \"v\" {\n  custom_data = base64encode(@)\n}\n",
    ),
    (
        "secret-in-user-data",
        "resource \"google_compute_instance\" \"i\" {\n  metadata_startup_script = \"echo ${@}\"\n}\n",
    ),
    (
        "secret-in-user-data",
        "data \"cloudinit_config\" \"c\" {\n  part {\n    content = @\n  }\n}\n",
    ),
    (
        "secret-in-plain-environment",
        "resource \"aws_lambda_function\" \"f\" {\n  environment {\n    variables = {\n      P = @\n    }\n  }\n}\n",
    ),
    (
        "secret-in-plain-environment",
        "resource \"aws_ecs_task_definition\" \"t\" {\n  container_definitions = jsonencode([{ environment = [{ name = \"P\", value = @ }] }])\n}\n",
    ),
    (
        "secret-in-plain-environment",
        "resource \"azurerm_linux_web_app\" \"a\" {\n  app_settings = {\n    P = @\n  }\n}\n",
    ),
    (
        "secret-in-plain-environment",
        "resource \"google_cloud_run_v2_service\" \"s\" {\n  template {\n    containers {\n      env {\n        name  = \"P\"\n        value = @\n      }\n    }\n  }\n}\n",
    ),
    (
        "secret-in-plain-environment",
        "resource \"kubernetes_deployment_v1\" \"d\" {\n  spec {\n    template {\n      spec {\n        container {\n          env {\n            name  = \"P\"\n            value = @\n          }\n        }\n      }\n    }\n  }\n}\n",
    ),
    (
        "secret-in-command",
        "resource \"terraform_data\" \"d\" {\n  provisioner \"local-exec\" {\n    command = \"login ${@}\"\n  }\n}\n",
    ),
    (
        "secret-in-command",
        "resource \"terraform_data\" \"d\" {\n  provisioner \"remote-exec\" {\n    inline = [\"login ${@}\"]\n  }\n}\n",
    ),
    (
        "secret-in-name-or-tag",
        "resource \"aws_s3_bucket\" \"b\" {\n  tags = {\n    P = @\n  }\n}\n",
    ),
    (
        "secret-in-name-or-tag",
        "resource \"aws_s3_bucket\" \"b\" {\n  description = \"with ${@}\"\n}\n",
    ),
    (
        "secret-in-local-file",
        "resource \"local_file\" \"f\" {\n  content = @\n}\n",
    ),
    (
        "secret-in-local-file",
        "resource \"local_sensitive_file\" \"f\" {\n  content = \"p=${@}\"\n}\n",
    ),
    (
        "secret-in-data-source",
        "data \"http\" \"h\" {\n  url = \"https://example.com/?p=${@}\"\n}\n",
    ),
    (
        "secret-in-data-source",
        "data \"http\" \"h\" {\n  request_headers = {\n    Authorization = \"Bearer ${@}\"\n  }\n}\n",
    ),
    (
        "secret-in-data-source",
        "data \"external\" \"e\" {\n  query = {\n    p = @\n  }\n}\n",
    ),
    (
        "secret-in-trigger",
        "resource \"null_resource\" \"n\" {\n  triggers = {\n    p = @\n  }\n}\n",
    ),
    (
        "secret-in-trigger",
        "resource \"terraform_data\" \"d\" {\n  triggers_replace = [@]\n}\n",
    ),
    (
        "secret-in-trigger",
        "resource \"terraform_data\" \"d\" {\n  input = @\n}\n",
    ),
];

#[test]
fn every_source_is_seen_in_every_sink() {
    let mut missed = Vec::new();
    for (rule, sink) in SINKS {
        for (more, value) in SOURCES {
            let fixture = format!("{more}{}", sink.replace('@', value));
            if !is_reported(rule, &fixture) {
                missed.push(format!("{rule}:\n{fixture}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn names_and_addresses_may_go_everywhere() {
    let harmless = [
        "aws_secretsmanager_secret.db.arn",
        "data.aws_secretsmanager_secret_version.db.arn",
        "var.db_password_secret_name",
        "aws_db_instance.main.address",
        "random_id.suffix.hex",
    ];
    for (rule, sink) in SINKS {
        for value in harmless {
            let fixture = sink.replace('@', value);
            assert!(!is_reported(rule, &fixture), "{rule}:\n{fixture}");
        }
    }
}

#[test]
fn each_platform_has_its_own_advice() {
    let advice = [
        ("aws_ecs_task_definition", "valueFrom"),
        ("azurerm_linux_web_app", "@Microsoft.KeyVault"),
        ("google_cloud_run_v2_service", "secret_key_ref"),
        ("kubernetes_deployment_v1", "secret_key_ref"),
        ("aws_lambda_function", "read it at start-up"),
    ];
    for (kind, part) in advice {
        let (_, sink) = SINKS
            .iter()
            .find(|(_, sink)| sink.contains(&format!("\"{kind}\"")))
            .unwrap_or_else(|| panic!("no case for {kind}"));
        let found = check(&sink.replace('@', "random_password.db.result"));
        let found = found
            .iter()
            .find(|finding| finding.rule == "secret-in-plain-environment");
        let help = found.map(|finding| finding.help.to_string());
        assert!(
            help.as_ref().is_some_and(|help| help.contains(part)),
            "{kind}: {help:?}"
        );
    }
}

#[test]
fn a_template_that_does_not_use_the_secret_does_not_carry_it() {
    let fixture = |template: &str| {
        format!(
            "# file: main.tf\nresource \"aws_instance\" \"i\" {{\n  user_data = templatefile(\"${{path.module}}/init.tftpl\", {{ p = random_password.db.result }})\n}}\n# file: init.tftpl\n{template}\n"
        )
    };
    assert!(is_reported("secret-in-user-data", &fixture("echo ${p}")));
    assert!(!is_reported("secret-in-user-data", &fixture("echo p ${q}")));
    assert_eq!(count("secret-in-user-data", &fixture("echo ${p}")), 1);
}

#[test]
fn literals_in_templates_are_found() {
    let fixture = "# file: main.tf\nresource \"aws_instance\" \"i\" {\n  user_data = file(\"init.sh\")\n}\n# file: init.sh\n#!/bin/sh\nexport DB_PASSWORD=Hq72kks8plum\nexport NAME=${name}\n";
    let found = check(fixture);
    let found = found
        .iter()
        .find(|finding| finding.rule == "encoded-secret");
    assert!(found.is_some_and(|finding| finding.message.contains("`init.sh`")));
}

#[test]
fn the_way_of_a_value_is_listed() {
    let fixture = "# file: live/main.tf\nmodule \"db\" {\n  source = \"../db\"\n  login  = \"Hq72kks8-plum\"\n}\n# file: db/main.tf\nvariable \"login\" {}\nlocals {\n  entry = var.login\n}\nresource \"rabbitmq_user\" \"u\" {\n  password = local.entry\n}\n";
    let found = check(fixture);
    let found = found
        .iter()
        .find(|finding| finding.rule == "hardcoded-secret")
        .map(|finding| {
            let messages = finding
                .related
                .iter()
                .map(|related| related.message.as_str());
            (finding.place.file.0, messages.collect::<Vec<_>>())
        });
    assert_eq!(
        found,
        Some((0, vec!["through `local.entry`", "it is used here"]))
    );
    let sink = "locals {\n  a = random_password.x.result\n  b = local.a\n}\noutput \"o\" {\n  value = 1\n}\nresource \"local_file\" \"f\" {\n  content = local.b\n}\n";
    let found = check(sink);
    let found = found
        .iter()
        .find(|finding| finding.rule == "secret-in-local-file");
    let messages = found.map(|finding| {
        let related = finding.related.iter();
        related
            .map(|related| related.message.clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        messages,
        Some(vec![
            "through `local.b`".to_owned(),
            "`random_password.x.result` comes from here".to_owned()
        ])
    );
}

/// Ways in which two environments show; `{env}` is the environment, `@` the configuration.
const TREES: &[&str] = &[
    "# file: live/{env}/main.tf\n@",
    "# file: environments/{env}/eu-west-1/main.tf\n@",
    "# file: app-{env}/main.tf\n@",
    "# file: {dir}/main.tf\nlocals {\n  environment = \"{env}\"\n}\n@",
    "# file: {dir}/main.tf\nterraform {\n  backend \"s3\" {\n    bucket = \"state\"\n    key    = \"{env}/app.tfstate\"\n  }\n}\n@",
    "# file: {dir}/main.tf\nterraform {\n  backend \"gcs\" {\n    bucket = \"acme-{env}\"\n  }\n}\n@",
    "# file: {dir}/main.tf\nterraform {\n  cloud {\n    workspaces {\n      name = \"app-{env}\"\n    }\n  }\n}\n@",
    "# file: {dir}/main.tf\nprovider \"aws\" {\n  default_tags {\n    tags = {\n      Environment = \"{env}\"\n    }\n  }\n}\n@",
    "# file: {dir}/main.tf\nresource \"aws_vpc\" \"v\" {\n  tags = {\n    env = \"{env}\"\n  }\n}\nresource \"aws_subnet\" \"s\" {\n  tags = {\n    env = \"{env}\"\n  }\n}\n@",
    "# file: {dir}/env.hcl\nlocals {\n  environment = \"{env}\"\n}\n# file: {dir}/app/terragrunt.hcl\ninputs = {\n  db_password = \"Hq72kks8-plum\"\n}\n",
];

fn two(tree: &str, configuration: &str, environments: [&str; 2]) -> String {
    let one = |env: &str, dir: &str| {
        tree.replace("{env}", env)
            .replace("{dir}", dir)
            .replace('@', configuration)
    };
    [one(environments[0], "one"), one(environments[1], "two")].concat()
}

#[test]
fn one_value_in_two_environments_is_one_finding() {
    let configuration =
        "resource \"aws_mq_broker\" \"m\" {\n  user {\n    password = \"Hq72kks8-plum\"\n  }\n}\n";
    for tree in TREES {
        let shared = two(tree, configuration, ["dev", "production"]);
        let found = check(&shared);
        let found: Vec<_> = found
            .iter()
            .filter(|finding| finding.rule == "shared-secret-value")
            .collect();
        assert_eq!(found.len(), 1, "{shared}");
        assert_eq!(found[0].related.len(), 1, "{shared}");
        assert!(
            found[0].message.contains("dev and prod"),
            "{}",
            found[0].message
        );
        let same = two(tree, configuration, ["prd", "production"]);
        assert_eq!(count("shared-secret-value", &same), 0, "{same}");
    }
}

#[test]
fn variable_files_and_maps_by_workspace_are_environments() {
    let files = "# file: variables.tf\nvariable \"db_password\" {}\n# file: env/dev.tfvars\ndb_password = \"Hq72kks8-plum\"\n# file: env/prd.tfvars\ndb_password = \"@\"\n";
    assert_eq!(
        count("shared-secret-value", &files.replace('@', "Hq72kks8-plum")),
        1
    );
    assert_eq!(
        count("shared-secret-value", &files.replace('@', "other-Plum-77")),
        0
    );
    let maps = [
        "locals {\n  db_passwords = {\n    dev  = \"Hq72kks8-plum\"\n    prod = \"@\"\n  }\n  db_password = local.db_passwords[terraform.workspace]\n}\n",
        "locals {\n  settings = {\n    dev = {\n      db_password = \"Hq72kks8-plum\"\n    }\n    production = {\n      db_password = \"@\"\n    }\n  }\n}\n",
        "variable \"db_password\" {\n  default = {\n    staging = \"Hq72kks8-plum\"\n    prod    = \"@\"\n  }\n}\n",
    ];
    for map in maps {
        let shared = map.replace('@', "Hq72kks8-plum");
        assert_eq!(count("shared-secret-value", &shared), 1, "{shared}");
        let apart = map.replace('@', "other-Plum-77");
        assert_eq!(count("shared-secret-value", &apart), 0, "{apart}");
    }
}

#[test]
fn one_reference_in_two_environments() {
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf";
    let configurations = [
        format!("data \"aws_secretsmanager_secret_version\" \"x\" {{\n  secret_id = \"{arn}\"\n}}\n"),
        "ephemeral \"secretref_value\" \"x\" {\n  ref = \"aws-sm+main://app/db\"\n}\n".to_owned(),
        "data \"google_secret_manager_secret_version\" \"x\" {\n  project = \"acme\"\n  secret  = \"db\"\n}\n".to_owned(),
        "data \"vault_kv_secret_v2\" \"x\" {\n  mount = \"kv\"\n  name  = \"app/db\"\n}\n".to_owned(),
        "locals {\n  secret = \"app/db\"\n}\ndata \"vault_generic_secret\" \"x\" {\n  path = local.secret\n}\n".to_owned(),
        "data \"azurerm_key_vault\" \"v\" {\n  name = \"acme-vault\"\n}\ndata \"azurerm_key_vault_secret\" \"x\" {\n  name         = \"db\"\n  key_vault_id = data.azurerm_key_vault.v.id\n}\n".to_owned(),
    ];
    for configuration in &configurations {
        let shared = two(TREES[0], configuration, ["dev", "prod"]);
        assert_eq!(count("shared-secret-reference", &shared), 1, "{shared}");
        let same = two(TREES[0], configuration, ["prd", "prod"]);
        assert_eq!(count("shared-secret-reference", &same), 0, "{same}");
    }
    let policy = "# file: secretref.toml\n[environments.dev]\nrefs = [\"vault://**\"]\n[environments.prod]\nrefs = [\"vault://**\"]\n[shared]\nrefs = [{ ref = \"aws-sm+main://app/db\", reason = \"public bundle\" }]\n";
    let shared = format!(
        "{}{policy}",
        two(TREES[0], &configurations[1], ["dev", "prod"])
    );
    assert_eq!(
        count("shared-secret-reference", &shared),
        0,
        "declared with a reason"
    );
}

#[test]
fn one_identity_in_two_environments() {
    let role = "provider \"aws\" {\n  assume_role {\n    role_arn = \"arn:aws:iam::123456789012:role/deploy\"\n  }\n}\n";
    let principal =
        "provider \"azurerm\" {\n  client_id = \"6f1c3a52-7a1e-4f53-9a0e-5a3f6f3f9d11\"\n}\n";
    let account = "provider \"google\" {\n  impersonate_service_account = \"deploy@acme.iam.gserviceaccount.com\"\n}\n";
    for configuration in [role, principal, account] {
        let shared = two(TREES[0], configuration, ["dev", "prod"]);
        assert_eq!(count("shared-identity", &shared), 1, "{shared}");
    }
    let files = "# file: main.tf\nvariable \"role\" {}\nprovider \"aws\" {\n  assume_role {\n    role_arn = var.role\n  }\n}\n# file: dev.tfvars\nrole = \"arn:aws:iam::123456789012:role/deploy\"\n# file: prod.tfvars\nrole = \"@\"\n";
    assert_eq!(
        count(
            "shared-identity",
            &files.replace('@', "arn:aws:iam::123456789012:role/deploy")
        ),
        1
    );
    assert_eq!(
        count(
            "shared-identity",
            &files.replace('@', "arn:aws:iam::210987654321:role/deploy")
        ),
        0
    );
}

#[test]
fn productions_secret_in_another_environment() {
    let foreign = |path: &str| {
        let fixture = format!(
            "# file: live/dev/main.tf\ndata \"aws_ssm_parameter\" \"db_password\" {{\n  name = \"{path}\"\n}}\n"
        );
        is_reported("foreign-environment-reference", &fixture)
    };
    assert!(foreign("/prod/app/db_password"));
    assert!(foreign("/app/production/db_password"));
    assert!(!foreign("/dev/app/db_password"));
    assert!(!foreign("/products/app/db_password"));
    assert!(!foreign("/app/db_password"));
}

#[test]
fn secrets_that_nothing_rotates() {
    let aws = |more: &str| {
        format!(
            "resource \"aws_secretsmanager_secret\" \"s\" {{\n  name = \"a\"\n}}\nresource \"aws_secretsmanager_secret_version\" \"s\" {{\n  secret_id     = aws_secretsmanager_secret.s.id\n  secret_string = var.password\n  {more}\n}}\n"
        )
    };
    let missing = |fixture: &str| is_reported("missing-rotation", fixture);
    assert!(missing(&aws("")));
    assert!(!missing(&aws(
        "lifecycle {\n    ignore_changes = [secret_string]\n  }"
    )));
    let rotation = "resource \"aws_secretsmanager_secret_rotation\" \"s\" {\n  secret_id = aws_secretsmanager_secret.s.id\n}\n";
    assert!(!missing(&format!("{}{rotation}", aws(""))));
    assert!(
        !missing("resource \"aws_secretsmanager_secret\" \"s\" {\n}\n"),
        "filled elsewhere"
    );
    assert!(missing(
        "resource \"azurerm_key_vault_secret\" \"s\" {\n  value = var.password\n}\n"
    ));
    assert!(!missing(
        "resource \"azurerm_key_vault_secret\" \"s\" {\n  value           = var.password\n  expiration_date = \"2027-01-01T00:00:00Z\"\n}\n"
    ));
}

#[test]
fn lifetimes_of_roles_and_tokens() {
    let role = |more: &str| {
        is_reported(
            "missing-ttl",
            &format!("resource \"vault_jwt_auth_backend_role\" \"r\" {{\n  {more}\n}}\n"),
        )
    };
    assert!(role("role_name = \"a\""));
    assert!(role("token_ttl = 0"));
    assert!(!role("token_ttl = 900"));
    assert!(!role("token_max_ttl = var.ttl"));
    assert!(!is_reported(
        "missing-ttl",
        "resource \"vault_ssh_secret_backend_role\" \"r\" {\n  key_type = \"otp\"\n}\n"
    ));
    let key = |more: &str| {
        is_reported(
            "long-lived-credential",
            &format!("resource \"gitlab_deploy_token\" \"t\" {{\n  {more}\n}}\n"),
        )
    };
    assert!(key("name = \"a\"") && key("expires_at = null"));
    assert!(!key("expires_at = \"2027-01-01\""));
}
