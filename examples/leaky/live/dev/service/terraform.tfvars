database_password = "plum-Anchor-4471"
