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
    MHcCAQEEIPhM1F/RHyrE0P24DPbi87xYVKVcbgYNQP8i3I9Mc0DnoAoGCCqGSM49
    AwEHoUQDQgAElSqITMQFuUJdn56ZJ6UYRfcWDKUHBVLPQzmhto4CSNNWPXFmcXq8
    Q5AuKU1+Bv/LHcdc3Wpv2u/jLUQFDdhfMg==
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
