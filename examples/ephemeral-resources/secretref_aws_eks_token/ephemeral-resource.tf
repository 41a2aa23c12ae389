# What `aws eks get-token` prints, without the command line: here for kubectl in a provisioner.
ephemeral "secretref_aws_eks_token" "cluster" {
  ref      = "aws-eks://payments"
  region   = "eu-central-1"
  applying = terraform.applying
}

resource "terraform_data" "rollout" {
  provisioner "local-exec" {
    command     = "kubectl --token=\"$TOKEN\" rollout restart deployment/payments"
    environment = { TOKEN = ephemeral.secretref_aws_eks_token.cluster.token }
  }
}
