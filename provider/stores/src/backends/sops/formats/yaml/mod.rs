//! YAML as `sops` writes it. Aliases are refused: `sops` never writes one, and they can grow without bound.
//!
//! Values without quotes get the types that the YAML library of `sops` gives them, because the hash over the
//! file depends on them.

mod comments;
mod scalar;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use zeroize::Zeroizing;

use super::super::tree::{Item, MAX_DEPTH, Node};
use super::{Reason, unique};
use comments::{Comments, Start};

/// The documents of `text`.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<Item>>, Reason> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        // The library's own words may quote the file.
        let (event, span) =
            event.map_err(|error| format!("line {} is no YAML", error.marker().line()))?;
        builder.take(event, span.start, span.end)?;
    }
    let Builder {
        mut documents,
        starts,
        scalars,
        ..
    } = builder;
    if text.contains('#') {
        let mut comments = Comments::find(text, &scalars).assign(&starts).into_iter();
        for document in &mut documents {
            attach(document, &mut comments);
        }
    }
    Ok(documents)
}

/// Gives every item its comments; items stand in the order in which they started.
fn attach(items: &mut [Item], comments: &mut impl Iterator<Item = Vec<String>>) {
    for item in items {
        item.comments = comments.next().unwrap_or_default();
        if let Node::Map(inner) | Node::List(inner) = &mut item.node {
            attach(inner, comments);
        }
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Frame>,
    root: Option<Node>,
    documents: Vec<Vec<Item>>,
    /// Where each item starts, in order.
    starts: Vec<Start>,
    /// The characters that scalars take up, in order.
    scalars: Vec<(usize, usize)>,
}

enum Frame {
    Map(Vec<Item>, Option<String>),
    List(Vec<Item>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>, start: Marker, end: Marker) -> Result<(), Reason> {
        let line = start.line();
        match event {
            Event::Alias(_) => {
                return Err(format!(
                    "line {line} has a YAML alias, which `sops` never writes"
                ));
            }
            Event::Scalar(text, style, _, tag) => {
                self.scalars.push((start.index(), end.index()));
                self.begin(start, style != ScalarStyle::Plain || !text.is_empty());
                let node = match tag {
                    Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == "str") => {
                        return Err(format!("line {line} has a YAML tag other than `!!str`"));
                    }
                    None if style == ScalarStyle::Plain => scalar::resolve(&text)
                        .ok_or_else(|| format!("line {line} has a number that is too large"))?,
                    _ => Node::Text(Zeroizing::new(text.into_owned())),
                };
                return self.complete(node, line);
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if let Some(Frame::Map(_, None)) = self.open.last() {
                    return Err(format!("line {line} has a key that is no text"));
                }
                self.begin(start, true);
                if self.open.len() >= MAX_DEPTH {
                    return Err(format!("line {line} is nested too deep"));
                }
                self.open.push(match event {
                    Event::MappingStart(..) => Frame::Map(Vec::new(), None),
                    _ => Frame::List(Vec::new()),
                });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let node = match self.open.pop() {
                    Some(Frame::Map(items, _)) => {
                        unique(&items)?;
                        Node::Map(items)
                    }
                    Some(Frame::List(items)) => Node::List(items),
                    None => Node::Null,
                };
                return self.complete(node, line);
            }
            Event::DocumentEnd => match self.root.take() {
                Some(Node::Map(items)) => self.documents.push(items),
                Some(Node::Null) | None => self.documents.push(Vec::new()),
                Some(_) => return Err("a document is no map".to_owned()),
            },
            Event::DocumentStart(_) | Event::StreamStart | Event::StreamEnd | Event::Nothing => {}
        }
        Ok(())
    }

    /// Notes where an item starts: a key, or an entry of a list.
    fn begin(&mut self, start: Marker, visible: bool) {
        if matches!(self.open.last(), Some(Frame::Map(_, None) | Frame::List(_))) {
            self.starts.push(Start {
                index: start.index(),
                line: start.line(),
                column: start.col(),
                visible,
            });
        }
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: Node, line: usize) -> Result<(), Reason> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List(items)) => items.push(Item::new("", node)),
            Some(Frame::Map(items, key)) => match (key.take(), node) {
                (Some(key), node) => items.push(Item::new(key, node)),
                (None, Node::Text(mut text)) => *key = Some(std::mem::take(&mut *text)),
                (None, _) => return Err(format!("line {line} has a key that is no text")),
            },
        }
        Ok(())
    }
}
