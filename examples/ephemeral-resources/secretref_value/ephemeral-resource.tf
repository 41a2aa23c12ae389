# A plan checks only that the secret is there and may be read; the value is opened while applying.
ephemeral "secretref_value" "database" {
  ref      = "local://prod/database#password"
  applying = terraform.applying
}

# The version is no secret: when it changes, the value is written again.
data "secretref_metadata" "database" {
  ref = "local://prod/database"
}

resource "secretref_secret" "copy" {
  ref              = "local://prod/reporting/database"
  value_wo         = ephemeral.secretref_value.database.value
  value_wo_version = data.secretref_metadata.database.version_number
}
