variable "public_key" {
  description = "The public key of whoever runs this."
  type        = string
}

ephemeral "secretref_vault_ssh_certificate" "admin" {
  ref              = "vault+prod://ssh/sign/ops"
  applying         = terraform.applying
  public_key       = var.public_key
  valid_principals = "ubuntu"
  ttl              = "5m"
}
