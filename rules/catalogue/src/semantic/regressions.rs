//! Causes of false alarms and of misses that were found on real configurations, each as the
//! smallest text that shows it: what stands there, and the rules that must speak, in order.

use super::tests::check;

pub(super) fn reports(fixture: &str) -> Vec<String> {
    check(fixture)
        .iter()
        .map(|finding| finding.rule.to_string())
        .collect()
}

#[test]
fn what_is_no_secret_is_not_reported() {
    let cases = [
        (
            "passes of a Windows installation",
            r#"
resource "azurerm_virtual_machine" "desktop" {
  os_profile_windows_config {
    additional_unattend_config {
      pass = "oobeSystem"
    }
  }
}
"#,
        ),
        (
            "the key of a tag",
            r#"
locals {
  object_tag_ingest_key = "PreserveForArchiveIngest"
}
"#,
        ),
        (
            "names of secrets in a list",
            r#"
module "query" {
  source  = "acme/query/vault"
  secrets = ["google-client-secret", "jwt-secret", "oauth2-client-v2"]
}
"#,
        ),
        (
            "roles that belong to a secret",
            r#"
locals {
  roles = {
    simple-secret = ["roles/logging.logWriter", "roles/storage.admin"]
  }
}
"#,
        ),
        (
            "pointers into a document and values computed by YAML tags",
            r##"
resource "aws_cloudformation_stack" "image" {
  template_body = <<-EOT
    {"PAYMENT_TOKEN": "#/components/schemas/PaymentToken"}
    ServiceToken: !GetAtt Lambda2.Arn
  EOT
}
"##,
        ),
        (
            "what a parameter holds is said by its name, not by its type",
            r#"
resource "aws_ssm_parameter" "image_url" {
  name  = "/app/image_url"
  type  = "String"
  value = "${var.image}:${var.tag}"
}
output "image_url" {
  value = aws_ssm_parameter.image_url.value
}
"#,
        ),
        (
            "values that are sealed, and the name of a secret in a program's own notation",
            r#"
resource "kubernetes_manifest" "auth" {
  manifest = {
    kind = "SealedSecret"
    spec = {
      encryptedData = {
        "google-client-secret" = "AgAYYRMnubws4GKodJ76s2JmWr4Bq7dkQ28fT6dkQdzw9"
      }
    }
  }
}
resource "helm_release" "updater" {
  set {
    name  = "config.registries[0].credentials"
    value = "secret:argocd/harbor-updater-creds#token"
  }
}
"#,
        ),
        (
            "a placeholder behind a local, and a user name in a store",
            r#"
locals {
  unset = "placeholder, replace in console"
}
resource "google_secret_manager_secret_version" "mail_key" {
  secret      = "mail-key"
  secret_data = local.unset
}
data "google_secret_manager_secret_version" "db_user" {
  secret = "app-db-user"
}
"#,
        ),
        (
            "public keys and ids in a store of secrets",
            r#"
data "azurerm_key_vault_secret" "ssh_public_key" {
  name = "ssh-public"
}
data "azurerm_key_vault_secret" "PrometheusClientID" {
  name = "PrometheusClientID"
}
resource "azurerm_key_vault_secret" "ssh_public_key" {
  name            = "ssh-public-key"
  value           = var.ssh_public_key
  expiration_date = "2030-01-01T00:00:00Z"
}
"#,
        ),
        (
            "a user name that is asked for by the name of a list of secrets",
            r#"
data "aws_ssm_parameter" "registry_username" {
  for_each = { for secret in var.registries : secret.username => secret }
  name     = each.value.path
}
"#,
        ),
        (
            "a token that is published in DNS",
            r#"
output "custom_domain_validation_token" {
  value = azurerm_cdn_frontdoor_custom_domain.main.validation_token
}
"#,
        ),
        (
            "a setting of a password policy",
            r#"
output "expire_passwords" {
  value = aws_iam_account_password_policy.main.expire_passwords
}
"#,
        ),
        (
            "the grant type of a client",
            r#"
resource "aws_cloudwatch_event_connection" "api" {
  auth_parameters {
    oauth {
      oauth_http_parameters {
        body {
          key   = "grant_type"
          value = "client_credentials"
        }
      }
    }
  }
}
"#,
        ),
        (
            "a generated part of a name",
            r#"
resource "random_password" "instance_id" {
  length = 8
}
output "instance_id" {
  value = nonsensitive(random_password.instance_id.result)
}
"#,
        ),
        (
            "user names and addresses in a key vault",
            r#"
data "azurerm_key_vault_secret" "registry_user" {
  name = "registry-user"
}
data "azurerm_key_vault_secret" "alert_email" {
  name = "alert-email"
}
resource "azurerm_key_vault_secret" "api_url" {
  name  = "api-url"
  value = "https://${data.azurerm_kubernetes_cluster.main.private_fqdn}:443"
}
"#,
        ),
        (
            "ids and names that a variable gives to a store",
            r#"
resource "google_secret_manager_secret_version" "client" {
  secret_data = var.github_client_id
}
resource "aws_secretsmanager_secret_version" "user" {
  secret_string = var.smtp_username
}
"#,
        ),
        (
            "public parts and telemetry in an environment",
            r#"
module "login" {
  source = "acme/app/azure"
  app_settings = {
    METADATA_PUBLIC_CERT          = var.metadata_private_key
    APPINSIGHTS_CONNECTION_STRING = var.telemetry_connection_string
  }
}
"#,
        ),
        (
            "a document without secrets under a name that promises one",
            r#"
# file: dev.tfvars
app_secret_json           = "{\"APP_ENV\":\"dev\",\"LOG_LEVEL\":\"info\"}"
ssm_parameter_db_password = "rds_1_db_password"
"#,
        ),
        (
            "keys of external secrets, paths of a state machine, names of a pipeline's secrets",
            r#"
locals {
  data = [{ "secretKey" = "auth0-client-secret" }]
  step = { "token.$" = "$$.Task.Token" }
}
resource "github_actions_secret" "bucket" {
  secret_name     = "EXPORT_BUCKET_NAME"
  plaintext_value = "acme-export-prod"
}
"#,
        ),
        (
            "a token that only triggers",
            r#"
variable "reload_token" {
  default = "v1"
}
resource "null_resource" "reload" {
  triggers = {
    token = var.reload_token
  }
}
"#,
        ),
        (
            "lists, domains and arns in a store",
            r#"
data "aws_secretsmanager_secret_version" "filter_list" {
  secret_id = "filters"
}
data "aws_secretsmanager_secret_version" "account_ids_version" {
  secret_id = "accounts"
}
data "kubernetes_secret" "bucket_arns" {
  metadata {
    name = "bucket-arns"
  }
}
"#,
        ),
        (
            "ids that are taken out of a secret document",
            r#"
module "catalog" {
  source = "acme/lambda/aws"
  environment_variables = {
    ACCOUNT_ID = jsondecode(data.aws_secretsmanager_secret_version.accounts.secret_string).main
  }
}
"#,
        ),
        (
            "variables of a Nomad pack, which cannot be marked",
            r#"
# file: packs/app/variables.hcl
variable "database_password" {
  type = string
}
"#,
        ),
    ];
    for (case, fixture) in cases {
        assert_eq!(reports(fixture), Vec::<String>::new(), "{case}");
    }
}

#[test]
fn what_is_secret_is_reported() {
    let cases: [(&str, &str, &[&str]); 11] = [
        (
            "a name that ends with its encoding",
            r#"
output "admin_secret_b64" {
  value = module.engine.admin_secret_b64
}
"#,
            &["unmarked-secret-output"],
        ),
        (
            "an environment as a list of assignments",
            r#"
resource "docker_container" "app" {
  env = [
    "LEVEL=${var.level}",
    "DATABASE_URL=mysql://app:${var.db_password}@${var.host}/app",
  ]
}
"#,
            &["secret-in-plain-environment"],
        ),
        (
            "settings in a local that is named after what it feeds",
            r#"
locals {
  app_settings_common = {
    STORAGE = data.azurerm_storage_account.files.primary_connection_string
    COSMOS  = format("Key=%s;", data.azurerm_cosmosdb_account.main.primary_key)
  }
}
"#,
            &["secret-in-plain-environment", "secret-in-plain-environment"],
        ),
        (
            "parameters whose names are in a local",
            r#"
locals {
  parameters = ["github_token", "pingdom_user"]
}
data "aws_ssm_parameter" "all" {
  for_each = toset(local.parameters)
  name     = "/ci/${each.key}"
}
"#,
            &["secret-in-state-data-source"],
        ),
        (
            "a description that speaks of a user name",
            r#"
variable "jumphost_password" {
  description = "Password for the username of the machine"
}
"#,
            &["unmarked-secret-variable"],
        ),
        (
            "a dummy that tells a story",
            r#"
# file: staging.tfvars
database_password = "staging_db_password_from_secret_manager"
api_key           = "sk-ant-dev-placeholder"
"#,
            &["placeholder-secret", "placeholder-secret"],
        ),
        (
            "values of a rendered script, each reported once",
            r#"
resource "aws_instance" "app" {
  user_data = base64encode(templatefile("boot.sh", {
    db_password  = var.db_password
    mail_api_key = var.mail_api_key
  }))
}
"#,
            &["secret-in-user-data", "secret-in-user-data"],
        ),
        (
            "a version at the end of a name, a short word for a password",
            r#"
variable "smtp_password_v4" {
  sensitive = true
  default   = "Bq7dkQ28fT6dkQdz"
}
variable "dbpw" {}
"#,
            &["secret-variable-default", "unmarked-secret-variable"],
        ),
        (
            "an instruction in a store, which is no secret yet",
            r#"
resource "aws_secretsmanager_secret_version" "main" {
  secret_string = "replace in console"
}
"#,
            &["placeholder-secret"],
        ),
        (
            "a variable whose default is replaced by whoever gives it a value",
            r#"
variable "mail_password" {
  sensitive = true
  default   = "changeme"
}
resource "aws_secretsmanager_secret_version" "mail" {
  secret_string = var.mail_password
}
"#,
            &["placeholder-secret", "persisted-secret-argument"],
        ),
        (
            "parameters whose names are in for_each",
            r#"
data "aws_ssm_parameter" "all" {
  for_each = toset(["github-token", "webhook-secret"])
  name     = "/bot/${each.value}"
}
"#,
            &["secret-in-state-data-source"],
        ),
    ];
    for (case, fixture, expected) in cases {
        assert_eq!(reports(fixture), expected, "{case}");
    }
}
