ephemeral "secretref_gcp_id_token" "migrate" {
  ref      = "gcp-id-token://deploy@acme-prod.iam.gserviceaccount.com/migrate-abc123.a.run.app"
  audience = "https://migrate-abc123.a.run.app"
  applying = terraform.applying
}

resource "terraform_data" "migrate" {
  provisioner "local-exec" {
    command = "curl --fail --header \"Authorization: Bearer $TOKEN\" --request POST https://migrate-abc123.a.run.app"
    environment = {
      TOKEN = ephemeral.secretref_gcp_id_token.migrate.token
    }
  }
}
