//! Keeps `src/generated/` in step with `proto/`.
//!
//! The generated code is committed, so building needs neither `protoc` nor a build script. After a change
//! to a `.proto` file run `UPDATE=1 cargo test -p tfplugin --test generated`; without `UPDATE` this test
//! fails when the committed code is stale.

use std::path::Path;

use tfplugin::OPAQUE_MESSAGES;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// Proto file, generated module, and what the module holds.
const FILES: [(&str, &str, &str); 2] = [
    (
        "tfplugin6.proto",
        "tfplugin6.rs",
        "Messages and services of Terraform's plugin protocol 6.",
    ),
    (
        "plugin.proto",
        "plugin.rs",
        "Messages and services every plugin host expects beside the provider.",
    ),
];

#[test]
fn generated_code_is_current() {
    let out = tempfile::tempdir().unwrap();
    generate(out.path()).unwrap();
    for (proto, module, about) in FILES {
        let body = std::fs::read_to_string(out.path().join(module)).unwrap();
        let fresh = format!(
            "//! {about}\n//!\n//! Generated from `proto/{proto}`; do not edit. See `tests/generated.rs`.\n\n{body}"
        );
        let committed = Path::new(CRATE).join("src/generated").join(module);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&committed, &fresh).unwrap();
        }
        let current = std::fs::read_to_string(&committed).unwrap_or_default();
        assert!(
            current == fresh,
            "src/generated/{module} is stale: run UPDATE=1 cargo test -p tfplugin --test generated"
        );
    }
}

#[test]
fn every_message_with_payload_bytes_has_an_opaque_debug() {
    for (_, module, _) in FILES {
        let code =
            std::fs::read_to_string(Path::new(CRATE).join("src/generated").join(module)).unwrap();
        let mut opaque = false;
        let mut message = String::new();
        for line in code.lines().map(str::trim) {
            if line.starts_with("#[derive(") {
                opaque = false;
            }
            opaque |= line == "#[prost(skip_debug)]";
            if let Some(name) = line.strip_prefix("pub struct ") {
                message = name.trim_end_matches(['{', '}', ' ']).to_owned();
            }
            let holds_bytes = line.starts_with("#[prost(bytes");
            assert!(
                !holds_bytes || opaque || is_type_json(&message),
                "{module}: {message} would print payload bytes; add it to OPAQUE_MESSAGES"
            );
        }
    }
}

/// Messages whose only bytes field is the JSON form of a type in a schema, which is public.
fn is_type_json(message: &str) -> bool {
    ["Attribute", "IdentityAttribute", "Parameter", "Return"].contains(&message)
}

fn generate(out: &Path) -> std::io::Result<()> {
    let protos = FILES.map(|(proto, _, _)| proto);
    let fds =
        protox::compile(protos, [Path::new(CRATE).join("proto")]).map_err(std::io::Error::other)?;
    tonic_prost_build::configure()
        .out_dir(out)
        .build_transport(false)
        .btree_map(".")
        .skip_debug(OPAQUE_MESSAGES.iter().copied())
        .client_mod_attribute(".", "#[cfg(feature = \"client\")]")
        .compile_fds(fds)
}
