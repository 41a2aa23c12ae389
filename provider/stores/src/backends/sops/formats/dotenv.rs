//! Files of `NAME=value` lines. `\n` in a value stands for a line break; metadata are entries `sops_…`.

use super::super::tree::{Encrypted, Item, Node};
use super::unflatten::unflatten;
use super::{Reason, unique};

/// `None` when there are no metadata.
pub(super) fn parse(text: &str) -> Result<Option<Encrypted>, Reason> {
    let (mut items, mut metadata, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    for (index, line) in text.split('\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            comments.push(comment.to_owned());
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("line {} is no `NAME=value`", index + 1))?;
        let value = value.replace("\\n", "\n");
        match key.strip_prefix("sops_") {
            Some(key) => metadata.push((key.to_owned(), value)),
            None => items.push(Item {
                comments: std::mem::take(&mut comments),
                ..Item::new(key, Node::text(value))
            }),
        }
    }
    if metadata.is_empty() {
        return Ok(None);
    }
    unique(&items)?;
    Ok(Some(Encrypted {
        documents: vec![items],
        metadata: unflatten(metadata)?,
    }))
}
