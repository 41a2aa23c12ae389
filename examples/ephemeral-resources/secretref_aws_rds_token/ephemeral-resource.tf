# The database trusts IAM: there is no password to keep, and the token ends after fifteen minutes.
ephemeral "secretref_aws_rds_token" "migration" {
  ref      = "aws-rds://payments.abc123.eu-central-1.rds.amazonaws.com:5432/migration"
  applying = terraform.applying
}

resource "terraform_data" "migration" {
  provisioner "local-exec" {
    command = "./migrate.sh"
    environment = {
      PGHOST     = ephemeral.secretref_aws_rds_token.migration.host
      PGPORT     = ephemeral.secretref_aws_rds_token.migration.port
      PGUSER     = ephemeral.secretref_aws_rds_token.migration.username
      PGPASSWORD = ephemeral.secretref_aws_rds_token.migration.token
      PGSSLMODE  = "verify-full"
    }
  }
}
