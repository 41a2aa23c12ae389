//! How the targets read their input: the type in JSON, a zero byte, the value. And how they write it.

use tf_framework::codec::{CodecErrorKind, msgpack};
use tf_framework::types::Type;
use tf_framework::value::Value;

/// Splits the input; `None` when it does not start with a type.
pub(crate) fn split(input: &[u8]) -> Option<(Type, &[u8])> {
    let end = input.iter().position(|byte| *byte == 0)?;
    let ty = Type::from_json(&input[..end]).ok()?;
    // A type survives being written.
    assert_eq!(Type::from_json(ty.to_json().as_bytes()).as_ref(), Ok(&ty));
    Some((ty, &input[end + 1..]))
}

/// What was read can be written, but for text that a core would change: it is refused on the way out.
pub(crate) fn written(value: &Value, ty: &Type) -> Option<Vec<u8>> {
    match msgpack::encode(value, ty) {
        Ok(written) => Some(written),
        Err(error) => {
            let changed = matches!(error.kind, CodecErrorKind::UnsafeText { utf8: true, .. });
            assert!(changed, "what was read cannot be written: {error}");
            None
        }
    }
}
