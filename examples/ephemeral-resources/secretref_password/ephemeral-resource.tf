# Made anew in every run: for something that is used once, such as the first password of a machine.
ephemeral "secretref_password" "bootstrap" {
  length           = 40
  min_numeric      = 2
  min_special      = 2
  override_special = "-_.~"
}

resource "terraform_data" "machine" {
  provisioner "local-exec" {
    command     = "./bootstrap.sh"
    environment = { BOOTSTRAP_PASSWORD = ephemeral.secretref_password.bootstrap.value }
  }
}
