//! The requirement of the secretref provider, for fixes whose result uses it.

use secretlint_core::Edit;
use secretlint_core::facts::{Block, Content, FileKind, Module, Role, SourceFile};

use super::{add_to_body, insertion};

const REQUIREMENT: &str = "secretref = {\n  source = \"secretref/secretref\"\n}";
/// Where a new `terraform` block goes, when there is such a file.
const FILES: &[&str] = &["versions.tf", "terraform.tf", "providers.tf", "main.tf"];

/// Requires the provider, unless the module does already; `None` when there is no place for it.
pub(super) fn secretref(module: &Module<'_>) -> Option<Vec<Edit>> {
    let required = |name: &str| name == "secretref";
    if module
        .requirements
        .providers
        .iter()
        .any(|provider| required(&provider.name))
    {
        return Some(Vec::new());
    }
    let settings = || {
        let blocks = module.blocks_of(Role::Terraform);
        blocks.filter_map(|block| match block.content {
            Content::Native(body) if is_configuration(block.file) => Some((block, body)),
            _ => None,
        })
    };
    let listed = settings().find_map(|(block, body)| {
        let list = body.blocks_of("required_providers").next()?;
        add_to_body(block.file, list.body(), REQUIREMENT)
    });
    if listed.is_some() {
        return listed;
    }
    let list = format!(
        "required_providers {{\n  {}\n}}",
        REQUIREMENT.replace('\n', "\n  ")
    );
    if let Some((block, body)) = settings().next() {
        return add_to_body(block.file, body, &list);
    }
    let file = first_file(module)?;
    let start = if file.text().starts_with('\u{feff}') {
        3
    } else {
        0
    };
    let text = format!("terraform {{\n  {}\n}}\n\n", list.replace('\n', "\n  "));
    Some(vec![insertion(file, start, text)])
}

fn first_file<'a>(module: &Module<'a>) -> Option<&'a SourceFile> {
    let files = || {
        module
            .files
            .iter()
            .copied()
            .filter(|file| is_configuration(file))
    };
    let named = |name: &&str| files().find(|file| file.name() == *name);
    FILES.iter().find_map(named).or_else(|| files().next())
}

/// True for `.tf` and `.tofu` files, which are no tests and no queries.
pub(super) fn is_configuration(file: &SourceFile) -> bool {
    file.kind == FileKind::Terraform && !file.name().ends_with(".hcl")
}

/// True for a block that fixes may rewrite.
pub(super) fn is_rewritable(block: &Block<'_>) -> bool {
    is_configuration(block.file) && matches!(block.content, Content::Native(_))
}
