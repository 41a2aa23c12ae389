terraform {
  required_version = ">= 1.11"

  required_providers {
    secretref = {
      source = "secretref/secretref"
    }
  }
}

variable "environment" {
  description = "Environment whose secrets the service uses."
  type        = string
}

locals {
  database_ref = "local://${var.environment}/database#password"
}

# Version and age of the secret, without its value: safe to keep in state.
data "secretref_metadata" "database" {
  ref = local.database_ref
}

# Opened only while applying: a plan needs no right to read the value.
ephemeral "secretref_value" "database_password" {
  ref      = local.database_ref
  applying = terraform.applying
}

resource "terraform_data" "migrate" {
  triggers_replace = [data.secretref_metadata.database.version]

  provisioner "local-exec" {
    command = "${path.module}/migrate.sh ${var.environment}"

    environment = {
      DATABASE_PASSWORD = ephemeral.secretref_value.database_password.value
    }
  }
}

# Hands the password to the running service under its own path.
resource "secretref_secret" "runtime" {
  ref              = "local://${var.environment}/service/database-password"
  value_wo         = ephemeral.secretref_value.database_password.value
  value_wo_version = data.secretref_metadata.database.version_number
}
