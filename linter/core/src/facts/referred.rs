//! Files that `file` and `templatefile` read: which they are, and what a template makes of its variables.

use std::sync::LazyLock;

use hcl_syntax::{Expr, ExprKind, Part};
use memchr::memmem::Finder;
use rustc_hash::FxHashSet;

use crate::facts::block::peel;
use crate::facts::constant::constant_string;
use crate::facts::file::{FileKind, SourceFile};
use crate::facts::places::Places;
use crate::facts::workspace::resolve;

/// How the names of the functions end.
static CALL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("file"));

/// The display paths of the files that a file of Terraform or Packer configuration reads, sorted, each once.
#[must_use]
pub fn referred_files(file: &SourceFile) -> Vec<String> {
    if !matches!(file.kind, FileKind::Terraform | FileKind::Packer) {
        return Vec::new();
    }
    let mut calls = Places::default();
    calls.search(file.text(), &CALL, |rest| {
        rest.trim_start().starts_with('(')
    });
    if calls.is_empty() {
        return Vec::new();
    }
    let mut bodies = vec![file.parsed.body()];
    let mut paths = Vec::new();
    while let Some(body) = bodies.pop() {
        let attributes = body.attributes();
        for attribute in attributes.filter(|attribute| calls.any_in(attribute.span())) {
            paths.extend(attribute.value().walk().filter_map(|expr| {
                let ExprKind::Call(call) = expr.kind() else {
                    return None;
                };
                if !matches!(call.name(), "file" | "templatefile") {
                    return None;
                }
                referred_path(file, call.args().next()?)
            }));
        }
        let blocks = body.blocks().filter(|block| calls.any_in(block.span()));
        bodies.extend(blocks.map(hcl_syntax::Block::body));
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The folders of local modules that a file calls: `module` blocks, terragrunt's `terraform { source }`.
#[must_use]
pub fn called_folders(file: &SourceFile) -> Vec<String> {
    let block_kind = match file.kind {
        FileKind::Terraform => "module",
        FileKind::Terragrunt => "terraform",
        _ => return Vec::new(),
    };
    let sources = file
        .parsed
        .body()
        .blocks()
        .filter(|block| block.kind() == block_kind)
        .filter_map(|block| block.body().attribute("source"));
    let folder = |source: hcl_syntax::Attribute<'_>| {
        resolve(file.folder(), &constant_string(source.value())?)
    };
    sources.filter_map(folder).collect()
}

/// The display path that a constant path means: `"${path.module}/init.sh"`, `"./init.sh"`, `"init.sh"`.
#[must_use]
pub fn referred_path(file: &SourceFile, path: Expr<'_>) -> Option<String> {
    let ExprKind::Template(template) = peel(path).kind() else {
        return None;
    };
    if let Some(text) = template.as_literal() {
        if text.starts_with(['/', '~']) {
            return None;
        }
        return resolve(file.folder(), &format!("./{text}"));
    }
    let mut parts = template.parts();
    match (parts.next()?, parts.next()?, parts.next()) {
        (Part::Interpolation(folder), Part::Literal(rest), None)
            if matches!(
                folder.text().trim(),
                "path.module" | "path.root" | "path.cwd" | "abspath(path.root)"
            ) =>
        {
            let rest = rest.value();
            rest.starts_with('/')
                .then(|| resolve(file.folder(), &format!(".{rest}")))?
        }
        _ => None,
    }
}

/// The words inside the interpolations and directives of a template: a variable that is not among them
/// does not reach the result.
#[must_use]
pub fn template_words(text: &str) -> FxHashSet<&str> {
    let mut words = FxHashSet::default();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest.as_bytes(), b"{") {
        let (before, inside) = (&rest[..at], &rest[at + 1..]);
        let opens = (before.ends_with('$') && !before.ends_with("$$"))
            || (before.ends_with('%') && !before.ends_with("%%"));
        if !opens {
            rest = inside;
            continue;
        }
        let end = inside.find('}').unwrap_or(inside.len());
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        words.extend(
            inside[..end]
                .split(|c| !is_word(c))
                .filter(|word| !word.is_empty()),
        );
        rest = &inside[end..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FileId;

    #[test]
    fn constant_paths_are_resolved_from_the_module() {
        let text = "locals {\n  a = file(\"${path.module}/init.sh\")\n  b = templatefile(\"../shared/x.tftpl\", { c = file(\"y.txt\") })\n  d = file(var.name)\n  e = file(\"/etc/passwd\")\n  f = file(\"${path.module}/${var.x}\")\n  g = filebase64(\"z\")\n}\n";
        let file = SourceFile::new(FileId(0), "live/app/main.tf", FileKind::Terraform, text);
        assert_eq!(
            referred_files(&file),
            ["live/app/init.sh", "live/app/y.txt", "live/shared/x.tftpl"]
        );
    }

    #[test]
    fn words_of_templates() {
        let words = template_words(
            "a=${password} $${not_this} %{ if enabled }x%{ endif } {json} ${jsonencode(app.key)",
        );
        for word in ["password", "enabled", "app", "key"] {
            assert!(words.contains(word), "{word}");
        }
        assert!(!words.contains("not_this") && !words.contains("json"));
    }
}
