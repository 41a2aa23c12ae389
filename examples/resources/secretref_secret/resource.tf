# Made at random once, kept in the store, and unknown to state.
resource "secretref_secret" "database" {
  ref = "local://prod/database"

  generate {
    length      = 48
    min_special = 2
  }
}

# Given from outside through a write-only argument.
variable "api_token" {
  description = "Token of the payment service."
  type        = string
  ephemeral   = true
}

resource "secretref_secret" "api_token" {
  ref              = "local://prod/payments/token"
  value_wo         = var.api_token
  value_wo_version = 1
  keep_on_destroy  = true
}
