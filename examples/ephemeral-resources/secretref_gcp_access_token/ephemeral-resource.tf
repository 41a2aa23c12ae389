# The identity token of the job is shown to Google; a token of the deployer account comes back. No key is stored.
provider "secretref" {
  gcp "default" {
    workload_identity {
      provider = "projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github"
    }
  }
}

ephemeral "secretref_gcp_access_token" "deploy" {
  ref      = "gcp-token://deploy@acme-prod.iam.gserviceaccount.com"
  scopes   = ["https://www.googleapis.com/auth/devstorage.read_write"]
  lifetime = "15m"
  applying = terraform.applying
}

resource "terraform_data" "upload" {
  provisioner "local-exec" {
    command = "./upload.sh"
    environment = {
      CLOUDSDK_AUTH_ACCESS_TOKEN = ephemeral.secretref_gcp_access_token.deploy.token
    }
  }
}
