data "aws_secretsmanager_secret_version" "reports" {
  secret_id = "prod/reports"
}

output "reports_password" {
  description = "Password of the reports" # Read by the root module.
  value       = data.aws_secretsmanager_secret_version.reports.secret_string
  sensitive   = true
}
