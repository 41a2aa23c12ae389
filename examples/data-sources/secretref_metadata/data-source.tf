data "secretref_metadata" "database" {
  ref = "local://prod/database"
}

output "database_password_is_from" {
  description = "When the password of the database was last changed."
  value       = data.secretref_metadata.database.updated_at
}
