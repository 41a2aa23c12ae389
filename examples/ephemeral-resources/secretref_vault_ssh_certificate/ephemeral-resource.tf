ephemeral "secretref_vault_ssh_certificate" "admin" {
  ref              = "vault+prod://ssh/sign/ops"
  applying         = terraform.applying
  public_key       = file("~/.ssh/id_ed25519.pub")
  valid_principals = "ubuntu"
  ttl              = "5m"
}
