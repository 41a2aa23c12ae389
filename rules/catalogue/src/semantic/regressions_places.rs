//! The same as [`super::regressions`], for the places that secrets flow to: which values are read there, and
//! by which way they get there.

use super::regressions::reports;

#[test]
fn maps_of_metadata_are_looked_at_by_member() {
    let cases: [(&str, &str, usize); 4] = [
        ("startup-script = \"x ${var.db_password}\"", "", 1),
        (
            "startup-script = templatefile(\"a\", { p = var.db_password, q = var.zone })",
            "",
            1,
        ),
        (
            "db_password = var.db_password",
            "ssh-keys = tls_private_key.admin.public_key_openssh",
            1,
        ),
        (
            "startup-script = file(\"a\")",
            "serial-port-enable = true",
            0,
        ),
    ];
    for (first, second, count) in cases {
        for open in ["= {", "= merge({"] {
            let close = if open.ends_with("({") { "}, {})" } else { "}" };
            let fixture = format!(
                "variable \"db_password\" {{\n  sensitive = true\n}}\nresource \"google_compute_instance\" \"app\" {{\n  metadata {open}\n    {first}\n    {second}\n  {close}\n}}\n"
            );
            assert_eq!(
                reports(&fixture),
                vec!["secret-in-user-data"; count],
                "{fixture}"
            );
        }
    }
}

#[test]
fn what_is_no_secret_is_not_rotated() {
    let keeps = |name: &str, value: &str| {
        let fixture = format!(
            "resource \"aws_secretsmanager_secret\" \"{name}\" {{}}\nresource \"aws_secretsmanager_secret_version\" \"{name}\" {{\n  secret_id = aws_secretsmanager_secret.{name}.id\n  secret_string = {value}\n}}\n"
        );
        reports(&fixture)
            .iter()
            .any(|rule| rule == "missing-rotation")
    };
    for (name, value) in [
        ("partner", "tls_self_signed_cert.ca.cert_pem"),
        ("owner", "azurerm_mssql_server.app.administrator_login"),
        ("partner_cert", "var.partner"),
        ("gateway_certificate", "var.gateway"),
        ("jwt_kid", "random_uuid.kid.result"),
    ] {
        assert!(!keeps(name, value), "{name}");
    }
    for (name, value) in [
        ("partner", "random_password.partner.result"),
        ("gateway_certificate_key", "var.gateway"),
        (
            "app",
            "jsonencode({ user = aws_db_instance.app.username, password = var.password })",
        ),
    ] {
        assert!(keeps(name, value), "{name}");
    }
}
