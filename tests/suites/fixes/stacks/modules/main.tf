terraform {
  required_version = ">= 1.11.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0"
    }
  }
}

data "aws_secretsmanager_secret_version" "main" {
  secret_id = "prod/main"
}

# Every database has its own password.
module "database" {
  source = "./modules/database"

  name     = "main"
  password = data.aws_secretsmanager_secret_version.main.secret_string
}

module "secrets" {
  source = "./modules/secrets"
}

resource "aws_rds_cluster" "reports" {
  cluster_identifier = "reports"
  engine             = "aurora-postgresql"
  master_username    = "reports"
  master_password    = module.secrets.reports_password # From the other module.
}
