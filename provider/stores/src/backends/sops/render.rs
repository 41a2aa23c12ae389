//! Decrypted documents as JSON text, for selectors.

use secret_value::Secret;
use zeroize::Zeroizing;

use super::tree::{Item, Node};

/// The JSON text of the only document, or a list of several.
///
/// # Errors
/// The key of a value that is no text, which JSON cannot hold.
pub(super) fn render(documents: &[Vec<Item>]) -> Result<Secret, String> {
    if let Some(key) = documents.iter().find_map(|items| bytes(items)) {
        return Err(format!("the value of `{key}` is not text"));
    }
    Ok(text(documents))
}

/// The key of the first value that is no text.
fn bytes(items: &[Item]) -> Option<&str> {
    items.iter().find_map(|item| match &item.node {
        Node::Bytes(_) => Some(item.key.as_str()),
        Node::Map(inner) | Node::List(inner) => bytes(inner),
        _ => None,
    })
}

fn text(documents: &[Vec<Item>]) -> Secret {
    let size: usize = documents.iter().map(|items| room(items) + 1).sum();
    // Room for the worst escaping, so that the buffer never moves and leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(size + 2));
    match documents {
        [only] => map(&mut text, only),
        several => {
            sequence(&mut text, ('[', ']'), several, |text, document| {
                map(text, document);
            });
        }
    }
    Secret::new(std::mem::take(&mut *text).into_bytes())
}

fn room(items: &[Item]) -> usize {
    let one = |item: &Item| {
        let value = match &item.node {
            Node::Map(inner) | Node::List(inner) => room(inner),
            Node::Text(text) => 6 * text.len() + 2,
            Node::Time(text) => 6 * text.len() + 2,
            // The longest float has a few hundred digits.
            Node::Float(_) => 400,
            _ => 24,
        };
        6 * item.key.len() + value + 4
    };
    items.iter().map(one).sum::<usize>() + 2
}

fn sequence<T>(
    text: &mut String,
    (open, close): (char, char),
    parts: &[T],
    mut one: impl FnMut(&mut String, &T),
) {
    text.push(open);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        one(text, part);
    }
    text.push(close);
}

fn map(text: &mut String, items: &[Item]) {
    sequence(text, ('{', '}'), items, |text, item| {
        crate::select::push_quoted(text, &item.key);
        text.push(':');
        value(text, &item.node);
    });
}

fn value(text: &mut String, node: &Node) {
    match node {
        Node::Null | Node::Bytes(_) => text.push_str("null"),
        Node::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Node::Int(number) => text.push_str(&number.to_string()),
        Node::Float(number) if number.is_finite() => text.push_str(&number.to_string()),
        // JSON has no number for these.
        Node::Float(number) => crate::select::push_quoted(text, &number.to_string()),
        Node::Time(plain) => crate::select::push_quoted(text, plain),
        Node::Text(plain) => crate::select::push_quoted(text, plain),
        Node::Map(items) => map(text, items),
        Node::List(items) => {
            sequence(text, ('[', ']'), items, |text, item| {
                value(text, &item.node);
            });
        }
    }
}
