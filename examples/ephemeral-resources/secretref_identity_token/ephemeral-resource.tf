# Proves to a service of your own who runs this: it verifies the token with the keys of the issuer.
ephemeral "secretref_identity_token" "deployer" {
  audience = "https://deploy.example.com"
  applying = terraform.applying
}

resource "terraform_data" "announce" {
  provisioner "local-exec" {
    command     = "./announce.sh"
    environment = { DEPLOY_TOKEN = ephemeral.secretref_identity_token.deployer.value }
  }
}
