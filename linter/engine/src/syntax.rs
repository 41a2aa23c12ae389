//! Errors of the syntax -> findings; none for what other programs make or read.

use secretlint_core::Finding;
use secretlint_core::facts::{FileKind, SourceFile};

use crate::own;

/// One finding a file: the first error, because the others often follow from it.
pub(crate) fn syntax_error(file: &SourceFile) -> Option<Finding> {
    if file.kind.is_beside() {
        return None;
    }
    let (first, rest) = file.parsed.errors().split_first()?;
    if is_template(file, first.span.start as usize) || is_policy(file) {
        return None;
    }
    let message = match rest.len() {
        0 => first.message().to_owned(),
        more => format!("{} ({more} more below)", first.message()),
    };
    let place = file.place(first.span);
    Some(Finding {
        help: first.help().into(),
        ..Finding::new(own::syntax_error(), place, String::new(), message)
    })
}

/// True where something else makes the file before it is read, and the error is in what it replaces:
/// `<%= output("x") %>`, `{% for x in y %}`, `{{- if .Name }}`.
fn is_template(file: &SourceFile, error: usize) -> bool {
    const SIGNS: &[(&str, &str)] = &[("<%", "%>"), ("{%", "%}"), ("{{", "}}")];
    let text = file.text();
    let (Some(before), Some(after)) = (text.get(..error), text.get(error..)) else {
        return false;
    };
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = &text[start..error + after.find('\n').unwrap_or(after.len())];
    let error = error - start;
    SIGNS.iter().any(|(open, close)| {
        let opens = line.match_indices(open).map(|(at, _)| at);
        // Where the last one before is closed, those before it are, too.
        let last = opens.take_while(|at| *at <= error + 1).last();
        last.is_some_and(|at| {
            let end = line[at..].find(close).map(|end| at + end + close.len());
            end.is_some_and(|end| error < end)
        })
    })
}

/// True for a policy of Vault or Consul: their reader takes what the language of Terraform does not, a brace on
/// the next line for instance.
fn is_policy(file: &SourceFile) -> bool {
    const WORDS: &[&str] = &["path", "key_prefix", "service_prefix", "node_prefix"];
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with(['#', '/']);
    let mut lines = file.text().lines().map(str::trim).filter(is_code);
    file.kind == FileKind::Terragrunt
        && lines.next().is_some_and(|line| {
            let mut words = line.split([' ', '"']);
            words.next().is_some_and(|word| WORDS.contains(&word)) && line.contains('"')
        })
}
