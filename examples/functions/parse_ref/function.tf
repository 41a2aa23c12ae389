output "selector" {
  description = "Is \"password\"."
  value       = provider::secretref::parse_ref("local://prod/database#password").selector
}
