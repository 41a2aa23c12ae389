//! Checks a TOML value against the JSON Schema of its form and reports every mistake with its
//! place: unknown keys with the nearest known one, wrong types, missing keys, unknown words.

use secret_policy::nearest;
use serde_json::Value as Schema;
use toml_span::value::{Table, ValueInner};
use toml_span::{Span, Value};

use super::Trouble;

/// Compares a value with the schema; `root` resolves `$ref`.
pub(super) fn check(value: &Value<'_>, schema: &Schema, root: &Schema, out: &mut Vec<Trouble>) {
    let schema = resolved(schema, root);
    if let Some(choices) = words(schema, root) {
        return check_word(value, &choices, out);
    }
    match value.as_ref() {
        ValueInner::Table(table) => check_table(table, value.span, schema, root, out),
        ValueInner::Array(items) if allows(schema, "array") => {
            if let Some(item_schema) = schema.get("items") {
                for item in items {
                    check(item, item_schema, root, out);
                }
            }
        }
        ValueInner::Integer(number) if allows(schema, "integer") => {
            if *number < 0 && schema.get("minimum").and_then(Schema::as_i64) == Some(0) {
                out.push(Trouble::new(
                    value.span,
                    "must not be negative".to_owned(),
                    "write 0 or more".to_owned(),
                ));
            }
        }
        found if allows(schema, name_of(found)) => {}
        found => out.push(Trouble::new(
            value.span,
            format!(
                "expected {}, found {}",
                expected(schema),
                article(name_of(found))
            ),
            "see the JSON Schema of secretlint.toml for every key and its type".to_owned(),
        )),
    }
}

fn check_table(
    table: &Table<'_>,
    span: Span,
    schema: &Schema,
    root: &Schema,
    out: &mut Vec<Trouble>,
) {
    if !allows(schema, "object") {
        let message = format!("expected {}, found a table", expected(schema));
        return out.push(Trouble::new(span, message, "remove the table".to_owned()));
    }
    let known = schema.get("properties").and_then(Schema::as_object);
    for (key, value) in table {
        let property = known.and_then(|known| known.get(&*key.name));
        match (property, schema.get("additionalProperties")) {
            (Some(property), _) => check(value, property, root, out),
            (None, Some(Schema::Bool(false))) => out.push(unknown_key(&key.name, key.span, known)),
            (None, Some(any)) if any.is_object() => check(value, any, root, out),
            (None, _) => {}
        }
    }
    let required = schema
        .get("required")
        .and_then(Schema::as_array)
        .into_iter()
        .flatten();
    for name in required
        .filter_map(Schema::as_str)
        .filter(|name| !table.contains_key(*name))
    {
        out.push(Trouble::new(
            span,
            format!("`{name}` is missing"),
            format!("add `{name} = …`"),
        ));
    }
}

fn unknown_key(name: &str, span: Span, known: Option<&serde_json::Map<String, Schema>>) -> Trouble {
    let names: Vec<&str> = known
        .into_iter()
        .flat_map(|known| known.keys())
        .map(String::as_str)
        .collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", names.join(", ")),
    };
    Trouble::new(span, format!("unknown key `{name}`"), help)
}

fn check_word(value: &Value<'_>, choices: &[&str], out: &mut Vec<Trouble>) {
    let word = match value.as_ref() {
        ValueInner::String(word) => word,
        other => {
            let message = format!(
                "expected one of {}, found {}",
                listed(choices),
                article(name_of(other))
            );
            return out.push(Trouble::new(
                value.span,
                message,
                "write it in quotes".to_owned(),
            ));
        }
    };
    if !choices.contains(&&**word) {
        let help = match nearest(word, choices.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write one of {}", listed(choices)),
        };
        out.push(Trouble::new(
            value.span,
            format!("unknown value \"{word}\""),
            help,
        ));
    }
}

fn listed(choices: &[&str]) -> String {
    choices
        .iter()
        .map(|choice| format!("\"{choice}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Follows `$ref` and unwraps `anyOf: [T, null]`.
fn resolved<'s>(mut schema: &'s Schema, root: &'s Schema) -> &'s Schema {
    // Each step goes to a definition; the bound only guards against a schema that refers to itself.
    for _ in 0..16 {
        let target = schema
            .get("$ref")
            .and_then(Schema::as_str)
            .and_then(|target| target.strip_prefix('#'));
        let inner = schema.get("anyOf").and_then(Schema::as_array);
        let not_null =
            |choice: &&Schema| choice.get("type").and_then(Schema::as_str) != Some("null");
        schema = match (
            target.and_then(|path| root.pointer(path)),
            inner.and_then(|any| any.iter().find(not_null)),
        ) {
            (Some(target), _) => target,
            (None, Some(inner)) => inner,
            (None, None) => return schema,
        };
    }
    schema
}

/// The words of an enumeration, `None` for other schemas.
fn words<'s>(schema: &'s Schema, root: &'s Schema) -> Option<Vec<&'s str>> {
    if let Some(words) = schema.get("enum").and_then(Schema::as_array) {
        return Some(words.iter().filter_map(Schema::as_str).collect());
    }
    let choices = schema.get("oneOf").and_then(Schema::as_array)?;
    let word = |choice: &'s Schema| resolved(choice, root).get("const").and_then(Schema::as_str);
    // The alternatives of a table are no words.
    choices.iter().map(word).collect()
}

fn allows(schema: &Schema, kind: &str) -> bool {
    match schema.get("type") {
        None => true,
        Some(Schema::String(name)) => name == kind || (name == "number" && kind == "integer"),
        Some(Schema::Array(names)) => names.iter().any(|name| name == kind),
        Some(_) => false,
    }
}

fn expected(schema: &Schema) -> String {
    let name = match schema.get("type") {
        Some(Schema::String(name)) => name,
        Some(Schema::Array(names)) => names
            .iter()
            .filter_map(Schema::as_str)
            .find(|name| *name != "null")
            .unwrap_or(""),
        _ => "",
    };
    article(name)
}

fn article(kind: &str) -> String {
    match kind {
        "array" | "integer" => format!("an {kind}"),
        "object" => "a table".to_owned(),
        kind => format!("a {kind}"),
    }
}

fn name_of(value: &ValueInner<'_>) -> &'static str {
    match value {
        ValueInner::String(_) => "string",
        ValueInner::Integer(_) => "integer",
        ValueInner::Float(_) => "number",
        ValueInner::Boolean(_) => "boolean",
        ValueInner::Array(_) => "array",
        ValueInner::Table(_) => "object",
    }
}
