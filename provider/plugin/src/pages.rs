//! The documentation pages under `docs/` say what the schemas and the files in `examples/` say.
//!
//! `UPDATE=1 cargo test -p terraform-provider-secretref pages` writes them.

use std::path::Path;

use tf_framework::docs;

use crate::provider::SecretRefProvider;

#[test]
fn pages_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("docs");
    let pages = docs::render(&SecretRefProvider, "secretref", &root.join("examples")).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        docs::write(&pages, &folder).unwrap();
    }
    let stale = docs::stale(&pages, &folder).unwrap();
    assert!(
        stale.is_empty(),
        "{stale:?} are stale: run `UPDATE=1 cargo test -p terraform-provider-secretref pages`"
    );
}
