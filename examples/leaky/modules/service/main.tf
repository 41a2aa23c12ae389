variable "environment" {
  type = string
}

variable "database_password" {
  type = string
}

variable "database_url" {
  type    = string
  default = "postgres://payments:kV9-walnut-harbor@db.internal:5432/payments"
}

locals {
  # The key that signs receipts. Invented for this example.
  receipt_signing_key = <<-EOT
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIGxV8wXnTZ0xq3m3jJkTjg0n3yD0vQmJt1mG9oT4l2kNoAoGCCqGSM49
    AwEHoUQDQgAEs8xJ6bQh1n3l0rVd2wq0hJ0m4yY5N3uYVbK1Hq1Zr9c2xWm3oQvE
    p7fGd8kLsT5uXy0aBcDeFgHiJkLmNoPqRs==
    -----END EC PRIVATE KEY-----
  EOT
}

resource "terraform_data" "migrate" {
  input = {
    environment = var.environment
    url         = var.database_url
    signing_key = local.receipt_signing_key
  }

  provisioner "local-exec" {
    command = "PGPASSWORD=${var.database_password} ${path.module}/migrate.sh ${var.environment}"
  }
}

output "database_password" {
  value = var.database_password
}
