terraform {
  required_version = ">= 1.11"
}

variable "database_password" {
  type = string
}

module "service" {
  source            = "../../../modules/service"
  environment       = "staging"
  database_password = var.database_password
}
