# A database login that exists for this run only.
ephemeral "secretref_vault_dynamic" "database" {
  ref      = "vault+prod://database/creds/app"
  applying = terraform.applying
  min_ttl  = "30m"
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

# A provider that logs in while planning, too, needs the real login then: leave out `applying` for such a use.
resource "terraform_data" "migration" {
  provisioner "local-exec" {
    command = "./migrate"
    environment = {
      PGUSER     = ephemeral.secretref_vault_dynamic.database.data.username
      PGPASSWORD = ephemeral.secretref_vault_dynamic.database.data.password
    }
  }
}
