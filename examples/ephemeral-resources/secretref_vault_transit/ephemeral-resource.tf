# The ciphertext may stand here: only the server can decrypt it.
ephemeral "secretref_vault_transit" "license" {
  ref      = "vault+prod://transit/decrypt/app"
  applying = terraform.applying
  input    = "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w=="
}
