# The ciphertext may be committed; a plan needs no right to decrypt it.
ephemeral "secretref_aws_kms" "licence" {
  ref        = "aws-kms://alias/configuration"
  ciphertext = "AQICAHhvbWl0dGVkLWJlY2F1c2UtdGhpcy1pcy1hbi1leGFtcGxl"
  context    = { application = "payments" }
  applying   = terraform.applying
}

resource "secretref_secret" "licence" {
  ref              = "aws-sm://payments/licence"
  value_wo         = ephemeral.secretref_aws_kms.licence.value
  value_wo_version = 1
}
