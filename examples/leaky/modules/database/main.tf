terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "environment" {
  type = string
}

variable "master_password" {
  type    = string
  default = "Tr0ub4dor&3-payments"
}

data "aws_secretsmanager_secret_version" "replication" {
  secret_id = "payments/replication"
}

resource "aws_db_instance" "payments" {
  identifier          = "payments-${var.environment}"
  engine              = "postgres"
  instance_class      = "db.t4g.small"
  allocated_storage   = 20
  username            = "payments"
  password            = var.master_password
  skip_final_snapshot = true
}

resource "aws_ssm_parameter" "replication_password" {
  name  = "/${var.environment}/payments/replication-password"
  type  = "SecureString"
  value = data.aws_secretsmanager_secret_version.replication.secret_string
}

output "connection" {
  value = "postgres://payments:${var.master_password}@${aws_db_instance.payments.address}/payments"
}
