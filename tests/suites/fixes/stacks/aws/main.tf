# The database and the service that uses it.
provider "aws" {
  region     = "eu-west-1"
  secret_key = "kT9vXmP4wLq8RzN2cYd7HsJb5GfUeA1oVi3MxQ0y"
}

variable "db_password" { type = string }

variable "name" {
  type        = string
  description = "Name of the stack" # Shown in the console.
}

data "aws_secretsmanager_secret_version" "database" {
  # Filled by the database team.
  secret_id = "prod/database"
}

data "aws_ssm_parameter" "token" {
  # A parameter is named, not addressed.
  name            = "/prod/app/api_token"
  with_decryption = true
}

locals {
  database = jsondecode(data.aws_secretsmanager_secret_version.database.secret_string)
}

resource "aws_db_instance" "main" {
  identifier        = var.name
  engine            = "postgres"
  instance_class    = "db.t3.micro"
  allocated_storage = 20
  username          = "app"                      # The owner.
  password          = local.database["password"] # Rotated monthly.

  depends_on = [data.aws_secretsmanager_secret_version.database]
}

resource "aws_db_instance" "replica" {
  identifier     = "replica"
  engine         = "postgres"
  instance_class = "db.t3.micro"
  username       = "app"
  password       = "Hq72kks8-plum"

  skip_final_snapshot = true
}

# What is read from state has to stay there.
resource "aws_db_instance" "reports" {
  identifier     = "reports"
  engine         = "postgres"
  instance_class = "db.t3.micro"
  username       = "app"
  password       = var.db_password

  skip_final_snapshot = true
}

resource "aws_db_instance" "archive" {
  identifier     = "archive"
  engine         = "postgres"
  instance_class = "db.t3.micro"
  username       = "app"
  password       = "Hq72kks8-plum"

  skip_final_snapshot = true
}

resource "aws_ssm_parameter" "copy" {
  name  = "/prod/copy/token"
  type  = "SecureString"
  value = data.aws_ssm_parameter.token.value
}

resource "aws_secretsmanager_secret_version" "generated" {
  secret_id     = "prod/generated"
  secret_string = var.db_password
}

# The value stays in state here: functions have no write-only environment.
resource "aws_lambda_function" "app" {
  function_name = "app"
  filename      = "app.zip"
  handler       = "app.handler"
  runtime       = "python3.13"
  role          = "arn:aws:iam::123456789012:role/app"

  environment {
    variables = {
      LOG_LEVEL = "info"
      API_TOKEN = "c29tZS1yYW5kb20-9f8e7d6c5b4a"
    }
  }
}

output "db_password" {
  value = aws_db_instance.reports.password
}

output "archive_password" {
  value = aws_db_instance.archive.password
}

output "address" {
  value = aws_db_instance.main.address
}
