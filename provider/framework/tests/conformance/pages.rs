//! Documentation pages made from schemas and example files.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tf_framework::docs::{DocsError, Page, render, stale, write};

use crate::provider::Echo;

const EXAMPLES: [&str; 10] = [
    "provider/provider.tf",
    "actions/echo_say/action.tf",
    "data-sources/echo_greeting/data-source.tf",
    "ephemeral-resources/echo_lease/ephemeral-resource.tf",
    "ephemeral-resources/echo_value/ephemeral-resource.tf",
    "functions/join/function.tf",
    "functions/or_else/function.tf",
    "functions/panic/function.tf",
    "list-resources/echo_thing/list-resource.tf",
    "state-stores/echo_states/state-store.tf",
];

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn examples() -> TempDir {
    let dir = TempDir::new().unwrap();
    for path in EXAMPLES {
        put(dir.path(), path, &format!("# {path}\n"));
    }
    put(
        dir.path(),
        "resources/echo_thing/resource.tf",
        "resource \"echo_thing\" \"a\" {}\n",
    );
    put(
        dir.path(),
        "resources/echo_thing/import.sh",
        "terraform import echo_thing.a id-a\n",
    );
    dir
}

fn pages(examples: &Path) -> Result<Vec<Page>, DocsError> {
    render(&Echo::default(), "echo", examples)
}

fn text<'p>(pages: &'p [Page], path: &str) -> &'p str {
    &pages
        .iter()
        .find(|page| page.path == Path::new(path))
        .unwrap()
        .text
}

#[test]
fn a_page_has_front_matter_example_schema_and_import() {
    let dir = examples();
    let pages = pages(dir.path()).unwrap();
    assert_eq!(
        text(&pages, "resources/thing.md"),
        r#"---
page_title: "echo_thing (Resource)"
description: |-
  A thing.
---

# echo_thing (Resource)

A thing.

## Example Usage

```terraform
resource "echo_thing" "a" {}
```

## Schema

### Required

- `name` (String) Its name; another name is another thing.

### Optional

- `note` (String) A note.
- `value_wo` (String, [Write-only](https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only)) Its secret.
- `value_wo_version` (Number) Raise it to write the secret again.
- `user` (Block List) Users. (see [below for nested schema](#nested--user))

### Read-Only

- `id` (String) Set once.
- `length` (Number) Length of the secret as written.

<a id="nested--user"></a>
### Nested Schema for `user`

Required:

- `name` (String) Name.

Optional:

- `password_wo` (String, [Write-only](https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only)) Password.

## Import

```shell
terraform import echo_thing.a id-a
```
"#
    );
}

#[test]
fn every_kind_has_its_folder() {
    let dir = examples();
    let pages = pages(dir.path()).unwrap();
    let paths: Vec<_> = pages
        .iter()
        .map(|page| page.path.to_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "index.md",
            "actions/say.md",
            "data-sources/greeting.md",
            "ephemeral-resources/lease.md",
            "ephemeral-resources/value.md",
            "list-resources/thing.md",
            "resources/thing.md",
            "state-stores/states.md",
            "functions/join.md",
            "functions/or_else.md",
            "functions/panic.md",
        ]
    );
    assert!(text(&pages, "index.md").contains("- `store` (Block Map) Stores."));
    assert!(
        text(&pages, "ephemeral-resources/value.md")
            .contains("- `password` (String, Sensitive) Comes back")
    );
    let join = text(&pages, "functions/join.md");
    assert!(
        join.contains("join(separator string, texts string...) string"),
        "{join}"
    );
    assert!(
        join.contains("- `texts` (Variadic, String) What is joined."),
        "{join}"
    );
    assert!(text(&pages, "functions/or_else.md").contains("(String, Nullable)"));
}

#[test]
fn missing_and_stray_examples_are_errors() {
    let dir = examples();
    put(dir.path(), "functions/gone/function.tf", "");
    assert!(matches!(
        pages(dir.path()),
        Err(DocsError::StrayExample { .. })
    ));
    fs::remove_dir_all(dir.path().join("functions/gone")).unwrap();
    fs::remove_dir_all(dir.path().join("functions/join")).unwrap();
    let error = pages(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("functions/join/function.tf is missing"),
        "{error}"
    );
}

#[test]
fn stored_pages_are_compared_and_brought_up_to_date() {
    let (examples, docs) = (examples(), TempDir::new().unwrap());
    let pages = pages(examples.path()).unwrap();
    assert_eq!(stale(&pages, docs.path()).unwrap().len(), pages.len());
    put(docs.path(), "resources/gone.md", "");
    put(docs.path(), "guides/start.md", "");
    write(&pages, docs.path()).unwrap();
    assert_eq!(
        stale(&pages, docs.path()).unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
    assert!(
        docs.path().join("guides/start.md").is_file()
            && !docs.path().join("resources/gone.md").exists()
    );
    put(docs.path(), "index.md", "edited");
    assert_eq!(stale(&pages, docs.path()).unwrap(), [Path::new("index.md")]);
}
