//! JSON, and the wrapping of binary files.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::super::tree::{Item, MAX_DEPTH, Node};
use super::{Reason, unique};

/// The members of the object that `text` is.
pub(super) fn parse(text: &str) -> Result<Vec<Item>, Reason> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let node = Value(0)
        .deserialize(&mut reader)
        .map_err(|error| describe(&error))?;
    reader.end().map_err(|error| describe(&error))?;
    match node {
        Node::Map(items) => Ok(items),
        _ => Err("it is JSON, and no object".to_owned()),
    }
}

/// The error without the text that `serde_json` may quote.
fn describe(error: &serde_json::Error) -> Reason {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "is cut off",
        serde_json::error::Category::Data => {
            "has a key twice, a number that is too large or too many levels"
        }
        _ => "is no JSON",
    };
    format!("it {what} (line {})", error.line())
}

#[derive(Clone, Copy)]
struct Value(usize);

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        if self.0 > MAX_DEPTH {
            return Err(D::Error::custom("too deep"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Int(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers over 64 bits are what SOPS takes for approximate ones, too"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(i64::try_from(value).map_or(Node::Float(value as f64), Node::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::text(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(node) = list.next_element_seed(Value(self.0 + 1))? {
            items.push(Item::new("", node));
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            let node = map.next_value_seed(Value(self.0 + 1))?;
            items.push(Item::new(key, node));
        }
        unique(&items).map_err(A::Error::custom)?;
        Ok(Node::Map(items))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}
