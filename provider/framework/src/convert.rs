//! Between the protocol's messages and this crate's types: the only place that knows both vocabularies.

use std::time::{Duration, SystemTime};

use prost_types::Timestamp;
use secret_value::redaction;
use tfplugin::proto;
use zeroize::Zeroizing;

use crate::codec::msgpack;
use crate::codec::{CodecError, CodecErrorKind};
use crate::context::Capabilities;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::function::{FunctionError, Parameter, Signature};
use crate::managed::IdentitySchema;
use crate::path::{Path, Step};
use crate::schema::{Attribute, AttributeKind, Block, Mode, NestedBlock, Nesting, Schema};
use crate::stored::StoredState;
use crate::types::Type;
use crate::value::{Object, Value};

const MARKDOWN: i32 = proto::StringKind::Markdown as i32;

/// Reads a value; a missing one is null. Secrets in it become known to the redaction filter.
pub(crate) fn value(message: Option<proto::DynamicValue>, ty: &Type) -> Result<Value, Diagnostics> {
    let Some(message) = message else {
        return Ok(Value::Null);
    };
    // The bytes may hold secrets and are not needed any more.
    let (msgpack, json) = (
        Zeroizing::new(message.msgpack),
        Zeroizing::new(message.json),
    );
    let value = if msgpack.is_empty() && !json.is_empty() {
        crate::codec::json::decode(&json, ty)
    } else {
        msgpack::decode(&msgpack, ty)
    };
    let value = value.map_err(|error| codec_problem(&error))?;
    register_secrets(&value);
    Ok(value)
}

/// Writes a value. Secrets in it become known to the redaction filter.
pub(crate) fn dynamic(value: &Value, ty: &Type) -> Result<proto::DynamicValue, Diagnostics> {
    register_secrets(value);
    let msgpack = msgpack::encode(value, ty).map_err(|error| codec_problem(&error))?;
    Ok(proto::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

fn register_secrets(value: &Value) {
    match value {
        Value::Secret(secret) => redaction::register(secret),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            items.iter().for_each(register_secrets);
        }
        Value::Map(items) | Value::Object(items) => items.values().for_each(register_secrets),
        Value::Dynamic(inner) => register_secrets(&inner.value),
        _ => {}
    }
}

fn codec_problem(error: &CodecError) -> Diagnostics {
    let summary = match error.kind {
        CodecErrorKind::UnsafeText { .. } => "Secret is not plain text",
        _ => "Value does not fit the schema",
    };
    let mut detail = error.kind.to_string();
    if let Some(first) = detail.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    Diagnostic::error(summary)
        .detail(format!("{detail}."))
        .at(error.path.clone())
        .into()
}

/// Writes diagnostics, masked.
pub(crate) fn diagnostics(diagnostics: &Diagnostics) -> Vec<proto::Diagnostic> {
    diagnostics.iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: &Diagnostic) -> proto::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => proto::diagnostic::Severity::Error,
        Severity::Warning => proto::diagnostic::Severity::Warning,
    };
    proto::Diagnostic {
        severity: severity.into(),
        summary: redaction::redact(&diagnostic.summary).into_owned(),
        detail: redaction::redact(&diagnostic.detail).into_owned(),
        attribute: (!diagnostic.path.is_root()).then(|| path(&diagnostic.path)),
    }
}

/// Writes a path.
pub(crate) fn path(path: &Path) -> proto::AttributePath {
    use proto::attribute_path::step::Selector;
    let step = |step: &Step| proto::attribute_path::Step {
        selector: Some(match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(*index),
        }),
    };
    proto::AttributePath {
        steps: path.steps().iter().map(step).collect(),
    }
}

/// Writes a function's error, masked.
pub(crate) fn function_error(error: &FunctionError) -> proto::FunctionError {
    proto::FunctionError {
        text: redaction::redact(&error.text).into_owned(),
        function_argument: error.argument,
    }
}

/// Reads what the other side can do; nothing is assumed.
pub(crate) fn capabilities(message: Option<proto::ClientCapabilities>) -> Capabilities {
    let message = message.unwrap_or_default();
    Capabilities {
        deferral: message.deferral_allowed,
        write_only_attributes: message.write_only_attributes_allowed,
    }
}

/// Writes a time.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or(0),
    }
}

/// Reads stored state.
pub(crate) fn stored(message: Option<proto::RawState>) -> Result<StoredState, Diagnostics> {
    let message = message.unwrap_or_default();
    if message.json.is_empty() && !message.flatmap.is_empty() {
        return Err(Diagnostic::error("State is too old")
            .detail("The state was written by Terraform 0.11 or older. Run a newer Terraform's `apply -refresh-only` with an older provider first.")
            .into());
    }
    Ok(StoredState::new(message.json))
}

/// Reads an identity.
pub(crate) fn identity(
    message: Option<proto::ResourceIdentityData>,
    schema: Option<&IdentitySchema>,
) -> Result<Option<Object>, Diagnostics> {
    let (Some(message), Some(schema)) = (message, schema) else {
        return Ok(None);
    };
    match value(message.identity_data, &schema.ty())? {
        Value::Object(object) => Ok(Some(object)),
        _ => Ok(None),
    }
}

/// Writes an identity.
pub(crate) fn identity_data(
    identity: Option<Object>,
    schema: Option<&IdentitySchema>,
) -> Result<Option<proto::ResourceIdentityData>, Diagnostics> {
    let (Some(identity), Some(schema)) = (identity, schema) else {
        return Ok(None);
    };
    let data = dynamic(&Value::Object(identity), &schema.ty())?;
    Ok(Some(proto::ResourceIdentityData {
        identity_data: Some(data),
    }))
}

/// Writes the schema of an identity.
pub(crate) fn identity_schema(schema: IdentitySchema) -> proto::ResourceIdentitySchema {
    let attribute = |attribute: crate::managed::IdentityAttribute| {
        proto::resource_identity_schema::IdentityAttribute {
            name: attribute.name,
            r#type: attribute.ty.to_json().into_bytes(),
            required_for_import: attribute.required_for_import,
            optional_for_import: !attribute.required_for_import,
            description: attribute.description,
        }
    };
    proto::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: schema.attributes.into_iter().map(attribute).collect(),
    }
}

/// Writes a schema.
pub(crate) fn schema(schema: &Schema) -> proto::Schema {
    proto::Schema {
        version: schema.version,
        block: Some(block(&schema.block)),
    }
}

fn block(block: &Block) -> proto::schema::Block {
    proto::schema::Block {
        version: 0,
        attributes: block.attributes.iter().map(attribute).collect(),
        block_types: block.blocks.iter().map(nested_block).collect(),
        description: block.description.clone(),
        description_kind: MARKDOWN,
        deprecated: block.deprecated.is_some(),
        deprecation_message: block.deprecated.clone().unwrap_or_default(),
        computed: false,
    }
}

fn attribute(attribute: &Attribute) -> proto::schema::Attribute {
    let nested_type = match &attribute.kind {
        AttributeKind::Nested {
            nesting,
            attributes,
        } => Some(proto::schema::Object {
            attributes: attributes.iter().map(self::attribute).collect(),
            nesting: object_nesting(*nesting).into(),
            ..Default::default()
        }),
        AttributeKind::Type(_) | AttributeKind::Unsupported(_) => None,
    };
    let ty = if nested_type.is_some() {
        Vec::new()
    } else {
        attribute.ty().to_json().into_bytes()
    };
    proto::schema::Attribute {
        name: attribute.name.clone(),
        r#type: ty,
        description: attribute.description.clone(),
        required: attribute.mode == Mode::Required,
        optional: matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
        description_kind: MARKDOWN,
        deprecated: attribute.deprecated.is_some(),
        nested_type,
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn nested_block(nested: &NestedBlock) -> proto::schema::NestedBlock {
    use proto::schema::nested_block::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::Group => NestingMode::Group,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    proto::schema::NestedBlock {
        type_name: nested.name.clone(),
        block: Some(block(&nested.block)),
        nesting: nesting.into(),
        min_items: nested.min_items.into(),
        max_items: nested.max_items.into(),
    }
}

/// A group of nested attributes is refused by `Schema::validate`; it is sent as a single one.
fn object_nesting(nesting: Nesting) -> proto::schema::object::NestingMode {
    use proto::schema::object::NestingMode;
    match nesting {
        Nesting::Single | Nesting::Group => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    }
}

/// Writes the signature of a function.
pub(crate) fn function(signature: Signature) -> proto::Function {
    proto::Function {
        parameters: signature.parameters.into_iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.map(parameter),
        r#return: Some(proto::function::Return {
            r#type: signature.result.to_json().into_bytes(),
        }),
        summary: signature.summary,
        description: signature.description,
        description_kind: MARKDOWN,
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: Parameter) -> proto::function::Parameter {
    proto::function::Parameter {
        name: parameter.name,
        r#type: parameter.ty.to_json().into_bytes(),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: parameter.allow_unknown,
        description: parameter.description,
        description_kind: MARKDOWN,
    }
}
