//! Causes of false alarms and of misses that were found on real configurations, each as the
//! smallest text that shows it: what stands there, and the rules that must speak, in order.

use super::tests::check;

fn reports(fixture: &str) -> Vec<&'static str> {
    check(fixture)
        .iter()
        .map(|finding| finding.meta.id)
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
        assert_eq!(reports(fixture), Vec::<&str>::new(), "{case}");
    }
}

#[test]
fn what_is_secret_is_reported() {
    let cases: [(&str, &str, &[&str]); 3] = [
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
