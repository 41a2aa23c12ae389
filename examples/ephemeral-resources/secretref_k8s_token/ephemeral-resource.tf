# The cluster is the one of the current context; a plan only asks whether the token would be made.
ephemeral "secretref_k8s_token" "deployer" {
  namespace       = "ci"
  service_account = "deployer"
  audiences       = ["https://vault.example.com"]
  ttl_seconds     = 900
  applying        = terraform.applying
}

resource "terraform_data" "deploy" {
  provisioner "local-exec" {
    command = "deploy --from-environment"
    environment = {
      DEPLOY_TOKEN = ephemeral.secretref_k8s_token.deployer.token
    }
  }
}
