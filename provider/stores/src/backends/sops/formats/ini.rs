//! INI files as `sops` writes them: sections of `key = value`, values quoted where they must be.
//!
//! The rules are those of the `ini` library that `sops` uses: the name ends at the first `=` or `:`; a value in
//! backquotes or in three double quotes stands as it is, also over several lines; `#` and `;` start a comment
//! elsewhere; one pair of quotes around a value is taken off. Metadata are the section `sops`.

use super::super::tree::{Encrypted, Item, Node};
use super::unflatten::unflatten;
use super::{Reason, unique};

/// `None` when there is no section `sops`.
pub(super) fn parse(text: &str) -> Result<Option<Encrypted>, Reason> {
    // The section of entries before the first header is always there, and counts even when it is empty.
    let mut sections = vec![(Item::new("DEFAULT", Node::Null), Section::default())];
    let mut lines = text.split('\n').enumerate();
    let mut comments: Vec<String> = Vec::new();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_start().trim_end_matches('\r');
        if line.trim_end().is_empty() {
            continue;
        }
        if line.starts_with(['#', ';']) {
            comments.push(comment(line));
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let end = rest
                .rfind(']')
                .ok_or_else(|| format!("the section in line {} does not end", index + 1))?;
            let section = Section {
                // The comment of a section stands for those before its first entry.
                comments: std::mem::take(&mut comments),
                items: Vec::new(),
            };
            sections.push((Item::new(&rest[..end], Node::Null), section));
            continue;
        }
        let (key, rest) =
            key(line).ok_or_else(|| format!("line {} is no `key = value`", index + 1))?;
        let (value, inline) = value(rest, &mut lines)
            .ok_or_else(|| format!("the value in line {} does not end", index + 1))?;
        comments.extend(inline);
        let own = std::mem::take(&mut comments);
        if let Some((_, section)) = sections.last_mut() {
            section.push(key, value, own);
        }
    }
    let mut documents = Vec::new();
    let mut metadata = None;
    for (mut item, section) in sections {
        unique(&section.items)?;
        if item.key == "sops" {
            metadata = Some(flat(section.items));
            continue;
        }
        item.node = Node::Map(section.items);
        documents.push(item);
    }
    unique(&documents)?;
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    Ok(Some(Encrypted {
        documents: vec![documents],
        metadata: unflatten(metadata)?,
    }))
}

#[derive(Default)]
struct Section {
    items: Vec<Item>,
    /// Comments that the next entry is under. `sops` keeps the comment of an entry behind it, so that it
    /// counts for the entry that follows.
    comments: Vec<String>,
}

impl Section {
    fn push(&mut self, key: String, value: String, own: Vec<String>) {
        let comments = std::mem::replace(&mut self.comments, own);
        self.items.push(Item {
            comments,
            ..Item::new(key, Node::text(value))
        });
    }
}

fn flat(items: Vec<Item>) -> Vec<(String, String)> {
    let flat = items.into_iter().map(|item| {
        let text = item.node.as_text().unwrap_or_default().replace("\\n", "\n");
        (item.key, text)
    });
    flat.collect()
}

fn comment(line: &str) -> String {
    let sign = if line.starts_with(';') { ';' } else { '#' };
    line.trim_start_matches([sign, ' ']).trim_end().to_owned()
}

/// The name of an entry and what stands behind its separator.
fn key(line: &str) -> Option<(String, &str)> {
    for quote in ["\"\"\"", "\"", "`"] {
        if let Some(rest) = line.strip_prefix(quote) {
            let (name, after) = rest.split_once(quote)?;
            let separator = after.find(['=', ':'])?;
            return Some((name.to_owned(), &after[separator + 1..]));
        }
    }
    let separator = line.find(['=', ':']).filter(|place| *place > 0)?;
    Some((line[..separator].trim().to_owned(), &line[separator + 1..]))
}

/// A value and the comment on its line.
fn value<'a>(
    text: &str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Option<(String, Option<String>)> {
    let text = text.trim_start();
    for quote in ["\"\"\"", "`"] {
        let Some(rest) = text.strip_prefix(quote) else {
            continue;
        };
        if let Some(end) = rest.rfind(quote) {
            return Some((rest[..end].to_owned(), None));
        }
        let mut value = rest.to_owned();
        loop {
            let (_, line) = lines.next()?;
            value.push('\n');
            if let Some(end) = line.rfind(quote) {
                value.push_str(&line[..end]);
                return Some((value, None));
            }
            value.push_str(line);
        }
    }
    let mut whole = text.trim_end().to_owned();
    while whole.ends_with('\\') {
        whole.pop();
        match lines.next() {
            Some((_, line)) => whole.push_str(line.trim()),
            None => break,
        }
    }
    let inline = whole.find(['#', ';']).map(|place| {
        let inline = comment(&whole[place..]);
        whole.truncate(place);
        inline
    });
    let mut value = whole.trim();
    for quote in ['\'', '"'] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|inner| inner.strip_suffix(quote))
            .filter(|inner| !inner.contains(quote));
        if let Some(inner) = inner {
            value = inner;
            break;
        }
    }
    Some((value.to_owned(), inline))
}
