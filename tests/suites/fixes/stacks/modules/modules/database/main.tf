variable "name" {
  type = string
}

variable "password" {
  type        = string
  description = "Password of the owner"

  validation {
    condition     = length(var.password) > 8
    error_message = "Too short."
  }
}

locals {
  password = var.password
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  instance_class = "db.t3.micro"
  username       = "owner"
  password       = local.password
}
