ephemeral "secretref_vault_token" "deploy" {
  ref      = "vault+prod://auth/token/create/deploy"
  applying = terraform.applying
  policies = ["deploy"]
  ttl      = "15m"
}
