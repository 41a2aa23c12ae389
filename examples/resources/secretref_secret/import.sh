terraform import secretref_secret.database local://prod/database
