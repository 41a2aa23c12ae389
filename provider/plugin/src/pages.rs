//! The documentation pages under `docs/` say what the schemas and the files in `examples/` say.
//!
//! `UPDATE=1 cargo test -p terraform-provider-secretref pages` writes them.

use std::path::Path;

use secret_stores::STORES;
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

/// What each kind of store can do, from the stores' own descriptions.
fn stores_page() -> String {
    let yes = |can: bool| if can { "yes" } else { "" };
    let mut page = String::from(
        "---\npage_title: \"Stores\"\ndescription: |-\n  What each kind of store can do, and what it is tested against.\n---\n\n\
         # Stores\n\nThe scheme of a reference names the kind of store. What a store cannot do is refused with an error, never \
         ignored.\n\n\
         | scheme | block | what | versions | bytes | batches | writes | conditional | removes | renews | revokes |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for kind in STORES {
        let can = kind.capability;
        let cells = [
            format!("`{}`", kind.scheme),
            kind.block
                .map_or_else(String::new, |block| format!("`{}`", block.name)),
            kind.summary.to_owned(),
            yes(can.versions).to_owned(),
            yes(can.binary).to_owned(),
            yes(can.batch).to_owned(),
            yes(can.write).to_owned(),
            yes(can.conditional_write).to_owned(),
            yes(can.remove).to_owned(),
            yes(can.renew).to_owned(),
            yes(can.revoke).to_owned(),
        ];
        page.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    page.push_str(
        "\n- versions: older versions can be read with `?version=`.\n- bytes: values need not be text.\n\
         - batches: `secretref_values` needs fewer calls than one for each secret.\n\
         - writes, conditional, removes: what `secretref_secret` can use.\n\
         - renews, revokes: what happens to leases while and when Terraform ends.\n\n\
         ## What they are tested against\n\n| scheme | tests |\n|---|---|\n",
    );
    for kind in STORES {
        page.push_str(&format!("| `{}` | {} |\n", kind.scheme, kind.tested));
    }
    page
}

#[test]
fn the_page_of_stores_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/stores.md");
    let page = stores_page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, page,
        "docs/guides/stores.md is stale: run `UPDATE=1 cargo test -p terraform-provider-secretref pages`"
    );
}
