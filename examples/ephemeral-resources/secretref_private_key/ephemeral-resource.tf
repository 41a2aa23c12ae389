# A key for deployments, made once and kept in a store: both halves come from the same open.
ephemeral "secretref_private_key" "deploy" {
  comment = "deploy@example.com"
}

resource "secretref_secret" "deploy_key" {
  ref = "local://prod/deploy-key"
  value_wo = jsonencode({
    private_key = ephemeral.secretref_private_key.deploy.private_key_openssh
    public_key  = ephemeral.secretref_private_key.deploy.public_key_openssh
  })
  value_wo_version = 1
}
