# Both fields are read with one call; a plan checks only that the secrets are there and may be read.
ephemeral "secretref_values" "database" {
  refs = {
    password = "local://prod/database#password"
    user     = "local://prod/database#user"
  }
  applying = terraform.applying
}

# The version is no secret: when it changes, the value is written again.
data "secretref_metadata" "database" {
  ref = "local://prod/database"
}

resource "secretref_secret" "copy" {
  ref              = "local://prod/reporting/database"
  value_wo         = jsonencode(ephemeral.secretref_values.database.values)
  value_wo_version = data.secretref_metadata.database.version_number
}
