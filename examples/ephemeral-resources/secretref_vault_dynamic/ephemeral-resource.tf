# A database login that exists for this run only. The provider below logs in while planning, too, so it is opened in
# every plan.
ephemeral "secretref_vault_dynamic" "database" {
  ref     = "vault+prod://database/creds/app"
  min_ttl = "30m"
}

# A directory account: checked out here, checked in when Terraform is done.
ephemeral "secretref_vault_dynamic" "directory" {
  ref      = "vault+prod://ldap/library/deployers/check-out"
  applying = terraform.applying
  request  = { ttl = "1h" }
}

# A token for a Kubernetes cluster.
ephemeral "secretref_vault_dynamic" "cluster" {
  ref      = "vault+prod://kubernetes/creds/deploy"
  applying = terraform.applying
  request = {
    kubernetes_namespace = "payments"
    ttl                  = "15m"
  }
}

provider "postgresql" {
  host     = "db.example.com"
  username = ephemeral.secretref_vault_dynamic.database.data.username
  password = ephemeral.secretref_vault_dynamic.database.data.password
}
