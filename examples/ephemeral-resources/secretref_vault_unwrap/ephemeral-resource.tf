variable "wrapped_secret_id" {
  description = "Wrapping token that the pipeline got for this run."
  type        = string
  ephemeral   = true
  sensitive   = true
}

ephemeral "secretref_vault_unwrap" "secret_id" {
  ref      = "vault+prod://auth/approle/role/deploy/secret-id"
  applying = terraform.applying
  token    = var.wrapped_secret_id
}
