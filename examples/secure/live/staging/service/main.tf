terraform {
  required_version = ">= 1.11"

  required_providers {
    secretref = {
      source = "secretref/secretref"
    }
  }
}

provider "secretref" {
  environment = "staging"
}

module "service" {
  source      = "../../../modules/service"
  environment = "staging"
}
