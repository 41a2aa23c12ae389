//! The same as [`super::regressions`], for the places that secrets flow to: which values are read there, and
//! by which way they get there.

use super::regressions::reports;

#[test]
fn maps_of_metadata_are_looked_at_by_member() {
    let cases: [(&str, &str, usize); 4] = [
        ("startup-script = \"x ${var.db_password}\"", "", 1),
        (
            "startup-script = templatefile(\"a\", { p = var.db_password, q = var.zone })",
            "",
            1,
        ),
        (
            "db_password = var.db_password",
            "ssh-keys = tls_private_key.admin.public_key_openssh",
            1,
        ),
        (
            "startup-script = file(\"a\")",
            "serial-port-enable = true",
            0,
        ),
    ];
    for (first, second, count) in cases {
        for open in ["= {", "= merge({"] {
            let close = if open.ends_with("({") { "}, {})" } else { "}" };
            let fixture = format!(
                "variable \"db_password\" {{\n  sensitive = true\n}}\nresource \"google_compute_instance\" \"app\" {{\n  metadata {open}\n    {first}\n    {second}\n  {close}\n}}\n"
            );
            assert_eq!(
                reports(&fixture),
                vec!["secret-in-user-data"; count],
                "{fixture}"
            );
        }
    }
}

#[test]
fn what_is_no_secret_is_not_rotated() {
    let keeps = |name: &str, value: &str| {
        let fixture = format!(
            "resource \"aws_secretsmanager_secret\" \"{name}\" {{}}\nresource \"aws_secretsmanager_secret_version\" \"{name}\" {{\n  secret_id = aws_secretsmanager_secret.{name}.id\n  secret_string = {value}\n}}\n"
        );
        reports(&fixture)
            .iter()
            .any(|rule| rule == "missing-rotation")
    };
    for (name, value) in [
        ("partner", "tls_self_signed_cert.ca.cert_pem"),
        ("owner", "azurerm_mssql_server.app.administrator_login"),
        ("partner_cert", "var.partner"),
        ("gateway_certificate", "var.gateway"),
        ("jwt_kid", "random_uuid.kid.result"),
    ] {
        assert!(!keeps(name, value), "{name}");
    }
    for (name, value) in [
        ("partner", "random_password.partner.result"),
        ("gateway_certificate_key", "var.gateway"),
        (
            "app",
            "jsonencode({ user = aws_db_instance.app.username, password = var.password })",
        ),
    ] {
        assert!(keeps(name, value), "{name}");
    }
}

#[test]
fn environments_are_put_together_from_locals() {
    let environment = |locals: &str, value: &str| {
        let fixture = format!(
            "variable \"db_password\" {{\n  sensitive = true\n}}\nlocals {{\n{locals}\n}}\nresource \"aws_lambda_function\" \"app\" {{\n  environment {{\n    variables = {value}\n  }}\n}}\n"
        );
        reports(&fixture)
    };
    let reported = ["secret-in-plain-environment"];
    let database = "db_config = { DB_PASSWORD = var.db_password, DB_USER = \"app\" }";
    for (locals, value) in [
        (database, "local.db_config"),
        (database, "merge(local.db_config, { A = \"b\" })"),
        (database, "var.on ? local.db_config : {}"),
        (
            "app = { db = { DB_PASSWORD = var.db_password } }",
            "local.app.db",
        ),
        (
            "all = merge(var.more, local.db)\n  db = var.on ? { DB_PASSWORD = var.db_password } : {}",
            "local.all",
        ),
    ] {
        assert_eq!(environment(locals, value), reported, "{locals} {value}");
    }
    for (locals, value) in [
        (
            database,
            "{ for name, value in local.db_config : name => name }",
        ),
        (
            "names = { DB_SECRET_NAME = var.db_secret_name }",
            "local.names",
        ),
        ("loop = merge(local.loop, {})", "local.loop"),
        (database, "{ A = local.db_config.DB_USER }"),
    ] {
        assert_eq!(
            environment(locals, value),
            Vec::<String>::new(),
            "{locals} {value}"
        );
    }
    // A local that is called like an environment: where the secret stands, once.
    let named = "db_env_vars = { DB_PASSWORD = var.db_password }";
    assert_eq!(environment(named, "local.db_env_vars"), reported);
    // Maps that were written as blocks.
    let old = "variable \"db_password\" {\n  sensitive = true\n}\nresource \"aws_lambda_function\" \"app\" {\n  environment {\n    variables {\n      DB_PASSWORD = \"${var.db_password}\"\n    }\n  }\n}\n";
    assert_eq!(reports(old), reported);
    let pairs = "variable \"db_password\" {\n  sensitive = true\n}\nresource \"docker_container\" \"app\" {\n  env = [for name, value in { DB_PASSWORD = var.db_password } : \"${name}=${value}\"]\n}\n";
    assert_eq!(reports(pairs), reported);
    let list = r#"
locals {
  settings = [{ name = "DB_PASSWORD", value = random_password.db.result }, { name = "A", value = "b" }]
}
resource "aws_ecs_task_definition" "app" {
  container_definitions = jsonencode([{ environment = concat(local.settings, []) }])
}
"#;
    assert_eq!(reports(list), reported);
}

#[test]
fn task_definitions_are_rendered_from_templates() {
    let defined = |line: &str| {
        let fixture = format!(
            "# file: main.tf\nresource \"aws_ecs_task_definition\" \"app\" {{\n  container_definitions = templatefile(\"app.json\", {{ db_password = random_password.db.result, image = var.image }})\n}}\nresource \"aws_ecs_task_definition\" \"old\" {{\n  container_definitions = data.template_file.old.rendered\n}}\ndata \"template_file\" \"old\" {{\n  template = file(\"${{path.module}}/app.json\")\n  vars = {{\n    db_password = random_password.db.result\n  }}\n}}\n# file: app.json\n[{{ \"image\": \"${{image}}\",\n{line} }}]\n"
        );
        reports(&fixture)
    };
    assert_eq!(
        defined("\"environment\": [{ \"name\": \"DB_PASSWORD\", \"value\": \"${db_password}\" }]"),
        ["secret-in-plain-environment"; 2]
    );
    assert_eq!(
        defined("\"secrets\": [{ \"name\": \"DB_PASSWORD\", \"valueFrom\": \"${db_password}\" }]"),
        Vec::<String>::new()
    );
    let elsewhere = "resource \"aws_ecs_task_definition\" \"app\" {\n  container_definitions = templatefile(var.template, { db_password = random_password.db.result })\n}\n";
    assert_eq!(reports(elsewhere), ["secret-in-plain-environment"]);
}

#[test]
fn settings_of_beanstalk_are_an_environment() {
    let setting = |namespace: &str| {
        let fixture = format!(
            "variable \"db_password\" {{\n  sensitive = true\n}}\nresource \"aws_elastic_beanstalk_environment\" \"app\" {{\n  setting {{\n    namespace = \"{namespace}\"\n    name = \"RDS_PASSWORD\"\n    value = var.db_password\n  }}\n}}\n"
        );
        reports(&fixture)
    };
    assert_eq!(
        setting("aws:elasticbeanstalk:application:environment"),
        ["secret-in-plain-environment"]
    );
    assert_eq!(setting("aws:rds:dbinstance"), Vec::<String>::new());
}

#[test]
fn scripts_of_several_lists_are_command_lines() {
    let fixture = r#"
variable "db_password" {
  sensitive = true
}
resource "null_resource" "app" {
  provisioner "remote-exec" {
    inline = concat(["date"], var.on ? ["login ${var.db_password}"] : [])
  }
}
"#;
    assert_eq!(reports(fixture), ["secret-in-command"]);
}

#[test]
fn variables_of_programs_and_structures_hold_secrets() {
    let unmarked = |name: &str, body: &str, rest: &str| {
        let fixture = format!("variable \"{name}\" {{\n{body}\n}}\n{rest}\n");
        reports(&fixture)
            .iter()
            .any(|rule| rule == "unmarked-secret-variable")
    };
    let object = "type = object({ host = string, password = string })";
    let many = "type = map(object({ name = string, password = string }))";
    for (name, body) in [
        ("github_pat", "type = string"),
        ("dd_app_key", ""),
        ("logs_analytics_workspace_key", "default = \"\""),
        ("database", object),
        ("users", many),
        ("onepassword_credentials_json", ""),
        (
            "google_credentials",
            "description = \"Service account key in JSON\"",
        ),
    ] {
        assert!(unmarked(name, body, ""), "{name} {body}");
    }
    let run = "resource \"vault_generic_endpoint\" \"user\" {\n  for_each = var.users\n}";
    for (name, body, rest) in [
        (
            "database",
            "type = object({ password = string })\nsensitive = true",
            "",
        ),
        (
            "database",
            "type = object({ password = bool, name = string })",
            "",
        ),
        ("users", many, run),
        (
            "endings",
            "type = object({ private_key = string })\n  default = { private_key = \"key\" }",
            "",
        ),
        (
            "service_account_key",
            "description = \"Path to the key\"",
            "",
        ),
        (
            "google_credentials",
            "description = \"Path to the JSON key\"",
            "",
        ),
        ("google_credentials", "", ""),
        ("app_key", "", ""),
        ("compat", "", ""),
    ] {
        assert!(!unmarked(name, body, rest), "{name} {body}");
    }
}

#[test]
fn objects_and_members_are_told_apart() {
    let output = |value: &str| {
        let fixture = format!("output \"given\" {{\n  value = {value}\n}}\n");
        reports(&fixture)
            .iter()
            .any(|rule| rule == "unmarked-secret-output")
    };
    for value in [
        "aws_iam_access_key.ci",
        "google_storage_hmac_key.ci",
        "data.azurerm_key_vault_secret.ci",
        "google_container_cluster.main.master_auth[0].client_key",
        "jsondecode(base64decode(google_service_account_key.ci.private_key))[\"private_key\"]",
        "tailscale_tailnet_key.ci.key",
        "nomad_acl_token.ci.secret_id",
    ] {
        assert!(output(value), "{value}");
    }
    for value in [
        "jsondecode(base64decode(google_service_account_key.ci.private_key))[\"client_email\"]",
        "jsondecode(base64decode(google_service_account_key.ci.private_key)).private_key_id",
        "{ for name, value in azurerm_api_management_named_value.all : name => { secret = value.secret } }",
        "azurerm_api_management_named_value.all.secret",
        "ibm_code_engine_build.main.output_secret",
        "var.event_secret.description",
        "aws_iam_access_key.ci.id",
    ] {
        assert!(!output(value), "{value}");
    }
    let named = r#"
variable "ca_private_key" {
  type      = object({ id = string, data = string })
  sensitive = true
}
locals {
  key = var.ca_private_key
}
resource "google_secret_manager_secret" "ca" {
  secret_id  = local.key.id
  expire_time = "2030-01-01T00:00:00Z"
}
output "ca_private_key_secret" {
  value = google_secret_manager_secret.ca.secret_id
}
"#;
    assert_eq!(reports(named), Vec::<String>::new());
}

#[test]
fn entries_of_vaults_and_inputs_that_take_names_are_no_secrets() {
    let entries = |outer: &str| {
        format!(
            "module \"app\" {{\n  source = \"acme/app/azurerm\"\n  {outer} = {{\n    key_vault_id = var.vault\n    map = {{\n      MAIL_SECRET = \"common-MAIL2-SECRET\"\n      SEARCH_API_KEY = \"funcsearch-KEY-BACKEND\"\n    }}\n  }}\n}}\n"
        )
    };
    assert_eq!(
        reports(&entries("app_settings_secrets")),
        Vec::<String>::new()
    );
    let given = r#"
# file: modules/read/variables.tf
variable "secret" {
  description = "The name of the secret to fetch"
}
# file: live/main.tf
module "read" {
  source = "../modules/read"
  secret = "zebra-991"
}
"#;
    assert_eq!(reports(given), Vec::<String>::new());
    let real = "module \"app\" {\n  source = \"acme/app/azurerm\"\n  secrets = {\n    key_vault_id = var.vault\n    MAIL_PASSWORD = \"Zebra-991-Mail\"\n  }\n}\n";
    assert_eq!(reports(real), ["hardcoded-secret"]);
}

#[test]
fn documents_of_what_is_no_secret_are_not_persisted_secrets() {
    let kept = |value: &str| {
        let fixture = format!(
            "resource \"vault_kv_secret_v2\" \"app\" {{\n  data_json = jsonencode({{ {value} }})\n}}\n"
        );
        !reports(&fixture).is_empty()
    };
    assert!(!kept("value = minio_iam_user.app.name"));
    assert!(kept("value = minio_iam_user.app.secret"));
    assert!(kept("user = minio_iam_user.app.name, pin = \"4711\""));
}

#[test]
fn guests_read_their_user_data() {
    let fixture = r#"
variable "db_password" {
  sensitive = true
}
resource "vsphere_virtual_machine" "app" {
  extra_config = {
    "guestinfo.userdata" = base64encode(templatefile("a", { p = var.db_password }))
  }
}
"#;
    assert_eq!(reports(fixture), ["secret-in-user-data"]);
}

/// The line before each value is looked at, and all of them stand in one.
#[test]
fn many_values_in_one_line_end() {
    let values = "{ name = A, value = ${var.a} }, ".repeat(20_000);
    let fixture = format!(
        "variable \"a\" {{}}\nresource \"aws_ecs_task_definition\" \"d\" {{\n  container_definitions = \"{values}\"\n}}\n"
    );
    assert_eq!(reports(&fixture), Vec::<String>::new());
}
