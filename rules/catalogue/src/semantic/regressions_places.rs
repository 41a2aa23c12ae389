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
