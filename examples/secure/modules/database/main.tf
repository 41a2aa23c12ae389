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

variable "environment" {
  description = "Environment the database belongs to."
  type        = string
}

locals {
  master_ref      = "local://${var.environment}/database#password"
  replication_ref = "local://${var.environment}/replication#password"
}

data "secretref_metadata" "master" {
  ref = local.master_ref
}

data "secretref_metadata" "replication" {
  ref = local.replication_ref
}

ephemeral "secretref_value" "master_password" {
  ref      = local.master_ref
  applying = terraform.applying
}

ephemeral "secretref_value" "replication_password" {
  ref      = local.replication_ref
  applying = terraform.applying
}

resource "aws_db_instance" "payments" {
  identifier          = "payments-${var.environment}"
  engine              = "postgres"
  instance_class      = "db.t4g.small"
  allocated_storage   = 20
  username            = "payments"
  password_wo         = ephemeral.secretref_value.master_password.value
  password_wo_version = data.secretref_metadata.master.version_number
  skip_final_snapshot = true
}

resource "aws_ssm_parameter" "replication_password" {
  name             = "/${var.environment}/payments/replication-password"
  type             = "SecureString"
  value_wo         = ephemeral.secretref_value.replication_password.value
  value_wo_version = data.secretref_metadata.replication.version_number
}

output "address" {
  description = "Host name of the database; it holds no credential."
  value       = aws_db_instance.payments.address
}
