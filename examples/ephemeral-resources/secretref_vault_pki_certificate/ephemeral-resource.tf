# The private key is made here; only a signing request is sent.
ephemeral "secretref_vault_pki_certificate" "client" {
  ref         = "vault+prod://pki/sign/deploy"
  applying    = terraform.applying
  common_name = "terraform.example.com"
  alt_names   = ["ci.example.com"]
  ttl         = "1h"
}
