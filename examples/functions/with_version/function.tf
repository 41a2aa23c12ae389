output "previous" {
  description = "Is \"local://prod/database?version=3#password\"."
  value       = provider::secretref::with_version("local://prod/database#password", "3")
}
