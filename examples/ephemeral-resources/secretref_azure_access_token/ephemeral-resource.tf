# The login is that of the `azure` block, or of ARM_* and AZURE_* variables; a plan makes no token.
ephemeral "secretref_azure_access_token" "management" {
  resource = "management.azure.com"
  min_ttl  = "15m"
  applying = terraform.applying
}

resource "terraform_data" "report" {
  provisioner "local-exec" {
    command = "report --from-environment"
    environment = {
      ACCESS_TOKEN = ephemeral.secretref_azure_access_token.management.token
    }
  }
}
