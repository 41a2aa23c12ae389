# A migration that logs in to its database with a user that exists only while it runs.
#
# The pipeline proves who it is with the identity token of its job. OpenBao or Vault makes a database user,
# and drops it when the apply is over, whether it succeeds, fails or is interrupted.

terraform {
  required_version = ">= 1.11"

  required_providers {
    secretref = {
      source = "secretref/secretref"
    }
  }
}

variable "database_host" {
  type    = string
  default = "db.internal"
}

variable "database_port" {
  type    = number
  default = 5432
}

# The address of the server comes from VAULT_ADDR or BAO_ADDR.
provider "secretref" {
  vault "default" {
    auth {
      jwt {
        role     = "migrations"
        audience = "vault"
      }
    }
  }
}

# Both fields are one credential. A plan asks for none: it needs no right to make database users.
ephemeral "secretref_values" "database" {
  refs = {
    user     = "vault://database/creds/migrations#username"
    password = "vault://database/creds/migrations#password"
  }
  applying = terraform.applying
}

resource "terraform_data" "migration" {
  triggers_replace = filesha256("${path.module}/migration.sql")

  provisioner "local-exec" {
    working_dir = path.module
    command     = "psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --file=migration.sql"

    environment = {
      PGHOST     = var.database_host
      PGPORT     = var.database_port
      PGDATABASE = "postgres"
      PGUSER     = ephemeral.secretref_values.database.values.user
      PGPASSWORD = ephemeral.secretref_values.database.values.password
    }
  }
}
