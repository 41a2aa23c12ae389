output "owner" {
  description = "Is \"prod\", because of the name of the store."
  value       = provider::secretref::environment_of("vault+prod://kv/database#password")
}

output "owner_by_policy" {
  description = "The environment whose refs cover it, or null."
  value = provider::secretref::environment_of("local://prod/database#password", <<-POLICY
    [environments.prod]
    refs = ["local://prod/**"]
  POLICY
  )
}
