terraform {
  required_providers {
    azurerm    = { source = "hashicorp/azurerm", version = "~> 4.30" }
    google     = { source = "hashicorp/google", version = "~> 7.6" }
    kubernetes = { source = "hashicorp/kubernetes" }
    random     = { source = "hashicorp/random" }
  }
}

provider "azurerm" {
  features {}
}

provider "kubernetes" {
  host  = "https://cluster.example.com"
  token = "Wq8-velvet-River9"
}

# Azure: the administrator of the server.
data "azurerm_key_vault" "main" {
  name                = "payments"
  resource_group_name = "payments"
}

data "azurerm_key_vault_secret" "admin" {
  name         = "admin-password"
  key_vault_id = data.azurerm_key_vault.main.id
}

resource "azurerm_mssql_server" "main" {
  name                         = "payments"
  resource_group_name          = "payments"
  location                     = "westeurope"
  version                      = "12.0"
  administrator_login          = "operator"
  administrator_login_password = data.azurerm_key_vault_secret.admin.value
}

# Google: the user of the database.
data "google_secret_manager_secret_version" "database" {
  project = "payments"
  secret  = "database-password"
}

resource "google_sql_user" "app" {
  name     = "app"
  instance = "main"
  password = data.google_secret_manager_secret_version.database.secret_data
}

# Generated for PostgreSQL.
resource "random_password" "generated" {
  length  = 32
  special = false
}

resource "azurerm_postgresql_flexible_server" "main" {
  name                   = "reports"
  resource_group_name    = "payments"
  location               = "westeurope"
  administrator_login    = "operator"
  administrator_password = random_password.generated.result
}

resource "kubernetes_secret_v1" "app" {
  metadata {
    name = "app"
  }
  data = {
    password = data.google_secret_manager_secret_version.database.secret_data
  }
}
