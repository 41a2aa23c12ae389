database_password = "gravel-Tunic-8203"
