//! The same as [`super::regressions`], for what flows somewhere and what stores keep: names against
//! values, pointers against secrets.

use super::regressions::reports;

#[test]
fn what_only_looks_like_a_secret_is_not_reported() {
    let cases = [
        (
            "hashes of files and documents with a secret, however deep",
            r#"
variable "monitor_password" {
  sensitive = true
}
resource "null_resource" "monitor" {
  triggers = {
    plain    = md5(var.monitor_password)
    users    = md5(templatefile("users.tpl", { password = var.monitor_password }))
    document = sha256(jsonencode({ users = [{ password = var.monitor_password }] }))
    shown    = sha1(jsonencode({ password = nonsensitive(var.monitor_password) }))
  }
}
"#,
        ),
        (
            "switches with the verb inside, and scripts that get a secret",
            r#"
variable "user_can_use_console_password" {}
variable "client_generate_secret" {}
variable "script_get_secret" {}
variable "api_key_writer" {}
resource "local_file" "writer" {
  filename = var.api_key_writer
  content  = "echo"
}
data "external" "secret" {
  program = ["bash", var.script_get_secret]
}
output "client_generate_secret" {
  value = var.client_generate_secret
}
"#,
        ),
        (
            "keys of a key service, chosen by the names of what they encrypt",
            r#"
output "kms_key" {
  value = module.kms_keys.keys["app-secret"]
}
output "first" {
  value = module.secrets.secret_arns["db_password"]
}
"#,
        ),
        (
            "outputs and variables that say that they only lead to a secret",
            r#"
variable "api_secret_key" {
  description = "The name of the API secret"
}
variable "mail_secret" {
  description = "Name for the mail secret"
}
locals {
  api_key_name = format("/app/%s", var.api_secret_key)
}
output "api_key_location" {
  value = local.api_key_name
}
output "given" {
  value = var.mail_secret
}
output "token_id" {
  value = module.login.token
}
output "decryption_secret" {
  description = "The name of a mapped secret."
  value       = oci_network_firewall_network_firewall_policy_decryption_rule.main.secret
}
output "version_of" {
  value = google_secret_manager_secret_version.main.secret
}
"#,
        ),
        (
            "commands and tokens of a cloud that open nothing",
            r#"
output "console" {
  value = oci_core_instance_console_connection.main.connection_string
}
output "correlation_token" {
  value = oci_core_instance_maintenance_event.main.correlation_token
}
output "s3_table_version_tokens" {
  value = { for key, table in aws_s3tables_table.main : key => table.version_token }
}
"#,
        ),
        (
            "user names, ids, versions and certificates in stores, literal or not",
            r#"
resource "azurerm_key_vault_secret" "docker_username" {
  name            = "docker-username"
  value           = "ziggy"
  expiration_date = "2030-01-01T00:00:00Z"
}
resource "aws_secretsmanager_secret_version" "master_username" {
  secret_string = "ziggy"
}
data "google_secret_manager_secret_version_access" "app_installation_id" {
  secret = var.app
}
data "google_secret_manager_secret_version" "api_ca_bundle" {
  secret = var.api_ca_bundle
}
data "azurerm_key_vault_secret" "frontend_version" {
  name = var.frontend
}
data "aws_secretsmanager_secret_version" "partner_ips_london" {
  secret_id = var.partners
}
data "google_secret_manager_secret_version" "login_domain_spa" {
  secret = var.login
}
module "service" {
  source = "acme/service/google"
  env    = [{ name = "DOMAIN", value = data.google_secret_manager_secret_version.login_domain_spa.secret_data }]
}
"#,
        ),
        (
            "a local called like an environment that only fills a secret",
            r#"
locals {
  envs = merge(var.more, {
    PORT       = 80
    APP_SECRET = var.app_secret
  })
}
module "secret" {
  source = "acme/secret/kubernetes"
  data   = { for name, value in local.envs : name => value }
}
module "service" {
  source = "acme/service/kubernetes"
  port   = local.envs.PORT
  env = [for name, value in local.envs : {
    name      = name
    valueFrom = { secretKeyRef = { name = "app", key = name } }
  }]
}
"#,
        ),
        (
            "blocks and objects that are called secret",
            r#"
variable "secret" {
  description = "One or more secret blocks"
  default     = []
}
variable "mail_secret" {
  default = null
}
module "job" {
  source = "acme/job/kubernetes"
  volume = var.mail_secret.metadata[0].name
}
"#,
        ),
        (
            "variables that are used as, or described as, the names of secrets",
            r#"
variable "api_key_secret" {
  description = "Secret Manager reference for the API key"
}
variable "certificate_secret" {
  description = "The identifier of a secret with a certificate"
}
variable "login_secret" {}
variable "mail_secret" {}
variable "operator_secret_key" {}
variable "bot_token_secret" {}
module "bot" {
  source           = "./bot"
  bot_token_secret = var.bot_token_secret
}
resource "aws_lambda_function" "app" {
  environment {
    variables = {
      SECRET_NAME = var.login_secret
    }
  }
}
data "aws_iam_policy_document" "app" {
  statement {
    resources = ["arn:aws:secretsmanager:eu-west-1:111122223333:secret:${var.mail_secret}*"]
  }
}
module "operator" {
  source = "acme/operator/kubernetes"
  value  = { secretKeyRef = { name = "operator", key = var.operator_secret_key } }
}
# file: bot/variables.tf
variable "bot_token_secret" {
  description = "Secret Manager reference for the token"
}
"#,
        ),
        (
            "hosts of a cluster, and the state of a list",
            r#"
output "connection_string" {
  value = mongodbatlas_advanced_cluster.main.connection_strings[0].private_endpoint[0].srv_connection_string
}
output "sync_token" {
  value = data.aws_ip_ranges.main.sync_token
}
"#,
        ),
    ];
    for (case, fixture) in cases {
        assert_eq!(reports(fixture), Vec::<String>::new(), "{case}");
    }
}

#[test]
fn secrets_beside_them_are_reported() {
    let cases: [(&str, &str, &[&str]); 17] = [
        (
            "the secret of an AppRole, which is called an id",
            r#"
variable "approle_secret" {}
resource "aws_lambda_function" "app" {
  environment {
    variables = {
      VAULT_SECRET_ID = var.approle_secret
    }
  }
}
"#,
            &["secret-in-plain-environment", "unmarked-secret-variable"],
        ),
        (
            "a password beside the user name, in one document or under the name of a version",
            r#"
resource "aws_secretsmanager_secret_version" "admin_username" {
  secret_string = jsonencode({ username = "ziggy", password = var.password })
}
data "azurerm_key_vault_secret" "db_password_version" {
  name = "db"
}
"#,
            &["persisted-secret-argument", "secret-in-state-data-source"],
        ),
        (
            "a local that fills a secret and an environment",
            r#"
locals {
  envs = {
    APP_SECRET = var.app_secret
  }
}
module "secret" {
  source = "acme/secret/kubernetes"
  data   = local.envs
}
module "task" {
  source   = "acme/task/kubernetes"
  settings = local.envs
}
"#,
            &["secret-in-plain-environment"],
        ),
        (
            "secrets without a type, with and without a default",
            r#"
variable "client_secret" {}
module "vault" {
  source         = "acme/vault/kubernetes"
  kms_secret_key = var.client_secret
}
variable "secret" {
  type    = map(string)
  default = {}
}
"#,
            &["unmarked-secret-variable", "unmarked-secret-variable"],
        ),
        (
            "an output that is called a path and shows what its source is known to hold",
            r#"
output "secret_path" {
  value = random_password.main.result
}
"#,
            &["unmarked-secret-output"],
        ),
        (
            "members of an output's map, and texts around a secret",
            r#"
output "first" {
  value = module.secrets.values["db_password"]
}
output "command" {
  value = "login --password ${module.login.password}"
}
"#,
            &["unmarked-secret-output", "unmarked-secret-output"],
        ),
        (
            "a secret beside a hash, and inside a function that can be undone",
            r#"
resource "null_resource" "monitor" {
  triggers = {
    users    = md5(file("users.tpl"))
    document = base64encode(random_password.monitor.result)
  }
}
"#,
            &["secret-in-trigger"],
        ),
        (
            "one report for the members of a map that is put together",
            r#"
resource "null_resource" "monitor" {
  triggers = merge({ p = random_password.monitor.result }, {})
}
"#,
            &["secret-in-trigger"],
        ),
        (
            "an instance that is chosen by a text",
            r#"
output "monitor" {
  value = random_password.monitor["db"].result
}
output "stored" {
  value = data.vault_generic_secret.stored["db"].data["x"]
}
output "arn" {
  value = aws_secretsmanager_secret.stored["password"].arn
}
"#,
            &["unmarked-secret-output", "unmarked-secret-output"],
        ),
        (
            "what was generated for an output, and what opens a cluster",
            r#"
output "password" {
  value = random_id.redis.hex
}
output "suffix" {
  value = random_id.redis.hex
}
output "cluster" {
  value = civo_kubernetes_cluster.main.kubeconfig
}
"#,
            &["unmarked-secret-output", "unmarked-secret-output"],
        ),
        (
            "the environment of a job, and a map of settings",
            r#"
# file: web.nomad
job "web" {
  group "web" {
    task "web" {
      env {
        DB_PASSWORD = var.db_password
      }
    }
  }
}
# file: main.tf
locals {
  web_config_vars = { DB_PASSWORD = var.db_password }
}
variable "db_password" {
  sensitive = true
}
"#,
            &["secret-in-plain-environment", "secret-in-plain-environment"],
        ),
        (
            "certificates that everybody may know",
            r#"
resource "kubernetes_secret" "ca" {
  data = { "ca.crt" = tls_self_signed_cert.ca.cert_pem }
}
"#,
            &[],
        ),
        (
            "variables whose description says what they are",
            r#"
variable "github_pat" {
  description = "Personal access token for GitHub"
}
variable "client_secret_secret" {
  default = "oidc-client-secret"
}
variable "token" {
  default = "$${{ secrets.TOKEN }}"
}
"#,
            &["unmarked-secret-variable"],
        ),
        (
            "start-up scripts among metadata",
            r#"
resource "google_compute_instance" "web" {
  metadata = {
    startup-script = "run ${random_password.web.result}"
    role           = "web"
  }
}
"#,
            &["secret-in-user-data"],
        ),
        (
            "task definitions from a file, and settings of an environment",
            r#"
resource "aws_ecs_task_definition" "web" {
  container_definitions = templatefile("web.json", {
    image       = "web"
    db_password = random_password.web.result
    db_secret_arn = aws_secretsmanager_secret.web.arn
  })
}
data "template_file" "jobs" {
  vars = { db_password = random_password.web.result }
}
resource "aws_ecs_task_definition" "jobs" {
  container_definitions = data.template_file.jobs.rendered
}
resource "aws_elastic_beanstalk_environment" "jobs" {
  setting {
    namespace = "aws:elasticbeanstalk:application:environment"
    name      = "DB_PASSWORD"
    value     = random_password.web.result
  }
}
"#,
            &[
                "secret-in-plain-environment",
                "secret-in-plain-environment",
                "secret-in-plain-environment",
            ],
        ),
        (
            "certificates need no rotation",
            r#"
resource "aws_secretsmanager_secret" "ca_cert" {}
resource "aws_secretsmanager_secret_version" "ca_cert" {
  secret_id     = aws_secretsmanager_secret.ca_cert.id
  secret_string = tls_self_signed_cert.ca.cert_pem
}
"#,
            &[],
        ),
        (
            "parts of a document",
            r#"
output "email" {
  value = jsondecode(base64decode(google_service_account_key.web.private_key))["client_email"]
}
output "key" {
  value = jsondecode(base64decode(google_service_account_key.web.private_key))["private_key"]
}
"#,
            &["unmarked-secret-output"],
        ),
    ];
    for (case, fixture, expected) in cases {
        assert_eq!(reports(fixture), expected, "{case}");
    }
}
