terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
    secretref = {
      source = "secretref/secretref"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

provider "secretref" {
  environment = "staging"
}

module "database" {
  source      = "../../../modules/database"
  environment = "staging"
}
