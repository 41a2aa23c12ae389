# A login for the registry of the account, for pushing an image.
ephemeral "secretref_aws_ecr_token" "registry" {
  ref      = "aws-ecr://123456789012/eu-central-1"
  applying = terraform.applying
}

resource "terraform_data" "push" {
  provisioner "local-exec" {
    command = "echo \"$PASSWORD\" | docker login --username \"$USERNAME\" --password-stdin \"$REGISTRY\" && docker push \"$REGISTRY/payments\""
    environment = {
      USERNAME = ephemeral.secretref_aws_ecr_token.registry.username
      PASSWORD = ephemeral.secretref_aws_ecr_token.registry.password
      REGISTRY = ephemeral.secretref_aws_ecr_token.registry.endpoint
    }
  }
}
