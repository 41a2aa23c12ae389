terraform {
  required_providers {
    secretref = {
      source = "secretref/secretref"
    }
  }
}

# Nothing has to be configured for `local://` references. With a policy, say which environment this is.
provider "secretref" {
  environment = "prod"

  # One more encrypted file, for references such as `local+shared://ca/key`.
  local "shared" {
    path = "../shared/secrets.age"
  }

  # Refuse to open what cannot be recorded.
  audit {
    path     = "/var/log/secretref/audit.jsonl"
    required = true
  }
}
